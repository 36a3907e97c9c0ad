// Owns when dialogs are written to a database (dialog's db_mode 1 to 3): every change at once, by a timer, or at the end.
import type { Answer } from '../database/index.ts'
import type { DialogRows } from './dialog-rows.ts'
import type { Dialog } from './dialog-state.ts'
import type { ServiceHost } from './service.ts'

/** db_mode 1, 2 and 3. */
export type Writing = 'at once' | 'delayed' | 'at the end'

export interface DialogRecordsOptions {
  readonly host: ServiceHost
  readonly rows: DialogRows
  readonly writing: Writing
  /** Between two writings of `delayed`, and before what the database refused is tried again. */
  readonly seconds: number
}

/** Dialogs that are tried again; of more than these, the end is lost. */
const MOST_REFUSED = 10_000

export class DialogRecords {
  readonly #options: DialogRecordsOptions
  /** Dialogs with a row, and the variables that their rows have. */
  readonly #written = new Map<Dialog, string>()
  /** Dialogs that are not as their rows are: each is written, or removed when it is over. */
  readonly #changed = new Set<Dialog>()
  /** Those of them that the database refused: they wait for the timer. */
  readonly #refused = new Set<Dialog>()
  #timer: { cancel(): void } | undefined
  #working: Promise<void> | undefined
  #awaited = false
  #closed = false

  constructor(options: DialogRecordsOptions) {
    this.#options = options
    if (options.writing === 'delayed') this.#schedule()
  }

  /** A dialog that came out of the database. */
  loaded(dialog: Dialog): void {
    this.#written.set(dialog, variablesOf(dialog))
  }

  /** A dialog from before these records: whether it has a row, and which, is not known. */
  taken(dialog: Dialog): void {
    this.#written.set(dialog, '')
    this.changed(dialog)
  }

  /** A dialog has another state or content; before it is answered it has no row. */
  changed(dialog: Dialog): void {
    if (!dialog.active && !this.#written.has(dialog)) {
      // Answered and over before it was written.
      this.#changed.delete(dialog)
      return
    }
    this.#changed.add(dialog)
    if (this.#options.writing !== 'at once' || this.#awaited) return
    // A route changes a dialog several times in a row.
    this.#awaited = true
    queueMicrotask(() => {
      this.#awaited = false
      void this.flush()
    })
  }

  /** Writes what has changed. Never rejects: a dialog that the database refuses is logged, and tried again later. */
  flush(): Promise<void> {
    const before = this.#working
    const work = before === undefined ? this.#write() : before.then(() => this.#write())
    const done = work.then(() => {
      if (this.#working === done) this.#working = undefined
    })
    this.#working = done
    return done
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    this.#tryAgain()
    await this.flush()
  }

  async #write(): Promise<void> {
    for (const dialog of [...this.#changed]) {
      this.#changed.delete(dialog)
      this.#refused.delete(dialog)
      try {
        const written = dialog.active ? this.#put(dialog) : this.#remove(dialog)
        if (written instanceof Promise) await written
      } catch (error) {
        const { callId } = dialog
        this.#options.host.log.error({ err: error, callId }, 'a dialog could not be written to the database')
        if (this.#refused.size < MOST_REFUSED) this.#refused.add(dialog)
        this.#schedule()
      }
    }
  }

  #remove(dialog: Dialog): Answer<void> {
    this.#written.delete(dialog)
    return this.#options.rows.remove(dialog)
  }

  async #put(dialog: Dialog): Promise<void> {
    const { rows } = this.#options
    const before = this.#written.get(dialog)
    const variables = variablesOf(dialog)
    const updated = before === undefined ? false : rows.update(dialog)
    // From here on its end removes a row.
    this.#written.set(dialog, before ?? '')
    if (!(updated instanceof Promise ? await updated : updated)) await rows.insert(dialog)
    if (variables !== (before ?? '')) await rows.writeVariables(dialog)
    if (this.#written.has(dialog)) this.#written.set(dialog, variables)
  }

  #schedule(): void {
    if (this.#closed) return
    this.#timer ??= this.#options.host.clock.setTimer(this.#options.seconds * 1000, () => {
      this.#timer = undefined
      this.#tryAgain()
      void this.flush().then(() => {
        if (this.#options.writing === 'delayed') this.#schedule()
      })
    })
  }

  #tryAgain(): void {
    for (const dialog of this.#refused) this.#changed.add(dialog)
  }
}

function variablesOf({ variables }: Dialog): string {
  return variables.size === 0 ? '' : JSON.stringify([...variables])
}
