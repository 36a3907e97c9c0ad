// Owns module sqlops: statements to databases, their results as $dbr, $xavp and variables.
import type { BuiltinMeta, Parameter } from './contract.ts'
import { ANY_ROUTE, define, defineWaiting } from './define.ts'
import { avpAccess } from './named-pv.ts'
import { bindFormat, definePvClass, type PvValue } from './pv.ts'
import { PvSyntaxError } from './pv-format.ts'
import { after, currentRun, interpolate, language, type Pending } from './runtime.ts'
import { ask, askNow } from './service.ts'

function sqlops(
  name: string,
  kamailio: string,
  parameters: readonly Parameter[],
  doc: string,
  example: string,
): Omit<BuiltinMeta, 'waits'> {
  return { name, kamailio, module: 'sqlops', parameters, routes: ANY_ROUTE, doc, example }
}

interface ResultSet {
  readonly affected: number
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | null)[])[]
}

/** Kamailio's codes: 1 rows, 2 none, 3 rows that nobody keeps, -1 it failed. */
const ROWS = 1
const NO_ROWS = 2
const DISCARDED = 3

/** Rows that the last statement of each connection changed. */
const affected = new Map<string, number>()

/** Results by name, of the process. */
const results = new Map<string, ResultSet>()
const MOST_RESULTS = 1000

const connection: Parameter = { name: 'connection', kind: 'string', constant: true }
const query: Parameter = { name: 'query', kind: 'string' }
const result: Parameter = { name: 'result', kind: 'string', constant: true }

function perform(name: string, text: string, keep: ((found: ResultSet) => void) | undefined): number | Pending<number> {
  return after(ask<ResultSet | null>('sqlops', 'query', { connection: name, query: text }), (found): number => {
    if (found === null) return -1
    affected.set(name, found.affected)
    if (found.rows.length === 0) {
      keep?.(found)
      return NO_ROWS
    }
    if (keep === undefined) return DISCARDED
    keep(found)
    return ROWS
  })
}

export const sqlQuery = defineWaiting(
  sqlops(
    'sqlQuery',
    'sql_query',
    [connection, query, { ...result, optional: true }],
    'Sends a statement and keeps its result as $dbr(result=>...). 1 rows, 2 none, 3 rows that are not kept.',
    'sql_query("ca", "select * from domain", "ra");',
  ),
  (name: string, text: string, target?: string) => {
    if (target === undefined) return perform(name, text, undefined)
    results.delete(target)
    return perform(name, text, (found) => {
      if (results.size >= MOST_RESULTS) throw new Error('Too many results of statements are kept.')
      results.set(target, found)
    })
  },
)

export const sqlXquery = defineWaiting(
  sqlops(
    'sqlXquery',
    'sql_xquery',
    [connection, query, result],
    'Sends a statement; each row becomes a record $xavp(result[n]=>column).',
    'if (sql_xquery("ca", "select * from domain", "ra") == 1) xlog("$xavp(ra=>domain)\\n");',
  ),
  (name: string, text: string, target: string) =>
    perform(name, text, ({ columns, rows }) => {
      const records = rows.map(
        (row) => new Map(columns.map((column, i) => [column, row[i] === null ? [] : [row[i]!]] as const)),
      )
      const { state } = currentRun()
      if (records.length > 0) state.xavps.set(target, records as never)
      else state.xavps.delete(target)
      state.check()
    }),
)

export const sqlPvquery = defineWaiting(
  {
    ...sqlops(
      'sqlPvquery',
      'sql_pvquery',
      [connection, query, { name: 'variables', kind: 'string', constant: true }],
      'Sends a statement; the columns go to the variables, last row first, so that the first one stays.',
      'sql_pvquery("ca", "select a, b from t", "$var(a), $avp(b)");',
    ),
    // The variables are meant themselves; those in the statement are replaced here.
    literal: true,
  },
  (name: string, text: string, list: string) => {
    const targets = variablesOf(list)
    return perform(name, language() === 'cfg' ? interpolate(text) : text, ({ rows }) => {
      for (const row of [...rows].reverse())
        row.forEach((value, i) => {
          const target = targets[i]
          // An AVP is not deleted by a NULL.
          if (target !== undefined && !(value === null && target.avp)) target.variable?.set(value)
        })
    })
  },
)

/** `$var(a), $avp(b)` or with semicolons, outside of parentheses. */
function variablesOf(list: string) {
  return [...list.matchAll(/\$(?:\([^)]*\)|[^,;(]*\([^)]*\)|[^,;]*)/g)].map(([text]) => ({
    avp: text.startsWith('$avp'),
    variable: avpAccess(text.trim()),
  }))
}

export const sqlQueryAsync = define(
  sqlops(
    'sqlQueryAsync',
    'sql_query_async',
    [connection, query],
    'Sends a statement that nobody waits for.',
    'sql_query_async("ca", "delete from domain");',
  ),
  (name: string, text: string) => askNow<number>('sqlops', 'send', { connection: name, query: text }),
)

export const sqlResultFree = define(
  sqlops('sqlResultFree', 'sql_result_free', [result], 'Forgets a result.', 'sql_result_free("ra");'),
  (target: string) => (results.delete(target) ? 1 : -1),
)

/** A number that stands there, or a variable that holds one. */
function indexOf(text: string): () => number {
  const read = bindFormat(text.trim())
  return () => Number(read())
}

definePvClass(
  {
    name: 'dbr',
    module: 'sqlops',
    inner: { name: 'result=>key' },
    doc: 'Of a result of sql_query(): rows, cols, [row,column], colname[n].',
  },
  (inner) => {
    const arrow = inner.text.indexOf('=>')
    const name = bindFormat(inner.text.slice(0, Math.max(0, arrow)).trim())
    const key = inner.text.slice(arrow + 2).trim()
    const cell = /^\[([^,]+),([^\]]+)\]$/.exec(key)
    const column = /^colname\s*\[(.+)\]$/.exec(key)
    if (arrow < 0 || !(key === 'rows' || key === 'cols' || cell !== null || column !== null))
      throw new PvSyntaxError(`$dbr has no '${key}' (rows, cols, [row,column], colname[n])`, 0)
    const first = indexOf(cell?.[1] ?? column?.[1] ?? '0')
    const second = indexOf(cell?.[2] ?? '0')
    return {
      get: (): PvValue => {
        const found = results.get(name())
        if (found === undefined) return null
        if (key === 'rows') return found.rows.length
        if (key === 'cols') return found.columns.length
        if (column !== null) return found.columns[first()] ?? null
        return found.rows[first()]?.[second()] ?? null
      },
    }
  },
)

definePvClass(
  {
    name: 'sqlrows',
    module: 'sqlops',
    inner: { name: 'connection' },
    doc: 'How many rows the last statement over this connection changed.',
  },
  (inner) => ({ get: () => affected.get(inner.format().trim()) ?? null }),
)
