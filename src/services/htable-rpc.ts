// Owns the RPC commands of module htable.
import type { CellValue } from './htable-definition.ts'
import type { HashTable } from './htable-table.ts'
import { RpcFault, rpcNumber, rpcText } from './rpc-fault.ts'
import type { ServiceCommand } from './service.ts'

export interface HtableCommandParts {
  readonly tables: ReadonlyMap<string, HashTable>
  reload(table: HashTable): Promise<void>
  store(table: HashTable): Promise<void>
  hasDatabase(): boolean
}

const SET = 'Ok. Key set to new value.'

export function htableCommands(parts: HtableCommandParts): Record<string, ServiceCommand> {
  const tableAt = (given: readonly unknown[]): HashTable => {
    const table = parts.tables.get(rpcText(given, 0, 'the table'))
    if (table === undefined) throw new RpcFault(500, 'No such htable')
    return table
  }
  const write = (given: readonly unknown[], value: CellValue): HashTable => {
    const table = tableAt(given)
    table.set(rpcText(given, 1, 'the key'), value)
    return table
  }
  const withDatabase = (given: readonly unknown[]): HashTable => {
    const table = tableAt(given)
    if (!parts.hasDatabase()) throw new RpcFault(500, 'No htable db_url')
    if (table.definition.databaseTable === '') throw new RpcFault(500, 'No db table for this htable')
    return table
  }
  return {
    'htable.get'(given) {
      const table = tableAt(given)
      const key = rpcText(given, 1, 'the key')
      if (!table.has(key)) throw new RpcFault(500, "Key name doesn't exist in htable.")
      const value = table.get(key)!
      const left = table.remaining(key)
      return {
        item: { name: key, value, flags: typeof value === 'string' ? 2 : 0, expire: left === 0 ? 'NEVER' : `${left}` },
      }
    },
    'htable.delete'(given) {
      const table = tableAt(given)
      if (!table.delete(rpcText(given, 1, 'the key'))) throw new RpcFault(404, 'Key not found in htable.')
      return 'Ok. Key deleted.'
    },
    'htable.sets'(given) {
      write(given, rpcText(given, 2, 'the value'))
      return SET
    },
    'htable.seti'(given) {
      write(given, rpcNumber(given, 2, 'the value'))
      return SET
    },
    'htable.setex'(given) {
      tableAt(given).expireIn(rpcText(given, 1, 'the key'), rpcNumber(given, 2, 'the number of seconds'))
      return 'Ok'
    },
    'htable.setxs'(given) {
      const seconds = rpcNumber(given, 3, 'the number of seconds')
      write(given, rpcText(given, 2, 'the value')).expireIn(rpcText(given, 1, 'the key'), seconds)
      return SET
    },
    'htable.setxi'(given) {
      const seconds = rpcNumber(given, 3, 'the number of seconds')
      write(given, rpcNumber(given, 2, 'the value')).expireIn(rpcText(given, 1, 'the key'), seconds)
      return SET
    },
    'htable.dump'(given) {
      const table = tableAt(given)
      const slots = new Map<number, { name: string; value: CellValue; type: 'int' | 'str' }[]>()
      for (const [name, value] of table.entries()) {
        const slot = table.slotOf(name)
        const cells = slots.get(slot) ?? []
        cells.push({ name, value, type: typeof value === 'number' ? 'int' : 'str' })
        slots.set(slot, cells)
      }
      return [...slots].map(([entry, slot]) => ({ entry, size: slot.length, slot }))
    },
    'htable.listTables': () =>
      [...parts.tables.values()].reverse().map(({ definition }) => ({
        name: definition.name,
        dbtable: definition.databaseTable,
        dbmode: definition.stored ? 1 : 0,
        expire: definition.expires,
        updateexpire: definition.renewed ? 1 : 0,
        size: definition.slots,
        dmqreplicate: 0,
      })),
    'htable.stats': () =>
      [...parts.tables.values()].reverse().map((table) => {
        const sizes = new Map<number, number>()
        for (const [key] of table.entries()) sizes.set(table.slotOf(key), (sizes.get(table.slotOf(key)) ?? 0) + 1)
        const { name, slots } = table.definition
        const min = sizes.size < slots ? 0 : Math.min(...sizes.values())
        return { name, slots, all: table.size, min, max: Math.max(0, ...sizes.values()) }
      }),
    'htable.flush'(given) {
      tableAt(given).clear()
      return 'Ok. Htable flushed.'
    },
    async 'htable.reload'(given) {
      await parts.reload(withDatabase(given))
      return 'Ok. Htable successfully reloaded.'
    },
    async 'htable.store'(given) {
      await parts.store(withDatabase(given))
      return 'Ok. Htable successfully stored.'
    },
  }
}
