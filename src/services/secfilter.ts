// Owns the service of module secfilter: the lists of blocked and of let-through values, kept in memory, filled from a table and by commands.
import { type Answer, chain, type Databases } from '../database/index.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import { RpcFault } from './rpc-fault.ts'
import type { Service, ServiceHost } from './service.ts'
import { lookUp, textIn, told } from './table-lookup.ts'

/** Kamailio's numbers of the column `type`. */
const KINDS = ['ua', 'country', 'domain', 'ip', 'user'] as const
type Kind = (typeof KINDS)[number]
/** Kamailio's numbers of the column `action`. */
const BLOCK = 0
const ALLOW = 1
const DESTINATION = 2

const MOST_VALUES = 100_000

/** Values in lower case, by kind. */
class Lists {
  readonly blocked: Readonly<Record<Kind, string[]>> = { ua: [], country: [], domain: [], ip: [], user: [] }
  readonly allowed: Readonly<Record<Kind, string[]>> = { ua: [], country: [], domain: [], ip: [], user: [] }
  readonly destinations: string[] = []
  #size = 0

  add(action: number, kind: Kind | undefined, value: string): boolean {
    const list = action === DESTINATION ? this.destinations : kind && this.#of(action)?.[kind]
    if (list === undefined || value === '' || this.#size >= MOST_VALUES) return false
    this.#size++
    list.push(value.toLowerCase())
    return true
  }

  #of(action: number): Readonly<Record<Kind, string[]>> | undefined {
    return action === BLOCK ? this.blocked : action === ALLOW ? this.allowed : undefined
  }
}

const begins = (list: readonly string[], value: string): boolean => list.some((prefix) => value.startsWith(prefix))
const isKind = (text: string): text is Kind => (KINDS as readonly string[]).includes(text)

export function createSecfilter(host: ServiceHost, databases: Databases): Service {
  let parameters = new Parameters([])
  let lists = new Lists()
  let blocked: Record<string, number> = {}
  let allowed: Record<string, number> = {}
  let started = false

  /** Answers whether the table could be read; what was known stays when it could not. */
  function load(): Answer<boolean> {
    const url = parameters.text('db_url')
    if (url === '') return true
    const columns = [
      parameters.text('action_col', 'action'),
      parameters.text('type_col', 'type'),
      parameters.text('data_col', 'data'),
    ]
    const table = parameters.text('table_name', 'secfilter')
    return told(
      host,
      'blocked and allowed values',
      () =>
        chain(lookUp({ database: databases.open(url), table, columns, where: {} }), (rows) => {
          const read = new Lists()
          const [action, type, data] = columns as [string, string, string]
          for (const row of rows) read.add(Number(row[action]), KINDS[Number(row[type])], textIn(row, data))
          lists = read
          return true
        }),
      false,
    )
  }

  function check(kind: string, text: string): number {
    const value = text.toLowerCase()
    if (kind === 'dst') {
      const exact = parameters.on('dst_exact_match', 1)
      const found = exact ? lists.destinations.includes(value) : begins(lists.destinations, value)
      return found ? -2 : 1
    }
    if (!isKind(kind)) return -1
    if (begins(lists.allowed[kind], value)) return 2
    return begins(lists.blocked[kind], value) ? -2 : 1
  }

  function added(action: number, given: readonly unknown[]): string {
    const kind = textOf(given[0], 16)
    const value = textOf(given[action === DESTINATION ? 0 : 1], 256)
    if (action !== DESTINATION && !isKind(kind))
      throw new RpcFault(400, `the type is one of ${KINDS.join(', ')}, not ${kind}`)
    if (!lists.add(action, isKind(kind) ? kind : undefined, value))
      throw new RpcFault(400, value === '' ? 'a value is missing' : `there are ${MOST_VALUES} values already`)
    return ''
  }

  return {
    module: 'secfilter',
    operations: {
      check(_run, args) {
        const kind = textOf(fieldsOf(args).kind, 16)
        const code = check(kind, textOf(fieldsOf(args).value, 4096))
        const counts = code === -2 ? blocked : code === 2 ? allowed : undefined
        if (counts) counts[kind] = (counts[kind] ?? 0) + 1
        return code
      },
    },
    commands: {
      'secfilter.reload': () =>
        chain(load(), (done) => {
          if (!done) throw new RpcFault(500, 'the table could not be read')
          return ''
        }),
      'secfilter.print': (given) => {
        const wanted = textOf(given[0], 16)
        const rows = KINDS.filter((kind) => wanted === '' || kind === wanted).map((kind) => ({
          type: kind,
          blacklist: lists.blocked[kind],
          whitelist: lists.allowed[kind],
        }))
        return wanted === '' || wanted === 'dst' ? [...rows, { type: 'dst', blacklist: lists.destinations }] : rows
      },
      'secfilter.stats': () => ({ blocked: { ...blocked }, allowed: { ...allowed } }),
      'secfilter.stats_reset': () => {
        blocked = {}
        allowed = {}
        return ''
      },
      'secfilter.add_dst': (given) => added(DESTINATION, given),
      'secfilter.add_bl': (given) => added(BLOCK, given),
      'secfilter.add_wl': (given) => added(ALLOW, given),
    },
    configure(list) {
      parameters = new Parameters(list)
      if (started) void load()
    },
    async start() {
      started = true
      await load()
    },
  }
}
