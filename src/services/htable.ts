// Owns the service of module htable: the tables of the configuration, what scripts ask of them, their locks and their expiry.
import type { Database, Databases } from '../database/index.ts'
import { cellsFromDatabase, storeCells } from './htable-database.ts'
import { type CellValue, type TableDefinition, tableDefinition } from './htable-definition.ts'
import { htableCommands } from './htable-rpc.ts'
import { type Comparison, HashTable, textTest } from './htable-table.ts'
import { loadedAtStart } from './loading.ts'
import type { ParameterCheck } from './parameter-checks.ts'
import { fieldsOf, Parameters } from './parameters.ts'
import { RpcFault } from './rpc-fault.ts'
import type { Service, ServiceHost } from './service.ts'
import { TableLocks } from './table-locks.ts'

/** What is wrong with one parameter of the module. */
export const checkHtable: ParameterCheck = ({ name, value }) => {
  if (name !== 'htable') return undefined
  const read = tableDefinition(`${value}`)
  return typeof read === 'string' ? { message: read } : undefined
}

const KEY_LENGTH = 4096
/** Tables that the database has filled. */
const LOADED = 'htable-loaded'
const STORING = 'htable:storing'
/** A worker that died while it wrote keeps others from it for so long. */
const STORING_SECONDS = 60

export function createHtable(host: ServiceHost, databases: Databases): Service {
  const tables = new Map<string, HashTable>()
  const locks = new TableLocks(host)
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
  const matcher = (by: unknown, comparison: unknown, wanted: unknown) => {
    const test = textTest(`${comparison}` as Comparison, `${wanted}`)
    // Kamailio 5.6: only texts have a value that is compared.
    return by === 'name'
      ? (key: string) => test(key)
      : (_: string, value: CellValue) => typeof value === 'string' && test(value)
  }

  const lockOf = (args: unknown): string => {
    const { table, key } = fieldsOf(args)
    return `${tableNamed(table).definition.name}=>${keyOf(key)}`
  }

  function watchExpiry(): void {
    sweep?.cancel()
    const seconds = Math.max(1, parameters.number('timer_interval', 20))
    sweep = host.clock.setTimer(seconds * 1000, () => {
      // Of several workers one tells of all entries.
      if (host.store.lease('htable:expired', seconds * 2.5))
        for (const [name, table] of tables)
          for (const data of table.takeExpired()) void host.event({ name: `htable:expired:${name}`, data })
      watchExpiry()
    })
  }

  /** What the database has takes the place of what there is. Rejects where it cannot be read: then everything stays. */
  async function fill(table: HashTable): Promise<void> {
    if (table.definition.databaseTable === '') return
    const source = database()
    if (source === undefined) return
    const cells = await cellsFromDatabase(source, table.definition, parameters)
    table.clear()
    for (const cell of cells)
      table.restore(cell.key, cell.value, cell.seconds ?? (table.definition.expires || undefined))
  }

  /** Writes tables to the database, unless another worker does: rows of two would stand side by side. */
  async function stored(list: readonly HashTable[]): Promise<boolean> {
    const source = database()
    if (source === undefined || list.length === 0) return true
    if (!host.store.lease(STORING, STORING_SECONDS)) return false
    try {
      for (const table of list) await storeCells(source, table, parameters)
    } finally {
      host.store.lease(STORING, 0)
    }
    return true
  }

  /** For all workers once: one that takes the place of another finds what calls have made of the tables since. */
  async function fillFirst(table: HashTable): Promise<void> {
    const { name } = table.definition
    if (host.store.get(LOADED, name) !== undefined) return
    await fill(table)
    host.store.set(LOADED, name, '1')
  }

  async function fillAll(): Promise<void> {
    for (const table of [...tables.values()])
      await loadedAtStart(host, `the hash table ${table.definition.name}`, () => fillFirst(table))
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
        return 1
      },
      add(_run, args) {
        const { table, key, difference } = fieldsOf(args)
        return tableNamed(table).add(keyOf(key), Number(difference))
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
        return 1
      },
      exists: (_run, args) => (tables.has(`${fieldsOf(args).table}`) ? 1 : -1),
      print() {
        for (const [name, table] of tables)
          for (const [key, value] of table.entries())
            host.log.info({ table: name, key, value }, 'entry of a hash table')
        return 1
      },
      lock: ({ id }, args) => locks.lock(lockOf(args), id),
      unlock(_run, args) {
        locks.unlock(lockOf(args))
        return 1
      },
      record: (run) => (run.event as { key: string; value: CellValue } | undefined) ?? null,
    },
    commands: htableCommands({
      tables,
      reload: fill,
      store: async (table) => {
        if (!(await stored([table]))) throw new RpcFault(500, 'another worker is storing hash tables')
      },
      hasDatabase: () => database() !== undefined,
    }),
    configure(given) {
      parameters = new Parameters(given)
      const definitions = parameters
        .all('htable')
        .map((each) => tableDefinition(`${each}`))
        .filter((each): each is TableDefinition => typeof each !== 'string')
      for (const name of tables.keys()) if (!definitions.some((each) => each.name === name)) tables.delete(name)
      for (const definition of definitions) {
        const event = `htable:expired:${definition.name}`
        tables.set(definition.name, new HashTable(definition, host.store, () => host.hasEvent(event)))
      }
      if (!started) return
      // What a saved file has more is filled while calls go on.
      void fillAll()
      watchExpiry()
    },
    async start() {
      started = true
      await fillAll()
      watchExpiry()
      await host.event({ name: 'htable:mod-init' })
    },
    async close() {
      locks.close()
      sweep?.cancel()
      const kept = [...tables.values()].filter(({ definition }) => definition.stored && definition.databaseTable !== '')
      // Other services have yet to close.
      await stored(kept).catch((error: unknown) =>
        host.log.error({ err: error }, 'hash tables could not be written to the database'),
      )
    },
  }
}
