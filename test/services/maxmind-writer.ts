// Owns the writing of small MaxMind databases for tests, in each size of record.

type Value = string | number | Value[] | Pointer | { [name: string]: Value }

/** What lies at that offset of the data, in place of a value. */
export class Pointer {
  readonly offset: number

  constructor(offset: number) {
    this.offset = offset
  }
}

/** A number with a point is a double, another one of 32 bits. */
function encode(value: Value): Buffer {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value, 'utf8')
    return Buffer.concat([control(2, bytes.length), bytes])
  }
  if (typeof value === 'number') {
    if (Number.isInteger(value)) {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(value)
      return Buffer.concat([control(6, 4), bytes])
    }
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleBE(value)
    return Buffer.concat([control(3, 8), bytes])
  }
  if (value instanceof Pointer) return pointer(value.offset)
  if (Array.isArray(value)) return Buffer.concat([control(11, value.length), ...value.map(encode)])
  const entries = Object.entries(value)
  return Buffer.concat([control(7, entries.length), ...entries.flatMap(([name, each]) => [encode(name), encode(each)])])
}

function control(type: number, size: number): Buffer {
  const [short, long] =
    size < 29 ? [size, []] : size < 285 ? [29, [size - 29]] : [30, [(size - 285) >> 8, (size - 285) & 255]]
  return type < 8 ? Buffer.from([(type << 5) | short, ...long]) : Buffer.from([short, type - 7, ...long])
}

/** Of size 3: an offset of 32 bits. */
function pointer(offset: number): Buffer {
  const bytes = Buffer.alloc(5)
  bytes[0] = (1 << 5) | (3 << 3)
  bytes.writeUInt32BE(offset, 1)
  return bytes
}

/** A database of IPv6 networks, given as bits (`0` and `1`), each with its record. */
export function maxmindFile(
  networks: readonly (readonly [bits: string, record: Value])[],
  recordBits: 24 | 28 | 32,
): Buffer {
  interface Node {
    readonly number: number
    readonly sides: [Node | number | undefined, Node | number | undefined]
  }
  const nodes: Node[] = []
  const node = (): Node => {
    const made: Node = { number: nodes.length, sides: [undefined, undefined] }
    nodes.push(made)
    return made
  }
  const root = node()
  const data: Buffer[] = []
  let size = 0
  for (const [bits, record] of networks) {
    let at = root
    for (const bit of bits.slice(0, -1)) {
      const side = Number(bit) as 0 | 1
      const next = at.sides[side]
      at = typeof next === 'object' ? next : (at.sides[side] = node())
    }
    at.sides[Number(bits.at(-1)) as 0 | 1] = size
    const encoded = encode(record)
    data.push(encoded)
    size += encoded.length
  }
  const count = nodes.length
  const recordOf = (side: Node | number | undefined): number =>
    side === undefined ? count : typeof side === 'number' ? count + 16 + side : side.number
  const tree = Buffer.concat(
    nodes.map(({ sides }) => {
      const [left, right] = [recordOf(sides[0]), recordOf(sides[1])]
      const bytes = Buffer.alloc(recordBits / 4)
      if (recordBits === 24) {
        bytes.writeUIntBE(left, 0, 3)
        bytes.writeUIntBE(right, 3, 3)
      } else if (recordBits === 32) {
        bytes.writeUInt32BE(left, 0)
        bytes.writeUInt32BE(right, 4)
      } else {
        bytes.writeUIntBE(left & 0xffffff, 0, 3)
        bytes[3] = ((left >> 24) << 4) | (right >> 24)
        bytes.writeUIntBE(right & 0xffffff, 4, 3)
      }
      return bytes
    }),
  )
  const metadata = encode({
    node_count: count,
    record_size: recordBits,
    ip_version: 6,
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1,
    database_type: 'GeoLite2-City',
    languages: ['en'],
    description: { en: 'of a test' },
  })
  return Buffer.concat([tree, Buffer.alloc(16), ...data, Buffer.from('abcdef4d61784d696e642e636f6d', 'hex'), metadata])
}
