// Owns the pipes of modules ratelimit and pipelimit: how much may pass in an interval, by one of Kamailio's algorithms.
import type { Counted, SharedCounts } from './shared-counts.ts'

export const ALGORITHMS = ['NOP', 'TAILDROP', 'RED', 'FEEDBACK', 'NETWORK'] as const
export type PipeAlgorithm = (typeof ALGORITHMS)[number]

export interface Pipe extends Counted {
  readonly name: string
  algorithm: PipeAlgorithm
  /** Messages of one interval. */
  limit: number
  /** What came in the interval before. */
  load: number
  unused: number
}

export function pipeAlgorithm(text: string): PipeAlgorithm | undefined {
  return ALGORITHMS.find((each) => each === text.toUpperCase())
}

/** Of a limit; the rest of a portion is what a worker may let pass too much. */
const PORTIONS = 50

/** Counts a message; tells whether it passes. FEEDBACK and NETWORK go by what only Kamailio measures, and let all pass. */
export function passes(pipe: Pipe, counts: SharedCounts): boolean {
  const { algorithm, limit } = pipe
  const full = algorithm === 'TAILDROP' && pipe.counter > limit
  // What passes whatever the others count, or is too much already, is told to nobody.
  if (full || (algorithm !== 'TAILDROP' && algorithm !== 'RED')) pipe.counter++
  else counts.add(pipe.name, pipe, Math.max(1, Math.floor(limit / PORTIONS)))
  pipe.unused = 0
  switch (algorithm) {
    case 'TAILDROP':
      return pipe.counter <= limit
    case 'RED': {
      // As many in a hundred as the limit was of the load before.
      if (pipe.load === 0 || pipe.load <= limit) return true
      const every = Math.floor(pipe.load / Math.max(1, limit))
      return every <= 1 || pipe.counter % every === 0
    }
    default:
      return true
  }
}

export function nextInterval(pipe: Pipe): void {
  pipe.unused = pipe.counter === 0 ? pipe.unused + 1 : 0
  pipe.load = pipe.counter
  pipe.counter = 0
  pipe.untold = 0
}
