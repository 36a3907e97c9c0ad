// Owns a storm over the loans of the sanitized sip_sockets addon: connections lent and taken back, passages that are full or empty.
import { createRequire } from 'node:module'
import type { BatchSockets } from '../../src/transport/native-sockets.ts'
import { RingReader } from '../../src/transport/shared-ring.ts'
import { dice } from './dice.ts'
import { connections, pause, report, stir } from './storm.ts'

const addon = createRequire(import.meta.url)(process.argv[2]!) as BatchSockets
const CAPACITY = 1 << 16
const PLACE = 4096 + CAPACITY
const FLOWS = 30
const roll = dice(5)
const counts = {
  messages: 0,
  lent: 0,
  refused: 0,
  missing: 0,
  over: 0,
  cut: 0,
  arrived: 0,
  told: 0,
  heard: 0,
  wrong: 0,
}

async function storm(): Promise<{ close(): void }> {
  const memoryFd = addon.createSharedMemory(3 * PLACE)
  const memory = addon.mapSharedMemory(memoryFd, 3 * PLACE)
  addon.close(memoryFd)
  const event = addon.createEvent()
  const [giving, taking] = addon.createPassage()
  const report = new Int32Array(3 + 2 * 256)
  /** Lent, and whether it was taken. */
  const lent = new Map<number, boolean>()
  const lane = addon.openLane(
    [memory],
    0,
    PLACE,
    CAPACITY,
    [event],
    addon.createEvent(),
    report,
    (flow) => {
      counts.told++
      if (lent.has(flow)) counts.wrong++
      return [0, 0, -1, -2, 7][roll(5)]!
    },
    () => {},
    (flow) => {
      if (lent.has(flow)) counts.wrong++
    },
    () => {},
  )
  const ring = new RingReader(memory, 2 * PLACE, CAPACITY)
  const whole = new RingReader(memory, 0, CAPACITY)
  const home = (flow: number): void => {
    lent.delete(flow)
    addon.laneTakeBack(lane, flow)
  }
  const loans = addon.openLoans(
    taking,
    memory,
    2 * PLACE,
    CAPACITY,
    () => {
      counts.arrived++
      if (roll(3) > 0) counts.messages += ring.drain(roll(20), () => {})
    },
    (flow) => {
      counts.over++
      if (!lent.get(flow)) counts.wrong++
      home(flow)
    },
  )
  const streams = await connections((flow, fd) => {
    if (!addon.laneAdd(lane, fd, flow, 5060, 0, 'tcp 127.0.0.1', 65_535, 65_535)) counts.wrong++
  })
  const clients = Array.from({ length: FLOWS }, (_, n) => streams.open(n))
  await pause(20)
  for (let round = 0; round < 1500; round++) {
    const n = roll(clients.length)
    const client = clients[n]!
    stir(client, roll(40), round, roll, 1)
    const flow = roll(streams.accepted())
    if (!lent.has(flow) && addon.laneLend(lane, flow, giving)) {
      counts.lent++
      lent.set(flow, false)
      // One is not lent twice.
      if (addon.laneLend(lane, flow, giving)) counts.wrong++
      if (roll(20) === 0) addon.emptyPassage(taking)
    } else if (!lent.has(flow)) counts.refused++
    for (const [one, taken] of lent) {
      if (taken || roll(3) > 0) continue
      // Of those that lie there the first ones are lost where another is asked for.
      const code = addon.loanTake(loans, one, 5060, 0, 'tcp 127.0.0.1', 65_535, 65_535)
      if (code === 0) lent.set(one, true)
      else {
        counts.missing++
        home(one)
      }
    }
    const text = 'x'.repeat(1 + roll(200_000))
    if (lent.get(flow) && addon.loanWrite(loans, flow, text) < text.length) counts.cut++
    if (addon.laneReport(lane, flow) && lent.has(flow) && report[0]! >= 0) counts.heard++
    if (roll(10) === 0 && lent.get(flow)) {
      addon.loanDrop(loans, flow)
      home(flow)
    }
    if (roll(60) === 0) {
      lent.delete(flow)
      addon.laneRemove(lane, flow)
      addon.loanDrop(loans, flow)
    }
    if (roll(30) === 0) {
      client.resetAndDestroy()
      clients[n] = streams.open(round)
    }
    if (roll(3) === 0) counts.messages += ring.drain(roll(200), () => {})
    whole.drain(200, () => {})
    if (roll(4) === 0) await pause(1)
  }
  streams.close()
  return {
    close() {
      addon.closeHandle(loans)
      addon.closeHandle(lane)
    },
  }
}

await report(storm, counts)
