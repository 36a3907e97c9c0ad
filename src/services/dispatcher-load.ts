// Owns how many calls each destination has under way, for the algorithm that goes by it.
import type { Clock } from '../clock.ts'
import { type SipMessage, SipReply, SipRequest } from '../sip/index.ts'
import type { Destination } from './dispatcher-destination.ts'

/** A call that never ends here is given up, as Kamailio's ds_hash_expire. */
const LONGEST_MILLIS = 7_200_000
const ENDING = new Set(['BYE', 'CANCEL'])
const MOST_CALLS = 1_000_000

export class CallLoads {
  readonly #clock: Clock
  readonly #calls = new Map<string, { readonly destination: Destination; readonly began: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The call goes to this destination from now on. */
  begin(callId: string, destination: Destination): void {
    this.end(callId)
    for (const [id, { began }] of this.#calls) {
      if (this.#calls.size < MOST_CALLS && began > this.#clock.now() - LONGEST_MILLIS) break
      this.end(id)
    }
    destination.load++
    this.#calls.set(callId, { destination, began: this.#clock.now() })
  }

  end(callId: string): number {
    const call = this.#calls.get(callId)
    if (call === undefined) return -1
    this.#calls.delete(callId)
    if (call.destination.load > 0) call.destination.load--
    return 1
  }

  /** Destinations were read anew: a call counts for the one that takes the place of its own. */
  follow(placeOf: (destination: Destination) => Destination | undefined): void {
    for (const [id, { destination, began }] of this.#calls) {
      const next = placeOf(destination)
      if (next === undefined) {
        this.#calls.delete(id)
        continue
      }
      next.load++
      this.#calls.set(id, { destination: next, began })
    }
  }

  /** ds_load_update: a BYE, a CANCEL or a failure ends the call. */
  update(message: SipMessage): number {
    if (message instanceof SipReply) return message.status >= 300 ? this.end(message.callId) : 1
    return message instanceof SipRequest && ENDING.has(message.method) ? this.end(message.callId) : 1
  }
}
