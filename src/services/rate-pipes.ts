// Owns the pipes of modules ratelimit and pipelimit: how much may pass in an interval, by one of Kamailio's algorithms.
export const ALGORITHMS = ['NOP', 'TAILDROP', 'RED', 'FEEDBACK', 'NETWORK'] as const
export type PipeAlgorithm = (typeof ALGORITHMS)[number]

export interface Pipe {
  readonly name: string
  algorithm: PipeAlgorithm
  /** Messages of one interval. */
  limit: number
  counter: number
  /** What came in the interval before. */
  load: number
  unused: number
}

export function pipeAlgorithm(text: string): PipeAlgorithm | undefined {
  return ALGORITHMS.find((each) => each === text.toUpperCase())
}

/** Counts a message; tells whether it passes. FEEDBACK and NETWORK go by what only Kamailio measures, and let all pass. */
export function passes(pipe: Pipe): boolean {
  pipe.counter++
  pipe.unused = 0
  switch (pipe.algorithm) {
    case 'TAILDROP':
      return pipe.counter <= pipe.limit
    case 'RED': {
      // As many in a hundred as the limit was of the load before.
      if (pipe.load === 0 || pipe.load <= pipe.limit) return true
      const every = Math.floor(pipe.load / Math.max(1, pipe.limit))
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
}
