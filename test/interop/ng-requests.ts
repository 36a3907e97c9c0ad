// Owns the requests of the differential test: conversations of offers, answers and deletes over the keys that both relays have.
import type { NgValue } from '../../src/media/ng/bencode.ts'

export interface Step {
  readonly command: string
  readonly keys: Record<string, NgValue>
}

export interface Conversation {
  readonly name: string
  readonly steps: readonly Step[]
}

export const KEY_A = 'FHoHEZk7wM6b/frTeX+fzQ/K0PtuAvfIzRqjol9K'
export const KEY_B = 'Rt5s9b1WdrBKIoygx4q3Tx8Zog/+Qt1/UTEmxr9x'

/** Suites that rtpengine has and the relay has not; that some are left out makes the relay offer all others, as rtpengine does. */
const SUITES: NgValue = [
  'no-F8_128_HMAC_SHA1_80',
  'no-F8_128_HMAC_SHA1_32',
  'no-NULL_HMAC_SHA1_80',
  'no-NULL_HMAC_SHA1_32',
]

/** Characters of a key with its salt, where they are not those of KEY_B. */
const KEY_CHARACTERS: Record<string, number> = { AEAD_AES_256_GCM: 59, AEAD_AES_128_GCM: 38, AES_256: 62, AES_192: 51 }

function keyOf(suite: string): string {
  const longer = Object.entries(KEY_CHARACTERS).find(([name]) => suite.startsWith(name))?.[1] ?? 40
  return `${KEY_B}${KEY_B}`.slice(0, longer - 1) + (longer === 40 ? KEY_B.at(-1) : 'A')
}

export function session(media: string, parts: { head?: string; connection?: string; origin?: string } = {}): string {
  const { head = '', connection = 'c=IN IP4 10.1.1.1\r\n', origin = 'o=- 1 1 IN IP4 10.1.1.9\r\n' } = parts
  return `v=0\r\n${origin}s=-\r\n${connection}t=0 0\r\n${head}${media}`
}

export const crypto = (tag: number, key = KEY_A, size = 80): string =>
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
  'many codecs': session(
    'm=audio 5004 RTP/AVP 18 0 97 96 8 9 101 13\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=rtpmap:97 G726-32/8000\r\na=fmtp:18 annexb=no\r\na=ptime:20\r\na=maxptime:60\r\n',
  ),
  'events first': session(
    'm=audio 5004 RTP/AVP 101 8 9 0 13\r\na=rtpmap:9 G722/8000\r\na=rtpmap:101 telephone-event/8000\r\n',
  ),
  IPv6: session('m=audio 5004 RTP/AVP 0 8\r\n', {
    connection: 'c=IN IP6 2001:db8::1\r\n',
    origin: 'o=- 1 1 IN IP6 2001:db8::9\r\n',
  }),
  'audio held, video not': session(
    'm=audio 5004 RTP/AVP 0\r\na=inactive\r\nm=video 5006 RTP/AVP 31 34\r\na=recvonly\r\n',
  ),
  'held by the address of the media': session('m=audio 5004 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=sendonly\r\n'),
  'two audio': session('m=audio 5004 RTP/AVP 0\r\na=label:1\r\nm=audio 5014 RTP/AVP 8\r\na=label:2\r\n'),
  'all refused': session('m=audio 0 RTP/AVP 0\r\n'),
  'fax and audio': session('m=audio 5004 RTP/AVP 8\r\nm=image 5006 udptl t38\r\na=T38FaxVersion:0\r\n'),
  fax: session('m=image 5004 udptl t38\r\na=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\n'),
  'SRTP, one line': session(`m=audio 5004 RTP/SAVP 0\r\n${crypto(1)}`),
  'SRTP, AES 256': session(
    `m=audio 5004 RTP/SAVP 0\r\na=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:${keyOf('AES_256')}\r\n${crypto(2)}`,
  ),
  'SRTP, GCM alone': session(
    `m=audio 5004 RTP/SAVPF 0\r\na=crypto:9 AEAD_AES_128_GCM inline:${keyOf('AEAD_AES_128_GCM')}|2^48\r\n`,
  ),
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
  'a codec stripped': { codec: { strip: ['PCMA'] } },
  'all but one codec stripped': { codec: { strip: ['all'], except: ['PCMU', 'telephone-event'] } },
  'all stripped, two offered': { codec: { strip: ['all'], offer: ['PCMA', 'PCMU'] } },
  'stripped and offered again': { codec: { strip: ['PCMU'], offer: ['PCMU'] } },
  'masked by name and rate': { codec: { mask: ['opus/48000/2', 'G729/8000'] } },
  'stripped by flags': { flags: ['codec-strip-PCMA', 'codec-strip-opus'] },
  'all stripped': { codec: { strip: ['all'] } },
  'one codec answered': { flags: ['single-codec'] },
  'another packet time': { ptime: 30 },
  'packet time of the answer': { 'ptime-reverse': 40 },
  'media address of another family': { 'media-address': '2001:db8::77', replace: ['origin'] },
  'to IPv6': { 'address-family': 'IP6', replace: ['origin'], direction: ['internal', 'external'] },
  'to IPv4': { 'address-family': 'IP4', replace: ['origin'] },
  'names and version': { replace: ['username', 'session-name', 'SDP version', 'zero-address'] },
  'zero address': { replace: ['zero-address'] },
  'mux offered and taken apart': { 'rtcp-mux': ['offer', 'demux'] },
  'mux offered and accepted': { 'rtcp-mux': ['accept', 'offer'] },
  'mux required and rejected': { 'rtcp-mux': ['require', 'reject'] },
  'strong suites refused': {
    SDES: ['no-AEAD_AES_256_GCM', 'no-AES_256_CM_HMAC_SHA1_80', 'no-AES_192_CM_HMAC_SHA1_80', ...SUITES],
    'transport-protocol': 'RTP/SAVP',
  },
  'padded keys that live': { SDES: [...(SUITES as string[]), 'pad', 'lifetime'], 'transport-protocol': 'RTP/SAVP' },
  'keys refused by name': {
    SDES: [...(SUITES as string[]), 'no-AES_CM_128_HMAC_SHA1_32'],
    'transport-protocol': 'RTP/SAVPF',
  },
  'spelled in other ways': {
    'media address': '9.9.9.8',
    'received-from': ['IP4', '4.4.4.4'],
    flags: ['SIP source address', 'generate mid', 'strict source', 'media handover', 'port latching', 'reset'],
    label: 'caller',
    TOS: 184,
  },
  'loop protection': { flags: ['early media', 'symmetric codecs', 'loop-protect'] },
  'no rtcp': { flags: ['no-rtcp-attribute', 'asymmetric'] },
  'media that moves': { flags: ['media-handover', 'symmetric', 'recrypt', 'strip-extmap', 'generate RTCP'] },
  'sources checked': { flags: ['strict-source', 'asymmetric', 'no-port-latching'] },
  'from another family': { flags: ['SIP-source-address'], 'received-from': ['IP6', '2001:db8::44'] },
  'from where it came': { flags: ['SIP-source-address'], 'received-from': ['IP4', '10.4.4.4'], TOS: '184' },
  'both families named': {
    'generate RTCP': 'on',
    'address-family': 'IP6',
    'media-address': '9.9.9.9',
    replace: ['origin'],
  },
  'padded, by text': {
    SDES: [...(SUITES as string[]), 'pad', 'lifetime', 'static'],
    'transport-protocol': 'RTP/SAVP',
    ptime: '20',
  },
  'everything replaced': {
    replace: ['origin', 'session connection', 'username', 'session name', 'SDP-version', 'zero address'],
    flags: ['original-sendrecv', 'generate-mid', 'full-rtcp-attribute', 'loop-protect'],
    direction: ['internal', 'external'],
    label: 7,
  },
}

/** An answer that fits what the other side was offered; `mux` as a modern peer answers. */
export type AnswerMaker = (offer: string) => string

/** Answers each m-line of the offer that was sent on, in its profile and with its first crypto line. */
export const answerTo: AnswerMaker = (offer) => answerBy(offer, (formats) => formats.slice(0, 1))

/** The same with all formats of the offer, the last first, and one that was not offered. */
export const broadAnswerTo: AnswerMaker = (offer) =>
  answerBy(offer, (formats, kind) => [...formats.toReversed(), ...(kind === 'audio' ? ['3'] : [])])

function answerBy(offer: string, choose: (formats: string[], kind: string) => string[]): string {
  const parts = offer.replaceAll('\r\n', '\n').split(/^(?=m=)/m)
  const media = parts.slice(1).map((part, index) => {
    const [kind, port, protocol, ...formats] = /^m=(.*)$/m.exec(part)![1]!.split(' ')
    if (port === '0' || kind === 'message') return `m=${kind} 0 ${protocol} ${formats.join(' ')}\r\n`
    const line = /^a=crypto:(\d+) (\S+) /m.exec(part)
    const mux = part.includes('a=rtcp-mux') ? 'a=rtcp-mux\r\n' : ''
    const key = line ? `a=crypto:${line[1]} ${line[2]} inline:${keyOf(line[2]!)}\r\n` : ''
    const maps = [...part.matchAll(/^a=rtpmap:(?:9[6-9]|1[01]\d|12[0-7]) [^/\n]+\/[1-9].*\n/gm)]
      .map(([line]) => line.replace('\n', '\r\n'))
      .join('')
    const way = /^a=(sendonly|recvonly|inactive)$/m.exec(part)?.[1]
    const back = { sendonly: 'a=recvonly\r\n', recvonly: 'a=sendonly\r\n', inactive: 'a=inactive\r\n' }[way ?? ''] ?? ''
    return `m=${kind} ${6004 + 2 * index} ${protocol} ${choose(formats, kind!).join(' ')}\r\n${maps}${back}${mux}${key}a=label:b\r\n`
  })
  return session(media.join(''), { connection: 'c=IN IP4 10.2.2.2\r\n', origin: 'o=bob 7 7 IN IP4 10.2.2.9\r\n' })
}

/** A step whose SDP is an answer to what the step before gave. */
export const ANSWER = '<answer to the offer before>'
/** The same, with more codecs. */
export const BROAD_ANSWER = '<broad answer to the offer before>'

export function secured(keys: Record<string, NgValue>): Record<string, NgValue> {
  return { DTLS: 'off', SDES: SUITES, ...keys }
}

/** The keys of the reply to a request: directions reversed, and the profile that the offerer has anyway. */
function reversed(keys: Record<string, NgValue>): Record<string, NgValue> {
  const { 'transport-protocol': _, codec: __, ...rest } = keys
  return Array.isArray(keys.direction) ? { ...rest, direction: keys.direction.toReversed() } : rest
}

/** What is not asked of both, because rtpengine 10.5.3 does otherwise; each with the reason. */
const DIFFERENCES: readonly { readonly conversation: RegExp; readonly reason: string }[] = [
  {
    conversation: /^(many codecs|many attributes), (another packet time|packet time of the answer|padded, by text),/,
    reason:
      'with a packet time asked for, rtpengine makes ready to transcode: it drops codecs that it cannot repacketise, and adds fmtp lines of the offer to the answer',
  },
  {
    conversation: /^(call manager|many attributes|many codecs), .*(strip|mask).*, many back$/,
    reason:
      'once codecs were stripped, rtpengine moves events and comfort noise to the end of an answer, and adds their fmtp lines; the relay keeps the order',
  },
  {
    conversation: /^events first, .*strip/,
    reason:
      'where an event stands first, rtpengine may write an m-line without a format, or reorder it; the relay keeps the order',
  },
  {
    conversation: /^held by the address of the media, (origin and connection|inside to outside),/,
    reason: "rtpengine lets the media's 0.0.0.0 stand for the session too; the relay writes its own address there",
  },
]

/** Every body with every set of keys: an offer, its answer of one codec or of many, and the delete. */
export function matrix(): Conversation[] {
  const conversations: Conversation[] = []
  for (const [body, sdp] of Object.entries(BODIES)) {
    for (const [option, keys] of Object.entries(OPTIONS)) {
      for (const [kind, answer] of Object.entries({ 'one codec back': ANSWER, 'many back': BROAD_ANSWER })) {
        const base = { 'from-tag': 'A' }
        const name = `${body}, ${option}, ${kind}`
        if (DIFFERENCES.some(({ conversation }) => conversation.test(name))) continue
        conversations.push({
          name,
          steps: [
            { command: 'offer', keys: { ...secured(keys), ...base, sdp } },
            { command: 'answer', keys: { ...secured(reversed(keys)), ...base, 'to-tag': 'B', sdp: answer } },
            { command: 'delete', keys: { ...base, 'delete-delay': 0 } },
          ],
        })
      }
    }
  }
  return conversations
}
