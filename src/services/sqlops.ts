// Owns the service of module sqlops: named connections, and the statements that scripts send over them.
import {
  type Answer,
  chain,
  type Database,
  type Databases,
  guarded,
  parseDatabaseUrl,
  type ResultSet,
} from '../database/index.ts'
import type { ParameterCheck } from './parameter-checks.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import type { Service, ServiceHost } from './service.ts'

/** Most rows that a script is given. */
const MOST_ROWS = 10_000
/** Longest statement. */
const MOST_TEXT = 65_536

const CONNECTION = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=>\s*(\S+)\s*$/

/** What is wrong with one parameter of the module. */
export const checkSqlops: ParameterCheck = ({ name, value }) => {
  if (name !== 'sqlcon') return undefined
  const url = CONNECTION.exec(`${value}`)?.[2]
  if (url === undefined) return { message: 'sqlcon needs "name=>driver://user:password@host/database"' }
  return problemOfUrl(url)
}

/** What is wrong with a database URL. */
export function problemOfUrl(url: string): { message: string } | undefined {
  try {
    parseDatabaseUrl(url)
    return undefined
  } catch (error) {
    return { message: error instanceof Error ? error.message : String(error) }
  }
}

export function createSqlops(host: ServiceHost, databases: Databases): Service {
  let connections = new Map<string, Database>()
  let most = MOST_ROWS

  function run(args: unknown): Answer<ResultSet | null> {
    const given = fieldsOf(args)
    const name = textOf(given.connection, 64)
    return guarded<ResultSet | null>(
      () => {
        const database = connections.get(name)
        if (database === undefined) throw new Error(`there is no connection ${name}: set modparam sqlops sqlcon`)
        return chain(database.query(textOf(given.query, MOST_TEXT)), (result) => ({
          ...result,
          rows: result.rows.slice(0, most),
        }))
      },
      (error) => {
        const reason = error instanceof Error ? error.message : String(error)
        host.log.error({ connection: name, error: reason }, 'a statement of the script failed')
        return null
      },
    )
  }

  return {
    module: 'sqlops',
    operations: {
      /** The result set, or null where the statement failed. */
      query: (_run, args) => run(args),
      /** Sends a statement whose result nobody waits for. */
      send(_run, args) {
        if (!connections.has(textOf(fieldsOf(args).connection, 64))) return -1
        setImmediate(() => void run(args))
        return 1
      },
    },
    configure(list) {
      const parameters = new Parameters(list)
      connections = new Map(
        parameters.all('sqlcon').flatMap((value) => {
          const [, name, url] = CONNECTION.exec(`${value}`) ?? []
          return name === undefined || url === undefined ? [] : [[name, databases.open(url)] as const]
        }),
      )
      most = Math.min(MOST_ROWS, parameters.number('results_maxsize', MOST_ROWS))
    },
  }
}
