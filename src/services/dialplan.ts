// Owns the service of module dialplan: numbers matched and rewritten by rules of a database table.

import { type PosixRegex, perlRegex, posixRegex } from '../../stdlib/registry.ts'
import type { Databases, Row } from '../database/index.ts'
import { loadedAtStart } from './loading.ts'
import { fieldsOf, Parameters, textOf, wholeOf } from './parameters.ts'
import { RpcFault, rpcNumber, rpcText } from './rpc-fault.ts'
import type { Service, ServiceHost } from './service.ts'

interface Rule {
  readonly plan: number
  readonly priority: number
  readonly matches: (input: string) => boolean
  readonly length: number
  readonly subst: PosixRegex | undefined
  readonly replacement: string
  readonly attributes: string
}

export interface Translated {
  readonly output: string
  readonly attributes: string
}

/** Shell patterns of match_op 2. */
function fnmatch(pattern: string): string {
  return `^${pattern
    .replace(/[.+^$(){}|\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.')}$`
}

/** Perl's classes as POSIX has them: groups and their places come from its engine. */
function posixClasses(pattern: string): string {
  return pattern.replace(/\\d/g, '[0-9]').replace(/\\s/g, '[[:space:]]').replace(/\(\?:/g, '(')
}

function ruleOf(row: Row): Rule {
  const expression = `${row.match_exp ?? ''}`
  const kind = Number(row.match_op ?? 0)
  const subst = `${row.subst_exp ?? ''}`
  const pattern = kind === 0 ? undefined : perlRegex(kind === 2 ? fnmatch(expression) : expression)
  return {
    plan: Number(row.dpid),
    priority: Number(row.pr ?? 0),
    matches: pattern === undefined ? (input) => input === expression : (input) => pattern.test(input),
    length: Number(row.match_len ?? 0),
    subst: subst === '' ? undefined : posixRegex(posixClasses(subst)),
    replacement: `${row.repl_exp ?? ''}`,
    attributes: `${row.attrs ?? ''}`,
  }
}

/** `\1` of the replacement is what the first group matched. */
function outputOf(rule: Rule, input: string): string | undefined {
  const { subst, replacement } = rule
  if (subst === undefined) return replacement === '' ? input : replacement
  const found = subst.exec(input)
  if (found === undefined) return undefined
  return replacement.replace(/\\(\d)/g, (_, digit: string) => {
    const [start, end] = [found[Number(digit) * 2] ?? -1, found[Number(digit) * 2 + 1] ?? -1]
    return start < 0 ? '' : input.slice(start, end)
  })
}

export function createDialplan(host: ServiceHost, databases: Databases): Service {
  let parameters = new Parameters([])
  let named = false
  let rules: Rule[] = []

  async function load(): Promise<void> {
    const table = parameters.text('table_name', 'dialplan')
    if (!/^\w+$/.test(table)) return
    const rows = await databases.open(parameters.text('db_url')).rows(`SELECT * FROM ${table}`)
    const read: Rule[] = []
    for (const row of rows) {
      try {
        read.push(ruleOf(row))
      } catch (error) {
        host.log.warn({ err: error, plan: row.dpid, pattern: row.match_exp }, 'a rule of the dialplan is left out')
      }
    }
    rules = read.sort((a, b) => a.priority - b.priority)
  }

  /** -2: there is no such plan; -1: no rule matches. */
  function translate(plan: number, input: string): Translated | -1 | -2 {
    const own = rules.filter((rule) => rule.plan === plan)
    if (own.length === 0) return -2
    for (const rule of own) {
      if ((rule.length > 0 && rule.length !== input.length) || !rule.matches(input)) continue
      const output = outputOf(rule, input)
      if (output !== undefined) return { output, attributes: rule.attributes }
    }
    return -1
  }

  return {
    module: 'dialplan',
    operations: {
      translate: (_run, args) => translate(wholeOf(fieldsOf(args).plan, -1), textOf(fieldsOf(args).input)),
      reload: () =>
        load().then(
          () => 1,
          () => -1,
        ),
    },
    commands: {
      'dialplan.reload': () => load().then(() => ''),
      'dialplan.translate'(given) {
        const found = translate(rpcNumber(given, 0, 'the dialplan'), rpcText(given, 1, 'the text'))
        if (typeof found === 'number')
          throw new RpcFault(500, found === -2 ? 'Dialplan ID not matched' : 'Translation failed')
        return { Output: found.output, Attributes: found.attributes }
      },
      'dialplan.dump'(given) {
        const plan = rpcNumber(given, 0, 'the dialplan')
        const own = rules.filter((rule) => rule.plan === plan)
        if (own.length === 0) throw new RpcFault(500, 'Dialplan ID not matched')
        return {
          DPID: plan,
          ENTRIES: own.map(({ priority, replacement, attributes }) => ({
            PRIO: priority,
            REPLEXP: replacement,
            ATTRS: attributes,
          })),
        }
      },
    },
    configure(given) {
      parameters = new Parameters(given)
      named = given.length > 0
    },
    start: () => (named ? loadedAtStart(host, 'the dialplan', load) : undefined),
  }
}
