// Owns how many calls each destination has under way, for the algorithm that goes by it.
import { type SipMessage, SipReply, SipRequest } from '../sip/index.ts'
import type { Destination } from './dispatcher-destination.ts'
import type { ServiceHost } from './service.ts'

/** A call that never ends here is given up, as Kamailio's ds_hash_expire. */
const LONGEST_MILLIS = 7_200_000
const ENDING = new Set(['BYE', 'CANCEL'])
const MOST_CALLS = 1_000_000
/** Of the store: what each worker has, by destination and worker. It is written again each second; of a worker that died it goes. */
const LOADS = 'dispatcher:loads'
const LOAD_SECONDS = 5

export class CallLoads {
  readonly #host: ServiceHost
  readonly #worker: string
  readonly #calls = new Map<string, { readonly destination: Destination; readonly began: number }>()

  constructor(host: ServiceHost) {
    this.#host = host
    this.#worker = host.ids.callId()
  }

  /** What other workers have at these, as of now. */
  hearOthers(destinations: Iterable<Destination>): void {
    const { store } = this.#host
    if (!store.isShared) return
    const others = new Map<string, number>()
    for (const [name, load] of store.entries(LOADS)) {
      const [worker = '', key = ''] = split(name)
      if (worker !== this.#worker) others.set(key, (others.get(key) ?? 0) + Number(load))
    }
    for (const destination of destinations) destination.loadElsewhere = others.get(destination.key) ?? 0
  }

  /** To be called each second: what is not told any more is no one's. */
  tellAgain(destinations: Iterable<Destination>): void {
    for (const destination of destinations) if (destination.load > 0) this.#tell(destination)
  }

  #tell({ key, load }: Destination): void {
    const { store } = this.#host
    if (!store.isShared) return
    const name = `${this.#worker} ${key}`
    if (load > 0) store.set(LOADS, name, `${load}`, LOAD_SECONDS)
    else store.delete(LOADS, name)
  }

  /** The call goes to this destination from now on. */
  begin(callId: string, destination: Destination): void {
    this.end(callId)
    for (const [id, { began }] of this.#calls) {
      if (this.#calls.size < MOST_CALLS && began > this.#host.clock.now() - LONGEST_MILLIS) break
      this.end(id)
    }
    destination.load++
    this.#calls.set(callId, { destination, began: this.#host.clock.now() })
    this.#tell(destination)
  }

  end(callId: string): number {
    const call = this.#calls.get(callId)
    if (call === undefined) return -1
    this.#calls.delete(callId)
    if (call.destination.load > 0) call.destination.load--
    this.#tell(call.destination)
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

/** Before and after the first space. */
function split(name: string): [string, string] {
  const at = name.indexOf(' ')
  return [name.slice(0, at), name.slice(at + 1)]
}
