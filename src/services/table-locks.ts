// Owns the locks of keys of hash tables: a run holds one until it gives it back, and others wait, here and in other workers.
import type { ServiceHost } from './service.ts'

/** How long a lock is waited for before it is taken all the same: whoever held it has died of something. */
const LOCK_SECONDS = 5
/** Between two looks at a lock that another worker holds. */
const LOOK_MILLIS = 5
const TABLE = 'htable:locks'

interface Held {
  run: number
  depth: number
  /** Runs of this worker that wait for it, in their order. */
  readonly waiting: (() => void)[]
}

export class TableLocks {
  readonly #host: ServiceHost
  readonly #worker: string
  readonly #held = new Map<string, Held>()
  #closed = false

  constructor(host: ServiceHost) {
    this.#host = host
    this.#worker = host.ids.callId()
  }

  /** 1 once the run has it. */
  lock(name: string, run: number): number | Promise<number> {
    const held = this.#held.get(name)
    if (held === undefined) {
      this.#held.set(name, { run, depth: 1, waiting: [] })
      return this.#claimed(name)
    }
    if (held.run === run) {
      held.depth++
      return 1
    }
    return new Promise((resolve) => {
      const take = () => {
        timer.cancel()
        held.run = run
        held.depth = 1
        resolve(this.#claimed(name))
      }
      const timer = this.#host.clock.setTimer(LOCK_SECONDS * 1000, () => {
        this.#tell(name)
        held.waiting.splice(held.waiting.indexOf(take), 1)
        take()
      })
      held.waiting.push(take)
    })
  }

  unlock(name: string): void {
    const held = this.#held.get(name)
    if (held === undefined || --held.depth > 0) return
    const next = held.waiting.shift()
    if (next !== undefined) {
      next()
      return
    }
    this.#held.delete(name)
    if (this.#host.store.isShared)
      this.#host.store.update(TABLE, name, (holder) =>
        holder === undefined || holder === this.#worker ? undefined : { value: holder, seconds: 'keep' },
      )
  }

  close(): void {
    this.#closed = true
  }

  /** 1 once this worker has it. */
  #claimed(name: string): number | Promise<number> {
    return this.#claim(name) ? 1 : this.#claimLater(name)
  }

  /** Takes it for this worker, or goes on holding it. False: another one has it. */
  #claim(name: string): boolean {
    const { store } = this.#host
    if (!store.isShared) return true
    const claimed = store.update(TABLE, name, (holder) =>
      holder === undefined || holder === this.#worker
        ? { value: this.#worker, seconds: LOCK_SECONDS }
        : { value: holder, seconds: 'keep' },
    )
    return claimed?.value === this.#worker
  }

  #claimLater(name: string): Promise<number> {
    const { clock, store } = this.#host
    const until = clock.now() + LOCK_SECONDS * 1000
    return new Promise((resolve) => {
      const look = () => {
        if (this.#closed) return
        if (!this.#claim(name)) {
          if (clock.now() < until) {
            clock.setTimer(LOOK_MILLIS, look)
            return
          }
          this.#tell(name)
          store.set(TABLE, name, this.#worker, LOCK_SECONDS)
        }
        resolve(1)
      }
      clock.setTimer(LOOK_MILLIS, look)
    })
  }

  #tell(name: string): void {
    this.#host.log.warn({ lock: name }, 'a lock of a hash table was held too long and is taken away')
  }
}
