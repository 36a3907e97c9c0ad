// Owns module rr, the following side: Route of this hop taken off, the next one made the destination (RFC 3261 16.4, 16.6 step 6).
import { HeaderId, type NameAddr, type ReadUri, readUri, type SipMessage } from '../src/sip/index.ts'
import { define } from './define.ts'
import { edit, endOfHeaders, removeHeaderLine } from './message-edits.ts'
import { followFlow } from './outbound.ts'
import { posixRegex } from './regex.ts'
import { runTarget, setDestination, setRequestUri } from './request-uri.ts'
import { currentRun, language } from './runtime.ts'
import { isOwnAddress, isOwnUri } from './siputils.ts'

/** One Route value, and the header line that it stands in. */
interface RouteEntry {
  readonly address: NameAddr
  readonly uri: ReadUri | undefined
  readonly line: number
}

function routes(message: SipMessage): RouteEntry[] {
  let line = message.findId(HeaderId.Route)
  return message.nameAddrs('Route').map((address) => {
    while (address.start > message.valueEnd(line)) line = message.findId(HeaderId.Route, line + 1)
    return { address, uri: readUri(address.uri), line }
  })
}

function isOurs(entry: RouteEntry): boolean {
  const { uri } = entry
  return uri !== undefined && isOwnAddress(uri.host, uri.port ?? 0, uri.params.get('transport') ?? '')
}

/** A strict router is one whose URI has no `lr` (RFC 3261 16.6 step 6). */
function isStrict(entry: RouteEntry): boolean {
  return entry.uri === undefined || !entry.uri.params.has('lr')
}

/** Takes Route values out: whole lines where nothing is left of them, else the values with a comma each. */
function removeRoutes(message: SipMessage, all: readonly RouteEntry[], removed: readonly RouteEntry[]): void {
  for (let first = 0, next: number; first < all.length; first = next) {
    const { line } = all[first]!
    let kept = 0
    for (next = first; all[next]?.line === line; next++) if (!removed.includes(all[next]!)) kept++
    if (kept === 0) removeHeaderLine(message, line)
    else if (kept < next - first) removeValues(all.slice(first, next), removed)
  }
}

/** Takes some of the values of one line out. */
function removeValues(onLine: readonly RouteEntry[], removed: readonly RouteEntry[]): void {
  for (const [at, entry] of onLine.entries()) {
    if (!removed.includes(entry)) continue
    const next = onLine[at + 1]
    // With its comma: the one behind, or for the last value the one before.
    if (next) edit(entry.address.start, next.address.start - entry.address.start, '')
    else {
      const before = onLine[at - 1]!.address.end
      edit(before, entry.address.end - before, '')
    }
  }
}

/** Ours at the top, and its twin of the pair where it has one: these are taken off. */
function ownRoutes(entries: readonly RouteEntry[]): RouteEntry[] {
  const [first, second] = entries
  if (first === undefined || !isOurs(first)) return []
  // As Kamailio: the other half of our pair may carry an address that the script wrote (an advertised one, a rewritten one).
  const paired = first.uri!.params.has('r2') && second?.uri?.params.has('r2') === true
  return paired ? [first, second!] : [first]
}

/** Sends on to the next Route: a loose router as destination, a strict one by RFC 3261 16.6 step 6 in the R-URI. */
function follow(message: SipMessage, next: RouteEntry): RouteEntry[] {
  if (!isStrict(next)) {
    setDestination(next.address.uri)
    return []
  }
  edit(endOfHeaders(message), 0, `Route: <${runTarget().uri}>\r\n`)
  setRequestUri(next.address.uri)
  return [next]
}

const ROUTED = 1
const NO_ROUTE = -1
const TAMPERED = -2
const PRELOADED_ONLY = -3

/** After a loose router: our own Route is taken off, the next followed. */
function afterLoose(message: SipMessage, entries: RouteEntry[], inDialog: boolean): number {
  const own = ownRoutes(entries)
  const next = entries[own.length]
  const removed = [...own]
  if (own.length > 0) currentRun().state.routeParams = own[0]!.uri!.params.toString()
  let code = ROUTED
  const token = own[0]?.uri?.params.has('ob') ? own[0].uri.user : undefined
  const flow = token === undefined ? 'other' : followFlow(token)
  if (flow === 'tampered') return TAMPERED
  if (flow === 'followed') {
    // The user agent at the end of the flow is the last hop: Routes behind ours stay for it.
  } else if (next === undefined) {
    if (!inDialog) code = PRELOADED_ONLY
  } else removed.push(...follow(message, next))
  removeRoutes(message, entries, removed)
  return code
}

/** After a strict router, which put our URI in the R-URI and the target in the last Route (RFC 3261 16.4). */
function afterStrict(message: SipMessage, entries: RouteEntry[]): number {
  const removed: RouteEntry[] = []
  const ruri = readUri(runTarget().uri)
  // Those of the R-URI; where it has none, of our own Route.
  const own = entries[0] !== undefined && isOurs(entries[0]) ? entries[0].uri?.params.toString() : undefined
  currentRun().state.routeParams = ruri?.params.toString() || (own ?? '')
  let rest = entries
  if (entries[0]?.uri?.params.has('r2') && isOurs(entries[0])) {
    removed.push(entries[0])
    rest = entries.slice(1)
  }
  const target = rest.at(-1)
  if (target === undefined) {
    removeRoutes(message, entries, removed)
    return NO_ROUTE
  }
  const next = rest[0]!
  setRequestUri(target.address.uri)
  removed.push(target)
  if (rest.length === 1) {
    if (!isStrict(target)) setDestination(target.address.uri)
  } else {
    if (isStrict(next)) removed.push(...follow(message, next))
    else setDestination(next.address.uri)
  }
  removeRoutes(message, entries, removed)
  return ROUTED
}

/** loose_route; `minimal` takes our Route off without following a strict router. */
function routed(): number {
  const { message } = currentRun()
  if (message.findId(HeaderId.Route) < 0) return NO_ROUTE
  const entries = routes(message)
  if (entries.length === 0 || entries[0]!.uri === undefined) return NO_ROUTE
  const inDialog = message.toTag !== ''
  // Only a strict router before us puts a Record-Route of ours (it has lr or r2) in the R-URI of a dialog's request.
  // Kamailio takes any R-URI of ours for that, and so does a `.cfg`.
  const { uri } = runTarget()
  const strictBefore = inDialog && (language() === 'cfg' || /;(lr|r2)\b/i.test(uri)) && isOwnUri(uri)
  const code = strictBefore ? afterStrict(message, entries) : afterLoose(message, entries, inDialog)
  const { routeParams } = currentRun().state
  if (code > 0 && inDialog && routeParams !== undefined)
    for (const hook of routeHooks) hook(routeParams, routeDirection)
  return code
}

/** Told of the parameters of our Route in each request within a dialog that is routed by it. */
export const routeHooks: ((params: string, direction: () => Direction) => void)[] = []

type Direction = 'downstream' | 'upstream'

/** Parameters of our Route: the one that loose_route has taken off, else the one that still stands at the top. */
function ownParams(): string | undefined {
  const { state, message } = currentRun()
  if (state.routeParams !== undefined) return state.routeParams
  const first = routes(message)[0]
  return first !== undefined && isOurs(first) ? first.uri!.params.toString() : undefined
}

/** The way of the request in its dialog, by the tag in our Route. */
export function routeDirection(): Direction {
  const { message } = currentRun()
  const ftag = /;ftag=([^;>]*)/i.exec(ownParams() ?? '')?.[1]
  return ftag !== undefined && ftag !== message.fromTag ? 'upstream' : 'downstream'
}

export const looseRouteMode = define(
  {
    name: 'looseRouteMode',
    kamailio: 'loose_route_mode',
    module: 'rr',
    parameters: [{ name: 'mode', kind: 'int' }],
    routes: ['request'],
    doc: 'As loose_route; with mode 1 a R-URI of ours is not taken for the work of a strict router.',
    example: 'loose_route_mode("1")',
  },
  (mode: number | string) => {
    if (Number(mode) !== 1) return routed()
    const { message } = currentRun()
    if (message.findId(HeaderId.Route) < 0) return NO_ROUTE
    const entries = routes(message)
    if (entries.length === 0 || entries[0]!.uri === undefined) return NO_ROUTE
    return afterLoose(message, entries, message.toTag !== '')
  },
)

export const looseRoutePreloaded = define(
  {
    name: 'looseRoutePreloaded',
    kamailio: 'loose_route_preloaded',
    module: 'rr',
    parameters: [],
    routes: ['request'],
    doc: 'loose_route for a request before its dialog: true where Routes besides ours were followed.',
    example: 'loose_route_preloaded()',
  },
  () => (currentRun().message.toTag === '' ? routed() : NO_ROUTE),
)

export const looseRoute = define(
  {
    name: 'looseRoute',
    kamailio: 'loose_route',
    module: 'rr',
    parameters: [],
    routes: ['request'],
    doc: 'Follows the Route headers: takes off our own, both of a pair, and makes the next one the destination. False without any, and when only ours was there before a dialog.',
    example: 'if (loose_route()) { t_relay(); exit; }',
  },
  routed,
)

export const isDirection = define(
  {
    name: 'isDirection',
    kamailio: 'is_direction',
    module: 'rr',
    parameters: [{ name: 'direction', kind: 'string', constant: true, values: ['upstream', 'downstream'] }],
    routes: ['request'],
    doc: 'True if the request runs upstream (from the called party) or downstream, by the ftag of our Route.',
    example: 'is_direction("upstream")',
  },
  (direction: string) => {
    return (direction.toLowerCase() === 'upstream') === (routeDirection() === 'upstream') ? 1 : -1
  },
)

export const checkRouteParam = define(
  {
    name: 'checkRouteParam',
    kamailio: 'check_route_param',
    module: 'rr',
    parameters: [{ name: 'regex', kind: 'regex', constant: true }],
    routes: ['request'],
    doc: 'True if the parameters of our Route match, before and after loose_route.',
    example: 'check_route_param("nat=yes")',
  },
  (pattern: string) => {
    const params = ownParams()
    return params !== undefined && posixRegex(pattern, { ignoreCase: true }).test(params) ? 1 : -1
  },
)
