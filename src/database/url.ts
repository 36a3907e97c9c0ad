// Owns Kamailio's database URLs: driver://user:password@host:port/database, and the forms of SQLite.
import { SignalboxError } from '../errors.ts'

export type DatabaseAddress =
  | { readonly driver: 'sqlite'; readonly file: string; readonly name: string }
  | {
      readonly driver: 'mysql' | 'postgres'
      readonly host: string
      readonly port: number | undefined
      readonly user: string
      readonly password: string
      readonly database: string
      /** Without the password. */
      readonly name: string
    }

const SERVER = /^([^:@/]*)(?::([^@/]*))?@(\[[^\]]+\]|[^:/]*)(?::(\d{1,5}))?\/(.+)$/
const ALONE = /^(\[[^\]]+\]|[^:/@]*)(?::(\d{1,5}))?\/(.+)$/

/** Takes a URL apart. Throws ERR_CONFIG, without the password, for one that is none. */
export function parseDatabaseUrl(url: string): DatabaseAddress {
  const colon = url.indexOf('://')
  const driver = colon < 0 ? '' : url.slice(0, colon).toLowerCase()
  const rest = url.slice(colon + 3)
  switch (driver) {
    case 'sqlite':
    case 'sqlite3': {
      // `sqlite:///var/x.db`, and with Kamailio's four slashes; two and a name: beside the script.
      const file = rest.replace(/^\/{2,}/, '/')
      if (file === '' || file === '/') break
      return { driver: 'sqlite', file, name: `sqlite://${file}` }
    }
    case 'mysql':
    case 'postgres':
    case 'postgresql': {
      const [, user, password, host, port, database] = SERVER.exec(rest) ?? []
      const [, bareHost, barePort, bareDatabase] = SERVER.test(rest) ? [] : (ALONE.exec(rest) ?? [])
      const name = database ?? bareDatabase
      if (name === undefined) break
      const at = host ?? bareHost ?? ''
      const number = port ?? barePort
      const kind = driver === 'mysql' ? 'mysql' : 'postgres'
      return {
        driver: kind,
        host: at === '' ? 'localhost' : at.replace(/^\[|\]$/g, ''),
        port: number === undefined ? undefined : Number(number),
        user: user ?? '',
        password: password ?? '',
        database: name,
        name: `${kind}://${user === undefined ? '' : `${user}@`}${at}${number === undefined ? '' : `:${number}`}/${name}`,
      }
    }
    default:
  }
  const shown = url.replace(/:[^:@/]*@/, ':...@').slice(0, 100)
  throw new SignalboxError(
    'ERR_CONFIG',
    `"${shown}" is no database: give sqlite:///path/file.db, mysql://user:password@host/name or postgres://user:password@host/name`,
  )
}
