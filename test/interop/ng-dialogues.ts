// Owns the conversations of the differential test that need more than one offer.
import type { NgValue } from '../../src/media/ng/bencode.ts'
import { ANSWER, type Conversation, crypto, KEY_B, type Step, secured, session } from './ng-requests.ts'

const plain = (port: number, extra = ''): string => session(`m=audio ${port} RTP/AVP 0\r\n${extra}`)
const A = { 'from-tag': 'A' }
const AB = { 'from-tag': 'A', 'to-tag': 'B' }
const BA = { 'from-tag': 'B', 'to-tag': 'A' }

const renamed = (sdp: string): string => sdp.replace('o=- 1 1', 'o=bob 1 9').replace('s=-', 's=other')
const named = secured({ replace: ['username', 'session-name', 'sdp-version'] })
const fax = (port: number): string =>
  session(`m=image ${port} udptl t38\r\na=T38FaxVersion:0\r\na=T38FaxRateManagement:transferredTCF\r\n`)
const three = (audio: number, video: number, other: number): string =>
  session(`m=audio ${audio} RTP/AVP 0\r\nm=video ${video} RTP/AVP 31\r\nm=audio ${other} RTP/AVP 8\r\na=label:2\r\n`)

type Body = (port: number) => string
const zero = (sdp: string): string => sdp.replace(/c=IN IP4 .*/, 'c=IN IP4 0.0.0.0')
/** Each form of hold, and what a peer answers (RFC 3264 8.4, RFC 2543 B.5). */
const HOLDS: readonly (readonly [string, Body, Body])[] = [
  ['sendonly', (port) => plain(port, 'a=sendonly\r\n'), (port) => plain(port, 'a=recvonly\r\n')],
  ['inactive', (port) => plain(port, 'a=inactive\r\n'), (port) => plain(port, 'a=inactive\r\n')],
  ['0.0.0.0', (port) => zero(plain(port)), (port) => plain(port)],
  ['0.0.0.0 and sendonly', (port) => zero(plain(port, 'a=sendonly\r\n')), (port) => plain(port, 'a=recvonly\r\n')],
  [
    '0.0.0.0 and inactive',
    (port) => zero(plain(port, 'a=inactive\r\n')),
    (port) => zero(plain(port, 'a=inactive\r\n')),
  ],
  [
    'the attribute of the session',
    (port) => session(`m=audio ${port} RTP/AVP 0\r\n`, { head: 'a=sendonly\r\n' }),
    (port) => session(`m=audio ${port} RTP/AVP 0\r\n`, { head: 'a=recvonly\r\n' }),
  ],
]

/**
 * rtcp-mux over re-offers of both sides. Left out: an answer that takes what it was not offered (RFC 5761 5.1.1), which
 * rtpengine remembers and the relay does not; and `offer` beside `demux`, of which rtpengine takes one.
 */
function muxes(): Conversation[] {
  const words = [
    [],
    ['offer'],
    ['require'],
    ['demux'],
    ['accept'],
    ['reject'],
    ['offer', 'accept'],
    ['accept', 'require'],
  ]
  const line = 'a=rtcp-mux\r\n'
  return words.flatMap((flags) =>
    ['', line].flatMap((offered) =>
      ['', line].flatMap((answered): Conversation[] => {
        const passed =
          flags.includes('offer') || flags.includes('require') || (offered !== '' && !flags.includes('demux'))
        if (answered !== '' && !passed) return []
        const keys = secured({ 'rtcp-mux': flags })
        const [offer, answer] = [plain(5004, offered), plain(6004, answered)]
        return [
          {
            name: `mux: ${flags.join(' and ') || 'no flags'}, ${offered ? '' : 'not '}offered, ${answered ? '' : 'not '}answered`,
            steps: [
              { command: 'offer', keys: { ...keys, ...A, sdp: offer } },
              { command: 'answer', keys: { ...keys, ...AB, sdp: answer } },
              { command: 'offer', keys: { ...keys, ...AB, sdp: offer } },
              { command: 'answer', keys: { ...keys, ...AB, sdp: answer } },
              { command: 'offer', keys: { ...keys, ...BA, sdp: answer } },
              { command: 'answer', keys: { ...keys, ...BA, sdp: offer } },
              { command: 'delete', keys: { ...AB, 'delete-delay': 0 } },
            ],
          },
        ]
      }),
    ),
  )
}

/** What needs more than one offer. */
export function dialogues(): Conversation[] {
  const out: Record<string, NgValue> = secured({
    'transport-protocol': 'RTP/SAVP',
    ICE: 'remove',
    replace: ['session-connection'],
    direction: ['internal', 'external'],
  })
  const back: Record<string, NgValue> = { ...out, 'transport-protocol': 'RTP/AVP', direction: ['external', 'internal'] }
  const far = session(`m=audio 6004 RTP/SAVP 0\r\n${crypto(1, KEY_B)}`, { connection: 'c=IN IP4 10.2.2.2\r\n' })
  const held = far.replace('a=crypto', 'a=sendonly\r\na=crypto')
  return [
    {
      name: 'hold by the callee, retrieve by the caller',
      steps: [
        { command: 'offer', keys: { ...out, ...A, sdp: plain(5004) } },
        { command: 'answer', keys: { ...back, ...AB, sdp: ANSWER } },
        { command: 'offer', keys: { ...back, ...BA, sdp: held } },
        { command: 'answer', keys: { ...out, ...BA, sdp: plain(5004, 'a=recvonly\r\n') } },
        { command: 'offer', keys: { ...out, ...AB, sdp: plain(5004) } },
        { command: 'answer', keys: { ...back, ...AB, sdp: ANSWER } },
        { command: 'delete', keys: { ...BA, 'delete-delay': 0 } },
      ],
    },
    {
      name: 'early answers of a fork, the first one wins',
      steps: [
        { command: 'offer', keys: { ...secured({}), ...A, sdp: plain(5004) } },
        { command: 'answer', keys: { ...secured({}), ...A, 'to-tag': 'B1', sdp: plain(6004) } },
        { command: 'answer', keys: { ...secured({}), ...A, 'to-tag': 'B2', sdp: plain(7004) } },
        { command: 'answer', keys: { ...secured({}), ...A, 'to-tag': 'B1', sdp: plain(6004) } },
        { command: 'delete', keys: { ...A, 'delete-delay': 0 } },
      ],
    },
    {
      name: 'branches told apart by their Via',
      steps: [
        { command: 'offer', keys: { ...secured({}), ...A, 'via-branch': 'z1', sdp: plain(5004) } },
        { command: 'offer', keys: { ...secured({}), ...A, 'via-branch': 'z2', sdp: plain(5004) } },
        { command: 'answer', keys: { ...secured({}), ...A, 'via-branch': 'z1', 'to-tag': 'B', sdp: plain(6004) } },
        { command: 'delete', keys: { ...A, 'delete-delay': 0 } },
      ],
    },
    {
      name: 'a second m-line: added, refused, revived, dropped',
      steps: [
        { command: 'offer', keys: { ...secured({}), ...A, sdp: plain(5004) } },
        { command: 'answer', keys: { ...secured({}), ...AB, sdp: plain(6004) } },
        { command: 'offer', keys: { ...secured({}), ...AB, sdp: plain(5004, 'm=video 5010 RTP/AVP 31\r\n') } },
        { command: 'answer', keys: { ...secured({}), ...AB, sdp: plain(6004, 'm=video 0 RTP/AVP 31\r\n') } },
        { command: 'offer', keys: { ...secured({}), ...AB, sdp: plain(5004, 'm=video 5010 RTP/AVP 31\r\n') } },
        { command: 'answer', keys: { ...secured({}), ...AB, sdp: plain(6004, 'm=video 6010 RTP/AVP 31\r\n') } },
        { command: 'offer', keys: { ...secured({}), ...AB, sdp: plain(5004) } },
        { command: 'answer', keys: { ...secured({}), ...AB, sdp: plain(6004) } },
        { command: 'delete', keys: { ...AB, 'delete-delay': 0 } },
      ],
    },
    {
      name: 'directions not reversed in the answer move the caller',
      steps: [
        { command: 'offer', keys: { ...secured({ direction: ['internal', 'external'] }), ...A, sdp: plain(5004) } },
        { command: 'answer', keys: { ...secured({ direction: ['internal', 'external'] }), ...AB, sdp: plain(6004) } },
        { command: 'offer', keys: { ...secured({ direction: ['internal', 'external'] }), ...BA, sdp: plain(6004) } },
        { command: 'answer', keys: { ...secured({}), ...BA, sdp: plain(5004) } },
        { command: 'delete', keys: { ...A, 'delete-delay': 0 } },
      ],
    },
    {
      name: 'the version grows with what changes, names stay those of the first offer',
      steps: [
        { command: 'offer', keys: { ...named, ...A, sdp: plain(5004) } },
        { command: 'answer', keys: { ...named, ...AB, sdp: plain(6004) } },
        { command: 'offer', keys: { ...named, ...AB, sdp: plain(5004) } },
        { command: 'answer', keys: { ...named, ...AB, sdp: renamed(plain(6004)) } },
        { command: 'offer', keys: { ...named, ...AB, sdp: renamed(plain(5004, 'a=x-new\r\n')) } },
        { command: 'answer', keys: { ...named, ...AB, sdp: plain(6004, 'a=x-new\r\n') } },
        { command: 'offer', keys: { ...named, ...BA, sdp: renamed(plain(6004, 'a=sendonly\r\n')) } },
        { command: 'answer', keys: { ...named, ...BA, sdp: plain(5004, 'a=recvonly\r\n') } },
        { command: 'delete', keys: { ...AB, 'delete-delay': 0 } },
      ],
    },
    ...HOLDS.map(
      ([name, held, back]): Conversation => ({
        name: `hold by ${name}`,
        steps: [
          { command: 'offer', keys: { ...secured({}), ...A, sdp: plain(5004) } },
          { command: 'answer', keys: { ...secured({}), ...AB, sdp: plain(6004) } },
          { command: 'offer', keys: { ...secured({}), ...AB, sdp: held(5004) } },
          { command: 'answer', keys: { ...secured({}), ...AB, sdp: back(6004) } },
          { command: 'offer', keys: { ...secured({}), ...BA, sdp: held(6004) } },
          { command: 'answer', keys: { ...secured({}), ...BA, sdp: plain(5004, 'a=inactive\r\n') } },
          { command: 'offer', keys: { ...secured({ replace: ['zero-address'] }), ...BA, sdp: held(6004) } },
          { command: 'answer', keys: { ...secured({ replace: ['zero-address'] }), ...BA, sdp: back(5004) } },
          { command: 'offer', keys: { ...secured({ flags: ['original-sendrecv'] }), ...BA, sdp: held(6004) } },
          { command: 'answer', keys: { ...secured({ flags: ['original-sendrecv'] }), ...BA, sdp: back(5004) } },
          { command: 'offer', keys: { ...secured({}), ...BA, sdp: plain(6004) } },
          { command: 'answer', keys: { ...secured({}), ...BA, sdp: plain(5004) } },
          { command: 'delete', keys: { ...AB, 'delete-delay': 0 } },
        ],
      }),
    ),
    ...muxes(),
    {
      name: 'audio becomes fax and audio again',
      steps: [
        { command: 'offer', keys: { ...secured({}), ...A, sdp: plain(5004) } },
        { command: 'answer', keys: { ...secured({}), ...AB, sdp: plain(6004) } },
        { command: 'offer', keys: { ...secured({}), ...BA, sdp: fax(6010) } },
        { command: 'answer', keys: { ...secured({}), ...BA, sdp: fax(5010) } },
        { command: 'offer', keys: { ...secured({}), ...AB, sdp: plain(5004) } },
        { command: 'answer', keys: { ...secured({}), ...AB, sdp: plain(6004) } },
        { command: 'offer', keys: { ...secured({}), ...AB, sdp: plain(0, fax(5012).slice(fax(0).indexOf('m='))) } },
        { command: 'answer', keys: { ...secured({}), ...AB, sdp: plain(0, fax(6012).slice(fax(0).indexOf('m='))) } },
        { command: 'delete', keys: { ...AB, 'delete-delay': 0 } },
      ],
    },
    {
      name: 'three m-lines: the middle one refused, the first dropped, all revived',
      steps: [
        { command: 'offer', keys: { ...secured({}), ...A, sdp: three(5004, 5006, 5008) } },
        { command: 'answer', keys: { ...secured({}), ...AB, sdp: three(6004, 0, 6008) } },
        { command: 'offer', keys: { ...secured({}), ...AB, sdp: three(0, 0, 5008) } },
        { command: 'answer', keys: { ...secured({}), ...AB, sdp: three(0, 0, 6008) } },
        { command: 'offer', keys: { ...secured({}), ...BA, sdp: three(6004, 6006, 6008) } },
        { command: 'answer', keys: { ...secured({}), ...BA, sdp: three(5004, 5006, 5008) } },
        { command: 'delete', keys: { ...A, 'delete-delay': 0 } },
      ],
    },
    {
      name: 'the same offer twice, and with reset',
      steps: [
        { command: 'offer', keys: { ...out, ...A, sdp: plain(5004) } },
        { command: 'offer', keys: { ...out, ...A, sdp: plain(5004) } },
        { command: 'answer', keys: { ...back, ...AB, sdp: ANSWER } },
        { command: 'offer', keys: { ...out, ...AB, flags: ['reset'], sdp: plain(5004) } },
        { command: 'answer', keys: { ...back, ...AB, flags: ['reset'], sdp: ANSWER } },
        { command: 'delete', keys: { ...A, 'delete-delay': 0 } },
      ],
    },
    {
      name: 'deletes by tags and branch',
      steps: [
        { command: 'offer', keys: { ...secured({}), ...A, 'via-branch': 'z1', sdp: plain(5004) } },
        { command: 'offer', keys: { ...secured({}), ...A, 'via-branch': 'z2', sdp: plain(5004) } },
        { command: 'delete', keys: { ...A, 'via-branch': 'z1', 'delete-delay': 0 } },
        { command: 'answer', keys: { ...secured({}), ...A, 'via-branch': 'z2', 'to-tag': 'B', sdp: plain(6004) } },
        { command: 'delete', keys: { 'from-tag': 'X', 'to-tag': 'Y', flags: ['fatal'] } },
        { command: 'delete', keys: { ...AB, 'delete-delay': 0 } },
        { command: 'delete', keys: { ...AB, flags: ['fatal'] } },
      ],
    },
    {
      name: 'the branch that was offered last is refused',
      steps: [
        { command: 'offer', keys: { ...secured({}), ...A, 'via-branch': 'z1', sdp: plain(5004) } },
        { command: 'offer', keys: { ...secured({}), ...A, 'via-branch': 'z2', sdp: plain(5004) } },
        { command: 'delete', keys: { ...A, 'via-branch': 'z2', 'delete-delay': 0 } },
        { command: 'answer', keys: { ...secured({}), ...A, 'via-branch': 'z1', 'to-tag': 'B', sdp: plain(6004) } },
        { command: 'delete', keys: { ...AB, 'delete-delay': 0 } },
        { command: 'delete', keys: { ...AB, flags: ['fatal'] } },
      ],
    },
    {
      name: 'media withheld and given back',
      steps: [
        { command: 'offer', keys: { ...secured({}), ...A, label: 'caller', sdp: plain(5004) } },
        { command: 'answer', keys: { ...secured({}), ...AB, sdp: plain(6004) } },
        ...['block media', 'unblock media', 'silence media', 'unsilence media', 'block DTMF', 'unblock DTMF'].flatMap(
          (command): Step[] => [
            { command, keys: {} },
            { command, keys: { ...A } },
            { command, keys: { ...BA } },
            { command, keys: { 'from-tag': 'nobody' } },
            { command, keys: { label: 'caller' } },
            { command, keys: { label: 'nobody' } },
            { command, keys: { address: '10.1.1.1' } },
            { command, keys: { address: '10.9.9.9' } },
            { command, keys: { ...A, flags: ['all'] } },
            { command, keys: { ...A, 'call-id': 'unknown' } },
          ],
        ),
        { command: 'dance', keys: {} },
        { command: 'delete', keys: { ...AB, 'delete-delay': 0 } },
      ],
    },
    {
      name: 'what is wrong is refused in the same words',
      steps: [
        { command: 'answer', keys: { ...AB, sdp: plain(6004) } },
        { command: 'query', keys: { ...A } },
        { command: 'offer', keys: { ...A } },
        { command: 'offer', keys: { ...A, sdp: 'hello' } },
        { command: 'offer', keys: { sdp: plain(5004) } },
        { command: 'offer', keys: { ...A, sdp: session('m=audio 5004 RTP/AVP 0\r\n', { connection: '' }) } },
        { command: 'offer', keys: { ...A, sdp: session('m=audio 99999 RTP/AVP 0\r\n') } },
        { command: 'delete', keys: { ...A } },
        { command: 'delete', keys: { ...A, flags: ['fatal'] } },
        { command: 'offer', keys: { ...A, sdp: plain(5004) } },
        { command: 'delete', keys: { 'from-tag': 'Z', 'delete-delay': 0 } },
        { command: 'delete', keys: { ...A, 'to-tag': 'never answered', 'delete-delay': 0 } },
        { command: 'query', keys: { ...A } },
      ],
    },
  ]
}
