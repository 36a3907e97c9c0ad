// Owns requests that a script sends with uac_req_send: their fields, the answer to a challenge, what the event route is told.
import type { LocalReply } from '../proxy/index.ts'
import type { SipReply } from '../sip/index.ts'
import { answerChallenge, type Challenge, type Credentials, readChallenge } from './digest-client.ts'
import { fieldsOf, textOf, wholeOf } from './parameters.ts'
import type { ServiceHost } from './service.ts'

/** The first challenge of a reply that can be answered, of that realm where one is given. */
export function challengeOf(reply: SipReply, realm = ''): Challenge | undefined {
  for (const name of ['WWW-Authenticate', 'Proxy-Authenticate'])
    for (const value of reply.headers(name)) {
      const challenge = readChallenge(name, value)
      if (challenge !== undefined && (realm === '' || realm === challenge.realm)) return challenge
    }
  return undefined
}

export interface OwnRequest {
  readonly method: string
  readonly uri: string
  readonly nextHop?: string
  readonly listener?: number
  readonly from: string
  readonly to: string
  readonly callId: string
  readonly cseq: number
  readonly headers: string
  readonly body?: string
  readonly contentType?: string
}

/** Sends it, once more with credentials where it is challenged. `heard` is told of each final outcome. */
export async function sendAuthenticated(
  host: ServiceHost,
  request: OwnRequest,
  credentials: Credentials | undefined,
  heard: (outcome: LocalReply) => void = () => {},
): Promise<LocalReply> {
  const first = await host.send(request)
  heard(first)
  if (credentials === undefined || first.reply === undefined || (first.status !== 401 && first.status !== 407))
    return first
  const challenge = challengeOf(first.reply)
  if (challenge === undefined) return first
  const authorization = answerChallenge(challenge, credentials, request.method, request.uri)
  const again = { ...request, cseq: request.cseq + 1, headers: `${authorization}${request.headers}` }
  const second = await host.send(again)
  heard(second)
  return second
}

const whole = (text: string) => text.replace(/\r?\n/g, '\r\n')

/** uac_req_send: 1 when it is on its way. */
export function sendScripted(
  host: ServiceHost,
  args: unknown,
  listenerNamed: (text: string) => number | undefined,
): number {
  const fields = fieldsOf(args)
  const field = (name: string) => textOf(fields[name])
  const [method, ruri] = [field('method'), field('ruri')]
  const furi = field('furi') || ruri
  const turi = field('turi') || ruri
  if (!/^[A-Za-z]+$/.test(method) || ruri === '' || /[\r\n]/.test(`${ruri}${furi}${turi}${field('callid')}`)) return -1
  const addressed = (uri: string, tag: string) =>
    `${uri.includes('<') ? uri : `<${uri}>`}${tag === '' ? '' : `;tag=${tag}`}`
  let headers = whole(field('hdrs'))
  if (headers !== '' && !headers.endsWith('\r\n')) headers += '\r\n'
  const type = /^content-type[ \t]*:(.*)\r\n/im.exec(headers)
  if (type !== null) headers = headers.replace(type[0], '')
  const outbound = field('ouri')
  const listener = listenerNamed(field('sock'))
  const body = field('body')
  const request: OwnRequest = {
    method,
    uri: ruri,
    ...(outbound === '' ? {} : { nextHop: outbound }),
    ...(listener === undefined ? {} : { listener }),
    from: addressed(furi, field('ftag')),
    to: addressed(turi, field('ttag')),
    callId: field('callid') || host.ids.callId(),
    cseq: wholeOf(fields.cseq) || 10,
    headers,
    ...(body === '' ? {} : { body, contentType: type?.[1]?.trim() ?? 'text/plain' }),
  }
  const user = field('auser')
  const credentials =
    user === ''
      ? undefined
      : { user, password: field('apasswd'), ...(wholeOf(fields.flags) & 1 ? { isHa1: true as const } : {}) }
  const wanted = wholeOf(fields.evroute)
  const told = ({ status, reason, reply }: LocalReply): void => {
    if (wanted === 0) return
    const data = {
      ...fields,
      callid: request.callId,
      evcode: status,
      evreason: reason,
      evtype: reply === undefined ? 2 : 1,
    }
    void host.event({ name: 'uac:reply', data, ...(reply === undefined ? {} : { message: reply }) })
  }
  void sendAuthenticated(host, request, credentials, told)
  return 1
}
