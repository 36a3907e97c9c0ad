// Owns rings of messages in memory that two threads or processes share: one writer, one reader, bounded, without a lock.
// The native side of the same layout is native/shared_ring.h.
import { latin1 } from './latin1.ts'

/** Bytes of a ring before its records. */
export const RING_HEADER = 256
const ALIGN = 32
const RECORD_HEADER = 32
const WRAP = -1
// Word indices in the header: each has a cache line of its own.
const HEAD = 0
const TAIL = 16
const ASLEEP = 32
const DROPPED = 48

/** One record as it is read. The object is used again for the next one. */
export interface RingRecord {
  kind: number
  /** Numbers and texts whose meaning depends on the kind. */
  a: number
  b: number
  c: number
  prefix: string
  text: string
  /** Microseconds of the system's monotonic clock, modulo 2^32, when the message arrived. */
  since: number
}

type WritableText = Buffer & { latin1Write(text: string, offset: number, length: number): number }

/** Microseconds of the system's monotonic clock, modulo 2^32: the same in every process of the machine. */
export function monotonicMicros(): number {
  const [seconds, nanos] = process.hrtime()
  return (seconds * 1_000_000 + Math.trunc(nanos / 1000)) | 0
}

class Ring {
  protected readonly words: Int32Array
  protected readonly bytes: WritableText
  protected readonly capacity: number

  /** `capacity` is a power of two; header and records lie from `offset` on. */
  constructor(memory: ArrayBuffer, offset: number, capacity: number) {
    this.words = new Int32Array(memory, offset, (RING_HEADER + capacity) / 4)
    this.bytes = Buffer.from(memory, offset + RING_HEADER, capacity) as WritableText
    this.capacity = capacity
  }

  /** Records that found no room. */
  get dropped(): number {
    return Atomics.load(this.words, DROPPED)
  }

  protected recordAt(position: number): number {
    return (RING_HEADER + (position & (this.capacity - 1))) >> 2
  }
}

/** The writing end. */
export class RingWriter extends Ring {
  /** Bytes ever written, modulo 2^32. */
  get position(): number {
    return this.words[HEAD]!
  }

  /** Texts are latin1. False when there is no room: the record is dropped and counted. */
  push(kind: number, a: number, b: number, c: number, prefix: string, text: string, since: number): boolean {
    const { words, capacity, bytes } = this
    const size = (RECORD_HEADER + prefix.length + text.length + ALIGN - 1) & ~(ALIGN - 1)
    const head = words[HEAD]!
    let at = head & (capacity - 1)
    const skip = size > capacity - at ? capacity - at : 0
    const used = (head - Atomics.load(words, TAIL)) >>> 0
    if (size + skip > capacity - used) {
      Atomics.add(words, DROPPED, 1)
      return false
    }
    if (skip > 0) {
      words[this.recordAt(head)] = WRAP
      at = 0
    }
    const word = (RING_HEADER + at) >> 2
    words[word] = size
    words[word + 1] = kind
    words[word + 2] = a
    words[word + 3] = b
    words[word + 4] = c
    words[word + 5] = prefix.length
    words[word + 6] = text.length
    words[word + 7] = since
    bytes.latin1Write(prefix, at + RECORD_HEADER, prefix.length)
    bytes.latin1Write(text, at + RECORD_HEADER + prefix.length, text.length)
    Atomics.store(words, HEAD, (head + skip + size) | 0)
    return true
  }

  /** Whether the reader sleeps and has to be woken; asking takes the duty over. */
  mustWake(): boolean {
    return Atomics.load(this.words, ASLEEP) === 1 && Atomics.exchange(this.words, ASLEEP, 0) === 1
  }
}

/** The reading end. Trusts nothing of what it reads: the writer's process may be dying, or worse. */
export class RingReader extends Ring {
  readonly #record: RingRecord = { kind: 0, a: 0, b: 0, c: 0, prefix: '', text: '', since: 0 }

  /**
   * Takes up to `limit` records. Each is off the ring before `take` is called: whoever dies of it does not meet it again.
   * @returns how many were taken
   */
  drain(limit: number, take: (record: RingRecord) => void): number {
    const { words, capacity } = this
    const record = this.#record
    let taken = 0
    while (taken < limit) {
      const tail = words[TAIL]!
      const held = (Atomics.load(words, HEAD) - tail) >>> 0
      if (held === 0) break
      const at = tail & (capacity - 1)
      const word = this.recordAt(tail)
      const size = words[word]!
      // The writer holds no more than there is room for, and leaves out no more than it has written.
      if (size === WRAP && at > 0 && held <= capacity && capacity - at <= held) {
        Atomics.store(words, TAIL, (tail + capacity - at) | 0)
        continue
      }
      const prefixLength = words[word + 5]!
      const textLength = words[word + 6]!
      const sane =
        size > 0 &&
        held <= capacity &&
        size <= held &&
        size <= capacity - at &&
        size % ALIGN === 0 &&
        prefixLength >= 0 &&
        textLength >= 0 &&
        RECORD_HEADER + prefixLength + textLength <= size
      if (!sane) {
        // Nobody knows where the next record begins: what is there is lost.
        Atomics.store(words, TAIL, Atomics.load(words, HEAD))
        Atomics.add(words, DROPPED, 1)
        break
      }
      const start = at + RECORD_HEADER
      record.kind = words[word + 1]!
      record.a = words[word + 2]!
      record.b = words[word + 3]!
      record.c = words[word + 4]!
      record.since = words[word + 7]!
      record.prefix = prefixLength === 0 ? '' : latin1(this.bytes, start, start + prefixLength)
      record.text = latin1(this.bytes, start + prefixLength, start + prefixLength + textLength)
      Atomics.store(words, TAIL, (tail + size) | 0)
      taken++
      take(record)
    }
    return taken
  }

  /** Bytes ever read, modulo 2^32. */
  get position(): number {
    return this.words[TAIL]!
  }

  get isEmpty(): boolean {
    return Atomics.load(this.words, HEAD) === this.words[TAIL]
  }

  /** Announces that nothing is read until the event comes; false when something came meanwhile: read on. */
  sleep(): boolean {
    Atomics.store(this.words, ASLEEP, 1)
    if (this.isEmpty) return true
    Atomics.store(this.words, ASLEEP, 0)
    return false
  }
}
