// Owns the messages made from another one: reply (RFC 3261 8.2.6), ACK to a final reply that is not 2xx (17.1.1.3), CANCEL (9.1).

import { reasonPhrase } from './constants.ts'
import { applyEdits, type MessageEdit } from './edits.ts'
import { HeaderId } from './header-fields.ts'
import type { SipMessage, SipReply, SipRequest } from './message.ts'
import { type ReceivedFrom, viaReceivedEdits } from './via.ts'

/** What a reply carries beyond what its request dictates. */
export interface ReplyOptions {
  /** Put on To when the request has none. */
  readonly toTag?: string
  /** Further header lines, each with its CRLF. */
  readonly headers?: string
  readonly body?: string
  readonly contentType?: string
  /** Where the request came from; absent when its Via was written already. */
  readonly received?: ReceivedFrom
}

/** A reply to the request, ready to be sent. Headers that the request lacks are left out. */
export function buildReply(request: SipRequest, status: number, reason = '', options: ReplyOptions = {}): string {
  const { raw } = request
  const body = options.body ?? ''
  let out = `SIP/2.0 ${status} ${reason === '' ? reasonPhrase(status) : oneLine(reason)}\r\n`
  const withRoute = status > 100 && status < 300
  let viaEdits = options.received === undefined ? NO_EDITS : receivedEdits(request, options.received)
  for (let i = 0; i < request.headerCount; i++) {
    switch (request.headerId(i)) {
      case HeaderId.Via:
        out += lineWith(request, i, viaEdits)
        viaEdits = NO_EDITS
        break
      // RFC 3261 12.1.1: the route set goes back in replies that make a dialog.
      case HeaderId.RecordRoute:
        if (withRoute) out += line(request, i)
        break
      case HeaderId.To:
        // RFC 3261 8.2.6.2
        if (options.toTag !== undefined && options.toTag !== '' && request.toTag === '') {
          out += `${raw.slice(request.headerStart(i), request.valueEnd(i))};tag=${options.toTag}\r\n`
        } else out += line(request, i)
        break
      // RFC 3261 8.2.6.1: Timestamp goes into a 100.
      case HeaderId.Timestamp:
        if (status === 100) out += line(request, i)
        break
      case HeaderId.From:
      case HeaderId.CallId:
      case HeaderId.CSeq:
        out += line(request, i)
        break
      default:
    }
  }
  if (options.headers !== undefined) out += options.headers
  if (body !== '') out += `Content-Type: ${options.contentType ?? 'application/sdp'}\r\n`
  return `${out}Content-Length: ${body.length}\r\n\r\n${body}`
}

const NO_EDITS: readonly MessageEdit[] = []

/** A reason phrase holds no line end, whoever wrote it. */
function oneLine(reason: string): string {
  return /[\r\n]/.test(reason) ? reason.replace(/[\r\n]+/g, ' ') : reason
}

function receivedEdits(request: SipRequest, from: ReceivedFrom): readonly MessageEdit[] {
  const via = request.topVia
  return via === undefined ? NO_EDITS : viaReceivedEdits(request.raw, via, from)
}

/**
 * The edits that a server makes in a request on its way on: `received` and `rport` in its topmost Via
 * (RFC 3261 18.2.1, RFC 3581 4).
 */
export function receivedViaEdits(request: SipRequest, from: ReceivedFrom): readonly MessageEdit[] {
  return receivedEdits(request, from)
}

/** Header line `i` with its CRLF, as it came. */
function line(message: SipMessage, i: number): string {
  return message.raw.slice(message.headerStart(i), message.headerEnd(i))
}

/** Header line `i` with edits, which are given as offsets in the message. */
function lineWith(message: SipMessage, i: number, edits: readonly MessageEdit[]): string {
  if (edits.length === 0) return line(message, i)
  const start = message.headerStart(i)
  const shifted = edits.map((edit) => ({ at: edit.at - start, remove: edit.remove, text: edit.text }))
  return applyEdits(line(message, i), shifted)
}

/**
 * The ACK for a final reply that is not 2xx. `invite` is the INVITE as it was sent: its topmost Via is the only one of the
 * ACK, which goes where the INVITE went.
 */
export function buildAck(invite: SipRequest, reply: SipReply): string {
  return sameTransaction(invite, 'ACK', reply)
}

/** The CANCEL for an INVITE as it was sent (RFC 3261 9.1). */
export function buildCancel(invite: SipRequest): string {
  return sameTransaction(invite, 'CANCEL', invite)
}

function sameTransaction(invite: SipRequest, method: string, toFrom: SipMessage): string {
  const via = invite.topVia
  let out = `${method} ${invite.requestUri} SIP/2.0\r\n`
  if (via !== undefined) out += `Via: ${invite.raw.slice(via.start, via.end)}\r\n`
  out += 'Max-Forwards: 70\r\n'
  for (let i = 0; i < invite.headerCount; i++) {
    switch (invite.headerId(i)) {
      case HeaderId.From:
      case HeaderId.CallId:
      // RFC 3261 17.1.1.3, 9.1: the Route headers of the INVITE, that the message goes the same way.
      case HeaderId.Route:
        out += line(invite, i)
        break
      default:
    }
  }
  const to = toFrom.findId(HeaderId.To)
  if (to >= 0) out += line(toFrom, to)
  return `${out}CSeq: ${Math.max(invite.cseqNumber, 0)} ${method}\r\nContent-Length: 0\r\n\r\n`
}
