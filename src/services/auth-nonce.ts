// Owns nonces: made with a date and a seal, so that any worker knows its own again; used once or counted where that is asked for.
import { createHmac, randomBytes } from 'node:crypto'
import type { Store } from '../store/index.ts'
import { sameText } from './auth-digest.ts'

/** What is wrong with a nonce; undefined when nothing is. */
export type NonceFault = 'unknown' | 'expired' | 'reused'

export interface NonceRules {
  /** Seconds that a nonce is good for. */
  readonly seconds: number
  /** '': one of our own, shared by all workers. */
  readonly secret: string
  /** A nonce is good for one request. */
  readonly once: boolean
  /** With qop, the counter of a nonce has to grow (RFC 7616 3.4). */
  readonly counted: boolean
}

const SECRETS = 'auth-secret'
const USED = 'auth-nonces'

export class Nonces {
  readonly #store: Store
  readonly #now: () => number
  #ownSecret: string | undefined
  #serial = 0
  readonly #salt = randomBytes(4).readUInt32BE()

  /** `now` in seconds since 1970. */
  constructor(store: Store, now: () => number) {
    this.#store = store
    this.#now = now
  }

  make(rules: NonceRules): string {
    const head = Buffer.alloc(12)
    head.writeUInt32BE((this.#now() + rules.seconds) >>> 0, 0)
    head.writeUInt32BE(this.#salt, 4)
    head.writeUInt32BE(++this.#serial >>> 0, 8)
    return Buffer.concat([head, this.#seal(head, rules)]).toString('base64')
  }

  check(nonce: string, rules: NonceRules): NonceFault | undefined {
    const bytes = Buffer.from(nonce.slice(0, 128), 'base64')
    if (bytes.length !== 28) return 'unknown'
    const head = bytes.subarray(0, 12)
    if (!sameText(bytes.subarray(12).toString('hex'), this.#seal(head, rules).toString('hex'))) return 'unknown'
    const left = head.readUInt32BE(0) - this.#now()
    if (left <= 0) return 'expired'
    return undefined
  }

  /** Notes that a nonce, with its counter (''  without qop), has been used with credentials that are right; a fault when it may not be used any more. */
  use(nonce: string, nc: string, rules: NonceRules): NonceFault | undefined {
    const counting = rules.counted && nc !== ''
    if (!rules.once && !counting) return undefined
    let fault: NonceFault | undefined
    this.#store.update(USED, nonce, (before) => {
      const count = counting ? Number.parseInt(nc, 16) : 1
      if (before !== undefined && !(counting && count > Number(before))) {
        fault = 'reused'
        return { value: before, seconds: 'keep' }
      }
      return { value: String(count), seconds: rules.seconds }
    })
    return fault
  }

  #seal(head: Buffer, { secret }: NonceRules): Buffer {
    const key = secret === '' ? this.#shared() : secret
    return createHmac('sha256', key).update(head).digest().subarray(0, 16)
  }

  #shared(): string {
    this.#ownSecret ??= this.#store.update(SECRETS, 'own', (before) => ({
      value: before ?? randomBytes(32).toString('hex'),
    }))?.value
    return this.#ownSecret ?? ''
  }
}
