// Owns threads that end with everything of the sanitized sip_sockets addon open and at work: all of it has to end with them.
import { createRequire } from 'node:module'
import { type AddressInfo, connect, createServer } from 'node:net'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { LaneSockets } from '../../src/transport/native-sockets.ts'

interface Raw extends LaneSockets {
  bind(stream: 0 | 1, address: string, port: number): number
  localPort(fd: number): number
  close(fd: number): void
  sendTo(fd: number, bytes: Uint8Array, address: string, port: number): void
  createSharedMemory(bytes: number): number
  mapSharedMemory(fd: number, bytes: number): ArrayBuffer
  createEvent(): number
  signalEvent(fd: number): void
  watchEvent(fd: number, woken: () => void): unknown
  startSpread(...args: [number[], number[], ArrayBuffer[], number, number, number[]]): unknown
  openBatch(...args: [number, (count: number) => void, Uint8Array, Int32Array, Uint8Array, Int32Array]): unknown
}

const CAPACITY = 1 << 16
const RING = 4096 + CAPACITY
const THREADS = 6

function openAll(addon: Raw): void {
  const fd = addon.createSharedMemory(3 * RING)
  const memory = addon.mapSharedMemory(fd, 3 * RING)
  addon.close(fd)
  const [shard, watched, lanes] = [addon.createEvent(), addon.createEvent(), addon.createEvent()]
  addon.watchEvent(watched, () => addon.signalEvent(watched))
  addon.signalEvent(watched)
  const [spread, batch] = [addon.bind(0, '127.0.0.1', 0), addon.bind(0, '127.0.0.1', 0)]
  const [spreadPort, batchPort] = [addon.localPort(spread), addon.localPort(batch)]
  addon.startSpread([spread], [0], [memory], 0, CAPACITY, [shard])
  const words = (): Int32Array => new Int32Array(64 * 8)
  addon.openBatch(batch, () => {}, Buffer.alloc(64 * 65_536), words(), Buffer.alloc(4 * 65_536), words())
  const report = new Int32Array(3 + 2 * 256)
  const tell = (): number => 0
  const lane = addon.openLane([memory], RING, 2 * RING, CAPACITY, [shard], lanes, report, tell, tell, tell, tell)
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    const { _handle } = socket as unknown as { _handle: { fd: number } }
    const taken = addon.laneAdd(lane, _handle.fd, 1, 5060, 0, 'tcp 127.0.0.1', 65_535, 65_535)
    setInterval(() => {
      for (const port of [spreadPort, batchPort]) addon.sendTo(spread, Buffer.from('x'), '127.0.0.1', port)
      addon.signalEvent(lanes)
    }, 1)
    parentPort!.postMessage(taken)
  })
  server.listen(0, '127.0.0.1', () => {
    const client = connect((server.address() as AddressInfo).port)
    setInterval(() => client.write('not plain\r\n'), 1)
  })
}

if (isMainThread) {
  let ended = 0
  for (let n = 0; n < THREADS; n++) {
    const thread = new Worker(new URL(import.meta.url), { workerData: process.argv[2] })
    const taken = await new Promise((resolve) => thread.once('message', resolve))
    await new Promise((resolve) => setTimeout(resolve, 5 * n))
    await thread.terminate()
    if (taken === true) ended++
  }
  process.stdout.write(JSON.stringify({ ended }))
} else openAll(createRequire(import.meta.url)(workerData as string) as Raw)
