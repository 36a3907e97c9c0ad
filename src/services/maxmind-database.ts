// Owns reading of MaxMind databases (the MaxMind DB format, version 2): an address, the record of its network, and how wide that is. Pure.
import { isIP } from 'node:net'

const MARKER = Buffer.from('abcdef4d61784d696e642e636f6d', 'hex')
/** The metadata lies within so many bytes of the end. */
const METADATA_BYTES = 128 * 1024
/** Zeros between the tree and the data. */
const SEPARATOR = 16
/** Maps and lists within one another. */
const DEEPEST = 32

export type MaxmindValue =
  | string
  | number
  | boolean
  | null
  | readonly MaxmindValue[]
  | { readonly [name: string]: MaxmindValue }

export interface MaxmindRecord {
  readonly value: MaxmindValue
  /** Bits of the network's prefix, of the address as it was asked for. */
  readonly prefix: number
}

/** A database in memory. Throws an Error where the bytes are none. */
export class MaxmindDatabase {
  readonly #bytes: Buffer
  readonly #nodes: number
  /** Bits of one of the two records of a node. */
  readonly #recordBits: number
  readonly #version: 4 | 6
  readonly #dataStart: number

  constructor(bytes: Buffer) {
    const at = bytes.lastIndexOf(MARKER)
    if (at < 0 || at < bytes.length - METADATA_BYTES) throw new Error('it is no MaxMind database')
    const [metadata] = new Reader(bytes, at + MARKER.length).read(at + MARKER.length, 0)
    const field = (name: string): number => Number((metadata as Record<string, unknown> | null)?.[name])
    this.#bytes = bytes
    this.#nodes = field('node_count')
    this.#recordBits = field('record_size')
    this.#version = field('ip_version') === 4 ? 4 : 6
    this.#dataStart = (this.#nodes * this.#recordBits) / 4 + SEPARATOR
    const known = [24, 28, 32].includes(this.#recordBits)
    if (!known || !Number.isSafeInteger(this.#nodes) || this.#dataStart > at)
      throw new Error('its metadata are damaged')
  }

  /** The record of an address; undefined for one that is in no network, or is no address. */
  find(address: string): MaxmindRecord | undefined {
    const bits = bitsOf(address)
    if (bits === undefined || (bits.length === 128 && this.#version === 4)) return undefined
    let node = 0
    // In a tree of IPv6, IPv4 is ::/96.
    if (this.#version === 6 && bits.length === 32)
      for (let i = 0; i < 96 && node < this.#nodes; i++) node = this.#child(node, 0)
    let depth = 0
    while (depth < bits.length && node < this.#nodes) node = this.#child(node, bits[depth++]!)
    if (node <= this.#nodes) return undefined
    const at = this.#dataStart + node - this.#nodes - SEPARATOR
    return { value: new Reader(this.#bytes, this.#dataStart).read(at, 0)[0], prefix: depth }
  }

  #child(node: number, side: number): number {
    const bytes = this.#bytes
    const at = (node * this.#recordBits) / 4
    if (this.#recordBits === 24) return bytes.readUIntBE(at + side * 3, 3)
    if (this.#recordBits === 32) return bytes.readUInt32BE(at + side * 4)
    // Of 28 bits, the middle byte holds the upper four of both.
    const middle = bytes[at + 3]!
    return side === 0
      ? ((middle >> 4) << 24) | bytes.readUIntBE(at, 3)
      : ((middle & 0x0f) << 24) | bytes.readUIntBE(at + 4, 3)
  }
}

type Read = readonly [value: MaxmindValue, next: number]

/** Reads values; pointers count from `base`. What lies outside the bytes throws a RangeError of Node's. */
class Reader {
  readonly #bytes: Buffer
  readonly #base: number

  constructor(bytes: Buffer, base: number) {
    this.#bytes = bytes
    this.#base = base
  }

  read(at: number, depth: number): Read {
    if (depth > DEEPEST) throw new RangeError('values of a MaxMind database lie too deep')
    const bytes = this.#bytes
    const control = bytes.readUInt8(at)
    let next = at + 1
    let type = control >> 5
    if (type === 1) return this.#pointer(control, next, depth)
    if (type === 0) type = 7 + bytes.readUInt8(next++)
    let size = control & 0x1f
    if (size >= 29) {
      const more = size - 28
      size = [29, 285, 65_821][more - 1]! + bytes.readUIntBE(next, more)
      next += more
    }
    switch (type) {
      case 2:
        return [this.#slice(next, size).toString('utf8'), next + size]
      case 3:
        return [bytes.readDoubleBE(next), next + size]
      case 4:
        return [this.#slice(next, size).toString('hex'), next + size]
      case 5:
      case 6:
      case 9:
      case 10:
        return [this.#unsigned(next, size), next + size]
      case 7:
        return this.#map(next, size, depth)
      case 8:
        return [this.#unsigned(next, size) | 0, next + size]
      case 11:
        return this.#list(next, size, depth)
      case 14:
        return [size !== 0, next]
      case 15:
        return [bytes.readFloatBE(next), next + size]
      default:
        throw new RangeError(`a MaxMind database has a value of type ${type}`)
    }
  }

  #slice(at: number, size: number): Buffer {
    if (at + size > this.#bytes.length) throw new RangeError('a text of a MaxMind database is cut short')
    return this.#bytes.subarray(at, at + size)
  }

  #unsigned(at: number, size: number): number {
    let value = 0
    for (const byte of this.#slice(at, size)) value = value * 256 + byte
    return value
  }

  #pointer(control: number, at: number, depth: number): Read {
    const bytes = this.#bytes
    const [size, high] = [(control >> 3) & 3, control & 7]
    const [length, offset] = [size + 1, [0, 2048, 526_336, 0][size]!]
    const low = bytes.readUIntBE(at, length)
    const target = size === 3 ? low : high * 2 ** (8 * length) + low + offset
    return [this.read(this.#base + target, depth + 1)[0], at + length]
  }

  #map(at: number, size: number, depth: number): Read {
    const map: Record<string, MaxmindValue> = Object.create(null)
    let next = at
    for (let i = 0; i < size; i++) {
      const [name, after] = this.read(next, depth + 1)
      const [value, end] = this.read(after, depth + 1)
      map[String(name)] = value
      next = end
    }
    return [map, next]
  }

  #list(at: number, size: number, depth: number): Read {
    const list: MaxmindValue[] = []
    let next = at
    for (let i = 0; i < size; i++) {
      const [value, end] = this.read(next, depth + 1)
      list.push(value)
      next = end
    }
    return [list, next]
  }
}

/** The bits of a numeric address, most significant first. */
function bitsOf(address: string): number[] | undefined {
  const family = isIP(address)
  if (family === 4) return address.split('.').flatMap((byte) => bits(Number(byte), 8))
  if (family !== 6) return undefined
  // A mapped address is its IPv4 one.
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return bitsOf(mapped)
  const groups = new URL(`http://[${address.replace(/%.*$/, '')}]/`).hostname.slice(1, -1)
  const [head = '', tail] = groups.split('::')
  const split = (text: string): string[] => (text === '' ? [] : text.split(':'))
  const [before, after] = [split(head), split(tail ?? '')]
  const zeros = tail === undefined ? [] : new Array(8 - before.length - after.length).fill('0')
  return [...before, ...zeros, ...after].flatMap((group) => bits(Number.parseInt(group, 16), 16))
}

function bits(value: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (value >> (count - 1 - i)) & 1)
}
