// Owns the pseudo-variables of the R-URI, the destination and the branches: $ru $rU $rd $rp $du $dd $ou $br $nh and so on.
import { type ReadUri, readUri, userPart } from '../src/sip/index.ts'
import type { RouteKind } from './contract.ts'
import { definePv, definePvClass, type PvValue } from './pv.ts'
import { PROTOCOLS } from './pv-network.ts'
import { changeUser, hostOf, portOf, rewriteUri, setDestination, setRequestUri } from './request-uri.ts'
import { currentRun } from './runtime.ts'

const ROUTES: readonly RouteKind[] = ['request', 'failure', 'branch', 'event']

/** Parts of a URI as Kamailio's variables show them: an absent part is null. */
const PARTS = {
  user: (uri: ReadUri): PvValue => userPart(uri) || null,
  host: (uri: ReadUri): PvValue => (uri.host === '' ? null : uri.host),
  port: (uri: ReadUri): PvValue => `${uri.port ?? defaultPortOf(uri)}`,
  // As written; 5.6.3 says UDP in capitals where nothing is, of sips as well.
  transport: (uri: ReadUri): PvValue => uri.params.get('transport') ?? 'UDP',
  scheme: (uri: ReadUri): PvValue => uri.scheme,
} as const

function defaultPortOf(uri: ReadUri): number {
  return uri.params.get('transport')?.toLowerCase() === 'tls' ? 5061 : 5060
}

function ofTarget(read: (uri: ReadUri) => PvValue): () => PvValue {
  return () => {
    const uri = currentRun().target?.parsed
    return uri === undefined ? null : read(uri)
  }
}

function ofText(text: () => string | undefined, read: (uri: ReadUri) => PvValue): () => PvValue {
  return () => {
    const given = text()
    const uri = given ? readUri(given) : undefined
    return uri === undefined ? null : read(uri)
  }
}

const target = () => currentRun().target?.uri
const protocol = (uri: ReadUri): number => {
  const name = `${PARTS.transport(uri)}`.toLowerCase()
  return Object.hasOwn(PROTOCOLS, name) ? PROTOCOLS[name]! : 0
}
/** Kamailio's numbers of schemes. */
const SCHEMES = ['', 'sip', 'sips', 'tel', 'tels', 'urn']

/** What a part counts as where a number is wanted; 0 where there is no URI. */
function numberOf(text: () => string | undefined, read: (uri: ReadUri) => number): () => number {
  return () => {
    const given = text()
    const uri = given ? readUri(given) : undefined
    return uri === undefined ? 0 : Math.max(0, read(uri))
  }
}

const meta = (name: string, doc: string, aliases: string[] = []) => ({
  name,
  aliases,
  module: 'pv',
  routes: ROUTES,
  doc,
})

definePv(
  meta('ru', 'The R-URI.', ['ruri']),
  () => {
    const target = currentRun().target
    return target?.parsed === undefined ? null : target.uri
  },
  (value) => {
    if (value !== null && value !== undefined) setRequestUri(`${value}`)
  },
)
definePv(meta('rU', 'User part of the R-URI; null takes it off.'), ofTarget(PARTS.user), (value) => {
  rewriteUri((seams) => changeUser(seams, () => `${value ?? ''}`))
})
definePv(meta('rd', 'Host of the R-URI; assigning keeps the port.'), ofTarget(PARTS.host), (value) => {
  rewriteUri((seams) => {
    const port = portOf(seams.hostport)
    seams.hostport = `${value ?? ''}${port === '' ? '' : `:${port}`}`
  })
})
definePv(meta('rp', "Port of the R-URI; the scheme's own when none is written."), ofTarget(PARTS.port), (value) => {
  rewriteUri((seams) => {
    const host = hostOf(seams.hostport)
    seams.hostport = value === null || value === undefined || value === '' ? host : `${host}:${value}`
  })
})
definePv({ ...meta('rP', 'Transport of the R-URI.'), number: numberOf(target, protocol) }, ofTarget(PARTS.transport))
definePv(
  { ...meta('rz', 'Scheme of the R-URI.'), number: numberOf(target, (uri) => SCHEMES.indexOf(uri.scheme)) },
  ofTarget(PARTS.scheme),
)

const original = () => currentRun().request?.requestUri
definePv(meta('ou', 'The R-URI as it was received.', ['ouri']), () => original() ?? null)
definePv(meta('oU', 'User part of the R-URI as received.'), ofText(original, PARTS.user))
definePv(meta('od', 'Host of the R-URI as received.'), ofText(original, PARTS.host))
definePv(meta('op', 'Port of the R-URI as received.'), ofText(original, PARTS.port))
definePv(
  { ...meta('oP', 'Transport of the R-URI as received.'), number: numberOf(original, protocol) },
  ofText(original, PARTS.transport),
)

const destination = () => currentRun().target?.nextHop
definePv(
  meta('du', 'Where the request is sent instead of the R-URI; null: to the R-URI.', ['duri']),
  () => destination() || null,
  (value) => setDestination(value === null || value === undefined ? null : `${value}`),
)
definePv(meta('dd', 'Host of $du.'), ofText(destination, PARTS.host))
definePv(meta('dp', 'Port of $du.'), ofText(destination, PARTS.port))
definePv(
  { ...meta('dP', 'Transport of $du.'), number: numberOf(destination, protocol) },
  ofText(destination, PARTS.transport),
)

definePvClass(
  {
    ...meta('nh', 'Next hop: u URI, d host, p port, P transport, U user; $du where set, else the R-URI.'),
    inner: { name: 'part', values: ['u', 'U', 'd', 'p', 'P'] },
  },
  (inner) => {
    const next = () => destination() || currentRun().target?.uri
    const read = { U: PARTS.user, d: PARTS.host, p: PARTS.port, P: PARTS.transport }[
      inner.text as 'U' | 'd' | 'p' | 'P'
    ]
    return { get: read === undefined ? () => next() ?? null : ofText(next, read) }
  },
)

definePv(meta('br', 'The first further branch.'), () => currentRun().state.branches[0]?.uri ?? null)
definePv(meta('bR', 'All further branches.'), () => branchList())
definePv(meta('ds', 'The destination set: R-URI and further branches.'), () => {
  const uri = currentRun().target?.uri
  const list = branchList(true)
  // The R-URI belongs to the set once it has been changed.
  const targets = uri === undefined || uri === original() ? [] : [`<${uri}>`]
  if (list !== null) targets.push(list)
  return targets.length === 0 ? null : `Contact: ${targets.join(', ')}`
})
function branchList(brackets = false): string | null {
  const { branches } = currentRun().state
  // Without a q, 5.6.3 writes $bR without brackets.
  const address = ({ uri, q }: { uri: string; q: number | undefined }) =>
    q === undefined ? (brackets ? `<${uri}>` : uri) : `<${uri}>;q=${q}`
  return branches.length === 0 ? null : branches.map((branch) => address({ uri: branch.uri, q: branch.q })).join(', ')
}

definePvClass(
  {
    ...meta('branch', 'A further branch: uri, dst_uri, send_socket, count, flags, with an index.'),
    inner: { name: 'field', values: ['uri', 'dst_uri', 'path', 'Q', 'send_socket', 'count', 'flags', 'ruid'] },
    index: true,
    writable: true,
  },
  (inner) => {
    const branch = () => {
      const at = inner.index()
      return currentRun().state.branches.at(typeof at === 'number' ? at : 0)
    }
    switch (inner.text) {
      case 'count':
        return { get: () => currentRun().state.branches.length || null }
      case 'dst_uri':
        return {
          get: () => branch()?.nextHop || null,
          set: (value) => {
            const one = branch()
            if (one !== undefined) one.nextHop = `${value ?? ''}`
          },
        }
      case 'Q':
        return {
          get: () => {
            const q = branch()?.q
            return q === undefined ? null : Math.round(q * 1000)
          },
        }
      case 'flags':
        return { get: () => branch()?.branchFlags ?? null }
      case 'uri':
        return {
          get: () => branch()?.uri ?? null,
          set: (value) => {
            const one = branch()
            if (one !== undefined && value !== null && value !== undefined) one.uri = `${value}`
          },
        }
      default:
        return { get: () => null }
    }
  },
)
