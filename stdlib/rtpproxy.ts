// Owns module rtpproxy: its functions and flags, carried out by the relay that rtpengine's functions use.
import type { BuiltinMeta, Parameter, RouteKind } from './contract.ts'
import { define, defineWaiting } from './define.ts'
import { rtpOperation } from './rtpengine.ts'
import { currentRun } from './runtime.ts'

const MEDIA: readonly RouteKind[] = ['request', 'reply', 'failure', 'branch']
const FLAGS: readonly Parameter[] = [
  { name: 'flags', kind: 'string', optional: true },
  { name: 'address', kind: 'string', optional: true },
]

function rtpproxy(
  name: string,
  kamailio: string,
  parameters: readonly Parameter[],
  doc: string,
  aliases: readonly string[] = [],
): Omit<BuiltinMeta, 'waits'> {
  return { name, kamailio, aliases, module: 'rtpproxy', parameters, routes: MEDIA, doc, example: `${kamailio}();` }
}

/** What rtpproxy's letters mean to the relay. */
function relayFlags(flags = '', address = ''): string {
  const has = (letter: string) => flags.includes(letter)
  const words = ['replace-session-connection']
  if (has('o')) words.push('replace-origin')
  // Without r the address in the SDP is not believed.
  words.push(has('r') ? 'trust-address' : 'SIP-source-address')
  if (has('a')) words.push('asymmetric')
  if (/[ei]{2}/.test(flags)) {
    const [from, to] = /[ei]{2}/.exec(flags)![0]
    const side = (letter: string | undefined) => (letter === 'e' ? 'external' : 'internal')
    words.push(`direction=${side(from)}`, `direction=${side(to)}`)
  }
  if (address !== '') words.push(`media-address=${address}`)
  return words.join(' ')
}

export const rtpproxyManage = defineWaiting(
  rtpproxy(
    'rtpproxyManage',
    'rtpproxy_manage',
    FLAGS,
    'As rtpengine_manage, with rtpproxy’s flags: o replaces the origin, r believes the addresses in the SDP.',
  ),
  (flags?: string, address?: string) => rtpOperation('manage', relayFlags(flags, address)),
)

export const rtpproxyOffer = defineWaiting(
  rtpproxy('rtpproxyOffer', 'rtpproxy_offer', FLAGS, 'Hands the SDP of an offer to the relay.'),
  (flags?: string, address?: string) => rtpOperation('offer', relayFlags(flags, address)),
)

export const rtpproxyAnswer = defineWaiting(
  rtpproxy('rtpproxyAnswer', 'rtpproxy_answer', FLAGS, 'Hands the SDP of an answer to the relay.'),
  (flags?: string, address?: string) => rtpOperation('answer', relayFlags(flags, address)),
)

export const rtpproxyDestroy = defineWaiting(
  rtpproxy('rtpproxyDestroy', 'rtpproxy_destroy', [FLAGS[0]!], 'Ends the media session of the call.', [
    'unforce_rtp_proxy',
  ]),
  (_flags?: string) => rtpOperation('delete', ''),
)

export const setRtpProxySet = define(
  rtpproxy(
    'setRtpProxySet',
    'set_rtp_proxy_set',
    [{ name: 'set', kind: 'int' }],
    'Chooses the set of relays for the operations that follow.',
  ),
  (set: number | string) => {
    const id = Number(set)
    if (!Number.isInteger(id) || id < 0) return -1
    currentRun().state.rtpSet = id
    return 1
  },
)
