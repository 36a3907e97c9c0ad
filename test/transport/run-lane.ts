// Owns a storm over the lane of the sanitized sip_sockets addon: streams of any bytes, rings of lies, flows that go in the middle.
import { createRequire } from 'node:module'
import type { BatchSockets } from '../../src/transport/native-sockets.ts'
import { RingReader, RingWriter } from '../../src/transport/shared-ring.ts'
import { dice } from './dice.ts'
import { connections, pause, report, stir } from './storm.ts'

const addon = createRequire(import.meta.url)(process.argv[2]!) as BatchSockets
const CAPACITY = 1 << 16
const OUT = 4096 + CAPACITY
const SHARDS = 3
const FLOWS = 30
const roll = dice(3)
const counts = { messages: 0, told: 0, unsent: 0, ended: 0, woken: 0, wrong: 0 }

function rig() {
  const memories = Array.from({ length: SHARDS }, () => {
    const fd = addon.createSharedMemory(2 * OUT)
    const memory = addon.mapSharedMemory(fd, 2 * OUT)
    addon.close(fd)
    return memory
  })
  const events = memories.map(() => addon.createEvent())
  const event = addon.createEvent()
  const report = new Int32Array(3 + 2 * 256)
  let open = true
  const readers = memories.map((memory) => new RingReader(memory, OUT, CAPACITY))
  const handle = addon.openLane(
    memories,
    0,
    OUT,
    CAPACITY,
    events,
    event,
    report,
    (flow, text) => {
      counts.told++
      if (text.length === 0) counts.wrong++
      if (roll(40) === 0) addon.laneRemove(handle, flow)
      return [0, 0, -1, -2, 7, 1 << 30][roll(6)]!
    },
    (flow, rest) => {
      counts.unsent++
      if (rest.length === 0 || report[2]! < 1) counts.wrong++
      if (roll(3) === 0) addon.laneRemove(handle, flow)
      else addon.laneHold(handle, flow, roll(3) === 0)
    },
    (flow) => {
      counts.ended++
      if (roll(2) === 0) addon.laneRemove(handle, flow)
    },
    () => {
      counts.woken++
      // As the front does it: the lane, then one record, then the lane again.
      for (const [shard, reader] of readers.entries())
        for (let n = 0; n < 50; n++)
          if (addon.laneDrain(handle, shard, 1 + roll(300)) === 0 && reader.drain(1, () => {}) === 0) break
    },
  )
  const close = (): void => {
    if (open) addon.closeHandle(handle)
    open = false
  }
  return { handle, memories, event, report, close }
}

async function storm(): Promise<ReturnType<typeof rig>> {
  const lane = rig()
  const { handle, memories, event, report } = lane
  const streams = await connections((flow, fd) => {
    if (!addon.laneAdd(handle, fd, flow, 5060, 0, 'tcp 127.0.0.1', 65_535, 65_535)) counts.wrong++
    // One number twice is one flow.
    if (addon.laneAdd(handle, fd, flow, 5060, 0, 'tcp 127.0.0.1', 65_535, 65_535)) counts.wrong++
  })
  const clients = Array.from({ length: FLOWS }, (_, n) => streams.open(n))
  const writers = memories.map((memory) => new RingWriter(memory, OUT, CAPACITY))
  const inputs = memories.map((memory) => new RingReader(memory, 0, CAPACITY))
  for (let round = 0; round < 400; round++) {
    const client = clients[roll(FLOWS)]!
    stir(client, roll(5), round, roll, 3)
    const shard = roll(SHARDS)
    for (let n = roll(40); n > 0; n--) writers[shard]!.push(6, n, roll(FLOWS + 3), 0, '', 'x'.repeat(roll(3000)), 0)
    addon.laneRoute(handle, `tcp ${'1'.repeat(roll(400))}`, roll(9), 0, roll(FLOWS))
    writers[shard]!.push(5, round, roll(9), 0, `tcp ${'1'.repeat(roll(400))}`, 'a text', 0)
    if (roll(8) === 0) {
      const words = new Int32Array(memories[shard]!, OUT)
      const at = (256 + (words[0]! & (CAPACITY - 1) & ~31)) >> 2
      for (let i = 0; i < 8; i++) words[at + i] = [roll(1 << 17), -1, 6, 32, 64, 2 ** 31 - 1][roll(6)]!
      Atomics.store(words, roll(6) === 0 ? 16 : 0, (words[0]! + [32, 64, 31, 1 << 20, CAPACITY][roll(5)]!) | 0)
    }
    addon.signalEvent(event)
    for (const input of inputs) counts.messages += input.drain(roll(200), () => {})
    if (addon.laneReport(handle, roll(FLOWS)) && (report[2]! < 0 || report[2]! > 32)) counts.wrong++
    if (roll(30) === 0) client.resetAndDestroy()
    if (roll(30) === 0) addon.laneForget(handle)
    if (roll(30) === 0) addon.laneRemove(handle, roll(FLOWS))
    if (roll(4) === 0) await pause(1)
  }
  streams.close()
  return lane
}

await report(storm, counts)
