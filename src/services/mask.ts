// Owns what hides a topology from the far ends: the interface to the edge, and the changes of messages that masks have in common.
import {
  applyEdits,
  endOfHeaders,
  type MessageEdit,
  parseMessage,
  type SipMessage,
  SipRequest,
  UNBOUNDED_PARSE_LIMITS,
} from '../sip/index.ts'
import type { Flow, Listener, Transport } from '../transport/index.ts'

/** Where a message is about to go. */
export interface Destination {
  readonly transport: Transport
  /** Numeric. */
  readonly address: string
  readonly port: number
  /** Undefined where no socket reaches it. */
  readonly listener: Listener | undefined
}

/** Sees every message that routes see, before and after them. Synchronous: it stands on the path of each message. */
export interface MessageMask {
  /** The message as routes shall see it: as it came, or another. */
  received(message: SipMessage, flow: Flow): SipMessage
  /** Asks routes whether the message is to leave as it is; undefined where no route has a say. */
  spares(message: SipMessage, to: Destination): Promise<boolean> | undefined
  /** A message that is spared, without what routes were shown in it; absent: they were shown nothing. */
  unmarked?(message: SipMessage): string
  /** What the far end shall see. */
  sending(message: SipMessage, to: Destination): string
}

const OUTGOING = 1
const SENDING = 2

/** What of the service host is asked. */
interface EventHost {
  hasEvent(name: string): boolean
  dropped(event: { name: string; message?: SipMessage }, to: Destination): Promise<boolean>
}

/** `event_mode`, and the event routes of the module that say drop for what is to leave as it is. */
export function sparing(
  host: EventHost,
  module: string,
  mode: number,
): (message: SipMessage, to: Destination) => Promise<boolean> | undefined {
  const [outgoing, sending] = [`${module}:msg-outgoing`, `${module}:msg-sending`]
  return (message, to) => {
    const first = (mode & OUTGOING) !== 0 && host.hasEvent(outgoing)
    const second = (mode & SENDING) !== 0 && host.hasEvent(sending)
    if (!first && !second) return undefined
    return (async () => {
      // The first sees where it goes, and a message of no meaning; the second sees the message.
      if (first && (await host.dropped({ name: outgoing }, to))) return true
      return second && (await host.dropped({ name: sending, message }, to))
    })()
  }
}

/** Reads what is about to leave; undefined where it is no SIP. */
export function readOwn(wire: string): SipMessage | undefined {
  const parsed = parseMessage(wire, UNBOUNDED_PARSE_LIMITS)
  return parsed.ok ? parsed.message : undefined
}

/** The message with the changes made; itself where there are none, or where the result would not be a message. */
export function changed(message: SipMessage, edits: readonly MessageEdit[]): SipMessage {
  return edits.length === 0 ? message : (readOwn(applyEdits(message.raw, edits)) ?? message)
}

/** Takes away all header lines of a name. */
export function withoutHeaders(message: SipMessage, name: string): MessageEdit[] {
  const edits: MessageEdit[] = []
  for (let at = message.find(name); at >= 0; at = message.find(name, at + 1)) {
    const start = message.headerStart(at)
    edits.push({ at: start, remove: message.headerEnd(at) - start, text: '' })
  }
  return edits
}

/** Puts header lines below all others. */
export function added(message: SipMessage, lines: string): MessageEdit[] {
  return lines === '' ? [] : [{ at: endOfHeaders(message), remove: 0, text: lines }]
}

/** Puts other values in place of all header lines of a name, where the first of them stands, one a line. */
export function replaced(message: SipMessage, name: string, values: readonly string[]): MessageEdit[] {
  const gone = withoutHeaders(message, name)
  const lines = values.map((value) => `${name}: ${value}\r\n`).join('')
  const [first, ...rest] = gone
  return first === undefined ? added(message, lines) : [{ ...first, text: lines }, ...rest]
}

/** Method of a request, or of the request that a reply answers. */
export function methodOf(message: SipMessage): string {
  return message instanceof SipRequest ? message.method : message.cseqMethod
}

/** These two are for a server of ours: nothing in them is hidden. */
export function isLocalMethod(method: string): boolean {
  return method === 'REGISTER' || method === 'PUBLISH'
}
