// Owns a set of destinations and the algorithms that choose among them.
import { type Destination, PROBING } from './dispatcher-destination.ts'

/** What a choice depends on besides the set. */
export interface Choice {
  readonly algorithm: number
  /** Of the text that algorithms 0 to 3, 5 and 7 go by; undefined when the message has none. */
  readonly hash: number | undefined
  /** Most destinations; 0: all. */
  readonly limit: number
  /** The last destination is kept for when no other is left. */
  readonly useDefault: boolean
  /** A number below `below`, by chance. */
  random(below: number): number
}

const SHARES = 100

export class DestinationSet {
  readonly id: number
  /** By priority, the greatest first; among equals, the one given last. */
  readonly destinations: Destination[] = []
  /** Where round robin goes on. */
  #next = 0
  #shares: number[] = []
  #nextShare = 0
  #relativeShares: number[] = []
  #relativeFor = ''
  #nextRelative = 0
  #nextFast = 0

  constructor(id: number) {
    this.id = id
  }

  add(destination: Destination): void {
    const place = this.destinations.findIndex((each) => each.priority <= destination.priority)
    this.destinations.splice(place < 0 ? this.destinations.length : place, 0, destination)
    this.#forgetShares()
  }

  /** False: there is none of that URI. */
  remove(uri: string): boolean {
    const index = this.destinations.findIndex((each) => each.uri === uri)
    if (index < 0) return false
    this.destinations.splice(index, 1)
    this.#forgetShares()
    return true
  }

  #forgetShares(): void {
    this.#shares = []
    this.#relativeFor = ''
  }

  get active(): boolean {
    return this.destinations.some((each) => each.usable)
  }

  /** The chosen destination and those to try after it, in order; empty when none can be used. */
  choose(choice: Choice): Destination[] {
    const { destinations } = this
    const last = choice.useDefault && destinations.length > 1 ? destinations.length - 1 : destinations.length
    const first = this.#first(choice, last)
    if (first === undefined) return []
    // Algorithm 13 has an order of its own.
    if (choice.algorithm === 13) return limited(first.order, choice.limit)
    const order: Destination[] = []
    for (let i = 0; i < last; i++) {
      const each = destinations[(first.index + i) % last]!
      if (each.usable) order.push(each)
    }
    if (choice.algorithm === 4 && order.length > 0) this.#next = (destinations.indexOf(order[0]!) + 1) % last
    if (last < destinations.length && destinations[last]!.usable) order.push(destinations[last]!)
    return limited(order, choice.limit)
  }

  #first(choice: Choice, count: number): { index: number; order: Destination[] } | undefined {
    if (count === 0) return undefined
    const at = (index: number) => ({ index, order: [] })
    switch (choice.algorithm) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 7:
        return choice.hash === undefined ? undefined : at(choice.hash % count)
      case 5:
        if (choice.hash !== undefined) return at(choice.hash % count)
        return at(this.#roundRobin(count))
      case 4:
        return at(this.#next % count)
      case 6:
        return at(choice.random(count))
      case 9:
        return at(this.#byWeight(choice))
      case 10:
        return this.#byLoad(count)
      case 11:
        return at(this.#byRelativeWeight(choice))
      case 13:
        return { index: 0, order: this.#byLatency() }
      default:
        // 8 takes the first; 12 takes all at once; an unknown one takes the first as well.
        return at(0)
    }
  }

  #roundRobin(count: number): number {
    const index = this.#next % count
    this.#next = (index + 1) % count
    return index
  }

  /** A hundred shares by weight, shuffled once, walked through in turn. */
  #byWeight(choice: Choice): number {
    if (this.#shares.length === 0)
      this.#shares = shuffled(sharesOf(this.destinations.map((each) => each.attributes.weight)), choice)
    const share = this.#shares[this.#nextShare % SHARES] ?? 0
    this.#nextShare = (this.#nextShare + 1) % SHARES
    return share
  }

  /** As by weight, where the weights of those in use make up the whole. */
  #byRelativeWeight(choice: Choice): number {
    const usable = this.destinations.map((each) => (each.usable ? '1' : '0')).join('')
    if (this.#relativeFor !== usable) {
      const sum = this.destinations.reduce((total, each) => total + (each.usable ? each.attributes.rweight : 0), 0)
      const weights = this.destinations.map((each) =>
        each.usable && sum > 0 ? Math.floor((each.attributes.rweight * SHARES) / sum) : 0,
      )
      this.#relativeShares = shuffled(sharesOf(weights), choice)
      this.#relativeFor = usable
    }
    const share = this.#relativeShares[this.#nextRelative % SHARES] ?? 0
    this.#nextRelative = (this.#nextRelative + 1) % SHARES
    return share
  }

  #byLoad(count: number): { index: number; order: Destination[] } | undefined {
    let best = -1
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i < count; i++) {
      const each = this.destinations[i]!
      const { maxload } = each.attributes
      const load = each.load + each.loadElsewhere
      if (!each.usable || (maxload > 0 && load >= maxload)) continue
      if (load >= least) continue
      least = load
      best = i
    }
    return best < 0 ? undefined : { index: best, order: [] }
  }

  /** A millisecond of latency takes a point of priority; with `cc=1` only what exceeds the usual counts. Equals take turns. */
  #byLatency(): Destination[] {
    const scored = this.destinations
      .filter((each) => each.usable)
      .map((each) => {
        const { estimate, average } = each.latency
        const late = each.attributes.congestion ? Math.max(0, estimate - average) : estimate
        return { each, score: Math.max(0, each.priority - Math.floor(late)) }
      })
      .sort((a, b) => b.score - a.score)
    const best = scored.filter(({ score }) => score === scored[0]!.score).length
    const turn = best > 0 ? this.#nextFast++ % best : 0
    return [...scored.slice(turn, best), ...scored.slice(0, turn), ...scored.slice(best)].map(({ each }) => each)
  }

  /** Figures of $dsg. */
  counts(): { count: number; active: number; inactive: number; probing: number } {
    const active = this.destinations.filter((each) => each.usable).length
    return {
      count: this.destinations.length,
      active,
      inactive: this.destinations.length - active,
      probing: this.destinations.filter((each) => each.flags & PROBING).length,
    }
  }
}

function limited(order: Destination[], limit: number): Destination[] {
  return limit > 0 ? order.slice(0, limit) : order
}

/** What the weights leave of the hundred goes to the last one that has a weight. */
function sharesOf(weights: readonly number[]): number[] {
  const shares = weights.flatMap((weight, index) => Array.from({ length: weight }, () => index)).slice(0, SHARES)
  const last = Math.max(
    0,
    weights.findLastIndex((weight) => weight > 0),
  )
  while (shares.length < SHARES) shares.push(last)
  return shares
}

function shuffled(shares: number[], choice: Choice): number[] {
  for (let i = shares.length - 1; i > 0; i--) {
    const other = choice.random(i + 1)
    ;[shares[i], shares[other]] = [shares[other]!, shares[i]!]
  }
  return shares
}
