// Owns the conversations of the differential test about audio itself: codecs turned into each other, packet times, events.
//
// Not asked, because the relay does otherwise on purpose:
// - an answer whose telephone events have another number than the offer's: rtpengine drops them, the relay maps the numbers.
// - nothing in common but events: rtpengine answers with the events alone, the relay with G.711 and the events.
// - codecs that it cannot make (G.722, opus, G.729): the relay leaves them as they are, rtpengine turns them into others.
// - start recording without --recording-dir: the relay says that nothing is recorded.
// - an offer all of whose speech is consumed: rtpengine offers an m-line without formats.
import type { NgValue } from '../../src/media/ng/bencode.ts'
import { type Conversation, type Step, session } from './ng-requests.ts'

const EVENTS = 'a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n'

function audio(port: number, formats: string, more = ''): string {
  const events = formats.split(' ').includes('101') ? EVENTS : ''
  return session(`m=audio ${port} RTP/AVP ${formats}\r\n${events}${more}`)
}

function exchange(name: string, keys: Record<string, NgValue>, offer: string, answer: string): Conversation {
  const { flags, ...rest } = keys
  const kept = flags === undefined ? {} : { flags }
  return {
    name,
    steps: [
      { command: 'offer', keys: { 'from-tag': 'A', ...rest, ...kept, sdp: offer } },
      { command: 'answer', keys: { 'from-tag': 'A', 'to-tag': 'B', ...kept, sdp: answer } },
    ],
  }
}

const codec = (lists: Record<string, string[]>): Record<string, NgValue> => ({ codec: lists })
const TO_U = codec({ transcode: ['PCMU'] })

/** Keys, formats offered, formats answered. */
const EXCHANGES: readonly (readonly [Record<string, NgValue>, string, string])[] = [
  [TO_U, '8', '0'],
  [TO_U, '8', '8'],
  [TO_U, '8 101', '0 101'],
  [TO_U, '8 101', '0'],
  [TO_U, '8 101', '0 8 101'],
  [TO_U, '8 13 101', '0 13 101'],
  [TO_U, '8 13 101', '0 101'],
  [TO_U, '0 8 101', '8 101'],
  [TO_U, '8 9 101', '0 9 101'],
  [TO_U, '8 9 101', '9 0 101'],
  [codec({ transcode: ['PCMU/8000'] }), '8', '0'],
  [codec({ transcode: ['telephone-event'] }), '8', '8'],
  [codec({ transcode: ['PCMU', 'telephone-event'] }), '8', '0 101'],
  [codec({ mask: ['PCMA'], transcode: ['PCMU'] }), '8 101', '0 101'],
  [codec({ mask: ['PCMA'], transcode: ['PCMU'] }), '8 9 101', '9 101'],
  [codec({ mask: ['PCMA'], transcode: ['PCMU'] }), '8 9 101', '9 0 101'],
  [codec({ mask: ['PCMU'], transcode: ['PCMU'] }), '0 8', '8'],
  [codec({ strip: ['PCMU'], transcode: ['PCMU'] }), '0 8', '0'],
  [codec({ strip: ['all'], transcode: ['PCMA'] }), '0 9 101', '8'],
  [codec({ strip: ['all'], transcode: ['PCMU', 'PCMA'] }), '9 8 101', '0'],
  [codec({ strip: ['all'], except: ['PCMA'], transcode: ['PCMU'] }), '0 8 9', '0'],
  [codec({ strip: ['all'], offer: ['PCMA'], transcode: ['PCMU'] }), '8 9', '0'],
  [codec({ strip: ['telephone-event'], transcode: ['PCMU'] }), '8 101', '0'],
  [codec({ mask: ['all'], transcode: ['PCMA'] }), '0 9 101', '8'],
  [codec({ consume: ['PCMA'] }), '8 0 101', '0 101'],
  [codec({ consume: ['PCMA'] }), '0 8 101', '0 101'],
  [codec({ consume: ['PCMA'] }), '8 9 0 101', '9 0 101'],
  [codec({ consume: ['PCMU'] }), '8 0 9 101', '8 101'],
  [codec({ consume: ['all'], transcode: ['PCMA'] }), '0 9 101', '8 101'],
  [codec({ accept: ['PCMA'] }), '8 0 101', '0 101'],
  [codec({ accept: ['PCMA'] }), '8 0 101', '8 101'],
  [codec({ accept: ['PCMA'] }), '0 8 101', '0 101'],
  [codec({ accept: ['PCMU'] }), '8 0 101', '8 101'],
  [codec({ accept: ['all'] }), '0 8 101', '8 101'],
  [{ flags: ['always transcode'] }, '8 0 101', '0 101'],
  [{ flags: ['always transcode'] }, '8 0 101', '0 8 101'],
  [{ flags: ['always transcode'] }, '0 8 101', '8 101'],
  [{ flags: ['single codec'], ...TO_U }, '8 101', '0 8 101'],
  [{ flags: ['symmetric codecs'], ...TO_U }, '8 101', '0 8 101'],
  [{ flags: ['asymmetric codecs'], ...TO_U }, '8 101', '0 8 101'],
  [{ flags: ['inject DTMF'] }, '8 101', '8 101'],
  [{ flags: ['inject DTMF'] }, '8 0 101', '0 8 101'],
  [{ flags: ['inject DTMF'], ...TO_U }, '8', '0'],
  [{ flags: ['codec-transcode-PCMU'] }, '8 101', '0 101'],
  [{ flags: ['transcode-PCMU'] }, '8 101', '0 101'],
  [codec({ transcode: ['PCMU'], set: ['PCMA'] }), '8 101', '0 101'],
  [{}, '8', '0'],
  [{}, '8 0 101', '0 8 101'],
]

/** Keys, what the offer and the answer say of packet times. */
const PACKETS: readonly (readonly [Record<string, NgValue>, string, string])[] = [
  [{ ptime: 30 }, 'a=ptime:20\r\n', 'a=ptime:30\r\n'],
  [{ ptime: 30 }, 'a=ptime:20\r\n', 'a=ptime:20\r\n'],
  [{ ptime: 30 }, 'a=ptime:40\r\n', 'a=ptime:30\r\n'],
  [{ ptime: 30 }, '', ''],
  [{ ptime: 40, ...TO_U }, 'a=ptime:20\r\n', 'a=ptime:40\r\n'],
  [{ 'ptime-reverse': 40 }, '', ''],
  [{ 'ptime-reverse': 40 }, 'a=ptime:20\r\n', 'a=ptime:30\r\n'],
  [TO_U, 'a=ptime:20\r\n', 'a=ptime:30\r\n'],
]

/** Commands on a call whose outcome is a word. Party, file and key are checked in this order by both. */
const COMMANDS: readonly Step[] = [
  { command: 'play DTMF', keys: { code: '5' } },
  { command: 'play DTMF', keys: { 'from-tag': 'A' } },
  { command: 'play DTMF', keys: { 'from-tag': 'A', code: 'x' } },
  { command: 'play DTMF', keys: { 'from-tag': 'nobody', code: '1' } },
  { command: 'play media', keys: { 'from-tag': 'A' } },
  { command: 'play media', keys: { 'from-tag': 'A', file: '/nonexistent.wav' } },
  { command: 'play media', keys: { file: '/nonexistent.wav' } },
  { command: 'play media', keys: { 'from-tag': 'nobody', file: '/nonexistent.wav' } },
  { command: 'play media', keys: { 'from-tag': 'A', blob: 'no sound' } },
  { command: 'stop media', keys: { 'from-tag': 'A' } },
  { command: 'stop media', keys: {} },
  { command: 'stop media', keys: { flags: ['all'] } },
  { command: 'stop recording', keys: {} },
  { command: 'stop recording', keys: {} },
  { command: 'start forwarding', keys: {} },
  { command: 'stop forwarding', keys: {} },
  { command: 'subscribe request', keys: {} },
  { command: 'subscribe request', keys: { 'from-tag': 'nobody' } },
  { command: 'subscribe answer', keys: {} },
  { command: 'subscribe answer', keys: { 'to-tag': 'nobody' } },
  { command: 'unsubscribe', keys: {} },
  { command: 'unsubscribe', keys: { 'to-tag': 'nobody' } },
]

const both = (flags?: NgValue): readonly Step[] => [
  { command: 'offer', keys: { 'from-tag': 'A', sdp: audio(5004, '8 101'), ...(flags ? { flags } : {}) } },
  { command: 'answer', keys: { 'from-tag': 'A', 'to-tag': 'B', sdp: audio(6004, '8 101') } },
]

function subscriptions(): Conversation[] {
  const ways: readonly (readonly [string, Record<string, NgValue>])[] = [
    ['one party', { 'from-tag': 'A' }],
    ['the other party', { 'from-tag': 'B' }],
    ['another law', { 'from-tag': 'A', ...TO_U }],
    ['a name of its own', { 'from-tag': 'A', 'to-tag': 'recorder' }],
    ['another interface', { 'from-tag': 'A', 'to-tag': 'recorder', interface: 'external' }],
  ]
  const answer = audio(7004, '8 101', 'a=recvonly\r\n')
  return ways.map(([name, keys]) => ({
    name: `a copy of ${name}`,
    steps: [
      ...both(),
      { command: 'subscribe request', keys },
      ...('to-tag' in keys
        ? [
            { command: 'subscribe answer', keys: { 'to-tag': 'recorder', sdp: answer } },
            { command: 'unsubscribe', keys: { 'to-tag': 'recorder' } },
          ]
        : []),
    ],
  }))
}

export function audioDialogues(): Conversation[] {
  return [
    ...EXCHANGES.map(([keys, offered, answered]) =>
      exchange(
        `codecs ${JSON.stringify(keys)}: ${offered} answered with ${answered}`,
        keys,
        audio(5004, offered),
        audio(6004, answered),
      ),
    ),
    ...PACKETS.map(([keys, offered, answered]) =>
      exchange(
        `packet times ${JSON.stringify([keys, offered, answered])}`,
        keys,
        audio(5004, '8 101', offered),
        audio(6004, 'codec' in keys ? '0 101' : '8 101', answered),
      ),
    ),
    ...COMMANDS.map(({ command, keys }) => ({
      name: `${command} ${JSON.stringify(keys)}`,
      steps: [...both(), { command, keys }],
    })),
    ...subscriptions(),
  ]
}
