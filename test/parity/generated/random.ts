// Owns chance from a seed, and the picks that the generators make with it.

/** The next number from 0 up to, not with, 1. */
export type Next = () => number

/** mulberry32: the same numbers for the same seed everywhere. */
export function random(seed: number): Next {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

export const pick = <T>(next: Next, list: readonly T[]): T => list[Math.floor(next() * list.length)]!

/** A whole number from `least` to `most`. */
export const between = (next: Next, least: number, most: number): number =>
  least + Math.floor(next() * (most - least + 1))

/** One to `most` of what `make` makes. */
export const several = <T>(next: Next, most: number, make: () => T): T[] =>
  Array.from({ length: between(next, 1, most) }, make)
