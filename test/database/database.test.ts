// Checks URLs, statements on SQLite, our own file with its tables, and that a password is never shown.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import { identifier, openDatabases, parseDatabaseUrl } from '../../src/database/index.ts'
import { numbered } from '../../src/database/postgres.ts'

const folder = mkdtempSync(join(tmpdir(), 'database-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('URLs', () => {
  test.each([
    ['sqlite:///var/x.db', '/var/x.db'],
    ['sqlite:////var/x.db', '/var/x.db'],
    ['sqlite://x.db', 'x.db'],
  ])('%s', (url, file) => expect(parseDatabaseUrl(url)).toMatchObject({ driver: 'sqlite', file }))

  test('servers, and the password stays inside', () => {
    expect(parseDatabaseUrl('mysql://u:p@h/db')).toMatchObject({ host: 'h', user: 'u', password: 'p', database: 'db' })
    expect(parseDatabaseUrl('postgres://u:p@10.0.0.1:5433/db')).toMatchObject({
      port: 5433,
      name: 'postgres://u@10.0.0.1:5433/db',
    })
    expect(parseDatabaseUrl('mysql://h/db')).toMatchObject({ host: 'h', user: '' })
    expect(() => parseDatabaseUrl('oracle://u:secret@h/db')).toThrow(/^"oracle:\/\/u:\.\.\.@h\/db" is no database/)
    expect(() => parseDatabaseUrl('mysql://u:secret@h')).toThrow(/no database/)
  })
})

test('statements with bound values, rows by name, affected rows', async () => {
  const file = join(folder, 'given.db')
  const made = new DatabaseSync(file)
  made.exec('CREATE TABLE t (a TEXT, n INTEGER, r REAL)')
  made.close()
  const databases = openDatabases({ folder })
  const database = databases.open('sqlite://given.db')
  expect(await database.query('INSERT INTO t VALUES (?, ?, ?)', ["o'x", 7, null])).toMatchObject({ affected: 1 })
  expect(await database.rows('SELECT a, n, r FROM t WHERE a = ?', ["o'x"])).toEqual([{ a: "o'x", n: 7, r: null }])
  expect(() => database.query('SELECT * FROM nowhere')).toThrow(/no such table/)
  expect(databases.open('sqlite://given.db')).toBe(database)
  await databases.close()
})

test('a text is characters in the database, and a character a byte here', async () => {
  const file = join(folder, 'text.db')
  const other = new DatabaseSync(file)
  other.exec("CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('Zoë €')")
  const databases = openDatabases({ folder })
  const database = databases.open('sqlite://text.db')
  const bytes = (text: string) => Buffer.from(text, 'utf8').toString('latin1')
  expect(await database.rows('SELECT a FROM t')).toEqual([{ a: bytes('Zoë €') }])
  expect(await database.rows(bytes("SELECT a FROM t WHERE a LIKE '%ë%'"))).toHaveLength(1)
  await database.query('UPDATE t SET a = ?', [bytes('日本')])
  expect(other.prepare('SELECT a FROM t').get()).toEqual({ a: '日本' })
  // No UTF-8: kept as the characters that its bytes are in latin1.
  await database.query('UPDATE t SET a = ?', ['\xfcber'])
  expect(other.prepare('SELECT a FROM t').get()).toEqual({ a: 'über' })
  other.close()
  await databases.close()
})

test('a file that is not there is an error, our own is made with its tables', async () => {
  const databases = openDatabases({ folder })
  expect(() => databases.open('sqlite://missing.db').query('SELECT 1')).toThrow(/there is no such file/)
  const own = databases.open('')
  await own.query("INSERT INTO subscriber (username, domain, password) VALUES ('a', 'b', 'c')")
  for (const table of ['location', 'acc', 'dbaliases', 'speed_dial', 'domain', 'address', 'presentity'])
    expect(await own.rows(`SELECT * FROM ${table}`)).toEqual([])
  await databases.close()
})

test('names and placeholders', () => {
  expect(() => identifier('t; DROP TABLE x')).toThrow(/not the name of a table/)
  expect(numbered(`SELECT '?', "a?" FROM t WHERE a = ? AND b = ?`)).toBe(
    `SELECT '?', "a?" FROM t WHERE a = $1 AND b = $2`,
  )
})
