// Owns module dispatcher: choosing a destination of a set, going on to the next one, telling of failures.
import { parseNameAddr, type ReadUri, readUri } from '../src/sip/index.ts'
import type { Parameter, RouteKind } from './contract.ts'
import { declarations } from './declaration.ts'
import { ANY_ROUTE, define, defineWaiting } from './define.ts'
import { type Destination, DestinationList } from './dispatcher-list.ts'
import { bindFormat, bindPv } from './pv.ts'
import { PvSyntaxError, parsePv } from './pv-format.ts'
import { cutUri, joinUri, setDestination, setRequestUri } from './request-uri.ts'
import { currentRun } from './runtime.ts'
import { ask, askNow } from './service.ts'
import { numberParameter, parameterOf, textParameter } from './settings.ts'

const MODULE = 'dispatcher'
const CHOOSING: readonly RouteKind[] = ['request', 'failure', 'event']
const SET: Parameter = { name: 'set', kind: 'int' }
const ALGORITHM: Parameter = { name: 'algorithm', kind: 'int' }
const LIMIT: Parameter = { name: 'limit', kind: 'int', optional: true }

const dispatcher = declarations(MODULE, CHOOSING)

const flags = numberParameter(MODULE, 'flags', 0)
const forceDestination = numberParameter(MODULE, 'force_dst', 1)
const hashVariable = parameterOf(MODULE, 'hash_pvar', undefined as (() => string) | undefined, (text) =>
  bindFormat(`${text}`),
)
const setVariable = textParameter(MODULE, 'setid_pvname')
const attributesVariable = textParameter(MODULE, 'attrs_pvname')

/** How the choice is put into the message: into the R-URI's host, into `$du`, or only kept for later. */
type Place = 'domain' | 'destination' | 'nowhere'

/** What algorithms that hash go by; undefined when the message lacks it. */
function hashKeys(algorithm: number): string[] | undefined {
  const { message } = currentRun()
  switch (algorithm) {
    case 0:
      return [message.callId]
    case 1:
      return uriKeys(parseNameAddr(message.header('From') ?? '')?.uri)
    case 2:
      return uriKeys(parseNameAddr(message.header('To') ?? '')?.uri)
    case 3:
      return uriKeys(currentRun().target?.uri)
    case 5: {
      const credentials = message.header('Proxy-Authorization') ?? message.header('Authorization') ?? ''
      const user = /\busername\s*=\s*"([^"]*)"/i.exec(credentials)?.[1]
      return user === undefined ? undefined : [user]
    }
    case 7: {
      const read = hashVariable()
      return read === undefined ? undefined : [read()]
    }
    default:
      return undefined
  }
}

/** The user, and the host with a port that is not the usual one; the user alone with flag 1. */
function uriKeys(text: ReadUri | string | undefined): string[] | undefined {
  const uri = typeof text === 'string' ? readUri(text) : text
  if (uri === undefined) return undefined
  const user = uri.user ?? ''
  if (flags() & 1) return [user]
  const { port } = uri
  return [user, port === undefined || port === 5060 || port === 5061 ? `${uri.host}` : `${uri.host}:${port}`]
}

function offered(set: number, algorithm: number, limit: number): Destination[] {
  const hash = hashKeys(algorithm)
  return askNow<Destination[] | null>(MODULE, 'select', { set, algorithm, limit, hash }) ?? []
}

function place(destination: Destination, where: Place): void {
  const { target } = currentRun()
  if (target === undefined || where === 'nowhere') return
  if (destination.socket !== undefined) target.listener = destination.socket
  if (where === 'destination') {
    if (destination.obproxy !== '') {
      setRequestHost(destination.uri)
      setDestination(destination.obproxy)
    } else setDestination(destination.uri)
    return
  }
  setRequestHost(destination.uri)
  if (destination.obproxy !== '') setDestination(destination.obproxy)
}

/** The R-URI keeps its user and takes everything else of the destination. */
function setRequestHost(uri: string): void {
  const [own, other] = [cutUri(currentRun().target?.uri ?? ''), cutUri(uri)]
  if (own === undefined || other === undefined) return
  setRequestUri(joinUri({ ...other, userinfo: own.userinfo }))
}

function select(where: Place, rules: readonly [set: number, algorithm: number][], limit: number): number {
  const found: Destination[] = []
  for (const [set, algorithm] of rules) {
    if (limit > 0 && found.length >= limit) break
    if (where === 'destination' && currentRun().target?.nextHop !== '' && forceDestination() === 0) return -1
    const some = offered(set, algorithm, limit > 0 ? limit - found.length : 0)
    if (algorithm === 12 && some.length > 0) {
      inParallel(some)
      return 1
    }
    found.push(...some)
  }
  const first = found[0]
  if (first === undefined) return -1
  DestinationList.keep(flags() & 2 ? found : [])
  place(first, where)
  return 1
}

/** Algorithm 12: all at once, as branches of one R-URI. */
function inParallel(destinations: readonly Destination[]): void {
  const { state } = currentRun()
  const [first, ...others] = destinations
  DestinationList.keep([])
  place(first!, 'destination')
  for (const other of others) {
    const branch = state.target.copy()
    branch.nextHop = other.uri
    branch.listener = other.socket
    state.branches.push(branch)
  }
}

const number = (value: number | string | undefined) => Number(value ?? 0) | 0

export const dsSelectDst = define(
  dispatcher(
    'ds_select_dst',
    [SET, ALGORITHM, LIMIT],
    'Chooses a destination of the set and makes it $du; the others are kept for ds_next_dst (flags 2).',
    'ds_select_dst("1", "4");',
  ),
  (set: number | string, algorithm: number | string, limit?: number | string) =>
    select('destination', [[number(set), number(algorithm)]], number(limit)),
)

export const dsSelectDomain = define(
  dispatcher(
    'ds_select_domain',
    [SET, ALGORITHM, LIMIT],
    'As ds_select_dst, but the destination becomes host and port of the R-URI.',
    'ds_select_domain("1", "4");',
  ),
  (set: number | string, algorithm: number | string, limit?: number | string) =>
    select('domain', [[number(set), number(algorithm)]], number(limit)),
)

export const dsSelect = define(
  dispatcher(
    'ds_select',
    [SET, ALGORITHM, LIMIT],
    'Chooses destinations and keeps them; ds_next_dst or ds_set_dst uses them.',
    'ds_select("1", "4");',
    ANY_ROUTE,
  ),
  (set: number | string, algorithm: number | string, limit?: number | string) =>
    select('nowhere', [[number(set), number(algorithm)]], number(limit)),
)

export const dsSelectRoutes = define(
  dispatcher(
    'ds_select_routes',
    [{ name: 'rules', kind: 'string' }, { name: 'mode', kind: 'string' }, LIMIT],
    'Chooses from several sets in turn: "1=4;2=8". Mode 0 or d: $du, 1 or r: the R-URI, 2 or x: only kept.',
    'ds_select_routes("1=4;2=8", "0");',
    ['request', 'failure', 'event'],
  ),
  (rules: string, mode: string, limit?: number | string) => {
    const parts = rules.split(';').flatMap((part) => {
      const [, set, algorithm] = /^\s*(-?\d+)\s*=\s*(\d+)\s*$/.exec(part) ?? []
      return set === undefined ? [] : [[Number(set), Number(algorithm)] as [number, number]]
    })
    const where = (
      { 0: 'destination', d: 'destination', 1: 'domain', r: 'domain', 2: 'nowhere', x: 'nowhere' } as const
    )[mode.trim().toLowerCase() as '0']
    return where === undefined ? -1 : select(where, parts, number(limit))
  },
)

function next(where: Place): number {
  if ((flags() & 2) === 0) return -1
  const destination = DestinationList.next()
  if (destination === undefined) return -1
  place(destination, where)
  return 1
}

export const dsNextDst = define(
  dispatcher(
    'ds_next_dst',
    [],
    'Makes the next of the destinations that were chosen $du; false when there is none left.',
    'if (ds_next_dst()) { t_relay(); }',
  ),
  () => next('destination'),
)

export const dsNextDomain = define(
  dispatcher(
    'ds_next_domain',
    [],
    'As ds_next_dst, into host and port of the R-URI.',
    'if (ds_next_domain()) { t_relay(); }',
  ),
  () => next('domain'),
)

function again(where: Place): number {
  const destination = DestinationList.current()
  if (destination === undefined) return -1
  place(destination, where)
  return 1
}

export const dsSetDst = define(
  dispatcher('ds_set_dst', [], 'Makes the destination chosen last $du, after ds_select.', 'ds_set_dst();'),
  () => again('destination'),
)

export const dsSetDomain = define(
  dispatcher(
    'ds_set_domain',
    [],
    'Puts the destination chosen last into host and port of the R-URI.',
    'ds_set_domain();',
  ),
  () => again('domain'),
)

export const dsMarkDst = define(
  dispatcher(
    'ds_mark_dst',
    [{ name: 'state', kind: 'string', optional: true }],
    'Sets the state of the destination used last: i inactive, a active, d disabled, t tried; with p behind it is probed.',
    'ds_mark_dst("ip");',
    ['request', 'reply', 'failure', 'event'],
  ),
  (state?: string) => {
    const destination = (flags() & 2) === 0 ? undefined : DestinationList.current()
    if (destination === undefined) return -1
    return askNow<number>(MODULE, 'mark', { set: destination.set, uri: destination.uri, state: state ?? 'i' })
  },
)

function assign(variable: string, value: string | number): void {
  if (variable === '') return
  try {
    bindPv(parsePv(variable)).set?.(value)
  } catch (error) {
    if (!(error instanceof PvSyntaxError)) throw error
  }
}

export const dsIsFromList = define(
  dispatcher(
    'ds_is_from_list',
    [
      { name: 'set', kind: 'int', optional: true },
      { name: 'mode', kind: 'int', optional: true },
      { name: 'uri', kind: 'string', optional: true },
    ],
    'True if the message comes from a destination of the set, or of any. Mode 1 leaves the port out, 2 the transport, 3 both; a URI stands in place of the source.',
    'ds_is_from_list("1", "1")',
    ANY_ROUTE,
  ),
  (set?: number | string, mode?: number | string, uri?: string) => {
    const found = askNow<Destination | null>(MODULE, 'from', {
      set: set === undefined ? -1 : number(set),
      mode: number(mode),
      uri,
    })
    if (found === null) return -1
    assign(setVariable(), found.set)
    if (found.attrs !== '') assign(attributesVariable(), found.attrs)
    return 1
  },
)

export const dsListExists = define(
  {
    ...dispatcher('ds_list_exists', [SET], 'True if there is a set of that number.', 'ds_list_exists("1")', ANY_ROUTE),
    aliases: ['ds_list_exist'],
  },
  (set: number | string) => askNow<number>(MODULE, 'exists', { set: number(set) }),
)

export const dsIsActive = define(
  dispatcher(
    'ds_is_active',
    [SET, { name: 'uri', kind: 'string', optional: true }],
    'True if a destination of the set, or the one given, can be used.',
    'ds_is_active("1")',
    ANY_ROUTE,
  ),
  (set: number | string, uri?: string) => askNow<number>(MODULE, 'active', { set: number(set), uri }),
)

export const dsReload = defineWaiting(
  dispatcher('ds_reload', [], 'Reads the destinations anew.', 'ds_reload();', ANY_ROUTE),
  () => ask<number>(MODULE, 'reload'),
)

export const dsLoadUpdate = define(
  dispatcher(
    'ds_load_update',
    [],
    'Counts the message for algorithm 10: a BYE, a CANCEL or a failure ends its call.',
    'ds_load_update();',
    ANY_ROUTE,
  ),
  () => askNow<number>(MODULE, 'loadUpdate'),
)

export const dsLoadUnset = define(
  dispatcher(
    'ds_load_unset',
    [],
    'The call of the message no longer counts for algorithm 10.',
    'ds_load_unset();',
    ANY_ROUTE,
  ),
  () => askNow<number>(MODULE, 'loadUnset'),
)
