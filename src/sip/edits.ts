// Owns edits of a message: byte spans replaced in the original text, applied once when the message is written.

import type { Transport } from './constants.ts'
import { HeaderId, headerIdAt } from './header-fields.ts'
import type { SipMessage } from './message.ts'
import { isLws, parseDigits, trimEnd } from './scan.ts'

/** Removes `remove` bytes at `at` (an offset in the original raw message) and inserts `text` there. */
export interface MessageEdit {
  readonly at: number
  readonly remove: number
  readonly text: string
  /** Set for a Record-Route whose outgoing side is known only when the branch is sent; `text` is '' then. */
  readonly recordRoute?: RecordRouteSpec
}

/** A Record-Route still to be written. */
export interface RecordRouteSpec {
  readonly user?: string
  /** `hostport[;transport=x]` of the side the request came in on, its advertised address applied. */
  readonly inbound: string
  readonly inboundTransport: Transport
  /** The same for the outgoing side, when the script gives it; else the engine takes the outgoing listener's. */
  readonly outbound?: string
  /** What follows, from its `;` on: `;ftag=x;lr`. */
  readonly params: string
  /** When to write the `r2=on` pair: the transports differ, listener or transport differ, in any case, never. */
  readonly double: 'protocol' | 'interface' | 'always' | 'never'
}

/**
 * The text with all edits applied. Edits at one place keep the order in which they stand in the list. A removal that
 * reaches into one already made goes on from that one's end; text of an edit whose place lies inside an earlier removal
 * (not at its start) goes with the removed bytes. Offsets outside the text are brought to its ends.
 */
export function applyEdits(raw: string, edits: readonly MessageEdit[]): string {
  if (edits.length === 0) return raw
  const ordered = inOrder(edits) ? edits : edits.toSorted((a, b) => a.at - b.at)
  let out = ''
  // Bytes before `done` are written or removed; `owner` is where the span that ends at `done` began.
  let done = 0
  let owner = -1
  for (const edit of ordered) {
    const at = Math.min(Math.max(edit.at, 0), raw.length)
    if (at >= done) {
      if (at > done) out += raw.slice(done, at)
      out += edit.text
      done = at
      owner = at
    } else if (at === owner) out += edit.text
    if (edit.remove > 0) done = Math.max(done, Math.min(at + edit.remove, raw.length))
  }
  return out + raw.slice(done)
}

function inOrder(edits: readonly MessageEdit[]): boolean {
  for (let i = 1; i < edits.length; i++) if (edits[i - 1]!.at > edits[i]!.at) return false
  return true
}

/** Edits that give the message another body and the Content-Length that goes with it. */
export function bodyEdit(message: SipMessage, newBody: string): MessageEdit[] {
  const edits: MessageEdit[] = []
  const line = message.findId(HeaderId.ContentLength)
  if (line < 0) {
    if (newBody !== '')
      edits.push({ at: endOfHeaders(message), remove: 0, text: `Content-Length: ${newBody.length}\r\n` })
  } else {
    const at = message.valueStart(line)
    const remove = message.valueEnd(line) - at
    edits.push({ at, remove, text: String(newBody.length) })
  }
  edits.push({ at: message.bodyStart, remove: message.raw.length - message.bodyStart, text: newBody })
  return edits
}

/** Where a header line is added at the end: before the blank line. */
export function endOfHeaders(message: SipMessage): number {
  return message.headerCount === 0 ? message.firstLineEnd : message.headerEnd(message.headerCount - 1)
}

/** An edit that adds a header line at the end of the headers; `line` is without its CRLF. */
export function appendHeaderEdit(message: SipMessage, line: string): MessageEdit {
  return { at: endOfHeaders(message), remove: 0, text: `${line}\r\n` }
}

/** An edit that adds a header line before all others; `line` is without its CRLF. */
export function prependHeaderEdit(message: SipMessage, line: string): MessageEdit {
  return { at: message.firstLineEnd, remove: 0, text: `${line}\r\n` }
}

/** An edit that takes out header line `index`. */
export function removeHeaderEdit(message: SipMessage, index: number): MessageEdit {
  const at = message.headerStart(index)
  return { at, remove: message.headerEnd(index) - at, text: '' }
}

/** An edit that gives header line `index` another value. */
export function headerValueEdit(message: SipMessage, index: number, value: string): MessageEdit {
  const at = message.valueStart(index)
  return { at, remove: message.valueEnd(index) - at, text: value }
}

/**
 * The message as it leaves: edits applied, and Content-Length set right when they changed the length of the body.
 * Record-Route edits must have been resolved.
 */
export function serializeMessage(message: SipMessage, edits: readonly MessageEdit[]): string {
  const { raw, bodyStart } = message
  let bodyTouched = false
  for (const edit of edits) if (edit.at >= bodyStart || edit.at + edit.remove > bodyStart) bodyTouched = true
  const wire = applyEdits(raw, edits)
  return bodyTouched ? correctContentLength(wire) : wire
}

/** The message with a Content-Length that tells its body's length; unchanged when it already does. */
export function correctContentLength(wire: string): string {
  let line = wire.indexOf('\n') + 1
  if (line === 0) return wire
  let found = -1
  let foundEnd = -1
  while (line < wire.length) {
    const code = wire.charCodeAt(line)
    if (code === 10 || (code === 13 && wire.charCodeAt(line + 1) === 10)) break
    const feed = wire.indexOf('\n', line)
    if (feed < 0) return wire
    const colon = wire.indexOf(':', line)
    if (colon > 0 && colon < feed && found < 0) {
      const nameEnd = trimEnd(wire, line, colon)
      if (headerIdAt(wire, line, nameEnd) === HeaderId.ContentLength) {
        found = colon + 1
        foundEnd = feed
      }
    }
    line = feed + 1
  }
  const bodyStart = line + (wire.charCodeAt(line) === 13 ? 2 : 1)
  const length = Math.max(wire.length - bodyStart, 0)
  if (found < 0) return length === 0 ? wire : `${wire.slice(0, line)}Content-Length: ${length}\r\n${wire.slice(line)}`
  let start = found
  while (start < foundEnd && isLws(wire.charCodeAt(start))) start++
  const end = trimEnd(wire, start, foundEnd)
  if (parseDigits(wire, start, end, Number.MAX_SAFE_INTEGER) === length) return wire
  return `${wire.slice(0, start)}${length}${wire.slice(end)}`
}

/** The outgoing side of a branch, for its Record-Route. */
export interface RecordRouteSide {
  /** `hostport[;transport=x]`, the advertised address applied. */
  readonly address: string
  readonly transport: Transport
}

/** The Record-Route header lines that the specification asks for on this branch, each with its CRLF. */
export function recordRouteLines(spec: RecordRouteSpec, outgoing: RecordRouteSide): string {
  const outbound = spec.outbound ?? outgoing.address
  const user = spec.user === undefined || spec.user === '' ? '' : `${spec.user}@`
  if (!isDouble(spec, outbound, outgoing.transport)) return `Record-Route: <sip:${user}${outbound}${spec.params}>\r\n`
  // RFC 5658: the topmost one names the side the request leaves by, the next the side it came in on.
  return (
    `Record-Route: <sip:${user}${outbound};r2=on${spec.params}>\r\n` +
    `Record-Route: <sip:${user}${spec.inbound};r2=on${spec.params}>\r\n`
  )
}

function isDouble(spec: RecordRouteSpec, outbound: string, transport: Transport): boolean {
  switch (spec.double) {
    case 'always':
      return true
    case 'never':
      return false
    case 'protocol':
      return spec.inboundTransport !== transport
    case 'interface':
      return spec.inboundTransport !== transport || spec.inbound !== outbound
  }
}

/** The edits with each Record-Route written out for the outgoing side. */
export function resolveRecordRoutes(edits: readonly MessageEdit[], outgoing: RecordRouteSide): readonly MessageEdit[] {
  if (!edits.some((edit) => edit.recordRoute !== undefined)) return edits
  return edits.map((edit) => {
    if (edit.recordRoute === undefined) return edit
    return { at: edit.at, remove: edit.remove, text: edit.text + recordRouteLines(edit.recordRoute, outgoing) }
  })
}
