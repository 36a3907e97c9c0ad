// Owns the service of module auth_db: passwords and further columns of subscribers, from a table.
import { type Answer, chain, type Databases, guarded, identifier, type SqlValue } from '../database/index.ts'
import { AUTH, type Authentication, credentialsOf } from './auth.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import type { Service, ServiceHost } from './service.ts'

/** A code, and the values of load_credentials' columns in their order. */
interface Checked {
  readonly code: number
  readonly values: readonly SqlValue[]
}

const failed = (code: number): Checked => ({ code, values: [] })

export function createAuthDb(host: ServiceHost, databases: Databases, authentication: Authentication): Service {
  let parameters = new Parameters([])

  /** Columns of load_credentials: `$avp(x)=column;column`. */
  const loaded = (): string[] =>
    parameters
      .text('load_credentials', 'rpid')
      .split(/[;|,]/)
      .map((part) => part.slice(part.indexOf('=') + 1).trim())
      .filter((name) => name !== '')

  function subscriber(
    table: string,
    user: string,
    domain: string | undefined,
    columns: readonly string[],
  ): Answer<readonly SqlValue[] | undefined> {
    const database = databases.open(parameters.text('db_url'))
    const quote = (name: string) => database.quote(identifier(name))
    const where = [`${quote(parameters.text('user_column', 'username'))} = ?`]
    const values = [user]
    if (domain !== undefined) {
      where.push(`${quote(parameters.text('domain_column', 'domain'))} = ?`)
      values.push(domain)
    }
    const list = columns.length === 0 ? '1' : columns.map(quote).join(', ')
    const sql = `SELECT ${list} FROM ${quote(table)} WHERE ${where.join(' AND ')}`
    return chain(database.query(sql, values), ({ rows }) => rows[0])
  }

  const complain = (error: unknown): Checked => {
    host.log.error({ error: error instanceof Error ? error.message : String(error) }, 'subscribers could not be read')
    return failed(AUTH.error)
  }

  return {
    module: 'auth_db',
    operations: {
      check(_run, args) {
        const given = fieldsOf(args)
        const credentials = credentialsOf(given.credentials)
        return guarded(() => {
          const at = credentials.username.indexOf('@')
          const user = at < 0 ? credentials.username : credentials.username.slice(0, at)
          const domain = at < 0 ? credentials.realm : credentials.username.slice(at + 1)
          const plain = parameters.on('calculate_ha1')
          const column =
            !plain && at >= 0
              ? parameters.text('password_column_2', 'ha1b')
              : parameters.text('password_column', plain ? 'password' : 'ha1')
          const found = subscriber(textOf(given.table, 64), user, parameters.on('use_domain') ? domain : undefined, [
            column,
            ...loaded(),
          ])
          return chain(found, (row): Checked => {
            if (row === undefined) return failed(AUTH.noUser)
            const [password, ...values] = row
            const secret = { kind: plain ? ('password' as const) : ('ha1' as const), value: String(password ?? '') }
            return { code: authentication.check(credentials, secret), values }
          })
        }, complain)
      },
      /** is_subscriber. */
      subscriber(_run, args) {
        const given = fieldsOf(args)
        return guarded(() => {
          const domain = textOf(given.domain, 256)
          const found = subscriber(
            textOf(given.table, 64),
            textOf(given.user, 256),
            domain === '' ? undefined : domain,
            loaded(),
          )
          return chain(found, (row): Checked => (row === undefined ? failed(-1) : { code: 1, values: row }))
        }, complain)
      },
    },
    configure(list) {
      parameters = new Parameters(list)
    },
  }
}
