// Owns the short look for leaks; npm run test:leak is the long one.
import { expect, test } from 'vitest'
import { type Remains, runRounds } from './rounds.ts'

test('100 calls set up and torn down five times leave sockets, streams and ports where they were', async () => {
  const after: Remains[] = []
  const before = await runRounds({ calls: 100, rounds: 5 }, (_, remains) => after.push(remains))
  for (const { descriptors, streams, sessions, ports } of after)
    expect({ descriptors, streams, sessions, ports }).toEqual({
      descriptors: before.descriptors,
      streams: 0,
      sessions: 0,
      ports: 0,
    })
})
