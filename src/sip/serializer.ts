// Owns the writing of a message with its edits: edits of header lines and body, and a Content-Length that tells the truth.

import { bytesOf } from './bytes.ts'
import { applyEdits, type MessageEdit } from './edits.ts'
import { HeaderId, headerIdAt } from './header-fields.ts'
import type { SipMessage } from './message.ts'
import { findChar, lineFeedFrom, parseDigits, skipLws, trimEnd } from './scan.ts'

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

/** The message with a Content-Length that tells its body's length, wherever it stands; unchanged when it already does. */
export function correctContentLength(wire: string): string {
  const bytes = bytesOf(wire)
  const end = wire.length
  let line = wire.indexOf('\n') + 1
  if (line === 0) return wire
  const values: number[] = []
  while (line < end && bytes[line] !== 10 && (bytes[line] !== 13 || bytes[line + 1] !== 10)) {
    const feed = lineFeedFrom(wire, bytes, line)
    if (feed < 0) return wire
    const letter = bytes[line]! | 32
    // Content-Length, or l.
    const colon = letter === 99 || letter === 108 ? findChar(wire, ':', line, feed) : -1
    if (colon >= 0 && headerIdAt(bytes, line, trimEnd(bytes, line, colon)) === HeaderId.ContentLength) {
      let start = skipLws(bytes, colon + 1, feed)
      // Without a value there is nothing but the end of the line.
      if (start === feed) start = colon + 1
      values.push(start, trimEnd(bytes, start, feed))
    }
    line = feed + 1
  }
  const bodyStart = line + (bytes[line] === 13 ? 2 : 1)
  const length = Math.max(end - bodyStart, 0)
  if (values.length === 0)
    return length === 0 ? wire : `${wire.slice(0, line)}Content-Length: ${length}\r\n${wire.slice(line)}`
  let out = wire
  for (let i = values.length - 2; i >= 0; i -= 2) {
    const [start, valueEnd] = [values[i]!, values[i + 1]!]
    if (parseDigits(bytes, start, valueEnd, Number.MAX_SAFE_INTEGER) !== length)
      out = `${out.slice(0, start)}${length}${out.slice(valueEnd)}`
  }
  return out
}
