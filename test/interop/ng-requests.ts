// Owns the requests of the differential test: conversations of offers, answers and deletes over the keys that both relays have.
import type { NgValue } from '../../src/media/ng/bencode.ts'

export interface Step {
  readonly command: 'offer' | 'answer' | 'delete' | 'query'
  readonly keys: Record<string, NgValue>
}

export interface Conversation {
  readonly name: string
  readonly steps: readonly Step[]
}

const KEY_A = 'FHoHEZk7wM6b/frTeX+fzQ/K0PtuAvfIzRqjol9K'
const KEY_B = 'Rt5s9b1WdrBKIoygx4q3Tx8Zog/+Qt1/UTEmxr9x'

/** Suites that rtpengine has and the relay has not, or does not offer unasked: left out of the comparison. */
const SUITES: NgValue = [
  'no-AEAD_AES_256_GCM',
  'no-AEAD_AES_128_GCM',
  'no-AES_256_CM_HMAC_SHA1_80',
  'no-AES_256_CM_HMAC_SHA1_32',
  'no-AES_192_CM_HMAC_SHA1_80',
  'no-AES_192_CM_HMAC_SHA1_32',
  'no-F8_128_HMAC_SHA1_80',
  'no-F8_128_HMAC_SHA1_32',
  'no-NULL_HMAC_SHA1_80',
  'no-NULL_HMAC_SHA1_32',
]

export function session(media: string, parts: { head?: string; connection?: string; origin?: string } = {}): string {
  const { head = '', connection = 'c=IN IP4 10.1.1.1\r\n', origin = 'o=- 1 1 IN IP4 10.1.1.9\r\n' } = parts
  return `v=0\r\n${origin}s=-\r\n${connection}t=0 0\r\n${head}${media}`
}

const crypto = (tag: number, key = KEY_A, size = 80): string =>
  `a=crypto:${tag} AES_CM_128_HMAC_SHA1_${size} inline:${key}\r\n`

const BODIES: Record<string, string> = {
  'one codec': session('m=audio 5004 RTP/AVP 0\r\n'),
  'call manager': session(
    'm=audio 24580 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n',
    { origin: 'o=CiscoSystemsCCM-SIP 94213 1 IN IP4 10.0.2.52\r\n' },
  ),
  'connection of the media': session('m=audio 5004 RTP/AVP 8 0\r\nc=IN IP4 10.3.3.3\r\n', { connection: '' }),
  'both connections': session('m=audio 5004 RTP/AVP 8\r\nc=IN IP4 10.3.3.3\r\na=sendrecv\r\n'),
  'many attributes': session(
    'm=audio 5004 RTP/AVP 96 0 8 18 101 13\r\ni=title\r\nb=AS:64\r\nb=RS:0\r\na=maxptime:150\r\na=rtpmap:96 opus/48000/2\r\na=x-foo\r\na=fmtp:96 useinbandfec=1\r\na=sendonly\r\na=ptime:30\r\na=label:1\r\na=mid:a\r\na=rtpmap:101 telephone-event/8000\r\na=ssrc:1 cname:x\r\na=rtcp:5010\r\na=silenceSupp:off - - - -\r\na=fmtp:18 annexb=no\r\na=extmap:1 urn:x\r\n',
  ),
  'direction of the session': session('m=audio 5004 RTP/AVP 0\r\n', { head: 'a=sendonly\r\na=tool:x\r\n' }),
  'audio and video': session(
    'm=audio 5004 RTP/AVP 0\r\nm=video 5006 RTP/AVP 96\r\nb=AS:512\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 profile-level-id=42e01f\r\na=inactive\r\n',
  ),
  'refused video': session('m=audio 5004 RTP/AVP 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n'),
  'unspecified address': session('m=audio 5004 RTP/AVP 0\r\n', { connection: 'c=IN IP4 0.0.0.0\r\n' }),
  'rtcp-mux': session('m=audio 5004 RTP/AVP 0\r\na=rtcp-mux\r\na=rtcp:5004\r\n'),
  'feedback profile': session('m=audio 5004 RTP/AVPF 0 8\r\na=rtcp-fb:* nack\r\n'),
  'lines end in LF': session('m=audio 5004 RTP/AVP 0\r\na=ptime:20\r\n').replaceAll('\r\n', '\n'),
  fax: session('m=image 5004 udptl t38\r\na=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\n'),
  'SRTP, one line': session(`m=audio 5004 RTP/SAVP 0\r\n${crypto(1)}`),
  'SRTP, two lines': session(`m=audio 5004 RTP/SAVP 0 8\r\n${crypto(4, KEY_A, 32)}${crypto(7, KEY_B)}`),
  'over TCP as well': session('m=audio 5004 RTP/AVP 0\r\nm=message 5008 TCP/MSRP *\r\na=accept-types:text/plain\r\n'),
}

const OPTIONS: Record<string, Record<string, NgValue>> = {
  'no keys': {},
  'origin and connection': { replace: ['origin', 'session-connection'] },
  'inside to outside': { direction: ['internal', 'external'], replace: ['session-connection'], ICE: 'remove' },
  'outside to inside': { direction: ['external', 'internal'], replace: ['origin'] },
  'to SRTP': { 'transport-protocol': 'RTP/SAVP', direction: ['internal', 'external'] },
  'to RTP': { 'transport-protocol': 'RTP/AVP', replace: ['origin'] },
  'mux offered': { 'rtcp-mux': ['offer'] },
  'mux taken apart': { 'rtcp-mux': ['demux'] },
  'mux accepted': { 'rtcp-mux': ['accept'] },
  'mux rejected': { 'rtcp-mux': ['reject'] },
  'mux required': { 'rtcp-mux': ['require'] },
  'media address': { 'media-address': '9.9.9.9', replace: ['origin'] },
  'flags spelled out': { flags: ['trust address', 'symmetric', 'generate-mid'], 'received-from': ['IP4', '4.4.4.4'] },
  'full rtcp': { flags: ['full-rtcp-attribute', 'original-sendrecv'] },
  'no rtcp': { flags: ['no-rtcp-attribute', 'asymmetric'] },
}

/** An answer that fits what the other side was offered; `mux` as a modern peer answers. */
export type AnswerMaker = (offer: string) => string

/** Answers each m-line of the offer that was sent on, in its profile and with its first crypto line. */
export const answerTo: AnswerMaker = (offer) => {
  const parts = offer.replaceAll('\r\n', '\n').split(/^(?=m=)/m)
  const media = parts.slice(1).map((part, index) => {
    const [kind, port, protocol, ...formats] = /^m=(.*)$/m.exec(part)![1]!.split(' ')
    if (port === '0' || kind === 'message') return `m=${kind} 0 ${protocol} ${formats.join(' ')}\r\n`
    const line = /^a=crypto:(\d+) (AES_CM_128_HMAC_SHA1_\d+) /m.exec(part)
    const mux = part.includes('a=rtcp-mux') ? 'a=rtcp-mux\r\n' : ''
    const key = line ? `a=crypto:${line[1]} ${line[2]} inline:${KEY_B}\r\n` : ''
    const way = /^a=(sendonly|recvonly|inactive)$/m.exec(part)?.[1]
    const back = { sendonly: 'a=recvonly\r\n', recvonly: 'a=sendonly\r\n', inactive: 'a=inactive\r\n' }[way ?? ''] ?? ''
    return `m=${kind} ${6004 + 2 * index} ${protocol} ${formats[0]}\r\n${back}${mux}${key}a=label:b\r\n`
  })
  return session(media.join(''), { connection: 'c=IN IP4 10.2.2.2\r\n', origin: 'o=bob 7 7 IN IP4 10.2.2.9\r\n' })
}

/** A step whose SDP is an answer to what the step before gave. */
export const ANSWER = '<answer to the offer before>'

function secured(keys: Record<string, NgValue>): Record<string, NgValue> {
  return { DTLS: 'off', SDES: SUITES, ...keys }
}

/** The keys of the reply to a request: directions reversed, and the profile that the offerer has anyway. */
function reversed(keys: Record<string, NgValue>): Record<string, NgValue> {
  const { 'transport-protocol': _, ...rest } = keys
  return Array.isArray(keys.direction) ? { ...rest, direction: keys.direction.toReversed() } : rest
}

/** Every body with every set of keys: an offer, its answer, and the delete. */
export function matrix(): Conversation[] {
  const conversations: Conversation[] = []
  for (const [body, sdp] of Object.entries(BODIES)) {
    for (const [option, keys] of Object.entries(OPTIONS)) {
      const base = { 'from-tag': 'A' }
      conversations.push({
        name: `${body}, ${option}`,
        steps: [
          { command: 'offer', keys: { ...secured(keys), ...base, sdp } },
          { command: 'answer', keys: { ...secured(reversed(keys)), ...base, 'to-tag': 'B', sdp: ANSWER } },
          { command: 'delete', keys: { ...base, 'delete-delay': 0 } },
        ],
      })
    }
  }
  return conversations
}

const plain = (port: number, extra = ''): string => session(`m=audio ${port} RTP/AVP 0\r\n${extra}`)
const A = { 'from-tag': 'A' }
const AB = { 'from-tag': 'A', 'to-tag': 'B' }
const BA = { 'from-tag': 'B', 'to-tag': 'A' }

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
