// Owns UDP sockets read and written in batches by the sip_sockets addon.
import { getSystemErrorName } from 'node:util'
import { addressFamily, numericAddress } from './ip-address.ts'
import { latin1 } from './latin1.ts'
import type { BatchSockets } from './native-sockets.ts'
import { listenError } from './socket-errors.ts'
import type { DatagramBuffers, DatagramSocket } from './sockets.ts'
import type { ListenSpec, Queued } from './types.ts'

/** The addon's own measures: datagrams a batch, bytes a received one may have, words that describe one. */
const BATCH = 64
const SLOT = 65_536
const WORDS = 8
const LENGTH = 0
const PORT = 1
const FAMILY = 2
const ADDRESS = 3
const OFFSET = 7
const OUT_BYTES = 4 * SLOT
/** Names of `errno` for a full send buffer: not an error of the datagram, it goes later. */
const LATER = new Set(['EAGAIN', 'EWOULDBLOCK', 'ENOBUFS'])
const LATER_MILLIS = 2
const KNOWN_ADDRESSES = 4096

type Failed = (error: Error) => void
type Buffered = Buffer & { latin1Write(text: string, offset: number, length: number): number }

interface Waiting {
  readonly wire: string
  readonly address: string
  readonly port: number
  readonly failed: Failed
}

/** Datagrams that wait while the kernel's send buffer is full; more than these are lost, as on any full link. */
const WAITING = 4096

export interface NativeUdpOptions {
  readonly buffers: DatagramBuffers
  readonly queued?: Queued
  /** Who reads the socket: this object, or another that spreads what comes over shards. Default `self`. */
  readonly reader?: 'self' | 'another'
}

/** A socket on the addon. What is sent while a batch is read leaves in one call after it, else at the end of the turn. */
export class NativeUdp implements DatagramSocket {
  readonly address: string
  readonly port: number
  readonly #native: BatchSockets
  readonly #handle: unknown
  readonly #received: (wire: string, address: string, port: number) => void
  readonly #in: Buffer
  readonly #inMeta = new Int32Array(BATCH * WORDS)
  readonly #out = Buffer.allocUnsafeSlow(OUT_BYTES) as Buffered
  readonly #outMeta = new Int32Array(BATCH * WORDS)
  readonly #addresses = new AddressTexts()
  #queued: (Failed | undefined)[] = []
  #outUsed = 0
  #reading = false
  #scheduled = false
  #waiting: Waiting[] = []
  #wires: string[] = []
  #targets: string[] = []
  #closed = false

  /** @throws SignalboxError ERR_LISTEN when the address cannot be bound. */
  constructor(
    native: BatchSockets,
    spec: ListenSpec,
    options: NativeUdpOptions,
    received: (wire: string, address: string, port: number) => void,
  ) {
    const { buffers, queued, reader } = options
    this.#native = native
    this.#received = received
    try {
      const fd = spec.fd ?? native.bind('udp', spec.address, spec.port)
      native.setBuffers(fd, buffers.receive, buffers.send)
      this.address = spec.address
      this.port = native.localPort(fd)
      const own = reader !== 'another'
      this.#in = Buffer.allocUnsafeSlow(own ? BATCH * SLOT : 0)
      const read = (count: number, waited: number, dropped: number): void => {
        queued?.(waited / 1000, count, count === BATCH, dropped)
        this.#read(count)
      }
      this.#handle = native.openBatch(fd, own ? read : undefined, this.#in, this.#inMeta, this.#out, this.#outMeta)
    } catch (error) {
      throw listenError('udp', spec.address, spec.port, error)
    }
  }

  #read(count: number): void {
    this.beginBatch()
    try {
      for (let i = 0; i < count && !this.#closed; i++) {
        const at = i * WORDS
        const meta = this.#inMeta
        const start = i * SLOT
        const wire = latin1(this.#in, start, start + meta[at + LENGTH]!)
        this.#received(wire, this.#addresses.text(meta, at), meta[at + PORT]!)
      }
    } finally {
      this.endBatch()
    }
  }

  /** What is sent from here on leaves with `endBatch`. */
  beginBatch(): void {
    this.#reading = true
  }

  endBatch(): void {
    this.#reading = false
    this.#flush()
  }

  send(wire: string, address: string, port: number, failed: Failed): void {
    if (this.#closed) return
    if (this.#queued.length === BATCH || this.#outUsed + wire.length > OUT_BYTES) this.#flush()
    const i = this.#queued.length
    const at = i * WORDS
    const meta = this.#outMeta
    if (!this.#addresses.words(address, meta, at)) {
      failed(new Error(`not a numeric address: ${address}`))
      return
    }
    meta[at + LENGTH] = wire.length
    meta[at + PORT] = port
    meta[at + OFFSET] = this.#outUsed
    this.#out.latin1Write(wire, this.#outUsed, wire.length)
    this.#outUsed += wire.length
    this.#queued.push(failed)
    this.#wires.push(wire)
    this.#targets.push(address)
    if (this.#reading || this.#scheduled) return
    this.#scheduled = true
    process.nextTick(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    const count = this.#queued.length
    if (count === 0 || this.#closed) return
    const queued = this.#queued
    const wires = this.#wires
    const targets = this.#targets
    this.#queued = []
    this.#wires = []
    this.#targets = []
    this.#outUsed = 0
    const failures: (() => void)[] = []
    for (let from = 0; from < count; from++) {
      from = this.#native.sendBatch(this.#handle, from, count)
      if (from === count) break
      const at = from * WORDS
      const name = getSystemErrorName(this.#outMeta[at + LENGTH]!)
      const port = this.#outMeta[at + PORT]!
      const failed = queued[from]!
      if (LATER.has(name) && this.#waiting.length < WAITING) {
        for (let i = from; i < count; i++) {
          this.#later({
            wire: wires[i]!,
            address: targets[i]!,
            port: this.#outMeta[i * WORDS + PORT]!,
            failed: queued[i]!,
          })
        }
        break
      }
      const error = Object.assign(new Error(`send ${name} ${targets[from]}:${port}`), { code: name })
      failures.push(() => failed(error))
    }
    // Told last: a failure may lead to sends of its own, which need the buffers.
    for (const tell of failures) tell()
  }

  #later(waiting: Waiting): void {
    this.#waiting.push(waiting)
    if (this.#waiting.length > 1) return
    setTimeout(() => {
      for (const { wire, address, port, failed } of this.#waiting.splice(0)) this.send(wire, address, port, failed)
    }, LATER_MILLIS)
  }

  close(): void {
    if (this.#closed) return
    this.#flush()
    this.#closed = true
    this.#native.closeHandle(this.#handle)
  }
}

/** Addresses as text and as words, remembered: the same few far ends send most of what comes. */
class AddressTexts {
  readonly #texts = new Map<number, string>()
  readonly #words = new Map<string, number>()

  text(meta: Int32Array, at: number): string {
    if (meta[at + FAMILY] !== 4) return sixText(meta, at)
    const word = meta[at + ADDRESS]!
    const known = this.#texts.get(word)
    if (known !== undefined) return known
    const text = `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`
    if (this.#texts.size >= KNOWN_ADDRESSES) this.#texts.clear()
    this.#texts.set(word, text)
    return text
  }

  /** Writes the words of a numeric address; false when it is none. */
  words(address: string, meta: Int32Array, at: number): boolean {
    let word = this.#words.get(address)
    if (word === undefined) {
      const family = addressFamily(address)
      if (family !== 4) return family === 6 && sixWords(address, meta, at)
      word = address.split('.').reduce((bits, part) => (bits << 8) | Number(part), 0)
      if (this.#words.size >= KNOWN_ADDRESSES) this.#words.clear()
      this.#words.set(address, word)
    }
    meta[at + FAMILY] = 4
    meta[at + ADDRESS] = word
    return true
  }
}

function sixText(meta: Int32Array, at: number): string {
  const groups: string[] = []
  for (let i = 0; i < 4; i++) {
    const word = meta[at + ADDRESS + i]!
    groups.push((word >>> 16).toString(16), (word & 0xffff).toString(16))
  }
  return numericAddress(groups.join(':'))!
}

function sixWords(address: string, meta: Int32Array, at: number): boolean {
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const gap = tail === undefined ? 0 : 8 - left.length - right.length
  const groups = [...left, ...new Array<string>(Math.max(0, gap)).fill('0'), ...right].map((group) =>
    Number.parseInt(group, 16),
  )
  if (groups.length !== 8 || groups.some(Number.isNaN)) return false
  meta[at + FAMILY] = 6
  for (let i = 0; i < 4; i++) meta[at + ADDRESS + i] = (groups[2 * i]! << 16) | groups[2 * i + 1]!
  return true
}
