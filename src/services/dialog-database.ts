// Owns the database of module dialog: which one its parameters name, what is read out of it, and what is told to its records.
import { type Answer, chain, type Databases, guarded } from '../database/index.ts'
import { DialogRecords, type Writing } from './dialog-records.ts'
import { DialogRows, type RestoredDialog } from './dialog-rows.ts'
import type { Dialog } from './dialog-state.ts'
import type { Parameters } from './parameters.ts'
import type { ServiceHost } from './service.ts'

/** By db_mode, from 1 on. */
const WRITING: readonly Writing[] = ['at once', 'delayed', 'at the end']

export class DialogDatabase {
  readonly #host: ServiceHost
  readonly #databases: Databases
  readonly #restore: (restored: RestoredDialog) => boolean
  #settings = ''
  #rows: DialogRows | undefined
  #records: DialogRecords | undefined
  #loadsAll = false

  /** `restore` goes on with a dialog, and answers whether it does. */
  constructor(host: ServiceHost, databases: Databases, restore: (restored: RestoredDialog) => boolean) {
    this.#host = host
    this.#databases = databases
    this.#restore = restore
  }

  /** Takes parameters over; `dialogs` are those under way. */
  configure(parameters: Parameters, dialogs: Iterable<Dialog>): void {
    const writing = WRITING[parameters.number('db_mode') - 1]
    const seconds = Math.max(1, parameters.number('db_update_period', 60))
    const names: string[] = []
    const named = (parameter: string, otherwise: string) => {
      const name = parameters.text(parameter, otherwise)
      names.push(name)
      return name
    }
    this.#loadsAll = !parameters.on('db_skip_load')
    const url = parameters.text('db_url')
    const rows = writing && this.#rowsOf(url, named)
    const settings = JSON.stringify([writing, seconds, url, names])
    if (settings === this.#settings) return
    void this.#records?.close()
    this.#settings = settings
    this.#rows = rows
    this.#records = writing && rows && new DialogRecords({ host: this.#host, rows, writing, seconds })
    for (const dialog of dialogs) if (dialog.active) this.#records?.taken(dialog)
  }

  changed(dialog: Dialog): void {
    this.#records?.changed(dialog)
  }

  /** Goes on with all calls of the database that come to this process. */
  async start(most: number): Promise<void> {
    if (!this.#loadsAll) return
    const count = await this.load(most)
    if (count > 0) this.#host.log.info({ dialogs: count }, 'calls of the database go on')
  }

  /** Goes on with calls of the database, all or those of one Call-ID; answers how many. A failure is logged. */
  load(most: number, callId?: string): Answer<number> {
    const { log, ids } = this.#host
    const rows = this.#rows
    if (rows === undefined) return 0
    return guarded(
      () =>
        chain(rows.load(most, this.#listenerOf, callId), ({ dialogs, unreadable }) => {
          if (unreadable > 0) log.warn({ rows: unreadable }, 'rows that are no answered calls were passed over')
          let count = 0
          for (const restored of dialogs) {
            if (!ids.serves(restored.dialog.callId) || !this.#restore(restored)) continue
            this.#records?.loaded(restored.dialog)
            count++
          }
          return count
        }),
      (error) => {
        log.error({ err: error }, 'dialogs could not be read from the database')
        return 0
      },
    )
  }

  async close(): Promise<void> {
    await this.#records?.close()
  }

  /** Without them, where a parameter is no name, calls are followed all the same. */
  #rowsOf(url: string, named: (parameter: string, otherwise: string) => string): DialogRows | undefined {
    try {
      return new DialogRows({ database: this.#databases.open(url), named })
    } catch (error) {
      this.#host.log.error({ err: error }, 'dialogs stand in no database: see db_url, table_name and the columns')
      return undefined
    }
  }

  readonly #listenerOf = (socket: string) =>
    this.#host.listeners().find(({ transport, address, port }) => `${transport}:${address}:${port}` === socket)?.id
}
