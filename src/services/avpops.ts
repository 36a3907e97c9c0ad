// Owns the service of module avpops: attributes of users in table usr_preferences, and statements of the script.
import {
  type Answer,
  chain,
  type Database,
  type Databases,
  guarded,
  identifier,
  type SqlValue,
} from '../database/index.ts'
import { parseUri } from '../sip/index.ts'
import type { ParameterCheck } from './parameter-checks.ts'
import { fieldsOf, Parameters, textOf, wholeOf } from './parameters.ts'
import type { Service, ServiceHost } from './service.ts'

const MODULE = 'avpops'
const MOST_ROWS = 1000
const MOST_TEXT = 65_536

/** Which attributes are meant: those of a name, or all of a kind of names. */
interface Wanted {
  readonly database: Database
  readonly table: string
  readonly where: string
  readonly values: readonly SqlValue[]
  /** Columns that name the user, as INSERT wants them. */
  readonly owner: readonly (readonly [column: string, value: string])[]
}

/** `name:table=subscriber;uuid_col=uuid;value_col=first_name;value_type=string`. */
export interface DatabaseScheme {
  readonly name: string
  readonly columns: Readonly<Record<string, string>>
}

const ELEMENTS = new Set(['uuid_col', 'username_col', 'domain_col', 'value_col', 'value_type', 'table'])

export function parseScheme(text: string): DatabaseScheme | undefined {
  const [, name, rest] = /^\s*([A-Za-z_]\w*)\s*:(.*)$/s.exec(text) ?? []
  if (name === undefined || rest === undefined) return undefined
  const columns: Record<string, string> = {}
  for (const element of rest.split(';').map((one) => one.trim())) {
    if (element === '') continue
    const [key = '', value = ''] = element.split('=').map((one) => one.trim())
    if (!ELEMENTS.has(key) || !/^[A-Za-z_]\w{0,63}$/.test(value)) return undefined
    columns[key] = value
  }
  return columns.value_col === undefined ? undefined : { name, columns }
}

/** What is wrong with one parameter of the module. */
export const checkAvpops: ParameterCheck = ({ name, value }) =>
  name === 'db_scheme' && parseScheme(`${value}`) === undefined
    ? {
        message: `db_scheme ${value} is none`,
        hint: 'As in "name:table=subscriber;uuid_col=uuid;value_col=first_name;value_type=string".',
      }
    : undefined

export function createAvpops(host: ServiceHost, databases: Databases): Service {
  let parameters = new Parameters([])
  let schemes = new Map<string, DatabaseScheme>()

  /** The columns of the user that `source` names, and what they hold. */
  function ownerOf(source: string, kind: string, columns: Readonly<Record<string, string>>): [string, string][] {
    const column = (what: string) => columns[`${what}_col`] ?? parameters.text(`${what}_column`, what)
    if (kind === 'uuid') return [[column('uuid'), source]]
    const uri = parseUri(source)
    if (uri === undefined) throw new Error(`${source.slice(0, 64)} is no URI`)
    const user: [string, string] = [column('username'), uri.user ?? '']
    const domain: [string, string] = [column('domain'), uri.host]
    if (kind === 'username') return [user]
    if (kind === 'domain') return [domain]
    return parameters.on('use_domain') ? [user, domain] : [user]
  }

  function wanted(args: unknown): Wanted & { readonly scheme: DatabaseScheme | undefined } {
    const given = fieldsOf(args)
    const schemeName = textOf(given.scheme, 64)
    const scheme = schemes.get(schemeName)
    if (schemeName !== '' && scheme === undefined) throw new Error(`there is no db_scheme ${schemeName}`)
    const database = databases.open(parameters.text('db_url'))
    const quoted = (name: string) => database.quote(identifier(name))
    const table = scheme?.columns.table ?? (textOf(given.table, 64) || parameters.text('avp_table', 'usr_preferences'))
    const owner = ownerOf(textOf(given.source, 512), textOf(given.by, 16), scheme?.columns ?? {})
    const terms = owner.map(([column]) => `${quoted(column)} = ?`)
    const values: SqlValue[] = owner.map(([, value]) => value)
    const attribute = textOf(given.attribute, 64)
    if (scheme === undefined && attribute !== '') {
      terms.push(`${quoted(parameters.text('attribute_column', 'attribute'))} = ?`)
      values.push(attribute)
    }
    return {
      scheme,
      database,
      table: quoted(table),
      where: terms.join(' AND '),
      values,
      owner: owner.map(([column, value]) => [quoted(column), value] as const),
    }
  }

  const attributeColumns = (database: Database) =>
    [
      ['attribute_column', 'attribute'],
      ['type_column', 'type'],
      ['value_column', 'value'],
    ].map(([parameter, usual]) => database.quote(identifier(parameters.text(parameter!, usual!))))

  /** Whatever fails is told in the log, and the script sees -1. */
  function attempt<T>(what: () => Answer<T>): Answer<T | null> {
    return guarded<T | null>(what, (error) => {
      host.log.error(
        { error: error instanceof Error ? error.message : String(error) },
        'avpops could not ask its database',
      )
      return null
    })
  }

  return {
    module: MODULE,
    operations: {
      /** Rows of attribute, type and value; null where that failed. */
      load: (_run, args) =>
        attempt(() => {
          const { scheme, database, table, where, values } = wanted(args)
          if (scheme !== undefined) {
            const column = database.quote(identifier(scheme.columns.value_col!))
            const type = scheme.columns.value_type === 'integer' ? 1 : 0
            const sql = `SELECT ${column} FROM ${table} WHERE ${where}`
            return chain(database.query(sql, values), ({ rows }) =>
              rows.slice(0, MOST_ROWS).map(([value]) => ['', type, value ?? null]),
            )
          }
          const columns = attributeColumns(database).join(', ')
          const sql = `SELECT ${columns} FROM ${table} WHERE ${where} ORDER BY ${database.quote('id')}`
          return chain(database.query(sql, values), ({ rows }) => rows.slice(0, MOST_ROWS))
        }),
      /** `list`: attribute, type and value of each. Answers how many were written. */
      store: (_run, args) =>
        attempt(() => {
          const { scheme, database, table, owner } = wanted({ ...fieldsOf(args), attribute: '' })
          if (scheme !== undefined) throw new Error('a db_scheme is for reading')
          const given = fieldsOf(args).list
          const list = (Array.isArray(given) ? given : []).slice(0, MOST_ROWS) as unknown[][]
          const columns = [...owner.map(([column]) => column), ...attributeColumns(database)]
          const sql = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`
          let answer: Answer<unknown>
          for (const [attribute, type, value] of list)
            answer = chain(answer, () =>
              database.query(sql, [
                ...owner.map(([, owned]) => owned),
                textOf(attribute, 64),
                wholeOf(type),
                textOf(value, MOST_TEXT),
              ]),
            )
          return chain(answer, () => list.length)
        }),
      delete: (_run, args) =>
        attempt(() => {
          const { database, table, where, values } = wanted(args)
          return chain(database.query(`DELETE FROM ${table} WHERE ${where}`, values), () => 1)
        }),
      query: (_run, args) =>
        attempt(() =>
          chain(
            databases.open(parameters.text('db_url')).query(textOf(fieldsOf(args).query, MOST_TEXT)),
            ({ columns, rows }) => ({ columns: columns.length, rows: rows.slice(0, MOST_ROWS) }),
          ),
        ),
    },
    configure(list) {
      parameters = new Parameters(list)
      const read = parameters.all('db_scheme').flatMap((text) => parseScheme(`${text}`) ?? [])
      schemes = new Map(read.map((scheme) => [scheme.name, scheme]))
    },
  }
}
