// Owns the functions of module avpops that ask a database: attributes of users as $avp, and statements.
import type { RouteKind } from './contract.ts'
import { declarations } from './declaration.ts'
import { defineWaiting } from './define.ts'
import { avpAccess } from './named-pv.ts'
import { PvSyntaxError } from './pseudo-variables.ts'
import { after, currentRun, interpolate, language, type Pending } from './runtime.ts'
import { ask } from './service.ts'
import type { AvpValue } from './transaction-state.ts'

const ROUTES: readonly RouteKind[] = ['request', 'failure', 'branch', 'reply', 'event']
const avpops = declarations('avpops', ROUTES)

const source = { name: 'source', kind: 'string', constant: true } as const
const attribute = { name: 'name', kind: 'string', constant: true } as const

/** Bits of the column `type`: the value is a number, the name is one. */
const NUMBER_VALUE = 1
const NUMBER_NAME = 2

/** `$ru/username`: what names the user, undefined where the variable holds nothing. */
function sourceOf(text: string): { source: string; by: string } | undefined {
  const [, written = '', by] = /^(.*?)(?:\/(username|domain|uri|uuid))?$/s.exec(text.trim()) ?? []
  const variable = written.startsWith('$') ? avpAccess(written) : undefined
  if (written.startsWith('$') && variable === undefined) throw new PvSyntaxError(`'${written}' is no variable`, 0)
  const value = variable === undefined ? written : variable.get()
  if (value === null || value === '' || value === 0) return undefined
  return {
    source: `${value}`,
    by: by ?? (/^\$(?:ru|fu|tu|ou|duri|ruri|furi|turi|ouri)$/.test(written) ? 'uri' : 'uuid'),
  }
}

/** What stands before the slash is a name or `a`, `i`, `s` for all; behind it a table, or a scheme with a dollar. */
interface Attributes {
  /** '' for all of the kind. */
  readonly name: string
  readonly kind: 'a' | 'i' | 's'
  readonly table: string
  readonly scheme: string
}

function attributesOf(text: string): Attributes {
  const [, written = '', behind = ''] = /^(.*?)(?:\/(\$?\w+))?$/s.exec(text.trim()) ?? []
  const [, named] = /^\$\(?avp\(([^)]+)\)\)?$/s.exec(written) ?? []
  const kind = /^[aAiIsS]:?$/.test(written) ? written[0]!.toLowerCase() : undefined
  if (named === undefined && kind === undefined) throw new PvSyntaxError(`'${text}' is not $avp(name), a, i or s`, 0)
  const name = named?.trim().replace(/^s:/, '') ?? ''
  return {
    name,
    kind: (kind ?? (name.startsWith('i:') ? 'i' : 's')) as Attributes['kind'],
    ...(behind.startsWith('$') ? { table: '', scheme: behind.slice(1) } : { table: behind, scheme: '' }),
  }
}

/** As the column `attribute` has it. */
const columnName = (name: string) => name.replace(/^i:/, '')

/** What came out of the table or went into it: it is not written there again. */
const known = new WeakMap<object, Set<string>>()
const keyOf = (name: string, value: AvpValue) => `${name}\n${typeof value}\n${value}`
function knownOf(): Set<string> {
  const { avps } = currentRun().state
  let found = known.get(avps)
  if (found === undefined) known.set(avps, (found = new Set()))
  return found
}

const isOfKind = (type: number, kind: Attributes['kind']) =>
  kind === 'a' || ((type & NUMBER_NAME) !== 0) === (kind === 'i')

export const avpDbLoad = defineWaiting(
  {
    ...avpops(
      'avp_db_load',
      [source, attribute],
      'Reads attributes of a user from table usr_preferences into $avp. True if there were any.',
      'avp_db_load("$fu", "$avp(speed)");',
    ),
    literal: true,
  },
  (from: string, what: string) => {
    const user = sourceOf(from)
    if (user === undefined) return -1
    const { name, kind, table, scheme } = attributesOf(what)
    const args = { ...user, table, scheme, attribute: columnName(name) }
    return after(ask<[string, number, AvpValue | null][] | null>('avpops', 'load', args), (rows): number => {
      let read = 0
      for (const [column, type, value] of rows ?? []) {
        if (value === null || (name === '' && !isOfKind(type, kind))) continue
        const target = name === '' ? ((type & NUMBER_NAME) !== 0 ? `i:${column}` : column) : name
        const kept = (type & NUMBER_VALUE) !== 0 ? Number(value) | 0 : `${value}`
        avpAccess(`$avp(${target})`)?.set(kept)
        knownOf().add(keyOf(target, kept))
        read++
      }
      return read > 0 ? 1 : -1
    })
  },
)

export const avpDbStore = defineWaiting(
  {
    ...avpops(
      'avp_db_store',
      [source, attribute],
      'Writes values of $avp to table usr_preferences as attributes of a user; what is there already is not written again.',
      'avp_db_store("$fu", "$avp(speed)");',
    ),
    literal: true,
  },
  (to: string, what: string): number | Pending<number> => {
    const user = sourceOf(to)
    const { name, kind, table, scheme } = attributesOf(what)
    if (user === undefined) return -1
    const list: [string, number, string][] = []
    const given = new Set<string>()
    const written = knownOf()
    for (const [avp, values] of currentRun().state.avps) {
      const numbered = /^i:/.test(avp) ? NUMBER_NAME : 0
      if (name === '' ? !isOfKind(numbered, kind) : avp !== name) continue
      for (const value of values) {
        const key = keyOf(avp, value)
        if (written.has(key) || given.has(key)) continue
        given.add(key)
        list.push([columnName(avp), numbered | (typeof value === 'number' ? NUMBER_VALUE : 0), `${value}`])
      }
    }
    if (list.length === 0) return -1
    return after(ask<number | null>('avpops', 'store', { ...user, table, scheme, list }), (count): number => {
      if (count === null) return -1
      for (const key of given) written.add(key)
      return 1
    })
  },
)

export const avpDbDelete = defineWaiting(
  {
    ...avpops(
      'avp_db_delete',
      [source, attribute],
      'Takes attributes of a user out of table usr_preferences.',
      'avp_db_delete("$fu", "$avp(speed)");',
    ),
    literal: true,
  },
  (from: string, what: string): number | Pending<number> => {
    const user = sourceOf(from)
    if (user === undefined) return -1
    const { name, table, scheme } = attributesOf(what)
    const args = { ...user, table, scheme, attribute: columnName(name) }
    return after(ask<number | null>('avpops', 'delete', args), (done): number => (done === null ? -1 : 1))
  },
)

export const avpDbQuery = defineWaiting(
  {
    ...avpops(
      'avp_db_query',
      [
        { name: 'query', kind: 'string' },
        { name: 'dest', kind: 'string', constant: true, optional: true },
      ],
      'Sends a statement; its columns go to the AVPs, those of the first row being the newest. 1 rows, -2 none, -1 it failed.',
      'avp_db_query("select ha1 from subscriber where username=\'$(fU{s.escape.common})\'", "$avp(ha1)");',
    ),
    // The AVPs are meant themselves; variables in the statement are replaced here.
    literal: true,
  },
  (statement: string, list?: string) => {
    const query = language() === 'cfg' ? interpolate(statement) : statement
    const targets = list?.split(';').map((text) => avpAccess(text.trim()))
    return after(
      ask<{ columns: number; rows: (AvpValue | null)[][] } | null>('avpops', 'query', { query }),
      (found): number => {
        if (found === null) return -1
        if (found.columns > 0 && found.rows.length === 0) return -2
        for (const row of [...found.rows].reverse())
          row.forEach((value, i) => {
            const target = targets === undefined ? avpAccess(`$avp(i:${i + 1})`) : targets[i]
            if (value !== null) target?.set(typeof value === 'number' ? Math.trunc(value) | 0 : value)
          })
        return 1
      },
    )
  },
)
