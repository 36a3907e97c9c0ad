// Owns transfers that a script begins (RFC 3515): a party of a call sent elsewhere, and two addresses brought together by INVITE, REFER and BYE.
import { parseUri, type SipReply } from '../sip/index.ts'
import { type Side, sendWithin } from './dialog-requests.ts'
import { type Dialog, uriIn } from './dialog-state.ts'
import type { Parameters } from './parameters.ts'
import type { ServiceHost } from './service.ts'

/** Nothing flows until the other end takes part. */
const ON_HOLD = [
  'v=0',
  'o=signalbox-bridge 0 0 IN IP4 0.0.0.0',
  's=signalbox',
  'c=IN IP4 0.0.0.0',
  't=0 0',
  'm=audio 9 RTP/AVP 8 0',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:0 PCMU/8000',
  '',
].join('\r\n')

/** 5.6.3 counts from here. */
const FIRST_CSEQ = 10
const MOST_ROUTES = 32

/** What can stand in a header as it is: no text of a message makes another line of it. */
function isAddress(text: string): boolean {
  return text.length <= 512 && !/[^!-~]|[<>"]/.test(text) && parseUri(text) !== undefined
}

/** RFC 3515 2.1, RFC 3261 20: what has parameters needs brackets. */
const bare = (uri: string) => (/[;?,]/.test(uri) ? `<${uri}>` : uri)

/** Who asks for the transfer, and where he is reached: parameters `bridge_controller` and `bridge_contact`. */
function controllerOf(parameters: Parameters): { controller: string; contact: string } {
  return {
    controller: parameters.text('bridge_controller', 'sip:controller@kamailio.org'),
    contact: parameters.text('bridge_contact', 'sip:controller@kamailio.org:5060'),
  }
}

function referHeaders(parameters: Parameters, to: string): string {
  const { controller, contact } = controllerOf(parameters)
  return `Referred-By: ${bare(controller)}\r\nRefer-To: ${bare(to)}\r\nContact: <${contact}>\r\n`
}

/**
 * Sends a REFER as `side` would, so that the other one is asked to call `address`, and a BYE to him when he has answered: who
 * gets it is as in 5.6.3. False: the address is none.
 */
export function refer(host: ServiceHost, parameters: Parameters, dialog: Dialog, side: Side, address: string): boolean {
  if (!isAddress(address)) return false
  const asked: Side = side === 'caller' ? 'callee' : 'caller'
  const headers = referHeaders(parameters, address)
  void sendWithin(host, dialog, asked, { method: 'REFER', headers }).then(() =>
    sendWithin(host, dialog, asked, { method: 'BYE' }),
  )
  return true
}

export interface Bridge {
  /** Called first, and referred to `to`. */
  readonly from: string
  readonly to: string
  /** Where the first INVITE goes instead; '' or a dot: where `from` leads. */
  readonly proxy: string
  /** Instead of an offer on hold; '' sends none. */
  readonly body?: string
}

/** Calls `from` and refers him to `to`. False: one of them is no address. */
export function bridge(host: ServiceHost, parameters: Parameters, { from, to, proxy, body }: Bridge): boolean {
  const over = proxy === '' || proxy === '.' ? undefined : proxy
  if (!isAddress(from) || !isAddress(to) || (over !== undefined && !isAddress(over))) return false
  void carriedOut(host, parameters, from, to, over, body ?? ON_HOLD)
  return true
}

async function carriedOut(
  host: ServiceHost,
  parameters: Parameters,
  from: string,
  to: string,
  over: string | undefined,
  body: string,
): Promise<void> {
  const { controller, contact } = controllerOf(parameters)
  const own = { from: `<${controller}>;tag=${host.ids.tag()}`, callId: host.ids.callId() }
  const within = (reply: SipReply, method: string, cseq: number, headers = '') => {
    // RFC 3261 12.1.2: the route set is the Record-Route, turned round.
    const routes = reply
      .nameAddrs('Record-Route')
      .slice(0, MOST_ROUTES)
      .map(({ start, end }) => reply.raw.slice(start, end))
      .reverse()
    const [first] = routes
    return host.send({
      ...own,
      method,
      cseq,
      uri: uriIn(reply.header('Contact') ?? '') || from,
      ...(first === undefined ? {} : { nextHop: uriIn(first) }),
      to: `<${from}>;tag=${reply.toTag}`,
      headers: `${routes.map((route) => `Route: ${route}\r\n`).join('')}${headers}`,
    })
  }
  const { reply, status, reason } = await host.send({
    ...own,
    method: 'INVITE',
    uri: from,
    ...(over === undefined ? {} : { nextHop: over }),
    to: `<${from}>`,
    cseq: FIRST_CSEQ,
    headers: `Contact: <${contact}>\r\n`,
    ...(body === '' ? {} : { body, contentType: 'application/sdp' }),
  })
  if (reply === undefined || status >= 300) {
    host.log.warn({ from, status, reason }, 'dlg_bridge: the first address did not answer')
    return
  }
  await within(reply, 'REFER', FIRST_CSEQ + 1, referHeaders(parameters, to))
  await within(reply, 'BYE', FIRST_CSEQ + 2)
}
