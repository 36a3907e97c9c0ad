// Owns edits of a message: byte spans replaced in the original text, applied once when the message is written.

import type { Transport } from './constants.ts'

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

/** Whether a value that came out of a script is an edit. Lengths are its reader's to bound. */
export function isMessageEdit(value: unknown): value is MessageEdit {
  if (typeof value !== 'object' || value === null) return false
  const { at, remove, text, recordRoute } = value as Partial<MessageEdit>
  return isOffset(at) && isOffset(remove) && typeof text === 'string' && isSpec(recordRoute)
}

function isOffset(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isSpec(spec: RecordRouteSpec | undefined): boolean {
  if (spec === undefined) return true
  if (typeof spec !== 'object' || spec === null) return false
  const texts: unknown[] = [
    spec.inbound,
    spec.inboundTransport,
    spec.params,
    spec.double,
    spec.user ?? '',
    spec.outbound ?? '',
  ]
  return texts.every((text) => typeof text === 'string')
}

/**
 * The text with all edits applied. Edits at one place keep the order in which they stand in the list. A removal that
 * reaches into one already made goes on from that one's end; text of an edit whose place lies inside an earlier removal
 * (not at its start) goes with the removed bytes. Offsets outside the text are brought to its ends.
 */
export function applyEdits(raw: string, edits: readonly MessageEdit[]): string {
  if (edits.length === 0) return raw
  const ordered = inOrder(edits) ? edits : inserted(edits)
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

/** Few edits are sorted by hand: they come in runs that are in order already. */
const FEW_EDITS = 32

function inserted(edits: readonly MessageEdit[]): readonly MessageEdit[] {
  if (edits.length > FEW_EDITS) return edits.toSorted((a, b) => a.at - b.at)
  const ordered = edits.slice()
  for (let i = 1; i < ordered.length; i++) {
    const edit = ordered[i]!
    let place = i
    for (; place > 0 && ordered[place - 1]!.at > edit.at; place--) ordered[place] = ordered[place - 1]!
    ordered[place] = edit
  }
  return ordered
}

function inOrder(edits: readonly MessageEdit[]): boolean {
  for (let i = 1; i < edits.length; i++) if (edits[i - 1]!.at > edits[i]!.at) return false
  return true
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
