// Owns a storm over the sanitized sip_sockets addon: batches in and out, closes in the middle, shared memory, wrong arguments.
import { createRequire } from 'node:module'
import type { BatchSockets } from '../../src/transport/native-sockets.ts'

interface Raw extends Omit<BatchSockets, 'bind'> {
  bind(stream: 0 | 1, address: string, port: number): number
}

const addon = createRequire(import.meta.url)(process.argv[2]!) as Raw
const [BATCH, SLOT, WORDS] = [64, 65_536, 8]

function open(address: string, read: (count: number, meta: Int32Array, bytes: Uint8Array) => void) {
  const fd = addon.bind(0, address, 0)
  addon.setBuffers(fd, 4 << 20, 4 << 20)
  const inBytes = Buffer.alloc(BATCH * SLOT)
  const inMeta = new Int32Array(BATCH * WORDS)
  const out = Buffer.alloc(4 * SLOT)
  const meta = new Int32Array(BATCH * WORDS)
  const port = addon.localPort(fd)
  const handle = addon.openBatch(fd, (count) => read(count, inMeta, inBytes), inBytes, inMeta, out, meta)
  return { handle, port, out, meta }
}

let received = 0
let wrong = 0
const open4: unknown[] = []
for (const [address, family, ...words] of [
  ['127.0.0.1', 4, 0x7f000001],
  ['::1', 6, 0, 0, 0, 1],
] as [string, number, ...number[]][]) {
  const reader = open(address, (count, meta, bytes) => {
    for (let i = 0; i < count; i++) {
      const length = meta[i * WORDS]!
      received++
      if (length > 0 && bytes[i * SLOT + length - 1] !== 7) wrong++
    }
  })
  const closedWhileReading = open(address, () => addon.closeHandle(closedWhileReading.handle))
  const writer = open(address, () => {})
  writer.out.fill(7)
  for (let round = 0; round < 8; round++) {
    for (let i = 0; i < BATCH; i++) {
      const target = i === 63 ? closedWhileReading : reader
      const length = i === 0 ? 0 : i === 1 ? 65_507 : i * 20
      const entry = [length, target.port, family, ...words]
      entry.forEach((value, word) => {
        writer.meta[i * WORDS + word] = value
      })
      writer.meta[i * WORDS + 7] = i
    }
    const sent = addon.sendBatch(writer.handle, 0, BATCH)
    if (sent !== BATCH) wrong++
    await new Promise((resolve) => setImmediate(resolve))
  }
  // Too long for a datagram: refused by itself.
  writer.meta[0] = 65_536
  if (addon.sendBatch(writer.handle, 0, 1) !== 0 || writer.meta[0]! >= 0) wrong++
  setTimeout(() => addon.closeHandle(writer.handle), 100)
  open4.push(reader)
}
const memory = addon.createSharedMemory(8192)
for (let i = 1; i <= 100; i++)
  if (Atomics.add(new Int32Array(addon.mapSharedMemory(memory, 8192)), 0, 1) !== i - 1) wrong++
addon.close(memory)
for (const attempt of [
  () => addon.bind(0, 'x'.repeat(500), 0),
  () => addon.bind(1, `${'1'.repeat(60)}%lo`, 0),
  () => addon.mapSharedMemory(memory, 8192),
  () => addon.localPort(9999),
  () => addon.sendTo(9999, Buffer.from('x'), '127.0.0.1', 9),
]) {
  try {
    attempt()
    wrong++
  } catch {}
}
setTimeout(() => {
  process.stdout.write(JSON.stringify({ received, wrong }))
  // The readers are open still: leaving must release them.
  process.exit(0)
}, 400)
