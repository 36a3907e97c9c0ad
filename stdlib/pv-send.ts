// Owns the pseudo-variables of sending and of the script's own place: $fs $fsn $snd() $sndto() $cfg() $C() $sbranch() and so on.

import { bracketHost } from '../src/sip/index.ts'
import type { RouteKind } from './contract.ts'
import { forcedSocket, forceSocket } from './core-sockets.ts'
import { routeDirection } from './loose-route.ts'
import { definePv, definePvClass, type PvValue } from './pv.ts'
import { PROTOCOLS } from './pv-network.ts'
import { currentRun } from './runtime.ts'
import { Target } from './transaction-state.ts'

const meta = (name: string, doc: string, module = 'pv') => ({ name, module, doc })
const TARGETED: readonly RouteKind[] = ['request', 'failure', 'branch', 'event']

definePv(
  { ...meta('fs', 'The socket forced for sending: proto:address:port; null takes the force away.'), routes: TARGETED },
  () => forcedSocket()?.text ?? null,
  (value) => {
    if (value === null || value === undefined) {
      const { target } = currentRun()
      if (target !== undefined) target.listener = undefined
    } else forceSocket(`${value}`)
  },
)
definePv(
  { ...meta('fsn', 'Name of the socket forced for sending.'), routes: TARGETED },
  () => forcedSocket()?.name ?? null,
  (value) => {
    if (value !== null && value !== undefined) forceSocket(`${value}`)
  },
)
definePv({ ...meta('fsp', 'Port of the socket forced for sending; 0 without one.'), routes: TARGETED }, () => {
  const socket = forcedSocket()?.text
  return socket === undefined ? 0 : Number(socket.slice(socket.lastIndexOf(':') + 1))
})

const PARTS = ['ip', 'port', 'proto', 'sproto', 'af', 'buf', 'len', 'timeout'] as const

/** Known in onsend_route only: elsewhere nothing is being sent. */
function sending(name: string, doc: string, side: 'to' | 'from'): void {
  definePvClass({ ...meta(name, doc), inner: { name: 'part', values: PARTS } }, (inner) => ({
    get: (): PvValue => {
      const { send } = currentRun().meta
      if (send === undefined) return null
      switch (inner.text) {
        case 'ip':
          return side === 'to' ? send.toIp : send.fromIp
        case 'port':
          return side === 'to' ? send.toPort : send.fromPort
        case 'proto':
          return PROTOCOLS[send.proto] ?? 0
        case 'sproto':
          return send.proto
        case 'af':
          return (side === 'to' ? send.toIp : send.fromIp).includes(':') ? 10 : 2
        case 'buf':
          return currentRun().raw
        case 'len':
          return currentRun().raw.length
        default:
          return null
      }
    },
  }))
}
sending('snd', 'onsend_route: where the message is about to go.', 'to')
sending('sndto', 'onsend_route: where the message is about to go.', 'to')
sending('sndfrom', 'onsend_route: from where the message is about to go.', 'from')

definePv({ ...meta('src_ip', 'Source address.') }, () => currentRun().meta.srcIp)
definePv(
  meta('ruid', 'The unique id of the contact that the R-URI was taken from.'),
  () => currentRun().target?.ruid || null,
)
let counted = 0
definePv(meta('sruid', 'A text that is never the same twice.'), () => {
  counted = (counted + 1) >>> 0
  return `srid-${currentRun().meta.messageNumber.toString(16)}-${Date.now().toString(16)}-${counted.toString(16)}`
})
const userLength = (uri: string | null | undefined): number => {
  const user = /^\w+:([^@:;?]*)(?::[^@]*)?@/.exec(uri ?? '')?.[1]
  return user === undefined ? 0 : user.length
}
definePv(meta('oUl', 'Length of the user part of the R-URI as received.'), () =>
  userLength(currentRun().request?.requestUri),
)
definePv(meta('fUl', 'Length of the user part of From.'), () => userLength(currentRun().message.from?.uri))
definePv(meta('tUl', 'Length of the user part of To.'), () => userLength(currentRun().message.to?.uri))
definePv(meta('rUl', 'Length of the user part of the R-URI.'), () => userLength(currentRun().target?.uri))

const FOREGROUND: Readonly<Record<string, string>> = {
  x: '39',
  s: '30',
  r: '31',
  g: '32',
  y: '33',
  b: '34',
  p: '35',
  c: '36',
  w: '37',
}
/** A log line in colours: letters for foreground and background, capitals bold. */
definePvClass(
  { ...meta('C', 'The escape sequence of a colour for terminals.'), inner: { name: 'colours' } },
  (inner) => {
    const [front = 'x', back = 'x'] = inner.text
    const bold = front !== front.toLowerCase() ? '1' : '0'
    const fore = FOREGROUND[front.toLowerCase()] ?? '39'
    const ground = Number(FOREGROUND[back.toLowerCase()] ?? '39') + 10
    // The log shows no control characters of a script; a colour is taken out there.
    const sequence = `\u001b[${bold};${fore};${ground}m`
    return { get: () => sequence }
  },
)

definePvClass(
  {
    ...meta('cfg', 'Place in the file: name, line, route.', 'corex'),
    inner: { name: 'part', values: ['name', 'line', 'route'] },
  },
  (inner) => ({
    get: () => {
      const run = currentRun()
      if (inner.text === 'route') return run.name === '' ? 'DEFAULT_ROUTE' : run.name
      return inner.text === 'line' ? 0 : 'route'
    },
  }),
)

definePvClass(
  {
    ...meta('rdir', 'Direction of the request in its dialog: id 1 downstream, 2 upstream; name.', 'rr'),
    inner: { name: 'part', values: ['id', 'name'] },
  },
  (inner) => ({
    get: () => {
      const direction = routeDirection()
      return inner.text === 'name' ? direction : direction === 'upstream' ? 2 : 1
    },
  }),
)
definePv(meta('fti', 'Tag that From had in the first request of the dialog, whoever sends this one.', 'rr'), () => {
  const { message } = currentRun()
  return (routeDirection() === 'upstream' ? message.toTag : message.fromTag) || null
})
definePv(meta('tti', 'Tag of the one that was called, whoever sends this request.', 'rr'), () => {
  const { message } = currentRun()
  return (routeDirection() === 'upstream' ? message.fromTag : message.toTag) || null
})

function staticBranch(): Target {
  const { state } = currentRun()
  state.staticBranch ??= new Target('')
  return state.staticBranch
}
definePvClass(
  {
    ...meta('sbranch', 'The static branch: uri, dst_uri, path, Q, send_socket, flags.'),
    inner: { name: 'field', values: ['uri', 'dst_uri', 'path', 'Q', 'send_socket', 'flags', 'ruid', 'location_ua'] },
    writable: true,
  },
  (inner) => {
    const text = (value: PvValue) => `${value ?? ''}`
    switch (inner.text) {
      case 'uri':
        return { get: () => staticBranch().uri || null, set: (value) => void (staticBranch().uri = text(value)) }
      case 'dst_uri':
        return {
          get: () => staticBranch().nextHop || null,
          set: (value) => void (staticBranch().nextHop = text(value)),
        }
      case 'path':
        return { get: () => staticBranch().path || null, set: (value) => void (staticBranch().path = text(value)) }
      case 'Q':
        return {
          get: () => (staticBranch().q === undefined ? null : Math.round(staticBranch().q! * 1000)),
          set: (value) => void (staticBranch().q = Number(value) / 1000),
        }
      case 'flags':
        return {
          get: () => staticBranch().branchFlags,
          set: (value) => void (staticBranch().branchFlags = Number(value) | 0),
        }
      case 'ruid':
        return { get: () => staticBranch().ruid || null, set: (value) => void (staticBranch().ruid = text(value)) }
      default:
        return { get: () => null, set: () => {} }
    }
  },
)

/** The host's own names and addresses are no business of a script: what others know of us is. */
definePvClass(
  {
    ...meta('HN', 'Names of this host: n its name, f the full name, d the domain, i its address.', 'ipops'),
    inner: { name: 'part', values: ['n', 'f', 'd', 'i'] },
  },
  (inner) => ({
    get: () => {
      const { listener } = currentRun().meta
      const host = listener.advertisedHost ?? listener.address
      switch (inner.text) {
        case 'i':
          return listener.address
        case 'n':
          return /^[\d.]+$|:/.test(host) ? host : host.split('.', 1)[0]!
        case 'd':
          return /^[\d.]+$|:/.test(host) || !host.includes('.') ? null : host.slice(host.indexOf('.') + 1)
        default:
          return bracketHost(host)
      }
    },
  }),
)
