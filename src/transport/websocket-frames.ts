// Owns WebSocket frames (RFC 6455 5) as a server reads and writes them: text of one character a byte in, text out. Pure.
import { isUtf8 } from 'node:buffer'

export type WebSocketItem =
  | { readonly kind: 'message'; readonly text: string }
  | { readonly kind: 'ping'; readonly text: string }
  | { readonly kind: 'pong' }
  | { readonly kind: 'close'; readonly code: number }
  /** Nothing after it can be trusted; `code` is that of the close frame. */
  | { readonly kind: 'error'; readonly code: number; readonly reason: string }

const CONTINUATION = 0
const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10

/** RFC 6455 5.5. */
const LONGEST_CONTROL = 125
/** RFC 6455 7.4.1. */
const PROTOCOL_ERROR = 1002
const NOT_UTF8 = 1007
const TOO_BIG = 1009
const NO_STATUS = 1005
/** RFC 6455 7.4.1: they stand for what no frame says, and are never sent; 1004 has no meaning yet. */
const NEVER_SENT = [1004, NO_STATUS, 1006, 1015]
/** The last code that IANA's registry gives a meaning. */
const LAST_REGISTERED = 1014

/** RFC 6455 7.4: whether a close frame may carry the code. */
function mayBeSent(code: number): boolean {
  return ((code >= 1000 && code <= LAST_REGISTERED) || (code >= 3000 && code <= 4999)) && !NEVER_SENT.includes(code)
}

interface Head {
  readonly final: boolean
  readonly opcode: number
  readonly mask: string
  /** Where the payload begins. */
  readonly start: number
  readonly length: number
}

/** Reads the frames of one connection. Messages of several frames come as one. */
export class WebSocketFrames {
  readonly #longest: number
  #held = ''
  #parts: string[] = []
  /** A message whose last frame has not come. */
  #begun = false
  #size = 0
  #ended = false

  /** @param longest bytes of a message */
  constructor(longest: number) {
    this.#longest = longest
  }

  /** A frame or a message has begun and is not complete. */
  get partial(): boolean {
    return this.#held !== '' || this.#begun
  }

  push(chunk: string): WebSocketItem[] {
    const items: WebSocketItem[] = []
    if (this.#ended) return items
    this.#held += chunk
    let at = 0
    while (!this.#ended) {
      const head = this.#head(at)
      if (head === undefined) break
      const item = 'kind' in head ? head : this.#take(head)
      if (item?.kind === 'error' || item?.kind === 'close') this.#ended = true
      if (item !== undefined) items.push(item)
      if (!('kind' in head)) at = head.start + head.length
    }
    this.#held = this.#ended ? '' : this.#held.slice(at)
    return items
  }

  /** The head of the frame at `at`, once all of the frame is here. */
  #head(at: number): Head | Extract<WebSocketItem, { kind: 'error' }> | undefined {
    const held = this.#held
    if (held.length < at + 2) return undefined
    const [first, second] = [held.charCodeAt(at), held.charCodeAt(at + 1)]
    const [opcode, final] = [first & 0x0f, (first & 0x80) !== 0]
    // RFC 6455 5.1, 5.2: no extension was agreed, and what a client sends is masked.
    if ((first & 0x70) !== 0) return failed('a reserved bit is set, and no extension was agreed')
    if ((second & 0x80) === 0) return failed('a frame of a client is not masked')
    let length = second & 0x7f
    let start = at + 2
    if (opcode >= CLOSE && (length > LONGEST_CONTROL || !final)) return failed('a control frame is long or in parts')
    if (length === 126) {
      if (held.length < start + 2) return undefined
      length = number(held, start, 2)
      start += 2
    } else if (length === 127) {
      if (held.length < start + 8) return undefined
      length = number(held, start, 8)
      start += 8
    }
    // RFC 6455 5.4: a control frame may stand between the parts of a message, and is none of it.
    if (opcode < CLOSE && length + this.#size > this.#longest)
      return { kind: 'error', code: TOO_BIG, reason: `a message is longer than ${this.#longest} bytes` }
    if (held.length < start + 4 + length) return undefined
    return { final, opcode, mask: held.slice(start, start + 4), start: start + 4, length }
  }

  #take({ final, opcode, mask, start, length }: Head): WebSocketItem | undefined {
    const text = unmasked(this.#held.slice(start, start + length), mask)
    switch (opcode) {
      case PING:
        return { kind: 'ping', text }
      case PONG:
        return { kind: 'pong' }
      case CLOSE:
        return closed(text)
      case TEXT:
      case BINARY:
        if (this.#begun) return failed('a message began within another')
        break
      case CONTINUATION:
        if (!this.#begun) return failed('a message goes on that has not begun')
        break
      default:
        return failed(`there is no frame of type ${opcode}`)
    }
    this.#begun = !final
    // Frames without a byte leave nothing behind.
    if (text !== '') this.#parts.push(text)
    this.#size += text.length
    if (!final) return undefined
    const whole = this.#parts.join('')
    this.#parts = []
    this.#size = 0
    return { kind: 'message', text: whole }
  }
}

/** RFC 6455 5.5.1: nothing, or a code that may be sent and a reason in UTF-8. */
function closed(payload: string): WebSocketItem {
  if (payload === '') return { kind: 'close', code: NO_STATUS }
  const code = payload.length === 1 ? 0 : number(payload, 0, 2)
  if (!mayBeSent(code)) return failed('a close frame has a code that is never sent')
  return isUtf8(Buffer.from(payload.slice(2), 'latin1'))
    ? { kind: 'close', code }
    : { kind: 'error', code: NOT_UTF8, reason: 'the reason of a close frame is no UTF-8' }
}

function failed(reason: string): Extract<WebSocketItem, { kind: 'error' }> {
  return { kind: 'error', code: PROTOCOL_ERROR, reason }
}

function number(text: string, at: number, bytes: number): number {
  let value = 0
  for (let i = at; i < at + bytes; i++) value = value * 256 + text.charCodeAt(i)
  return value
}

function unmasked(text: string, mask: string): string {
  const bytes = Buffer.from(text, 'latin1')
  const key = Buffer.from(mask, 'latin1')
  for (let i = 0; i < bytes.length; i++) bytes[i]! ^= key[i & 3]!
  return bytes.toString('latin1')
}

function framed(opcode: number, payload: string): string {
  const { length } = payload
  const first = String.fromCharCode(0x80 | opcode)
  if (length < 126) return `${first}${String.fromCharCode(length)}${payload}`
  if (length < 65_536) return `${first}${String.fromCharCode(126, length >> 8, length & 0xff)}${payload}`
  const bytes = [0, 0, 0, 0, length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff]
  return `${first}${String.fromCharCode(127, ...bytes)}${payload}`
}

/** RFC 7118 5: text, or bytes where the message is no UTF-8. */
export function messageFrame(wire: string): string {
  return framed(isUtf8(Buffer.from(wire, 'latin1')) ? TEXT : BINARY, wire)
}

/** RFC 7118 5.3: a message without Content-Length gets one, since it may leave by a stream. */
export function withLength(message: string): string {
  const end = message.indexOf('\r\n\r\n')
  if (end < 0 || /\r\n(?:content-length|l)[ \t]*:/i.test(message.slice(0, end))) return message
  return `${message.slice(0, end)}\r\nContent-Length: ${message.length - end - 4}${message.slice(end)}`
}

export const pingFrame = (): string => framed(PING, '')
export const pongFrame = (payload: string): string => framed(PONG, payload)

export function closeFrame(code: number, reason: string): string {
  if (!mayBeSent(code)) return framed(CLOSE, '')
  return framed(CLOSE, `${String.fromCharCode(code >> 8, code & 0xff)}${reason.slice(0, LONGEST_CONTROL - 2)}`)
}
