// Owns what presence keeps, in the store that workers share: published documents and subscriptions, each with its expiry.
import type { Store } from '../store/index.ts'

/** One published document (RFC 3903). */
export interface Publication {
  readonly etag: string
  readonly type: string
  readonly body: string
  /** Milliseconds since 1970; the newest document is the state. */
  readonly at: number
}

/** One watcher's dialog (RFC 6665), as it is needed to send a NOTIFY in it. */
export interface Subscription {
  readonly id: string
  /** `sip:user@host` that is watched. */
  readonly presentity: string
  readonly event: string
  /** `;id=` of the Event header, '' without. */
  readonly eventId: string
  readonly status: 'active' | 'pending'
  readonly callId: string
  readonly localTag: string
  readonly remoteTag: string
  /** Values of From and To without tags, as this side writes them. */
  readonly localUri: string
  readonly remoteUri: string
  readonly contact: string
  /** The route set, in the order in which it is written. */
  readonly route: readonly string[]
  readonly remoteCseq: number
  readonly localCseq: number
  readonly localContact: string
  readonly listener: number
  /** Seconds since 1970. */
  readonly expires: number
}

const DIALOGS = 'presence-dialogs'

/** Most documents and watchers of one user. */
const MOST_EACH = 1000

export class PresenceState {
  readonly #store: Store
  /** Seconds since 1970. */
  readonly #now: () => number

  constructor(store: Store, now: () => number) {
    this.#store = store
    this.#now = now
  }

  #documents(presentity: string, event: string): string {
    return `presence-documents:${event}:${presentity}`
  }

  #watchers(presentity: string, event: string): string {
    return `presence-watchers:${event}:${presentity}`
  }

  /** The newest document; undefined where nothing is published. */
  current(presentity: string, event: string): Publication | undefined {
    const documents = this.#store
      .entries(this.#documents(presentity, event))
      .map(([, text]) => JSON.parse(text) as Publication)
    return documents.sort((a, b) => b.at - a.at)[0]
  }

  publication(presentity: string, event: string, etag: string): Publication | undefined {
    const text = this.#store.get(this.#documents(presentity, event), etag)
    return text === undefined ? undefined : (JSON.parse(text) as Publication)
  }

  /** Puts a document in the place of the one with the etag `before`. */
  publish(presentity: string, event: string, publication: Publication, seconds: number, before: string): boolean {
    const table = this.#documents(presentity, event)
    if (before !== '') this.#store.delete(table, before)
    if (this.#store.size(table) >= MOST_EACH) return false
    this.#store.set(table, publication.etag, JSON.stringify(publication), seconds)
    return true
  }

  unpublish(presentity: string, event: string, etag: string): void {
    this.#store.delete(this.#documents(presentity, event), etag)
  }

  subscription(id: string): Subscription | undefined {
    const table = this.#store.get(DIALOGS, id)
    const text = table === undefined ? undefined : this.#store.get(table, id)
    return text === undefined ? undefined : (JSON.parse(text) as Subscription)
  }

  subscriptions(presentity: string, event: string): Subscription[] {
    return this.#store.entries(this.#watchers(presentity, event)).map(([, text]) => JSON.parse(text) as Subscription)
  }

  /** False when the user has too many watchers. */
  subscribe(subscription: Subscription): boolean {
    const { id, presentity, event, expires } = subscription
    const table = this.#watchers(presentity, event)
    if (this.#store.get(table, id) === undefined && this.#store.size(table) >= MOST_EACH) return false
    // A little longer than it lasts, so that its end can still be told.
    const seconds = Math.max(1, expires - this.#now()) + 5
    this.#store.set(table, id, JSON.stringify(subscription), seconds)
    this.#store.set(DIALOGS, id, table, seconds)
    return true
  }

  /** Takes the next CSeq of a subscription; undefined when it is over. */
  next(id: string): Subscription | undefined {
    const table = this.#store.get(DIALOGS, id)
    if (table === undefined) return undefined
    let taken: Subscription | undefined
    this.#store.update(table, id, (text) => {
      if (text === undefined) return undefined
      const before = JSON.parse(text) as Subscription
      taken = { ...before, localCseq: before.localCseq + 1 }
      return { value: JSON.stringify(taken), seconds: 'keep' }
    })
    return taken
  }

  unsubscribe(subscription: Subscription): void {
    this.#store.delete(this.#watchers(subscription.presentity, subscription.event), subscription.id)
    this.#store.delete(DIALOGS, subscription.id)
  }
}
