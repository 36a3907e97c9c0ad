// Checks what becomes of statements when a server falls silent with its connections open, as after a fail-over of its address.
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { MysqlDatabase } from '../../src/database/mysql.ts'
import { PostgresDatabase } from '../../src/database/postgres.ts'
import type { ServerDatabase } from '../../src/database/server-database.ts'
import { parseDatabaseUrl } from '../../src/database/url.ts'

const SILENCE_MILLIS = 100

let server: Server
let database: ServerDatabase<{ end(): Promise<void> }>
const sockets = new Set<Socket>()
afterEach(async () => {
  await database.close()
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  await new Promise((resolve) => server.close(resolve))
})

/** A server that lets anybody in; `answer` is what it says to a statement, undefined where it says nothing. */
async function listen(kind: 'mysql' | 'postgres', answer: () => Buffer | undefined): Promise<void> {
  server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    if (kind === 'mysql') socket.write(GREETING)
    let isIn = false
    socket.on('data', () => {
      if (!isIn) socket.write(kind === 'mysql' ? OK(2) : READY)
      else {
        const bytes = answer()
        if (bytes !== undefined) socket.write(bytes)
      }
      isIn = true
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const address = parseDatabaseUrl(`${kind}://u:p@127.0.0.1:${port}/db`)
  if (address.driver === 'sqlite') throw new Error('no server')
  database =
    kind === 'mysql' ? new MysqlDatabase(address, SILENCE_MILLIS) : new PostgresDatabase(address, SILENCE_MILLIS)
}

/** A packet of MySQL's protocol. */
function packet(number: number, ...bytes: readonly number[]): Buffer {
  return Buffer.from([bytes.length, 0, 0, number, ...bytes])
}
const OK = (number: number) => packet(number, 0, 1, 0, 2, 0, 0, 0)
const text = (value: string) => [...Buffer.from(value), 0]
const GREETING = packet(
  0,
  10,
  ...text('5.7.0'),
  ...[1, 0, 0, 0, ...text('12345678'), 0xff, 0xf7, 33, 2, 0, 0x0f, 0x80, 21, ...Array<number>(10).fill(0)],
  ...text('123456789012'),
  ...text('mysql_native_password'),
)
/** Messages of PostgreSQL's: authenticated, ready. */
const READY = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49])
/** Parsed, bound, no rows, done, ready. */
const DONE = Buffer.from([
  ...[0x31, 0, 0, 0, 4, 0x32, 0, 0, 0, 4, 0x6e, 0, 0, 0, 4],
  ...[0x43, 0, 0, 0, 13, ...text('UPDATE 1'), 0x5a, 0, 0, 0, 5, 0x49],
])

test.each(['mysql', 'postgres'] as const)(
  '%s: a statement fails, and the next goes over a connection that lives',
  async (kind) => {
    let isSilent = true
    await listen(kind, () => (isSilent ? undefined : kind === 'mysql' ? OK(1) : DONE))
    const all = Array.from({ length: 12 }, () => database.query('UPDATE t SET a = ?', [1]))
    for (const outcome of await Promise.allSettled(all))
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_DATABASE' } })
    const broken = sockets.size
    isSilent = false
    await expect(database.query('UPDATE t SET a = ?', [1])).resolves.toMatchObject({ affected: 1 })
    expect(sockets.size).toBe(broken + 1)
  },
)
