// Owns the long look for leaks: 2,000 calls set up and torn down 50 times (CALLS and ROUNDS change that). Run by npm run test:leak.
import { type Remains, runRounds } from './rounds.ts'

const calls = Number(process.env.CALLS ?? 2_000)
const rounds = Number(process.env.ROUNDS ?? 50)
const after: Remains[] = []
const mega = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)
const line = (name: string, { descriptors, streams, sessions, ports, rss, heap }: Remains): void => {
  process.stdout.write(
    `${name}: ${descriptors} descriptors, ${streams} streams, ${sessions} sessions, ${ports} ports, ${mega(rss)} MB in all, ${mega(heap)} MB of heap\n`,
  )
}

const before = await runRounds({ calls, rounds }, (round, remains) => {
  after.push(remains)
  if (round === 1 || round % 5 === 0) line(`after round ${round}`, remains)
})
line('before', before)

const last = after.at(-1)!
// The first rounds fill what is kept for the next ones: slabs, arenas, compiled code.
const settled = Math.max(...after.slice(0, Math.ceil(rounds / 5)).map(({ rss }) => rss))
const failures = [
  ...(['descriptors', 'streams', 'sessions', 'ports'] as const)
    .filter((what) => last[what] !== before[what])
    .map((what) => `${what}: ${before[what]} before, ${last[what]} after`),
  ...(last.rss > settled * 1.05 ? [`memory grew from ${mega(settled)} to ${mega(last.rss)} MB`] : []),
]
for (const failure of failures) process.stdout.write(`LEAK ${failure}\n`)
process.exitCode = failures.length > 0 ? 1 : 0
