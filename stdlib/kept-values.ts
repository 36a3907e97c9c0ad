// Owns what a transaction keeps for its script by name, $avp and the records of $xavp, and the bound on it.
import { TextBoundError } from './text-bounds.ts'

export type AvpValue = string | number

/** One `$xavp` root: a name, and fields that keep several values each, newest first. */
export type XavpFields = Map<string, XavpValue[]>
export type XavpValue = AvpValue | XavpFields

/** What one transaction may keep, and what all may that outlive their runs; characters, each name and value counting some more. */
const MOST_KEPT = 4_000_000
const MOST_KEPT_IN_ALL = 64_000_000
const EACH = 64
/** From here on a transaction counts among all. */
const HEAVY = 100_000

/** Runs reach for the values this often between two times that they are weighed. */
const WEIGHED_EACH = 256

/** Weights of the heavy transactions, together. */
let heavy = 0

export class KeptValues {
  #avps: Map<string, AvpValue[]> | undefined
  #xavps: XavpFields | undefined
  #reached = 0
  /** What of this is in `heavy`. */
  #counted = 0

  /** $avp: newest value first. */
  get avps(): Map<string, AvpValue[]> {
    if ((++this.#reached & (WEIGHED_EACH - 1)) === 0) this.check()
    this.#avps ??= new Map()
    return this.#avps
  }

  get xavps(): XavpFields {
    if ((++this.#reached & (WEIGHED_EACH - 1)) === 0) this.check()
    this.#xavps ??= new Map()
    return this.#xavps
  }

  /** After much was added at once. Throws a TextBoundError when this is more than a transaction may keep. */
  check(): void {
    if (this.#weight() > MOST_KEPT)
      throw new TextBoundError(
        `the transaction keeps values of more than ${MOST_KEPT} characters in its $avp and $xavp`,
      )
  }

  /** The values outlive the run: false when there was no room for them among those of all transactions, and they are gone. */
  outlive(): boolean {
    if (this.#reached === 0) return true
    this.release()
    const weight = this.#weight()
    if (weight < HEAVY) return true
    if (weight > MOST_KEPT || heavy + weight > MOST_KEPT_IN_ALL) {
      this.#avps = undefined
      this.#xavps = undefined
      return false
    }
    this.#counted = weight
    heavy += weight
    return true
  }

  /** The transaction is over. */
  release(): void {
    heavy -= this.#counted
    this.#counted = 0
  }

  #weight(): number {
    return (
      (this.#avps === undefined ? 0 : weightOf(this.#avps)) + (this.#xavps === undefined ? 0 : weightOf(this.#xavps))
    )
  }
}

function weightOf(fields: ReadonlyMap<string, readonly XavpValue[]>): number {
  let weight = 0
  for (const [name, values] of fields) {
    weight += EACH + name.length
    for (const value of values) {
      weight += EACH + (typeof value === 'string' ? value.length : typeof value === 'number' ? 0 : weightOf(value))
    }
  }
  return weight
}
