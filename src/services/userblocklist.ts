// Owns the services of modules userblocklist and userblacklist: numbers that are blocked or allowed, for all (in memory) or for one user.
import { type Answer, chain, type Databases } from '../database/index.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import { RpcFault } from './rpc-fault.ts'
import type { Service, ServiceHost } from './service.ts'
import { lookUp, textIn, told } from './table-lookup.ts'

type Verdict = 'blocked' | 'allowed' | 'none' | 'failed'

interface Entry {
  readonly prefix: string
  readonly allows: boolean
}

/** Names of the module, and of what it calls its tables and column. */
const NAMES = [
  { module: 'userblocklist', word: 'blocklist', column: 'allowlist' },
  { module: 'userblacklist', word: 'blacklist', column: 'whitelist' },
] as const

const LONGEST_NUMBER = 128

/** Of the entries that the number begins with, the longest one. */
function verdictOf(entries: readonly Entry[], number: string): Verdict {
  let best: Entry | undefined
  for (const entry of entries)
    if (number.startsWith(entry.prefix) && (best === undefined || entry.prefix.length > best.prefix.length))
      best = entry
  return best === undefined ? 'none' : best.allows ? 'allowed' : 'blocked'
}

export function createUserblocklists(host: ServiceHost, databases: Databases): readonly Service[] {
  return NAMES.map((names) => createList(host, databases, names))
}

function createList(host: ServiceHost, databases: Databases, names: (typeof NAMES)[number]): Service {
  const { module, word, column } = names
  let parameters = new Parameters([])
  /** By table; the one that the parameters name is read at the start, others when they are asked for. */
  const tables = new Map<string, readonly Entry[]>()
  let configured = false
  let started = false

  const usual = (): string => parameters.text(`global${word}_table`, `global${word}`)

  /** What of a number is compared: in mode 10, the digits after what is no digit, up to the next that is none. */
  const compared = (number: string): string => {
    const text = number.slice(0, LONGEST_NUMBER)
    return parameters.number('match_mode', 10) === 10 ? (/\d+/.exec(text)?.[0] ?? '') : text
  }

  function read(table: string, prefixColumn: string, allowColumn: string, where: Record<string, string>) {
    const lookup = {
      database: databases.open(parameters.text('db_url')),
      table,
      columns: [prefixColumn, allowColumn],
      where,
    }
    return chain(lookUp(lookup), (rows) =>
      rows.map(
        (row): Entry => ({ prefix: compared(textIn(row, prefixColumn)), allows: Number(row[allowColumn]) !== 0 }),
      ),
    )
  }

  function load(table: string): Answer<readonly Entry[] | undefined> {
    return told(
      host,
      `numbers of ${table}`,
      () =>
        chain(
          read(
            table,
            parameters.text(`global${word}_prefix_col`, 'prefix'),
            parameters.text(`global${word}_${column}_col`, column),
            {},
          ),
          (entries): readonly Entry[] | undefined => {
            tables.set(table, entries)
            return entries
          },
        ),
      undefined,
    )
  }

  const globally = (number: string, table: string): Answer<Verdict> => {
    const known = tables.get(table)
    return chain(known ?? load(table), (entries) => (entries ? verdictOf(entries, compared(number)) : 'failed'))
  }

  function ofUser(given: Readonly<Record<string, unknown>>): Answer<Verdict> {
    const p = parameters
    const [user, domain] = [textOf(given.user, 256), textOf(given.domain, 256)]
    const where: Record<string, string> = { [p.text(`${module}_username_col`, 'username')]: user }
    if (p.on('use_domain')) where[p.text(`${module}_domain_col`, 'domain')] = domain
    return told(
      host,
      `numbers of ${user}`,
      () =>
        chain(
          read(
            textOf(given.table, 64) || p.text(`${module}_table`, module),
            p.text(`${module}_prefix_col`, 'prefix'),
            p.text(`${module}_${column}_col`, column),
            where,
          ),
          (entries) => verdictOf(entries, compared(textOf(given.number, LONGEST_NUMBER))),
        ),
      'failed',
    )
  }

  return {
    module,
    operations: {
      global: (_run, args) => globally(textOf(fieldsOf(args).number), textOf(fieldsOf(args).table, 64) || usual()),
      user: (_run, args) => ofUser(fieldsOf(args)),
    },
    commands: {
      [`${module}.reload_${word}`]: () =>
        chain(load(usual()), (entries) => {
          if (entries === undefined) throw new RpcFault(500, `the table ${usual()} could not be read`)
          for (const table of [...tables.keys()]) if (table !== usual()) tables.delete(table)
          return ''
        }),
      [`${module}.dump_${word}`]: () =>
        (tables.get(usual()) ?? []).map(({ prefix, allows }) => ({ prefix, [column]: allows ? 1 : 0 })),
      [`${module}.check_${word}`]: ([number]) =>
        chain(globally(textOf(number), usual()), (verdict) => (verdict === 'blocked' ? 1 : 0)),
      [`${module}.check_${column}`]: ([number]) =>
        chain(globally(textOf(number), usual()), (verdict) => (verdict === 'allowed' ? 1 : 0)),
    },
    configure(list) {
      parameters = new Parameters(list)
      configured = list.length > 0
      tables.clear()
      if (started && configured) void load(usual())
    },
    async start() {
      started = true
      if (configured) await load(usual())
    },
  }
}
