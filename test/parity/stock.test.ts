// Owns the stock configuration under comparison: the same messages to Kamailio 5.6.3 and to signalbox, the same replies and forwarded requests.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeWithPeers } from '../interop/peers.ts'
import { HERE, type ParityCase, PROXY, type Sent, SINK_PORT } from './case.ts'
import { nearTens, once } from './mask.ts'
import { type ProxyProcess, startKamailio, startSignalbox } from './proxies.ts'

const STOCK = '/etc/kamailio/kamailio.cfg'
const present = existsSync(STOCK)
if (!present) process.stderr.write(`SKIPPED the stock configuration under comparison: ${STOCK} is not there\n`)

const own = (user: string) => `sip:${user}@${PROXY}`
const register = (user: string, more: Partial<Sent> = {}): Sent => ({
  method: 'REGISTER',
  uri: `sip:${PROXY}`,
  lines: {
    From: `From: <${own(user)}>;tag=from1`,
    To: `To: <${own(user)}>`,
    Contact: `Contact: <sip:${user}@${HERE}:${SINK_PORT}>`,
  },
  ...more,
})
const to = (method: string, user: string, more: Partial<Sent> = {}): Sent => ({
  method,
  uri: own(user),
  lines: { To: `To: <${own(user)}>`, CSeq: `CSeq: 20 ${method}` },
  after: /^SIP\/2\.0 200/,
  ...more,
})

const CASES: readonly ParityCase[] = [
  { title: 'OPTIONS to the proxy', route: '', sent: [{ uri: `sip:${PROXY}` }] },
  { title: 'OPTIONS to nobody', route: '', sent: [{ uri: own('nobody') }] },
  { title: 'a foreign domain', route: '', sent: [{ method: 'MESSAGE', uri: 'sip:x@far.example' }] },
  { title: 'no hops left', route: '', sent: [{ lines: { 'Max-Forwards': 'Max-Forwards: 0' } }] },
  { title: 'a scanner', route: '', sent: [{ headers: ['User-Agent: friendly-scanner'] }] },
  { title: 'no user', route: '', sent: [{ method: 'MESSAGE', uri: `sip:${PROXY}` }] },
  {
    title: 'within no dialog',
    route: '',
    sent: [{ method: 'BYE', uri: own('x'), lines: { To: 'To: <sip:x@y>;tag=to1' } }],
  },
  {
    title: 'voice mail',
    route: '',
    sent: [{ method: 'SUBSCRIBE', uri: own('x'), headers: ['Event: message-summary'] }],
  },
  { title: 'presence', route: '', sent: [{ method: 'PUBLISH', uri: own('x'), headers: ['Event: presence'] }] },
  {
    title: 'registered and listed',
    route: '',
    sent: [
      register('a'),
      register('a', { after: /^SIP/, lines: { To: `To: <${own('a')}>`, Contact: '', CSeq: 'CSeq: 8 REGISTER' } }),
    ],
  },
  {
    title: 'called',
    route: '',
    sent: [register('b'), to('INVITE', 'b')],
    answers: {
      b: [
        [180, 'Ringing'],
        [486, 'Busy'],
      ],
    },
  },
  { title: 'answered', route: '', sent: [register('c'), to('INVITE', 'c')] },
  { title: 'a message', route: '', sent: [register('d'), to('MESSAGE', 'd')] },
  {
    title: 'two contacts, both refuse',
    route: '',
    sent: [
      register('e', {
        lines: {
          From: `From: <${own('e')}>;tag=from1`,
          To: `To: <${own('e')}>`,
          Contact: `Contact: <sip:e1@${HERE}:${SINK_PORT}>;q=0.5, <sip:e2@${HERE}:${SINK_PORT}>;q=0.4`,
        },
      }),
      to('MESSAGE', 'e'),
    ],
    answers: { e1: [[404, 'No']], e2: [[480, 'Away']] },
  },
  {
    title: 'a method that is not taken',
    route: '',
    sent: [
      register('f', {
        lines: {
          From: `From: <${own('f')}>;tag=from1`,
          To: `To: <${own('f')}>`,
          Contact: `Contact: <sip:f@${HERE}:${SINK_PORT}>;methods="INVITE"`,
        },
      }),
      to('MESSAGE', 'f'),
    ],
  },
]

/**
 * What the RFCs leave free: `received` beside an rport of our own (RFC 3581 4 wants it), and how far an ACK of the proxy's
 * own may go (5.6.3 copies it from the INVITE).
 */
const neutral = (messages: readonly string[]): string[] =>
  once(messages)
    .map(nearTens)
    .map((text) => text.replaceAll(`;received=${HERE}`, ''))
    .map((text) => (text.startsWith('ACK ') ? text.replace(/Max-Forwards: \d+\r\n/, '') : text))

describeWithPeers('the stock configuration as Kamailio runs it', ['kamailio'], () => {
  test.skipIf(!present)('the same messages, the same answers', { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stock-parity-'))
    // One child: several overtake each other, and a 180 is lost behind its 486.
    const text = `${readFileSync(STOCK, 'latin1')}\nlisten=udp:${PROXY}\nserver_signature=no\nchildren=1\n`
    const proxies: ProxyProcess[] = []
    try {
      proxies.push(await startKamailio(folder, text))
      proxies.push(await startSignalbox(folder, text))
      const outcomes = await Promise.all(
        proxies.map((proxy) =>
          Promise.all(
            CASES.map(async (parity, i) => {
              const { replies, forwarded } = await proxy.farEnd.run(parity, `stock${i}`)
              return { title: parity.title, replies: neutral(replies), forwarded: neutral(forwarded).sort() }
            }),
          ),
        ),
      )
      expect(outcomes[1]).toEqual(outcomes[0])
    } finally {
      await Promise.all(proxies.map((proxy) => proxy.stop()))
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
