// Owns module permissions: tests of addresses against groups, of peers that are trusted, and of calls against files of rules.
import type { Parameter, RouteKind } from './contract.ts'
import { declarations } from './declaration.ts'
import { define, defineWaiting } from './define.ts'
import { avpAccess } from './named-pv.ts'
import { allows, type Pair, parseRules, type Rule } from './permission-rules.ts'
import { posixRegex } from './regex.ts'
import { after, currentRun, type Pending } from './runtime.ts'
import { ask, askNow } from './service.ts'
import { numberParameter, parameterOf, textParameter } from './settings.ts'

const ROUTES: readonly RouteKind[] = ['request', 'failure']

const permissions = declarations('permissions')

const peerTag = parameterOf('permissions', 'peer_tag_avp', undefined, (value) => avpAccess(`${value}`))

interface Match {
  readonly group: number
  readonly tag: string
}

function find(group: number, address: string, port: number): Match | null {
  const match = askNow<Match | null>('permissions', 'address', { group, address, port })
  if (match !== null && match.tag !== '') peerTag()?.set(match.tag)
  return match
}

function inGroup(group: number | string, address: string, port: number | string): number {
  return find(Number(group), address, Number(port)) === null ? -1 : 1
}

const group: Parameter = { name: 'group', kind: 'int' }
const address: Parameter = { name: 'address', kind: 'string' }
const port: Parameter = { name: 'port', kind: 'string' }

export const allowAddress = define(
  permissions(
    'allow_address',
    [group, address, port],
    'True if the address and port are in the group, by subnet, address or name.',
    'if (!allow_address("2", "$si", "$sp")) exit;',
  ),
  inGroup,
)

export const allowSourceAddress = define(
  permissions(
    'allow_source_address',
    [{ ...group, optional: true }],
    'True if the source of the message is in the group, in group 1 unless one is given.',
    'if (allow_source_address("1")) route(TRUNK);',
  ),
  (of?: number | string) => {
    const { srcIp, srcPort } = currentRun().meta
    return inGroup(of ?? 1, srcIp, srcPort)
  },
)

export const allowAddressGroup = define(
  permissions(
    'allow_address_group',
    [address, port],
    'The group that the address and port are in, -1 without one.',
    '$var(group) = allow_address_group("$si", "$sp");',
  ),
  (text: string, number: number | string) => find(0, text, Number(number))?.group ?? -1,
)

export const allowSourceAddressGroup = define(
  permissions(
    'allow_source_address_group',
    [],
    'The group that the source of the message is in, -1 without one.',
    '$var(group) = allow_source_address_group();',
  ),
  () => {
    const { srcIp, srcPort } = currentRun().meta
    return find(0, srcIp, srcPort)?.group ?? -1
  },
)

interface Trusted {
  readonly from: string | null
  readonly ruri: string | null
  readonly tag: string | null
}

export const allowTrusted = define(
  permissions(
    'allow_trusted',
    [
      { name: 'address', kind: 'string', optional: true },
      { name: 'proto', kind: 'string', optional: true },
      { name: 'from', kind: 'string', optional: true },
    ],
    'True if the source, its transport and From (or those given) are those of a trusted peer.',
    'if (allow_trusted()) t_relay();',
    ['request', 'reply', 'failure', 'branch'],
  ),
  (source?: string, proto?: string, from?: string) => {
    const { meta, message, request } = currentRun()
    const peers = askNow<Trusted[]>('permissions', 'trusted', {
      source: source ?? meta.srcIp,
      proto: proto ?? meta.proto,
    })
    const caller = from ?? message.from?.uri ?? ''
    const matches = (pattern: string | null, text: string) =>
      pattern === null || pattern === '' || posixRegex(pattern).test(text)
    const peer = peers.find((one) => matches(one.from, caller) && matches(one.ruri, request?.requestUri ?? ''))
    if (peer === undefined) return -1
    if (peer.tag !== null) peerTag()?.set(peer.tag)
    return 1
  },
)

const allowSuffix = textParameter('permissions', 'allow_suffix', '.allow')
const denySuffix = textParameter('permissions', 'deny_suffix', '.deny')
const defaultAllow = textParameter('permissions', 'default_allow_file', 'permissions.allow')
const defaultDeny = textParameter('permissions', 'default_deny_file', 'permissions.deny')
const allBranches = numberParameter('permissions', 'check_all_branches', 1)

/** Read once a program: a reload reads them anew. */
const files = new Map<string, readonly Rule[]>()
const MOST_FILES = 100

function rulesOf(file: string): readonly Rule[] | Pending<readonly Rule[]> {
  const known = files.get(file)
  if (known !== undefined) return known
  return after(ask<string>('permissions', 'rules', { file }), (text): readonly Rule[] => {
    const rules = parseRules(text)
    if (files.size < MOST_FILES) files.set(file, rules)
    return rules
  })
}

/** One argument is the name that both files begin with, two are the files, none means the default ones. */
function judge(
  first: string | undefined,
  second: string | undefined,
  pairs: readonly Pair[],
): number | Pending<number> {
  const [allow, deny] =
    first === undefined
      ? [defaultAllow(), defaultDeny()]
      : second === undefined
        ? [first + allowSuffix(), first + denySuffix()]
        : [first, second]
  return after(rulesOf(allow), (allowed) =>
    after(rulesOf(deny), (denied): number => (allows(allowed, denied, pairs) ? 1 : -1)),
  )
}

const fileParameters: readonly Parameter[] = [
  { name: 'file', kind: 'string', optional: true, constant: true },
  { name: 'deny', kind: 'string', optional: true, constant: true },
]

export const allowRouting = defineWaiting(
  permissions(
    'allow_routing',
    fileParameters,
    'True if the rules let From call the R-URI and every branch.',
    'if (!allow_routing("rules.allow", "rules.deny")) exit;',
    ['request', 'reply', 'failure', 'branch'],
  ),
  (first?: string, second?: string) => {
    const { message, state } = currentRun()
    const from = message.from?.uri ?? ''
    const targets = allBranches() === 0 ? [state.target] : [state.target, ...state.branches]
    const pairs = targets.map(({ uri }): Pair => [from, uri])
    return judge(first, second, pairs)
  },
)

export const allowRegister = defineWaiting(
  permissions(
    'allow_register',
    fileParameters,
    'True if the rules let To have each of the contacts.',
    'if (!allow_register("register")) { sl_send_reply("403", "Forbidden"); exit; }',
    ROUTES,
  ),
  (first?: string, second?: string) => {
    const { message } = currentRun()
    const contacts = message.nameAddrs('Contact').filter(({ uri }) => uri !== '*')
    const pairs = contacts.map(({ uri }): Pair => [message.to?.uri ?? '', uri])
    return judge(first, second, pairs)
  },
)

export const allowUri = defineWaiting(
  permissions(
    'allow_uri',
    [
      { name: 'file', kind: 'string', constant: true },
      { name: 'uri', kind: 'string' },
    ],
    'True if the rules let From call the URI.',
    'if (allow_uri("refer", "$rt")) t_relay();',
    ROUTES,
  ),
  (file: string, uri: string) => judge(file, undefined, [[currentRun().message.from?.uri ?? '', uri]]),
)
