// Owns framing on streams (RFC 3261 18.3): messages by Content-Length, keep-alives of RFC 5626, bounds before anything is kept.

import { bytesOf } from './bytes.ts'
import { HeaderId, headerIdAt } from './header-fields.ts'
import { DEFAULT_PARSE_LIMITS, type ParseLimits } from './limits.ts'
import { detach, findChar, lineFeedFrom, parseDigits, skipLws, trimEnd } from './scan.ts'

const HTTP_LINE = /^[A-Z]{1,16} \/[^\r\n]* HTTP\/1\.[01]\r?\n/

/** What came off a stream: a message, a double CRLF (answer it with one), a single CRLF, or the end of all sense. */
export type FramedItem =
  | { readonly kind: 'message'; readonly raw: string }
  | { readonly kind: 'ping' }
  | { readonly kind: 'pong' }
  | {
      readonly kind: 'error'
      readonly reason: string
      /** What to answer before the connection is closed. */
      readonly status: number
      /** The head that was in error, as far as it was read; `parseMessage` may give a request to answer. */
      readonly head: string
    }

/** See {@link StreamFramer.awaited}. */
export type Awaited = number | 'head' | 'all'

/**
 * Cuts a byte stream into messages. After an error it takes nothing more: the connection must be closed, since nobody
 * knows where the next message starts. Each byte is looked at a bounded number of times, however small the chunks.
 */
export class StreamFramer {
  private readonly limits: ParseLimits
  private chunks: string[] = []
  /** Bytes in `chunks`. */
  private held = 0
  /** Chars of the current header line so far; a line of one CR alone counts as empty. */
  private lineLength = 0
  private lineIsCr = false
  /** Bytes that the message under way needs in all, -1 while its head is incomplete. */
  private needed = -1
  /** A CRLF ended the last chunk between messages: the next one makes it a ping. */
  private halfPing = false
  private dead = false

  constructor(limits: ParseLimits = DEFAULT_PARSE_LIMITS) {
    this.limits = limits
  }

  /** Whether a message is begun and not complete: a slow sender is timed by it. */
  get partial(): boolean {
    return this.held > 0
  }

  /**
   * What completes the message under way: that many bytes, or `head` for those up to a blank line. 0 when the next byte begins
   * something, `all` when what came bears on it in another way.
   */
  get awaited(): Awaited {
    if (this.dead || this.halfPing) return 'all'
    if (this.held === 0) return 0
    return this.needed < 0 ? 'head' : this.needed - this.held
  }

  push(chunk: string): FramedItem[] {
    const items: FramedItem[] = []
    let rest = chunk
    while (rest.length > 0 && !this.dead) {
      if (this.held === 0) rest = this.between(rest, items)
      if (rest.length === 0) break
      rest = this.needed < 0 ? this.head(rest, items) : this.body(rest, items)
    }
    return items
  }

  /** A single CRLF that no second one followed: tell it when the stream has been silent, it is a pong. */
  settle(): FramedItem[] {
    if (!this.halfPing) return []
    this.halfPing = false
    return [{ kind: 'pong' }]
  }

  /**
   * Takes the CRLFs that stand between messages. RFC 5626 3.5.1: two are a ping, one is a pong. Pings in one run count
   * once: a flood of them may not make a flood of answers.
   */
  private between(chunk: string, items: FramedItem[]): string {
    let i = 0
    let pinged = false
    while (i < chunk.length) {
      const code = chunk.charCodeAt(i)
      if (code === 13) {
        // A CR alone at the end of the chunk belongs to the LF that follows.
        i++
      } else if (code === 10) {
        i++
        if (this.halfPing) {
          this.halfPing = false
          if (!pinged) items.push({ kind: 'ping' })
          pinged = true
        } else this.halfPing = true
      } else break
    }
    if (this.halfPing && i < chunk.length) {
      this.halfPing = false
      items.push({ kind: 'pong' })
    }
    return i === 0 ? chunk : chunk.slice(i)
  }

  /** Looks for the blank line that ends the head. */
  private head(chunk: string, items: FramedItem[]): string {
    let i = 0
    while (i < chunk.length) {
      const lineFeed = chunk.indexOf('\n', i)
      const end = lineFeed < 0 ? chunk.length : lineFeed
      if (end > i) {
        this.lineIsCr = this.lineLength === 0 && end - i === 1 && chunk.charCodeAt(i) === 13
        this.lineLength += end - i
      }
      if (lineFeed < 0) break
      const empty = this.lineLength === 0 || (this.lineLength === 1 && this.lineIsCr)
      this.lineLength = 0
      this.lineIsCr = false
      i = lineFeed + 1
      if (empty) return this.endOfHead(chunk, i, items)
    }
    this.keep(chunk)
    if (this.held > this.limits.messageBytes) this.fail('head beyond the limit', 513, items)
    return ''
  }

  private endOfHead(chunk: string, end: number, items: FramedItem[]): string {
    // A message outlives its chunk: it may not keep all of it alive.
    this.keep(end === chunk.length ? chunk : detach(chunk.slice(0, end)))
    const head = this.joined()
    this.chunks = [head]
    // RFC 9112 6.3: an HTTP request without a length has no body.
    const length = contentLengthOf(head) ?? (HTTP_LINE.test(head) ? 0 : undefined)
    // RFC 3261 18.3: on a stream Content-Length is the only way to know the end (RFC 4475 3.1.2.3).
    if (length === undefined) this.fail('no Content-Length on a stream', 400, items)
    else if (length < 0) this.fail('malformed Content-Length', 400, items)
    else if (length > this.limits.bodyBytes) this.fail('body beyond the limit', 413, items)
    else if (head.length + length > this.limits.messageBytes) this.fail('message beyond the limit', 513, items)
    else {
      this.needed = head.length + length
      if (length === 0) this.finish(items)
    }
    return this.dead ? '' : chunk.slice(end)
  }

  private body(chunk: string, items: FramedItem[]): string {
    const missing = this.needed - this.held
    if (chunk.length < missing) {
      this.keep(chunk)
      return ''
    }
    this.keep(chunk.length === missing ? chunk : chunk.slice(0, missing))
    this.finish(items)
    return chunk.slice(missing)
  }

  private finish(items: FramedItem[]): void {
    items.push({ kind: 'message', raw: this.joined() })
    this.chunks = []
    this.held = 0
    this.needed = -1
  }

  private keep(text: string): void {
    this.chunks.push(text)
    this.held += text.length
  }

  private joined(): string {
    return this.chunks.length === 1 ? this.chunks[0]! : this.chunks.join('')
  }

  private fail(reason: string, status: number, items: FramedItem[]): void {
    items.push({ kind: 'error', reason, status, head: this.joined() })
    this.dead = true
    this.chunks = []
    this.held = 0
  }
}

/** The Content-Length of a head that ends with its blank line: undefined when missing, -1 when malformed or contradictory. */
export function contentLengthOf(head: string): number | undefined {
  const bytes = bytesOf(head)
  let found: number | undefined
  let line = head.indexOf('\n') + 1
  while (line > 0 && line < head.length) {
    const lineFeed = lineFeedFrom(head, bytes, line)
    const end = lineFeed < 0 ? head.length : lineFeed
    const colon = findChar(head, ':', line, end)
    if (colon >= 0 && headerIdAt(bytes, line, trimEnd(bytes, line, colon)) === HeaderId.ContentLength) {
      const start = skipLws(bytes, colon + 1, end)
      const length = parseDigits(bytes, start, trimEnd(bytes, start, end), Number.MAX_SAFE_INTEGER)
      if (length < 0 || (found !== undefined && found !== length)) return -1
      found = length
    }
    line = end + 1
  }
  return found
}
