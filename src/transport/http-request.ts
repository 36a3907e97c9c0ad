// Owns HTTP requests that come to a SIP port (Kamailio's xhttp): they become requests that a route can read.
import { type ParseLimits, parseMessage, SipRequest } from '../sip/index.ts'
import type { Flow } from './types.ts'

const REQUEST_LINE = /^([A-Z]{1,16}) (\/[^ \r\n]*) HTTP\/1\.[01]\r?\n/

/** The request with a Via, From, To, Call-ID and CSeq put in, its own header lines below; undefined where it is no HTTP. */
export function httpRequest(raw: string, flow: Flow, limits: ParseLimits): SipRequest | undefined {
  const found = REQUEST_LINE.exec(raw)
  if (found === null) return undefined
  const [line, method, target] = found
  const host = flow.remoteAddress.includes(':') ? `[${flow.remoteAddress}]` : flow.remoteAddress
  const length = /^content-length[ \t]*:/im.test(raw.slice(0, raw.indexOf('\r\n\r\n') + 2))
    ? ''
    : 'Content-Length: 0\r\n'
  const head = [
    `${method} ${target} SIP/2.0`,
    `Via: SIP/2.0/${flow.transport.toUpperCase()} ${host}:${flow.remotePort};branch=z9hG4bKhttp`,
    'From: <sip:http@signalbox.invalid>;tag=http',
    'To: <sip:http@signalbox.invalid>',
    `Call-ID: http-${flow.id}`,
    `CSeq: 1 ${method}`,
    `${length}${raw.slice(line.length)}`,
  ]
  const parsed = parseMessage(head.join('\r\n'), { ...limits, messageBytes: limits.messageBytes + 1024 })
  return parsed.ok && parsed.message instanceof SipRequest ? parsed.message : undefined
}
