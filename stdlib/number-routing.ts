// Owns modules dialplan, mtree and drouting: numbers rewritten, looked up by prefix, and sent to gateways.
import { parseUri, userPart } from '../src/sip/index.ts'
import type { PvReference } from './contract.ts'
import { declarations, int, optional, text, variable } from './declaration.ts'
import { define, defineWaiting } from './define.ts'
import { bindPv } from './pv.ts'
import { parsePv } from './pv-format.ts'
import { setRequestUri } from './request-uri.ts'
import { currentRun } from './runtime.ts'
import { ask, askNow } from './service.ts'
import { textParameter } from './settings.ts'
import type { TransactionState } from './transaction-state.ts'

const dialplan = declarations('dialplan')
const mtree = declarations('mtree')
const drouting = declarations('drouting', ['request', 'failure'])

const assign = (name: string, value: string | number) => {
  if (name !== '') bindPv(parsePv(name)).set?.(value)
}

const attributesVariable = textParameter('dialplan', 'attrs_pvar')

function translated(plan: number | string, input: string, write: (output: string) => void): number {
  const found = askNow<{ output: string; attributes: string } | number>('dialplan', 'translate', {
    plan: Number(plan),
    input,
  })
  if (typeof found === 'number') return found
  write(found.output)
  if (found.attributes !== '') assign(attributesVariable(), found.attributes)
  return 1
}

/** `src/dest` of dp_translate: variables, `ruri.user` for the user of the R-URI. */
function end(name: string): PvReference {
  const { get, set = () => {} } = bindPv(
    parsePv(name.trim() === 'ruri.user' ? '$rU' : name.trim() === 'ruri' ? '$ru' : name.trim()),
  )
  return { get: () => get() ?? null, set }
}

export const dpTranslate = define(
  {
    ...dialplan(
      'dp_translate',
      [text('plan'), optional({ name: 'source/result', kind: 'string', constant: true })],
      'Rewrites a number by the rules of a plan, the user of the R-URI where nothing else is named. -2: there is no such plan.',
      'dp_translate("240", "$rU/$rU");',
    ),
    literal: true,
  },
  (plan: string, ends?: string) => {
    const number = plan.startsWith('$') ? `${end(plan).get() ?? ''}` : plan
    const [source = 'ruri.user', result] = (ends ?? 'ruri.user/ruri.user').split('/')
    const into = result === undefined ? undefined : end(result)
    return translated(number, `${end(source).get() ?? ''}`, (output) => into?.set(output))
  },
)

export const dpMatch = define(
  dialplan(
    'dp_match',
    [text('plan'), text('input')],
    'True if a rule of the plan matches; attrs_pvar gets its attributes.',
    'dp_match("240", "$rU")',
  ),
  (plan: string, input: string) => translated(plan, input, () => {}),
)

export const dpReplace = define(
  dialplan(
    'dp_replace',
    [text('plan'), text('input'), variable('result')],
    'Rewrites a text by the rules of a plan.',
    'dp_replace("240", "$rU", "$var(number)");',
  ),
  (plan: string, input: string, result: PvReference) => translated(plan, input, (output) => result.set(output)),
)

export const dpReload = defineWaiting(dialplan('dp_reload', [], 'Reads the rules anew.', 'dp_reload();'), () =>
  ask<number>('dialplan', 'reload'),
)

const treeValue = textParameter('mtree', 'pv_value', '$avp(s:tvalue)')
const treeValues = textParameter('mtree', 'pv_values', '$avp(s:tvalues)')

export const mtMatch = define(
  mtree(
    'mt_match',
    [text('tree'), text('number'), int('mode')],
    'Looks for the longest prefix of a number in a tree; pv_value gets its value, with mode 2 pv_values those of all prefixes.',
    'mt_match("mytree", "$rU", "0");',
  ),
  (tree: string, number: string, mode: number | string) => {
    const found = askNow<{ values: string[]; type: number } | null>('mtree', 'match', {
      tree,
      text: number,
      mode: Number(mode),
    })
    if (found === null || found.values.length === 0) return -1
    const typed = (value: string) => (found.type === 2 ? Number(value) | 0 : value)
    if (Number(mode) === 2) for (const value of [...found.values].reverse()) assign(treeValues(), typed(value))
    else assign(treeValue(), typed(found.values[0]!))
    return 1
  },
)

interface Gateway {
  readonly type: number
  readonly address: string
  readonly strip: number
  readonly prefix: string
  readonly attributes: string
}

/** Gateways left for a request, and the number as it was. */
const left = new WeakMap<TransactionState, { number: string; gateways: Gateway[] }>()
const gatewayAttributes = textParameter('drouting', 'attrs_avp')

function toGateway({ address, strip, prefix, attributes }: Gateway, number: string): number {
  setRequestUri(`sip:${prefix}${number.slice(strip)}@${address.replace(/^sips?:/i, '')}`)
  if (attributes !== '') assign(gatewayAttributes(), attributes)
  return 1
}

export const doRouting = define(
  drouting(
    'do_routing',
    [optional(int('group'))],
    'Sends the request to the first gateway of the rule with the longest prefix, of that group, or of the one of the caller.',
    'if (!do_routing("0")) { sl_send_reply("503", "No Rules"); exit; }',
  ),
  (group?: number | string) => {
    const { state, message } = currentRun()
    const number = (state.target.parsed && userPart(state.target.parsed)) ?? ''
    const from = parseUri(message.from?.uri ?? '')
    const gateways = askNow<Gateway[]>('drouting', 'route', {
      number,
      user: from?.user ? `${from.user}@${from.host}` : '',
      ...(group === undefined ? {} : { group: Number(group) }),
    })
    const [first, ...others] = gateways
    if (first === undefined) return -1
    left.set(state, { number, gateways: others })
    return toGateway(first, number)
  },
)

function nextGateway(): number {
  const { state } = currentRun()
  const waiting = left.get(state)
  const next = waiting?.gateways.shift()
  return waiting === undefined || next === undefined ? -1 : toGateway(next, waiting.number)
}

export const useNextGw = define(
  {
    ...drouting(
      'use_next_gw',
      [],
      'Sends the request to the next gateway of the rule.',
      'if (use_next_gw()) { t_relay(); }',
    ),
    aliases: ['next_routing'],
  },
  nextGateway,
)

export const isFromGw = define(
  drouting(
    'is_from_gw',
    [optional(int('type')), optional(int('flags'))],
    'True if the request comes from a gateway, of that type where one is given.',
    'is_from_gw()',
    ['request', 'failure', 'reply'],
  ),
  (type?: number | string, _flags?: number | string) =>
    askNow<Gateway | null>('drouting', 'gateway', type === undefined ? {} : { type: Number(type) }) === null ? -1 : 1,
)

export const goesToGw = define(
  drouting('goes_to_gw', [optional(int('type'))], 'True if the R-URI names a gateway.', 'goes_to_gw()', [
    'request',
    'reply',
    'failure',
  ]),
  (type?: number | string) =>
    askNow<Gateway | null>('drouting', 'gateway', {
      host: currentRun().target?.parsed?.host ?? '-',
      ...(type === undefined ? {} : { type: Number(type) }),
    }) === null
      ? -1
      : 1,
)
