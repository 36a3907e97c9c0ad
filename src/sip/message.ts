// Owns SipMessage, SipRequest and SipReply: the raw text, an index of its header lines, and fields decoded when first asked for.

import { bytesOf } from './bytes.ts'
import { methodAt } from './constants.ts'
import { type HeaderId, headerIdOf, HeaderId as Id } from './header-fields.ts'
import { type NameAddr, parseNameAddr, parseNameAddrList, tagOf } from './name-addr.ts'
import { findComma, isLws, matchesLower, parseDigits, skipLws, tokenEnd, trimEnd, unfold } from './scan.ts'
import { type ReadUri, readUri } from './uri.ts'
import { parseVia, parseViaList, type Via } from './via.ts'

/** Numbers per header line in the index: where the line starts, the id of its name, where the value starts and where it ends. */
export const INDEX_STRIDE = 4

/** CSeq numbers are below 2^32 for us; RFC 3261 8.1.1.5 says below 2^31. */
const MAX_CSEQ = 4_294_967_295

/**
 * A SIP message: one char of `raw` is one byte. Nothing of it ever changes; edits are kept beside it.
 * Positions are offsets in `raw`. Header lines are numbered from 0 in the order they stand.
 */
export abstract class SipMessage {
  readonly raw: string
  /** The offset after the first line's CRLF. */
  readonly firstLineEnd: number
  /** The offset of the body; `raw.length` when there is none. */
  readonly bodyStart: number
  readonly headerCount: number
  private readonly index: number[]
  private cachedCallId: string | undefined = undefined
  private cachedCseqNumber = -2
  private cachedCseqMethod = ''
  private cachedFromTag: string | undefined = undefined
  private cachedToTag: string | undefined = undefined
  private cachedFrom: NameAddr | undefined | null = null
  private cachedTo: NameAddr | undefined | null = null
  private cachedTopVia: Via | undefined | null = null

  /** Made by the parser, which owns the meaning of `index`. */
  constructor(raw: string, firstLineEnd: number, bodyStart: number, index: number[]) {
    this.raw = raw
    this.firstLineEnd = firstLineEnd
    this.bodyStart = bodyStart
    this.headerCount = index.length / INDEX_STRIDE
    this.index = index
  }

  headerId(i: number): HeaderId {
    return this.index[i * INDEX_STRIDE + 1]! as HeaderId
  }

  /** The name as written. */
  headerName(i: number): string {
    const bytes = bytesOf(this.raw)
    const start = this.headerStart(i)
    let end = start
    while (bytes[end]! > 32 && bytes[end] !== 58) end++
    return this.raw.slice(start, end)
  }

  /** Where the line starts. */
  headerStart(i: number): number {
    return this.index[i * INDEX_STRIDE]!
  }

  /** Where the value starts, white space before it left out. A line without a colon is all value. */
  valueStart(i: number): number {
    return this.index[i * INDEX_STRIDE + 2]!
  }

  /** Where the value ends, white space after it left out. */
  valueEnd(i: number): number {
    return this.index[i * INDEX_STRIDE + 3]!
  }

  /** The offset after the line's CRLF, its folds included. */
  headerEnd(i: number): number {
    if (i + 1 < this.headerCount) return this.index[(i + 1) * INDEX_STRIDE]!
    // Only a blank line can stand between the last header and the body.
    return this.bodyStart - 2
  }

  /** The value on one line: trimmed, each fold one space. */
  headerValue(i: number): string {
    return unfold(this.raw.slice(this.valueStart(i), this.valueEnd(i)))
  }

  /** The next header line with this id at or after line `from`, or -1. */
  findId(id: HeaderId, from = 0): number {
    const { index } = this
    for (let at = from * INDEX_STRIDE + 1; at < index.length; at += INDEX_STRIDE)
      if (index[at] === id) return (at - 1) / INDEX_STRIDE
    return -1
  }

  /** The next header line of that name at or after line `from`, or -1. Case does not matter, compact forms match. */
  find(name: string, from = 0): number {
    const id = headerIdOf(name)
    if (id !== Id.Other) return this.findId(id, from)
    const lower = name.toLowerCase()
    const bytes = bytesOf(this.raw)
    for (let i = this.findId(id, from); i >= 0; i = this.findId(id, i + 1)) {
      const start = this.headerStart(i)
      if (!matchesLower(bytes, start, lower)) continue
      const end = this.headerEnd(i)
      const colon = skipLws(bytes, start + lower.length, end)
      if (colon < end && bytes[colon] === 58) return i
    }
    return -1
  }

  /** The value of the first header of that name. */
  header(name: string): string | undefined {
    const at = this.find(name)
    return at < 0 ? undefined : this.headerValue(at)
  }

  /** The values of all headers of that name, one a line. */
  headers(name: string): string[] {
    const values: string[] = []
    for (let at = this.find(name); at >= 0; at = this.find(name, at + 1)) values.push(this.headerValue(at))
    return values
  }

  /** The elements of all headers of that name, comma lists split; right for token lists such as Supported. */
  headerList(name: string): string[] {
    const values: string[] = []
    for (let at = this.find(name); at >= 0; at = this.find(name, at + 1)) {
      const bytes = bytesOf(this.raw)
      const end = this.valueEnd(at)
      for (let i = this.valueStart(at); i < end; ) {
        const comma = findComma(this.raw, i, end)
        const start = skipLws(bytes, i, comma)
        if (start < comma) values.push(unfold(this.raw.slice(start, trimEnd(bytes, start, comma))))
        i = comma + 1
      }
    }
    return values
  }

  get body(): string {
    return this.raw.slice(this.bodyStart)
  }

  /** '' when there is none. */
  get callId(): string {
    this.cachedCallId ??= this.firstValue(Id.CallId)
    return this.cachedCallId
  }

  /** -1 when the header is missing, malformed or above 2^32-1. */
  get cseqNumber(): number {
    if (this.cachedCseqNumber === -2) this.decodeCseq()
    return this.cachedCseqNumber
  }

  /** '' when the header is missing or malformed. */
  get cseqMethod(): string {
    if (this.cachedCseqNumber === -2) this.decodeCseq()
    return this.cachedCseqMethod
  }

  get from(): NameAddr | undefined {
    if (this.cachedFrom === null) this.cachedFrom = this.firstAddress(Id.From)
    return this.cachedFrom
  }

  get to(): NameAddr | undefined {
    if (this.cachedTo === null) this.cachedTo = this.firstAddress(Id.To)
    return this.cachedTo
  }

  /** '' when there is none. */
  get fromTag(): string {
    this.cachedFromTag ??= this.tag(Id.From)
    return this.cachedFromTag
  }

  /** '' when there is none. */
  get toTag(): string {
    this.cachedToTag ??= this.tag(Id.To)
    return this.cachedToTag
  }

  /** The first value of the first Via header; undefined when there is none or it is malformed. */
  get topVia(): Via | undefined {
    if (this.cachedTopVia === null) {
      const at = this.findId(Id.Via)
      if (at < 0) this.cachedTopVia = undefined
      else {
        const start = this.valueStart(at)
        this.cachedTopVia = parseVia(this.raw, start, findComma(this.raw, start, this.valueEnd(at)))
      }
    }
    return this.cachedTopVia
  }

  /** All well-formed Via values in order, comma lists split. */
  vias(): Via[] {
    const vias: Via[] = []
    for (let at = this.findId(Id.Via); at >= 0; at = this.findId(Id.Via, at + 1)) {
      parseViaList(this.raw, this.valueStart(at), this.valueEnd(at), vias)
    }
    return vias
  }

  /** All well-formed addresses of the headers of that name, comma lists split, with offsets in `raw`. */
  nameAddrs(name: string): NameAddr[] {
    const addresses: NameAddr[] = []
    for (let at = this.find(name); at >= 0; at = this.find(name, at + 1)) {
      parseNameAddrList(this.raw, this.valueStart(at), this.valueEnd(at), addresses)
    }
    return addresses
  }

  get maxForwards(): number | undefined {
    return this.number(Id.MaxForwards, MAX_CSEQ)
  }

  get contentLength(): number | undefined {
    return this.number(Id.ContentLength, Number.MAX_SAFE_INTEGER)
  }

  /** Media type and parameters; '' when there is none. */
  get contentType(): string {
    return this.firstValue(Id.ContentType)
  }

  private firstValue(id: HeaderId): string {
    const at = this.findId(id)
    return at < 0 ? '' : this.headerValue(at)
  }

  private firstAddress(id: HeaderId): NameAddr | undefined {
    const at = this.findId(id)
    return at < 0 ? undefined : parseNameAddr(this.raw, this.valueStart(at), this.valueEnd(at))
  }

  private tag(id: HeaderId): string {
    const at = this.findId(id)
    return at < 0 ? '' : tagOf(this.raw, this.valueStart(at), this.valueEnd(at))
  }

  private number(id: HeaderId, max: number): number | undefined {
    const at = this.findId(id)
    if (at < 0) return undefined
    const value = parseDigits(bytesOf(this.raw), this.valueStart(at), this.valueEnd(at), max)
    return value < 0 ? undefined : value
  }

  private decodeCseq(): void {
    this.cachedCseqNumber = -1
    const at = this.findId(Id.CSeq)
    if (at < 0) return
    const bytes = bytesOf(this.raw)
    const start = this.valueStart(at)
    const end = this.valueEnd(at)
    let i = start
    while (i < end && !isLws(bytes[i]!)) i++
    const number = parseDigits(bytes, start, i, MAX_CSEQ)
    const method = skipLws(bytes, i, end)
    if (number < 0 || method >= end || tokenEnd(bytes, method, end) < end) return
    this.cachedCseqNumber = number
    this.cachedCseqMethod = methodAt(this.raw, method, end)
  }
}

export class SipRequest extends SipMessage {
  readonly method: string
  readonly requestUri: string
  readonly requestUriStart: number

  constructor(
    raw: string,
    firstLineEnd: number,
    bodyStart: number,
    index: number[],
    method: string,
    requestUri: string,
    requestUriStart: number,
  ) {
    super(raw, firstLineEnd, bodyStart, index)
    this.method = method
    this.requestUri = requestUri
    this.requestUriStart = requestUriStart
  }

  /** The Request-URI taken apart; undefined when it is malformed. */
  get uri(): ReadUri | undefined {
    return readUri(this.requestUri)
  }
}

export class SipReply extends SipMessage {
  readonly status: number
  readonly reason: string

  constructor(raw: string, firstLineEnd: number, bodyStart: number, index: number[], status: number, reason: string) {
    super(raw, firstLineEnd, bodyStart, index)
    this.status = status
    this.reason = reason
  }
}
