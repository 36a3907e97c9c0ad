// Owns the service of module drouting: gateways chosen by group and the longest prefix of the number.
import type { Databases, Row } from '../database/index.ts'
import type { Watch } from './keepalive.ts'
import { loadedAtStart } from './loading.ts'
import { longestOf } from './mtree.ts'
import { fieldsOf, Parameters, textOf, wholeOf } from './parameters.ts'
import type { Service, ServiceHost } from './service.ts'

interface Gateway {
  readonly id: number
  readonly type: number
  readonly address: string
  readonly strip: number
  readonly prefix: string
  readonly attributes: string
}

interface Rule {
  readonly groups: readonly number[]
  readonly prefix: string
  readonly priority: number
  /** Ids; `#n` names a list. */
  readonly gateways: string
}

const numbers = (text: string) => text.split(/[,;\s]+/).flatMap((each) => (/^\d+$/.test(each) ? [Number(each)] : []))

function byPrefix(rules: readonly Rule[]): Map<string, Rule[]> {
  const found = new Map<string, Rule[]>()
  for (const rule of rules) {
    const others = found.get(rule.prefix)
    if (others === undefined) found.set(rule.prefix, [rule])
    else others.push(rule)
  }
  for (const list of found.values()) list.sort((a, b) => b.priority - a.priority)
  return found
}

/** Owner of what keepalive watches for this module. */
const OWNER = 'drouting'

export function createDrouting(host: ServiceHost, databases: Databases, watch: Watch): Service {
  let parameters = new Parameters([])
  let named = false
  let gateways = new Map<number, Gateway>()
  let lists = new Map<string, string>()
  /** By prefix, the one that is preferred first. */
  let rules = new Map<string, Rule[]>()
  let longest = 0
  let groups = new Map<string, number>()

  async function load(): Promise<void> {
    const database = databases.open(parameters.text('db_url'))
    const table = (name: string, otherwise: string): string => {
      const text = parameters.text(name, otherwise)
      return /^\w+$/.test(text) ? text : otherwise
    }
    const all = async (name: string): Promise<readonly Row[]> => database.rows(`SELECT * FROM ${name}`)
    const optional = (name: string) => all(name).catch(() => undefined)
    // All of it is read before any of it counts: a reload that fails leaves calls where they were.
    const [gatewayRows, ruleRows] = [
      await all(table('drg_table', 'dr_gateways')),
      await all(table('drr_table', 'dr_rules')),
    ]
    const [listRows, groupRows] = [
      await optional(table('drl_table', 'dr_gw_lists')),
      await optional(table('drd_table', 'dr_groups')),
    ]
    gateways = new Map(
      gatewayRows.map((row) => [
        Number(row.gwid),
        {
          id: Number(row.gwid),
          type: Number(row.type ?? 0),
          address: `${row.address}`,
          strip: Number(row.strip ?? 0),
          prefix: `${row.pri_prefix ?? ''}`,
          attributes: `${row.attrs ?? ''}`,
        },
      ]),
    )
    rules = byPrefix(
      ruleRows.map((row) => ({
        groups: numbers(`${row.groupid ?? ''}`),
        prefix: `${row.prefix ?? ''}`,
        priority: Number(row.priority ?? 0),
        gateways: `${row.gwlist ?? ''}`,
      })),
    )
    longest = longestOf(rules.keys())
    if (listRows !== undefined) lists = new Map(listRows.map((row) => [`${row.id}`, `${row.gwlist ?? ''}`]))
    if (groupRows !== undefined)
      groups = new Map(groupRows.map((row) => [`${row.username}@${row.domain}`, Number(row.groupid)]))
    follow()
  }

  const watches = () => parameters.on('enable_keepalive')

  function follow(): void {
    watch.follow(OWNER, watches() ? [...gateways.values()].map(({ address }) => address) : [])
    if (watches() && !watch.active)
      host.log.warn({}, 'enable_keepalive of drouting needs module keepalive, which is not loaded: no gateway is asked')
  }

  function route(number: string, group: number): Gateway[] {
    // A number is as long as its sender likes.
    for (let length = Math.min(number.length, longest); length >= 0; length--) {
      const rule = rules.get(number.slice(0, length))?.find((each) => each.groups.includes(group))
      if (rule === undefined) continue
      const list = rule.gateways.trim()
      const ids = list.startsWith('#') ? (lists.get(list.slice(1)) ?? '') : list
      const found = numbers(ids).flatMap((id) => gateways.get(id) ?? [])
      return watches() ? found.filter(({ address }) => !watch.isDown(OWNER, address)) : found
    }
    return []
  }

  return {
    module: 'drouting',
    operations: {
      route(_run, args) {
        const { number, group, user } = fieldsOf(args)
        const own = group === undefined || group === null ? (groups.get(textOf(user)) ?? -1) : wholeOf(group, -1)
        return route(textOf(number), own)
      },
      /** The gateway of that address: of the source, or of a URI. */
      gateway(run, args) {
        const { host: wanted, type } = fieldsOf(args)
        const address = typeof wanted === 'string' && wanted !== '' ? wanted : run.flow.remoteAddress
        const of = type === undefined || type === null ? undefined : wholeOf(type)
        return (
          [...gateways.values()].find(
            (each) =>
              each.address.replace(/^sips?:/i, '').split(/[:;]/, 1)[0] === address &&
              (of === undefined || each.type === of),
          ) ?? null
        )
      },
    },
    commands: { 'drouting.reload': () => load().then(() => '') },
    configure(given) {
      parameters = new Parameters(given)
      named = given.length > 0
    },
    start: () => (named ? loadedAtStart(host, 'the gateways and rules', load) : undefined),
  }
}
