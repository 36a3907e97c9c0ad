// Owns the dice of storms and random streams.

/** Numbers from 0 on below the sides asked for: the same in every run. */
export function dice(seed: number): (sides: number) => number {
  // Neighbours among seeds begin far apart.
  let state = Math.imul(seed + 1, 2_654_435_761) >>> 0
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}
