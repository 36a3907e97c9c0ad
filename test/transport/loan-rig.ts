// Owns the rig of the tests of loans: a front that lends its connections to one shard, and what is seen of it.
import { vi } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { SipRequest, StreamFramer } from '../../src/sip/index.ts'
import { LOANED_AT, OUT_AT, STREAMS_AT } from '../../src/transport/front-rings.ts'
import type { TransportLimits } from '../../src/transport/index.ts'
import type { LaneSockets } from '../../src/transport/native-sockets.ts'
import { type Arrived, closing, dialled, native, ok, streams, tick, until } from './front-rig.ts'

export type Lane = 'plain' | 'none' | 'lent'

function spied(name: 'laneLend' | 'laneTakeBack') {
  const spy = vi.spyOn(native as unknown as LaneSockets, name)
  closing.push(() => spy.mockRestore())
  return spy
}

/** A front and one shard, what was lent and taken back between them, and how far each of the rings has come. */
export async function rigOf(limits: Partial<TransportLimits> = {}, clock: Clock = systemClock, lane: Lane = 'lent') {
  const lent = spied('laneLend')
  const back = spied('laneTakeBack')
  const rig = await streams(1, limits, clock, lane)
  const head = (offset: number): number => new Int32Array(rig.links[0]!.memory, offset, 1)[0]!
  const heads = () => ({ streams: head(STREAMS_AT), loaned: head(LOANED_AT), out: head(OUT_AT) })
  const count = (): number => lent.mock.results.filter(({ value }) => value === true).length
  /** A client whose connection is lent. */
  const client = async () => {
    const before = count()
    const made = await dialled(rig.port)
    await until(() => count() > before)
    await tick(15)
    return made
  }
  return { ...rig, shard: rig.shards[0]!, heads, lent: count, back, client }
}

/** Answers everything from here on. */
export function answering(layer: Parameters<typeof ok>[1], arrived: Arrived[]): void {
  const timer = setInterval(() => {
    for (const one of arrived.splice(0)) if (one.message instanceof SipRequest) ok(one, layer)
  }, 1)
  closing.push(() => clearInterval(timer))
}

export const repliesIn = (text: string): string[] =>
  new StreamFramer().push(text).flatMap((item) => (item.kind === 'message' ? [item.raw] : []))
export const idsIn = (text: string): string[] => [...text.matchAll(/Call-ID: (\S+)/g)].map(([, id]) => id!)
