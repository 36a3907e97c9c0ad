// Owns MaxMind databases: the record of an address and how wide its network is. The one file that imports mmdb-lib. Pure.
import { isIP, isIPv4 } from 'node:net'
import { Reader, type Response } from 'mmdb-lib'

/** What a record may hold. */
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

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** A database in memory. Throws an Error where the bytes are none. */
export class MaxmindDatabase {
  readonly #reader: Reader<Response>

  constructor(bytes: Buffer) {
    try {
      this.#reader = new Reader(bytes)
    } catch (error) {
      throw new Error('it is no MaxMind database', { cause: error })
    }
    const { nodeCount, searchTreeSize } = this.#reader.metadata
    if (!(nodeCount > 0) || !(searchTreeSize <= bytes.length)) throw new Error('its metadata are damaged')
  }

  /** The record of an address; undefined for one that is in no network, or is no address. Throws an Error where the file is damaged. */
  find(address: string): MaxmindRecord | undefined {
    const asked = MAPPED.exec(address)?.[1] ?? address
    const isFour = isIPv4(asked)
    if (isIP(asked) === 0 || (!isFour && this.#reader.metadata.ipVersion === 4)) return undefined
    const [value, prefix] = this.#reader.getWithPrefixLength(asked)
    return value === null ? undefined : { value: value as unknown as MaxmindValue, prefix }
  }
}
