// Owns rounds of calls set up and torn down on one relay, and what is left of them: sockets, streams, sessions, ports, memory.
import { createSocket } from 'node:dgram'
import { readdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { createEmbeddedRelay } from '../../src/media/index.ts'
import { dictionary, type NgDictionary } from '../../src/media/ng/bencode.ts'
import { rtcp, rtp } from '../media/rtp-peer.ts'

export interface Remains {
  readonly descriptors: number
  readonly streams: number
  readonly sessions: number
  readonly ports: number
  /** Bytes of the process, and of JavaScript's heap, after a collection. */
  readonly rss: number
  readonly heap: number
}

const sdp = (port: number, profile: string, crypto = ''): string =>
  `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${port} ${profile} 0\r\n${crypto}`

/**
 * Runs rounds of calls, RTP on one side and SRTP on the other, with packets to some of them.
 * @param told called with what is left after each round
 * @returns what was there before the first round
 */
export async function runRounds(
  { calls, rounds }: { calls: number; rounds: number },
  told: (round: number, remains: Remains) => void,
): Promise<Remains> {
  const relay = createEmbeddedRelay({ interfaces: ['127.0.0.1'], portMin: 20_000, portMax: 59_999, threads: 2 })
  const sender = createSocket('udp4')
  await new Promise<void>((resolve) => sender.bind(0, '127.0.0.1', resolve))
  const ask = (request: NgDictionary): NgDictionary => {
    const reply = relay.perform(dictionary(request))
    if (reply.result !== 'ok') throw new Error(`${String(request.command)}: ${String(reply['error-reason'])}`)
    return reply
  }
  const remains = async (): Promise<Remains> => {
    // The loops close sockets in their own time.
    for (let waited = 0; waited < 5_000; waited += 20) {
      if (relay.streams === 0) break
      await pause(20)
    }
    await pause(100)
    globalThis.gc?.()
    const { rss, heapUsed } = process.memoryUsage()
    const descriptors = readdirSync('/proc/self/fd').length
    const used = JSON.stringify(ask({ command: 'statistics' })).match(/"used":(\d+)/)
    return {
      descriptors,
      streams: relay.streams,
      sessions: relay.sessions,
      ports: Number(used?.[1] ?? 0),
      rss,
      heap: heapUsed,
    }
  }
  const portOf = (reply: NgDictionary): number => Number(/^m=audio (\d+)/m.exec(String(reply.sdp))![1])

  // What is made once (the shared sockets of an address) is not a remainder of a call.
  async function round(name: string, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const call = { 'call-id': `${name}-${i}`, 'from-tag': 'A', ICE: 'remove', DTLS: 'off' }
      const offer = ask({ ...call, command: 'offer', 'transport-protocol': 'RTP/SAVP', sdp: sdp(9_000, 'RTP/AVP') })
      const line = /a=crypto:\d+ \S+ \S+\r\n/.exec(String(offer.sdp))![0]
      const answer = ask({ ...call, command: 'answer', 'to-tag': 'B', sdp: sdp(9_002, 'RTP/SAVP', line) })
      if (i % 10 === 0) {
        sender.send(rtp(i), portOf(answer), '127.0.0.1')
        sender.send(rtcp(), portOf(answer) + 1, '127.0.0.1')
        sender.send(rtp(i), portOf(offer), '127.0.0.1')
      }
      if (i % 200 === 0) await pause(0)
    }
    for (let i = 0; i < count; i++)
      ask({ command: 'delete', 'call-id': `${name}-${i}`, 'from-tag': 'A', 'delete-delay': 0 })
  }
  await round('first', 1)
  const before = await remains()
  for (let i = 1; i <= rounds; i++) {
    await round(`round-${i}`, calls)
    told(i, await remains())
  }
  sender.close()
  await relay.close()
  return before
}
