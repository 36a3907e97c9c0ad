// Owns bencode, the encoding of the NG protocol: strict, bounded, bytes as latin1 strings.
import { SignalboxError } from '../../errors.ts'

export type NgValue = string | number | NgValue[] | NgDictionary
/** Keys as they came; made without a prototype, so that no key of the wire reaches one. */
export interface NgDictionary {
  [key: string]: NgValue
}

export interface BencodeLimits {
  readonly bytes: number
  readonly depth: number
  /** Strings, numbers, lists and dictionaries in all. */
  readonly items: number
}

export const DEFAULT_BENCODE_LIMITS: BencodeLimits = { bytes: 65_535, depth: 16, items: 4_096 }

/** An empty dictionary without a prototype, filled from `entries`; undefined values are left out. */
export function dictionary(entries: Record<string, NgValue | undefined> = {}): NgDictionary {
  const result = Object.create(null) as NgDictionary
  for (const key of Object.keys(entries)) {
    const value = entries[key]
    if (value !== undefined) result[key] = value
  }
  return result
}

/** Encodes; dictionaries in the order of their keys' bytes, as bencode asks. Numbers are rounded down to integers. */
export function encodeBencode(value: NgValue): string {
  if (typeof value === 'number') return `i${Number.isFinite(value) ? Math.trunc(value) : 0}e`
  if (typeof value === 'string') return `${value.length}:${value}`
  if (Array.isArray(value)) return `l${value.map(encodeBencode).join('')}e`
  const keys = Object.keys(value).sort()
  return `d${keys.map((key) => `${key.length}:${key}${encodeBencode(value[key]!)}`).join('')}e`
}

/**
 * Decodes one value that fills the whole text.
 * @throws SignalboxError ERR_PARSE with the offset of what is wrong
 */
export function decodeBencode(text: string, limits: BencodeLimits = DEFAULT_BENCODE_LIMITS): NgValue {
  if (text.length > limits.bytes) throw malformed(`longer than ${limits.bytes} bytes`, 0)
  const reader = new Reader(text, limits)
  const value = reader.value(0)
  if (reader.at !== text.length) throw malformed('bytes after the end', reader.at)
  return value
}

function malformed(what: string, at: number): SignalboxError {
  return new SignalboxError('ERR_PARSE', `bencode: ${what} at byte ${at}`)
}

class Reader {
  at = 0
  readonly #text: string
  readonly #limits: BencodeLimits
  #items = 0

  constructor(text: string, limits: BencodeLimits) {
    this.#text = text
    this.#limits = limits
  }

  value(depth: number): NgValue {
    if (depth > this.#limits.depth) throw malformed('nested too deeply', this.at)
    if (++this.#items > this.#limits.items) throw malformed('too many items', this.at)
    const letter = this.#text[this.at]
    if (letter === 'd') return this.#dictionary(depth)
    if (letter === 'l') return this.#list(depth)
    if (letter === 'i') return this.#integer()
    return this.#string()
  }

  #dictionary(depth: number): NgDictionary {
    this.at++
    const result = dictionary()
    while (this.#text[this.at] !== 'e') {
      const start = this.at
      const key = this.#string()
      if (key in result) throw malformed('key given twice', start)
      result[key] = this.value(depth + 1)
    }
    this.at++
    return result
  }

  #list(depth: number): NgValue[] {
    this.at++
    const result: NgValue[] = []
    while (this.#text[this.at] !== 'e') result.push(this.value(depth + 1))
    this.at++
    return result
  }

  #integer(): number {
    const end = this.#text.indexOf('e', this.at)
    const digits = end < 0 || end > this.at + 20 ? '' : this.#text.slice(this.at + 1, end)
    if (!/^(0|-?[1-9]\d*)$/.test(digits)) throw malformed('bad integer', this.at)
    const value = Number(digits)
    if (!Number.isSafeInteger(value)) throw malformed('integer out of range', this.at)
    this.at = end + 1
    return value
  }

  #string(): string {
    const colon = this.#text.indexOf(':', this.at)
    const digits = colon < 0 || colon > this.at + 6 ? '' : this.#text.slice(this.at, colon)
    if (!/^(0|[1-9]\d*)$/.test(digits)) throw malformed('bad string length', this.at)
    const start = colon + 1
    const end = start + Number(digits)
    if (end > this.#text.length) throw malformed('string longer than the message', this.at)
    this.at = end
    return this.#text.slice(start, end)
  }
}
