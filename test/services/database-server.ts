// Owns real database servers of tests: each in a folder of its own on 127.0.0.1, with Kamailio's tables as its packages make them.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface DatabaseServer {
  /** The database `kamailio` of that server, as a script names it. */
  readonly url: string
  /** Carries statements out, as the owner of the database. */
  run(sql: string): void
  close(): Promise<void>
}

export type ServerKind = 'mysql' | 'postgres'

const LAYOUTS = '/usr/share/kamailio'
/** In an order in which `version` comes first. */
const TABLES =
  'standard acc alias_db auth_db dialog dialplan dispatcher domain drouting htable mtree permissions presence speeddial usrloc'
    .split(' ')
    .map((name) => `${name}-create.sql`)

function postgresFolder(): string | undefined {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : []
  return versions.map((version) => `/usr/lib/postgresql/${version}/bin`).find((bin) => existsSync(`${bin}/initdb`))
}

/** What is missing to run a server of that kind; undefined: nothing. */
export function missingFor(kind: ServerKind): string | undefined {
  const program = kind === 'mysql' ? existsSync('/usr/sbin/mariadbd') : postgresFolder() !== undefined
  if (!program) return kind === 'mysql' ? 'mariadbd (package mariadb-server)' : 'initdb (package postgresql)'
  return existsSync(`${LAYOUTS}/${kind}/${TABLES[0]}`)
    ? undefined
    : `${LAYOUTS}/${kind} (package kamailio-${kind}-modules)`
}

const layout = (kind: ServerKind) => TABLES.map((name) => readFileSync(`${LAYOUTS}/${kind}/${name}`, 'utf8')).join('\n')

/** The number of a user or group: servers refuse to run as root. */
const numberOf = (option: '-u' | '-g', user: string) => Number(execFileSync('id', [option, user], { encoding: 'utf8' }))

interface Program {
  readonly child: ChildProcess
  readonly said: () => string
}

function started(path: string, args: readonly string[], as: { uid?: number; gid?: number }): Program {
  const child = spawn(path, args, { ...as, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  const keep = (text: Buffer) => {
    said = (said + text.toString('utf8')).slice(-4000)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  return { child, said: () => said }
}

/** Waits until `attempt` does not throw any more. */
async function ready(attempt: () => void, { child, said }: Program): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      attempt()
      return
    } catch (error) {
      if (child.exitCode !== null || tries > 300)
        throw new Error(`the server did not start: ${said()}`, { cause: error })
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

function ended({ child }: Program): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once('exit', () => resolve())
    child.kill('SIGQUIT')
    // MariaDB takes SIGQUIT for a dump of its state.
    child.kill('SIGTERM')
  })
}

/** Starts a server; {@link missingFor} has said that nothing is missing. */
export async function startServer(kind: ServerKind): Promise<DatabaseServer> {
  const folder = mkdtempSync(join(tmpdir(), `${kind}-`))
  const root = process.getuid?.() === 0
  const as = root ? { uid: numberOf('-u', kind), gid: numberOf('-g', kind) } : {}
  if (as.uid !== undefined) chownSync(folder, as.uid, as.gid)
  const server = kind === 'mysql' ? await startMysql(folder, as) : await startPostgres(folder, as)
  server.run(layout(kind))
  return {
    ...server,
    async close() {
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

type As = { uid?: number; gid?: number }

async function startMysql(folder: string, as: As): Promise<DatabaseServer> {
  const socket = join(folder, 's')
  const data = join(folder, 'data')
  execFileSync(
    'mariadb-install-db',
    ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db'],
    { ...as, stdio: 'ignore', cwd: '/' },
  )
  const program = started(
    '/usr/sbin/mariadbd',
    [
      '--no-defaults',
      `--datadir=${data}`,
      `--socket=${socket}`,
      '--bind-address=127.0.0.1',
      '--port=3306',
      '--skip-name-resolve',
      '--skip-log-bin',
    ],
    as,
  )
  const client = (sql: string, ...database: string[]) =>
    execFileSync('mariadb', ['--no-defaults', '-u', 'root', `--socket=${socket}`, ...database], {
      input: sql,
      stdio: ['pipe', 'ignore', 'pipe'],
    })
  await ready(() => client('SELECT 1'), program)
  client(`CREATE DATABASE kamailio; CREATE USER kamailio@'%' IDENTIFIED BY 'kamailiorw';
    GRANT ALL ON kamailio.* TO kamailio@'%';`)
  return {
    url: 'mysql://kamailio:kamailiorw@127.0.0.1/kamailio',
    run: (sql) => void client(sql, 'kamailio'),
    close: () => ended(program),
  }
}

async function startPostgres(folder: string, as: As): Promise<DatabaseServer> {
  const bin = postgresFolder()!
  const data = join(folder, 'data')
  execFileSync(`${bin}/initdb`, ['-D', data, '-A', 'trust', '-E', 'UTF8', '--locale=C', '-U', 'postgres', '-N'], {
    ...as,
    stdio: 'ignore',
    cwd: '/',
  })
  const program = started(`${bin}/postgres`, ['-D', data, '-k', folder, '-h', '127.0.0.1', '-p', '5432', '-F'], as)
  const client = (sql: string, user: string, database: string) =>
    execFileSync(`${bin}/psql`, ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', folder, '-U', user, database], {
      input: sql,
      stdio: ['pipe', 'ignore', 'pipe'],
      cwd: '/',
    })
  await ready(() => client('SELECT 1', 'postgres', 'postgres'), program)
  client("CREATE USER kamailio PASSWORD 'kamailiorw'", 'postgres', 'postgres')
  client('CREATE DATABASE kamailio OWNER kamailio', 'postgres', 'postgres')
  return {
    url: 'postgres://kamailio:kamailiorw@127.0.0.1/kamailio',
    run: (sql) => void client(sql, 'kamailio', 'kamailio'),
    close: () => ended(program),
  }
}
