// Owns the recording of changes to the message of the run: header lines, values and spans of the body.
import type { SipMessage } from '../src/sip/index.ts'
import { currentRun } from './runtime.ts'

/** Records that `remove` bytes at `at` give way to `text`. */
export function edit(at: number, remove: number, text: string): void {
  currentRun().addEdit({ at, remove, text })
}

export function removeHeaderLine(message: SipMessage, index: number): void {
  const start = message.headerStart(index)
  edit(start, message.headerEnd(index) - start, '')
}

/** Where a header goes that stands above all others. */
export function topOfHeaders(message: SipMessage): number {
  return message.firstLineEnd
}

/** Where a header goes that stands below all others: before the blank line. */
export function endOfHeaders(message: SipMessage): number {
  return message.headerCount === 0 ? message.firstLineEnd : message.headerEnd(message.headerCount - 1)
}

/** Index of the last header of that name, -1 when there is none. */
export function findLast(message: SipMessage, name: string): number {
  let last = -1
  for (let at = message.find(name); at >= 0; at = message.find(name, at + 1)) last = at
  return last
}
