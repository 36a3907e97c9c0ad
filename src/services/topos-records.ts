// Owns what topos keeps of dialogs and of requests under way, in the tables that all workers share.
import type { IdSource } from '../sip/index.ts'
import type { Store } from '../store/index.ts'

/** One of those who answered: where requests to him go. */
export interface Leg {
  readonly contact: string
  /** Record-Route of the hops behind us, in the order in which a request to him passes them. */
  readonly routes: readonly string[]
}

/** A dialog, from its first request on. `a` sent that; each of `legs` answered, by To tag. */
export interface DialogRecord {
  readonly id: string
  readonly callId: string
  readonly aTag: string
  readonly aContact: string
  /** Record-Route of the hops before us, in the order in which a request to `a` passes them. */
  readonly aRoutes: readonly string[]
  /** Our own Record-Route, that of the callee's side first. */
  readonly own: readonly string[]
  /** What each side sees as the other's Contact. */
  readonly shownToA: string
  readonly shownToB: string
  readonly legs: Readonly<Record<string, Leg>>
}

/** A request that was sent, until its replies have come. */
export interface BranchRecord {
  /** The Vias below ours. */
  readonly vias: readonly string[]
  /** Its Record-Route: ours, then those of the hops before us. */
  readonly own: readonly string[]
  readonly routes: readonly string[]
}

const DIALOGS = 'topos.dialogs'
/** Id of a dialog, by Call-ID and the tag of who began it. */
const TAGS = 'topos.tags'
const BRANCHES = 'topos.branches'
const MOST_LEGS = 32

export class ToposRecords {
  readonly #store: Store
  readonly #ids: IdSource
  readonly #seconds: () => { dialog: number; branch: number }

  constructor(store: Store, ids: IdSource, seconds: () => { dialog: number; branch: number }) {
    this.#store = store
    this.#ids = ids
    this.#seconds = seconds
  }

  newId(): string {
    return this.#ids.branch().slice(0, 24)
  }

  dialog(id: string): DialogRecord | undefined {
    return read<DialogRecord>(this.#store.get(DIALOGS, id))
  }

  /** The dialog that `aTag` began. */
  dialogOf(callId: string, aTag: string): DialogRecord | undefined {
    const id = this.#store.get(TAGS, `${callId} ${aTag}`)
    return id === undefined ? undefined : this.dialog(id)
  }

  /** `passing`: only until its replies have come, because no dialog comes of it. */
  keep(dialog: DialogRecord, kind: 'lasting' | 'passing'): void {
    const seconds = this.#seconds()[kind === 'lasting' ? 'dialog' : 'branch']
    this.#store.set(DIALOGS, dialog.id, JSON.stringify(dialog), seconds)
    this.#store.set(TAGS, `${dialog.callId} ${dialog.aTag}`, dialog.id, seconds)
  }

  /** Changes a dialog in one step that no other worker sees half done. */
  change(id: string, change: (before: DialogRecord) => DialogRecord): void {
    this.#store.update(DIALOGS, id, (text) => {
      const before = read<DialogRecord>(text)
      return before && { value: JSON.stringify(change(before)), seconds: 'keep' }
    })
  }

  /** Notes where an answerer is reached; what a later message does not tell stays. */
  learn(id: string, tag: string, leg: { contact: string | undefined; routes: readonly string[] | undefined }): void {
    this.change(id, (before) => {
      const known = before.legs[tag]
      if (known === undefined && Object.keys(before.legs).length >= MOST_LEGS) return before
      const contact = leg.contact ?? known?.contact ?? ''
      return { ...before, legs: { ...before.legs, [tag]: { contact, routes: leg.routes ?? known?.routes ?? [] } } }
    })
  }

  branch(branch: string): BranchRecord | undefined {
    return read<BranchRecord>(this.#store.get(BRANCHES, branch))
  }

  keepBranch(branch: string, record: BranchRecord): void {
    this.#store.set(BRANCHES, branch, JSON.stringify(record), this.#seconds().branch)
  }

  get sizes(): { dialogs: number; branches: number } {
    return { dialogs: this.#store.size(DIALOGS), branches: this.#store.size(BRANCHES) }
  }
}

/** Only what was written here is read. */
function read<T>(text: string | undefined): T | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as T)
}
