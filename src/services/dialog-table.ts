// Owns the dialogs that module dialog follows: which there are, and which one a message belongs to.
import { type Dialog, ENDED } from './dialog-state.ts'

/** However many dialogs have one Call-ID (an attack has thousands), a message is compared with those of its tags alone. */
export class DialogTable {
  readonly #byKey = new Map<string, Dialog>()
  /** By Call-ID, then by the caller's tag. */
  readonly #byCall = new Map<string, Map<string, Dialog[]>>()

  get size(): number {
    return this.#byKey.size
  }

  all(): IterableIterator<Dialog> {
    return this.#byKey.values()
  }

  /** By hash entry and id, see {@link Dialog.key}. */
  get(key: string): Dialog | undefined {
    return this.#byKey.get(key)
  }

  add(dialog: Dialog): void {
    this.#byKey.set(dialog.key, dialog)
    let call = this.#byCall.get(dialog.callId)
    if (call === undefined) this.#byCall.set(dialog.callId, (call = new Map()))
    // What is over makes room for the INVITE that comes again.
    const others = call.get(dialog.caller.tag)?.filter(({ state }) => state !== ENDED) ?? []
    call.set(dialog.caller.tag, [...others, dialog])
  }

  remove(dialog: Dialog): void {
    this.#byKey.delete(dialog.key)
    const call = this.#byCall.get(dialog.callId)
    const others = call?.get(dialog.caller.tag)?.filter((each) => each !== dialog) ?? []
    if (others.length > 0) call?.set(dialog.caller.tag, others)
    else call?.delete(dialog.caller.tag)
    if (call?.size === 0) this.#byCall.delete(dialog.callId)
  }

  /** The dialog of a message with that Call-ID and these tags, from either side. */
  find(callId: string, fromTag: string, toTag: string): Dialog | undefined {
    const call = this.#byCall.get(callId)
    const isOf = (dialog: Dialog) => dialog.direction(fromTag, toTag) !== undefined
    return call?.get(fromTag)?.find(isOf) ?? call?.get(toTag)?.find(isOf)
  }

  /** All of one Call-ID. */
  ofCall(callId: string): Dialog[] {
    return [...(this.#byCall.get(callId)?.values() ?? [])].flat()
  }
}
