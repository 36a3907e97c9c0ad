// Owns the service of module htable: the tables of the configuration, what scripts ask of them, their locks and their expiry.
import type { Database, Databases } from '../database/index.ts'
import { cellsFromDatabase, storeCells } from './htable-database.ts'
import { type CellValue, type TableDefinition, tableDefinition } from './htable-definition.ts'
import { htableCommands } from './htable-rpc.ts'
import { type Comparison, HashTable, textTest } from './htable-table.ts'
import { loadedAtStart } from './loading.ts'
import type { ParameterCheck } from './parameter-checks.ts'
import { fieldsOf, Parameters } from './parameters.ts'
import type { Service, ServiceHost, ServiceRun } from './service.ts'

/** How long a lock is waited for before it is taken all the same: whoever held it has died of something. */
const LOCK_MILLIS = 5000

interface Lock {
  readonly run: number
  depth: number
  readonly waiting: (() => void)[]
}

/** What is wrong with one parameter of the module. */
export const checkHtable: ParameterCheck = ({ name, value }) => {
  if (name !== 'htable') return undefined
  const read = tableDefinition(`${value}`)
  return typeof read === 'string' ? { message: read } : undefined
}

const KEY_LENGTH = 4096

export function createHtable(host: ServiceHost, databases: Databases): Service {
  const tables = new Map<string, HashTable>()
  const locks = new Map<string, Lock>()
  /** Entries whose end an event route wants to hear of: what they were, by table and key. */
  const watched = new Map<string, Map<string, { value: CellValue }>>()
  let parameters = new Parameters([])
  let sweep: { cancel(): void } | undefined
  let started = false

  const database = (): Database | undefined => {
    const url = parameters.text('db_url')
    return url === '' ? undefined : databases.open(url)
  }
  const tableNamed = (name: unknown): HashTable => {
    const table = tables.get(`${name}`)
    if (table === undefined) throw new Error(`there is no hash table ${name}`)
    return table
  }
  const keyOf = (key: unknown): string => {
    const text = `${key}`
    if (text.length > KEY_LENGTH) throw new Error(`a key of a hash table has at most ${KEY_LENGTH} bytes`)
    return text
  }
  const watch = (table: HashTable, key: string, value: CellValue | null): void => {
    const { name, expires } = table.definition
    if (expires === 0 || !host.hasEvent(`htable:expired:${name}`)) return
    let seen = watched.get(name)
    if (seen === undefined) watched.set(name, (seen = new Map()))
    if (value === null) seen.delete(key)
    else seen.set(key, { value })
  }
  const matcher = (by: unknown, comparison: unknown, wanted: unknown) => {
    const test = textTest(`${comparison}` as Comparison, `${wanted}`)
    // Kamailio 5.6: only texts have a value that is compared.
    return by === 'name'
      ? (key: string) => test(key)
      : (_: string, value: CellValue) => typeof value === 'string' && test(value)
  }

  function lock(run: ServiceRun, args: unknown): number | Promise<number> {
    const { table, key } = fieldsOf(args)
    const name = `${tableNamed(table).definition.name}=>${keyOf(key)}`
    const held = locks.get(name)
    if (held === undefined) {
      locks.set(name, { run: run.id, depth: 1, waiting: [] })
      return 1
    }
    if (held.run === run.id) {
      held.depth++
      return 1
    }
    return new Promise((resolve) => {
      const take = () => {
        timer.cancel()
        const waiting = locks.get(name)?.waiting.filter((each) => each !== take) ?? []
        locks.set(name, { run: run.id, depth: 1, waiting })
        resolve(1)
      }
      const timer = host.clock.setTimer(LOCK_MILLIS, () => {
        host.log.warn({ lock: name }, 'a lock of a hash table was held too long and is taken away')
        take()
      })
      held.waiting.push(take)
    })
  }

  function unlock(_run: ServiceRun, args: unknown): number {
    const { table, key } = fieldsOf(args)
    const name = `${tableNamed(table).definition.name}=>${keyOf(key)}`
    const held = locks.get(name)
    if (held === undefined || --held.depth > 0) return 1
    locks.delete(name)
    held.waiting.shift()?.()
    return 1
  }

  function watchExpiry(): void {
    sweep?.cancel()
    const seconds = Math.max(1, parameters.number('timer_interval', 20))
    sweep = host.clock.setTimer(seconds * 1000, () => {
      for (const [name, seen] of watched) {
        const table = tables.get(name)
        for (const [key, { value }] of seen) {
          if (table?.has(key)) continue
          seen.delete(key)
          if (table !== undefined) void host.event({ name: `htable:expired:${name}`, data: { key, value } })
        }
      }
      watchExpiry()
    })
  }

  async function fill(table: HashTable): Promise<void> {
    if (table.definition.databaseTable === '') return
    const source = database()
    if (source === undefined) return
    for (const cell of await cellsFromDatabase(source, table.definition, parameters))
      table.restore(cell.key, cell.value, cell.seconds ?? (table.definition.expires || undefined))
  }

  return {
    module: 'htable',
    operations: {
      get: (_run, args) => tableNamed(fieldsOf(args).table).get(keyOf(fieldsOf(args).key)),
      set(_run, args) {
        const { table, key, value } = fieldsOf(args)
        const [into, name] = [tableNamed(table), keyOf(key)]
        if (typeof value === 'string' || typeof value === 'number') into.set(name, value)
        else into.delete(name)
        watch(into, name, typeof value === 'string' || typeof value === 'number' ? value : null)
        return 1
      },
      add(_run, args) {
        const { table, key, difference } = fieldsOf(args)
        const into = tableNamed(table)
        const result = into.add(keyOf(key), Number(difference))
        if (result !== null) watch(into, keyOf(key), result)
        return result
      },
      remaining: (_run, args) => tableNamed(fieldsOf(args).table).remaining(keyOf(fieldsOf(args).key)),
      expire(_run, args) {
        const { table, key, seconds } = fieldsOf(args)
        return tableNamed(table).expireIn(keyOf(key), Number(seconds) | 0) ? 1 : -1
      },
      count(_run, args) {
        const { table, by, comparison, wanted } = fieldsOf(args)
        return tableNamed(table).count(matcher(by, comparison, wanted))
      },
      remove(_run, args) {
        const { table, by, comparison, wanted } = fieldsOf(args)
        return tableNamed(table).deleteWhere(matcher(by, comparison, wanted))
      },
      entries: (_run, args) => tableNamed(fieldsOf(args).table).entries(),
      clear(_run, args) {
        const table = tables.get(`${fieldsOf(args).table}`)
        if (table === undefined) return -1
        table.clear()
        watched.delete(table.definition.name)
        return 1
      },
      exists: (_run, args) => (tables.has(`${fieldsOf(args).table}`) ? 1 : -1),
      print() {
        for (const [name, table] of tables)
          for (const [key, value] of table.entries())
            host.log.info({ table: name, key, value }, 'entry of a hash table')
        return 1
      },
      lock,
      unlock,
      record: (run) => (run.event as { key: string; value: CellValue } | undefined) ?? null,
    },
    commands: htableCommands({
      tables,
      reload: async (table) => {
        table.clear()
        await fill(table)
      },
      store: async (table) => {
        const source = database()
        if (source !== undefined) await storeCells(source, table, parameters)
      },
      hasDatabase: () => database() !== undefined,
      watch,
    }),
    configure(given) {
      parameters = new Parameters(given)
      const definitions = parameters
        .all('htable')
        .map((each) => tableDefinition(`${each}`))
        .filter((each): each is TableDefinition => typeof each !== 'string')
      for (const name of tables.keys()) if (!definitions.some((each) => each.name === name)) tables.delete(name)
      for (const definition of definitions) tables.set(definition.name, new HashTable(definition, host.store))
      if (started) watchExpiry()
    },
    async start() {
      started = true
      for (const table of tables.values()) {
        await loadedAtStart(host, `the hash table ${table.definition.name}`, () => fill(table))
      }
      watchExpiry()
      await host.event({ name: 'htable:mod-init' })
    },
    async close() {
      sweep?.cancel()
      const source = database()
      if (source === undefined) return
      for (const table of tables.values())
        if (table.definition.stored && table.definition.databaseTable !== '')
          await storeCells(source, table, parameters)
    },
  }
}
