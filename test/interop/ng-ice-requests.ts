// Owns the requests of the differential test that concern ICE and DTLS: a browser and a PBX, in both directions, under every flag.
import type { NgValue } from '../../src/media/ng/bencode.ts'
import type { Conversation } from './ng-requests.ts'
import { crypto, secured, session } from './ng-requests.ts'

const FINGERPRINT = `sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`

interface Said {
  readonly setup?: string
  readonly ufrag?: string
  readonly without?: RegExp
  readonly head?: string
  readonly formats?: string
}

/** As Chromium writes it, with one candidate. */
function browser(
  profile: string,
  { setup = 'actpass', ufrag = 'abcd', without, head = '', formats }: Said = {},
): string {
  const text = session(
    [
      `m=audio 9 ${profile} ${formats ?? '0 8 126'}`,
      'c=IN IP4 0.0.0.0',
      'a=rtcp:9 IN IP4 0.0.0.0',
      'a=candidate:1 1 udp 2122260223 127.0.0.1 40000 typ host generation 0',
      `a=ice-ufrag:${ufrag}`,
      'a=ice-pwd:abcdefghijklmnopqrstuvwx',
      'a=ice-options:trickle',
      `a=fingerprint:${FINGERPRINT}`,
      `a=setup:${setup}`,
      'a=mid:0',
      'a=sendrecv',
      'a=rtcp-mux',
      'a=rtcp-rsize',
      ...(formats === undefined ? ['a=rtpmap:126 telephone-event/8000'] : []),
      '',
    ].join('\r\n'),
    { connection: '', origin: 'o=- 46117 2 IN IP4 127.0.0.1\r\n', head: `a=group:BUNDLE 0\r\n${head}` },
  )
  return without ? text.replace(without, '') : text
}

const TLS = 'UDP/TLS/RTP/SAVPF'
const LINE = (name: string): RegExp => new RegExp(`a=${name}.*\\r\\n`)
const ANSWERED = browser(TLS, { setup: 'active', formats: '0' })
const PLAIN = session('m=audio 5004 RTP/AVP 0\r\n')
const PLAIN_ANSWER = session('m=audio 6004 RTP/AVP 0\r\n', { connection: 'c=IN IP4 10.2.2.2\r\n' })
const SDES_ANSWER = session(`m=audio 6004 RTP/SAVP 0\r\n${crypto(1)}`, { connection: 'c=IN IP4 10.2.2.2\r\n' })

type Keys = Record<string, NgValue>

/** Suites compared are those that both have; DTLS is as the case has it. */
function keyed(keys: Keys): Keys {
  const { DTLS, ...rest } = secured(keys)
  return keys.DTLS === undefined ? rest : { ...rest, DTLS: DTLS! }
}

function conversation(name: string, ...steps: [command: 'offer' | 'answer', sdp: string, keys: Keys][]): Conversation {
  return {
    name,
    steps: [
      ...steps.map(([command, sdp, keys]) => ({
        command,
        keys: { 'from-tag': 'A', ...(command === 'answer' ? { 'to-tag': 'B' } : {}), ...keyed(keys), sdp },
      })),
      { command: 'delete', keys: { 'from-tag': 'A', 'delete-delay': 0 } },
    ],
  }
}

/** What a call from a browser is given towards a PBX. */
const INWARDS: Record<string, Keys> = {
  'plain RTP': { 'transport-protocol': 'RTP/AVP', ICE: 'remove' },
  'plain RTP, mux taken apart': { 'transport-protocol': 'RTP/AVP', ICE: 'remove', 'rtcp-mux': ['demux'] },
  'plain RTP, mux accepted': { 'transport-protocol': 'RTP/AVP', ICE: 'remove', 'rtcp-mux': ['accept'] },
  'plain RTP, mux rejected': { 'transport-protocol': 'RTP/AVP', ICE: 'remove', 'rtcp-mux': ['reject'] },
  'plain RTP, lite backward': { 'transport-protocol': 'RTP/AVP', ICE: 'remove', 'ICE-lite': 'backward' },
  'plain RTP, lite both': { 'transport-protocol': 'RTP/AVP', ICE: 'remove', 'ICE-lite': 'both' },
  'plain RTP, passive in return': { 'transport-protocol': 'RTP/AVP', ICE: 'remove', 'DTLS-reverse': 'passive' },
  'plain RTP, active in return': { 'transport-protocol': 'RTP/AVP', ICE: 'remove', 'DTLS-reverse': 'active' },
  'plain RTP, DTLS off': { 'transport-protocol': 'RTP/AVP', ICE: 'remove', DTLS: 'off' },
  'plain RTP, other interface': {
    'transport-protocol': 'RTP/AVP',
    ICE: 'remove',
    direction: ['external', 'internal'],
    replace: ['origin'],
  },
  'plain RTP, feedback, ICE kept': { 'transport-protocol': 'RTP/AVPF' },
}

const RETURNED: Record<string, Keys> = {
  'no keys back': {},
  'passive back': { DTLS: 'passive' },
  'ICE forced back': { ICE: 'force' },
  'DTLS off back': { DTLS: 'off' },
  'loop protected back': { flags: ['loop-protect'] },
}

/** What a call from a PBX is given towards a browser. */
const OUTWARDS: Record<string, Keys> = {
  'ICE forced': { ICE: 'force' },
  'ICE forced, mux offered': { ICE: 'force', 'rtcp-mux': ['offer'] },
  'ICE forced, mux required': { ICE: 'force', 'rtcp-mux': ['require'] },
  'ICE forced, lite forward': { ICE: 'force', 'ICE-lite': 'forward' },
  'ICE forced, lite both': { ICE: 'force', 'ICE-lite': 'both' },
  'ICE forced, lite backward': { ICE: 'force', 'ICE-lite': 'backward' },
  'ICE forced, trickle': { ICE: 'force', flags: ['trickle ICE', 'generate mid'] },
  'ICE forced, media address': { ICE: 'force', 'media-address': '9.9.9.9' },
  'ICE forced, other interface': { ICE: 'force', direction: ['internal', 'external'], replace: ['origin'] },
  'ICE forced, marked': { ICE: 'force', 'ICE-lite': 'forward', flags: ['loop protect'], ptime: 30 },
  'ICE optional': { ICE: 'optional' },
  'ICE left to itself': { ICE: 'default' },
  'no ICE': {},
  'ICE removed': { ICE: 'remove' },
  'DTLS passive': { ICE: 'force', DTLS: 'passive' },
  'DTLS active': { ICE: 'force', DTLS: 'active' },
  'DTLS off': { ICE: 'force', DTLS: 'off', 'transport-protocol': 'RTP/SAVPF' },
  'fingerprint sha-1': { ICE: 'force', 'DTLS-fingerprint': 'sha-1' },
  'fingerprint sha-384': { ICE: 'force', 'DTLS-fingerprint': 'sha-384' },
  'fingerprint sha-512': { 'DTLS-fingerprint': 'sha-512' },
  'profile without TLS': { ICE: 'force', 'transport-protocol': 'RTP/SAVP' },
  'profile without feedback': { ICE: 'force', 'transport-protocol': 'UDP/TLS/RTP/SAVP' },
}

export function iceConversations(): Conversation[] {
  const all: Conversation[] = []
  for (const [name, keys] of Object.entries(INWARDS))
    for (const [back, more] of Object.entries(RETURNED))
      all.push(
        conversation(`browser to PBX: ${name}; ${back}`, ['offer', browser(TLS), keys], ['answer', PLAIN_ANSWER, more]),
      )
  for (const setup of ['active', 'passive', 'actpass'])
    all.push(
      conversation(
        `browser to PBX: offer with setup ${setup}`,
        ['offer', browser(TLS, { setup }), INWARDS['plain RTP']!],
        ['answer', PLAIN_ANSWER, {}],
      ),
    )
  for (const [name, said] of Object.entries({
    'no mux': { without: LINE('rtcp-mux') },
    'a lite one': { head: 'a=ice-lite\r\n' },
  }))
    all.push(
      conversation(
        `browser to PBX: ${name}`,
        ['offer', browser(TLS, said), INWARDS['plain RTP']!],
        ['answer', PLAIN_ANSWER, {}],
      ),
    )
  all.push(
    conversation(
      'browser to PBX by SDES',
      ['offer', browser(TLS), { 'transport-protocol': 'RTP/SAVP', ICE: 'remove', DTLS: 'off' }],
      ['answer', SDES_ANSWER, { 'transport-protocol': TLS }],
    ),
    conversation('browser to browser, no keys', ['offer', browser(TLS), {}], ['answer', ANSWERED, {}]),
    conversation('browser to browser, ICE forced', ['offer', browser(TLS), { ICE: 'force' }], ['answer', ANSWERED, {}]),
    conversation(
      'browser to browser, lite',
      ['offer', browser(TLS), { ICE: 'force', 'ICE-lite': 'both' }],
      ['answer', ANSWERED, {}],
    ),
    conversation(
      'SDES and DTLS offered',
      [
        'offer',
        session(`m=audio 5004 RTP/SAVP 0\r\na=fingerprint:${FINGERPRINT}\r\na=setup:actpass\r\n${crypto(1)}`),
        { 'transport-protocol': 'RTP/AVP' },
      ],
      ['answer', PLAIN_ANSWER, {}],
    ),
    conversation(
      'SDES and DTLS offered, DTLS off both ways',
      [
        'offer',
        session(`m=audio 5004 RTP/SAVP 0\r\na=fingerprint:${FINGERPRINT}\r\na=setup:actpass\r\n${crypto(1)}`),
        { 'transport-protocol': 'RTP/AVP', DTLS: 'off' },
      ],
      ['answer', PLAIN_ANSWER, { DTLS: 'off' }],
    ),
    conversation(
      'ICE without SRTP',
      [
        'offer',
        session(
          'm=audio 5004 RTP/AVP 0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=candidate:1 1 UDP 2122260223 127.0.0.1 40000 typ host\r\na=candidate:1 2 UDP 2122260222 127.0.0.1 40001 typ host\r\n',
        ),
        {},
      ],
      ['answer', PLAIN_ANSWER, {}],
    ),
  )
  for (const [name, keys] of Object.entries(OUTWARDS)) {
    const outward = { 'transport-protocol': TLS, ...keys }
    all.push(
      conversation(
        `PBX to browser: ${name}`,
        ['offer', PLAIN, outward],
        ...(keys.DTLS === 'off'
          ? []
          : [['answer', ANSWERED, { 'transport-protocol': 'RTP/AVP', ICE: 'remove' }] as ['answer', string, Keys]]),
      ),
    )
  }
  for (const setup of ['active', 'passive'])
    all.push(
      conversation(
        `PBX to browser: answered without ICE, ${setup}`,
        ['offer', PLAIN, { 'transport-protocol': TLS, ICE: 'force' }],
        [
          'answer',
          session(`m=audio 6004 ${TLS} 0\r\na=fingerprint:${FINGERPRINT}\r\na=setup:${setup}\r\n`),
          { 'transport-protocol': 'RTP/AVP', ICE: 'remove' },
        ],
      ),
    )
  const first: [['offer', string, Keys], ['answer', string, Keys]] = [
    ['offer', browser(TLS), INWARDS['plain RTP, mux accepted']!],
    ['answer', PLAIN_ANSWER, {}],
  ]
  all.push(
    conversation(
      'browser offers again',
      ...first,
      ['offer', browser(TLS), { ...INWARDS['plain RTP'], 'to-tag': 'B' }],
      ['answer', PLAIN_ANSWER, {}],
    ),
    conversation(
      'browser restarts ICE',
      ...first,
      ['offer', browser(TLS, { ufrag: 'efgh' }), { ...INWARDS['plain RTP'], 'to-tag': 'B' }],
      ['answer', PLAIN_ANSWER, {}],
    ),
    ...([{}, { 'transport-protocol': TLS }, { 'transport-protocol': TLS, ICE: 'force' }] as Keys[]).map((keys) =>
      conversation(
        `PBX offers again to the browser, ${JSON.stringify(keys)}`,
        ...first,
        ['offer', PLAIN_ANSWER, { ...keys, 'from-tag': 'B', 'to-tag': 'A' }],
        ['answer', browser(TLS, { setup: 'passive', formats: '0' }), { 'from-tag': 'B', 'to-tag': 'A' }],
      ),
    ),
    conversation(
      'the relay is lite until told otherwise',
      ['offer', browser(TLS), { ...INWARDS['plain RTP'], 'ICE-lite': 'backward' }],
      ['answer', PLAIN_ANSWER, {}],
      ['offer', browser(TLS), { ...INWARDS['plain RTP'], 'to-tag': 'B' }],
      ['answer', PLAIN_ANSWER, {}],
    ),
  )
  return all
}
