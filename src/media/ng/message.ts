// Owns the frame of the NG protocol: a cookie, a space, and a dictionary in bencode or JSON.
import { SignalboxError } from '../../errors.ts'
import { decodeBencode, dictionary, encodeBencode, type NgDictionary, type NgValue } from './bencode.ts'

export type NgEncoding = 'bencode' | 'json'

export interface NgFrame {
  readonly cookie: string
  /** What follows the cookie; not yet decoded, so that a wrong one can still be answered. */
  readonly body: string
}

/** Longest cookie. */
export const COOKIE_BYTES = 255

/** Splits a datagram (latin1); undefined where there is no cookie to answer with. */
export function splitFrame(datagram: string): NgFrame | undefined {
  const space = datagram.indexOf(' ')
  if (space < 1 || space > COOKIE_BYTES) return undefined
  return { cookie: datagram.slice(0, space), body: datagram.slice(space + 1) }
}

export function encodingOf(body: string): NgEncoding {
  return body.startsWith('{') ? 'json' : 'bencode'
}

/** @throws SignalboxError ERR_PARSE */
export function decodeBody(body: string): NgDictionary {
  const value = encodingOf(body) === 'json' ? decodeJson(body) : decodeBencode(body)
  if (typeof value !== 'object' || Array.isArray(value)) throw new SignalboxError('ERR_PARSE', 'Invalid NG data format')
  return value
}

export function encodeBody(message: NgDictionary, encoding: NgEncoding): string {
  return encoding === 'json' ? encodeJson(message) : encodeBencode(message)
}

/** RFC 8259 8.1: what is said is UTF-8. The texts are bytes, and what of them is no UTF-8 becomes U+FFFD. */
function encodeJson(message: NgDictionary): string {
  const text = Buffer.from(JSON.stringify(message), 'latin1').toString('utf8')
  return Buffer.from(text, 'utf8').toString('latin1')
}

function decodeJson(body: string): NgValue {
  if (body.length > 65_535) throw new SignalboxError('ERR_PARSE', 'JSON longer than 65535 bytes')
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(body, 'latin1').toString('utf8'))
  } catch {
    throw new SignalboxError('ERR_PARSE', 'Invalid NG data format')
  }
  return fromJson(value, 0)
}

function fromJson(value: unknown, depth: number): NgValue {
  if (depth > 16) throw new SignalboxError('ERR_PARSE', 'JSON nested too deeply')
  if (typeof value === 'string') return Buffer.from(value, 'utf8').toString('latin1')
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (Array.isArray(value)) return value.map((item) => fromJson(item, depth + 1))
  if (value === null || typeof value !== 'object') return ''
  const entries = Object.entries(value).map(([key, item]) => [key, fromJson(item, depth + 1)] as const)
  return dictionary(Object.fromEntries(entries))
}
