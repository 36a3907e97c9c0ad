// Owns the comparison of random streams with loans and without.
import { expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { StreamFramer } from '../../src/sip/index.ts'
import { dice } from './dice.ts'
import { closing, dialled, ok, tick } from './front-rig.ts'
import { type Lane, repliesIn, rigOf } from './loan-rig.ts'
import { streamOf, writeInPieces } from './random-streams.ts'

/** Time that flies, so that connections go to and fro all the while. */
const hasty: Clock = {
  now: () => performance.now() * 100,
  wallclock: () => Date.now(),
  setTimer: (delay, fire) => systemClock.setTimer(delay / 100, fire),
}
const patient = {
  connectionsPerSource: 1000,
  idleMillis: 1e7,
  partialMillis: 1e7,
  stallMillis: 1e7,
  connectMillis: 1e7,
}

const streamsOf = (n: number): string[] => [streamOf(n), streamOf(n + 100), streamOf(n + 200)]

async function play(lane: Lane) {
  const rig = await rigOf(patient, hasty, lane)
  const raws = new Map<number, string[]>()
  const { layer, arrived, pages } = rig.shard
  const timer = setInterval(() => {
    const note = (port: number, raw: string): unknown => raws.set(port, [...(raws.get(port) ?? []), raw])
    for (const one of arrived.splice(0)) {
      note(one.flow.remotePort, one.message.raw)
      ok(one, layer, () => {})
    }
    // Below all ports: what numbers the requests of HTTP have differs.
    for (const one of pages.splice(0)) note(-one.flow.remotePort, one.message.raw.split(' SIP/2.0')[0]!)
  }, 1)
  closing.push(() => clearInterval(timer))
  const clients = await Promise.all(
    Array.from({ length: 48 }, async (_, n) => {
      const client = await dialled(rig.port)
      const port = client.socket.localPort!
      client.socket.setNoDelay(true)
      const roll = dice(n)
      for (const wire of streamsOf(n)) {
        await writeInPieces(client.socket, wire, n)
        await tick(roll(20))
      }
      return { ...client, port }
    }),
  )
  await tick(300)
  return {
    lent: rig.lent(),
    raws: clients.map(({ port }) => [raws.get(port), raws.get(-port)]),
    answers: clients.map(({ text }) => {
      const messages = repliesIn(text())
      // What is refused by the front is answered at once; what the shard answers stays in order.
      return {
        pongBytes: text().length - messages.join('').length,
        served: messages.filter((raw) => raw.startsWith('SIP/2.0 200')),
        statuses: messages.map((raw) => raw.split('\r\n')[0]!).toSorted(),
      }
    }),
  }
}

test('are answered as if there were no loans', async () => {
  const lent = await play('lent')
  for (const close of closing.splice(0).reverse()) await close()
  const none = await play('none')
  expect(none.lent).toBe(0)
  expect(lent.lent).toBeGreaterThan(80)
  expect(lent.raws).toEqual(none.raws)
  // A connection that ends may end before the last answers.
  const ends = (n: number): boolean =>
    new StreamFramer().push(streamsOf(n).join('')).some(({ kind }) => kind === 'error')
  const whole = lent.raws.map((_, n) => !ends(n))
  for (const [n, isWhole] of whole.entries()) if (isWhole) expect(lent.answers[n]).toEqual(none.answers[n])
  expect(whole.filter((isWhole) => isWhole).length).toBeGreaterThan(5)
})
