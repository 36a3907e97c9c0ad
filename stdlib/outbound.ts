// Owns module outbound: whether a request asks for RFC 5626, and the flow tokens that rr and path write and follow.
import { HeaderId, parseUri } from '../src/sip/index.ts'
import { forceSocket } from './core-sockets.ts'
import { setDestination } from './request-uri.ts'
import { currentRun } from './runtime.ts'
import { askNow } from './service.ts'
import { numberParameter } from './settings.ts'
import { isOwnAddress } from './siputils.ts'

const forcing = numberParameter('outbound', 'force_outbound_flag', -1)
const forbidding = numberParameter('outbound', 'force_no_outbound_flag', -1)

const isSet = (flag: number) => flag >= 0 && flag < 32 && (currentRun().state.flags & (1 << flag)) !== 0

/** RFC 5626 5.1: this is the first proxy that the request meets. */
export function isFirstHop(): boolean {
  const vias = currentRun().message.headers('Via')
  return vias.length === 1 && !vias[0]!.includes(',')
}

/**
 * Kamailio's conditions: forced by a flag, a REGISTER with reg-id, or a request of a user agent that wants its flow used.
 * With the token of a Route of ours: the dialog stays on its flow.
 */
function wanted(): 'this flow' | { readonly token: string } | undefined {
  const { message, request } = currentRun()
  if (request === undefined || isSet(forbidding())) return undefined
  const contact = message.header('Contact') ?? ''
  if (request.method === 'REGISTER')
    return isSet(forcing()) || (/;\s*reg-id\s*=/i.test(contact) && isFirstHop()) ? 'this flow' : undefined
  const top = message.findId(HeaderId.Route) < 0 ? undefined : message.nameAddrs('Route')[0]
  const uri = top === undefined ? undefined : parseUri(top.uri)
  if (uri?.params.has('ob') && isOwnAddress(uri.host, uri.port ?? 0, uri.params.get('transport') ?? ''))
    return uri.user === undefined ? 'this flow' : { token: uri.user }
  const asked =
    /<[^<>]*;ob(?=[;>=?])/i.test(contact) &&
    isFirstHop() &&
    message.headers('Supported').some((value) => /(?:^|,)\s*outbound\s*(?:,|$)/i.test(value))
  return asked || isSet(forcing()) ? 'this flow' : undefined
}

/** The token of the flow by which requests of the other side are to come to the user agent of this one. */
export function flowToken(): string | undefined {
  const flow = wanted()
  if (flow === undefined) return undefined
  const own = askNow<string | null>('outbound', 'token') ?? undefined
  return own === undefined || flow === 'this flow' ? own : flow.token
}

interface TokenFlow {
  readonly uri: string
  readonly socket: string
  readonly stream: boolean
}

/** Sends the request over the flow of a token, RFC 5626 5.3; `other`: the token names none to be followed. */
export function followFlow(token: string): 'followed' | 'other' | 'tampered' {
  const flow = askNow<TokenFlow | 'same' | 'tampered' | null>('outbound', 'flow', { token })
  if (flow === 'tampered') return 'tampered'
  if (flow === null || flow === 'same') return 'other'
  setDestination(flow.uri)
  forceSocket(flow.socket)
  const { target } = currentRun()
  // 5.3: where the connection is gone, the flow has failed; another one would lead elsewhere.
  if (target !== undefined && flow.stream) target.noConnect = true
  return 'followed'
}
