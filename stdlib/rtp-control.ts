// Owns what module rtpengine asks of a call's media besides offers and answers: clips, keys, recordings, what is withheld;
// and the event of a key.
import type { BuiltinMeta, Parameter, RouteKind, RtpResult } from './contract.ts'
import { define, defineWaiting } from './define.ts'
import { beforeEvent } from './event-preludes.ts'
import { avpAccess } from './named-pv.ts'
import { definePv } from './pv.ts'
import { after, currentRun, op, type Pending } from './runtime.ts'
import { askNow } from './service.ts'
import { parameterOf } from './settings.ts'

const FLAGS: readonly Parameter[] = [{ name: 'flags', kind: 'string', optional: true }]
const ANYWHERE: readonly RouteKind[] = ['request', 'reply', 'failure', 'branch', 'event']
const MODULE = 'rtpengine'

/** Variable that play_media leaves the length of its clip in. */
const duration = parameterOf(MODULE, 'media_duration', undefined as ReturnType<typeof avpAccess>, (name) =>
  avpAccess(String(name)),
)

function control(command: string, flags: string): number | Pending<number> {
  const run = currentRun()
  const args = { operation: 'control', control: command, flags, set: run.state.rtpSet, kind: run.kind } as const
  return after(op('rtp', args), (result: RtpResult) => {
    if (command === 'play media') duration()?.set(result.code > 0 ? (result.durationMillis ?? -1) : null)
    return result.code
  })
}

function meta(name: string, kamailio: string, doc: string, example = `${kamailio}();`): Omit<BuiltinMeta, 'waits'> {
  return { name, kamailio, module: MODULE, parameters: FLAGS, routes: ANYWHERE, doc, example }
}

const WHO = 'Without flags: the whole call; "directional", from-tag=, address= or label= name one party.'

export const playMedia = defineWaiting(
  meta(
    'playMedia',
    'play_media',
    'The sender of the message (or who from-tag=, address= or label= names) hears a WAV file: G.711 or 16 bits, 8 kHz. Flags: file=, repeat-times=, start-pos=. Its length goes into the variable that media_duration names.',
    'play_media("file=hello.wav repeat-times=2");',
  ),
  (flags?: string) => control('play media', flags ?? ''),
)

export const stopMedia = defineWaiting(
  meta('stopMedia', 'stop_media', 'Ends what play_media began for the sender of the message, or for who is named.'),
  (flags?: string) => control('stop media', flags ?? ''),
)

export const playDtmf = defineWaiting(
  meta(
    'playDtmf',
    'play_dtmf',
    'The sender of the message presses a key, and the other side gets it: as an RFC 4733 event where that was agreed, else as a sound. Flags: code=, duration=, volume=, pause=. In an INFO with application/dtmf-relay or application/dtmf, code and duration are those of its body.',
    'play_dtmf("code=# duration=200");',
  ),
  (flags?: string) => {
    const words = /(?:^|\s)code=/.test(flags ?? '') ? (flags ?? '') : `${flags ?? ''} ${keyOfBody()}`
    return control('play DTMF', words.trim())
  },
)

export const startRecording = defineWaiting(
  meta('startRecording', 'start_recording', 'Records the call from now on, or goes on after a pause. Flag: metadata=.'),
  (flags?: string) => control('start recording', flags ?? ''),
)

export const stopRecording = defineWaiting(
  meta('stopRecording', 'stop_recording', 'Ends the recording of the call.'),
  (flags?: string) => control('stop recording', flags ?? ''),
)

export const pauseRecording = defineWaiting(
  meta('pauseRecording', 'pause_recording', 'Records nothing until start_recording.'),
  (flags?: string) => control('pause recording', flags ?? ''),
)

export const blockDtmf = defineWaiting(
  meta('blockDtmf', 'block_dtmf', `Telephone events are not passed on. ${WHO}`),
  (flags?: string) => control('block DTMF', flags ?? ''),
)

export const unblockDtmf = defineWaiting(
  meta('unblockDtmf', 'unblock_dtmf', `Telephone events are passed on again. ${WHO}`),
  (flags?: string) => control('unblock DTMF', flags ?? ''),
)

export const blockMedia = defineWaiting(
  meta('blockMedia', 'block_media', `Media other than telephone events is not passed on. ${WHO}`),
  (flags?: string) => control('block media', flags ?? ''),
)

export const unblockMedia = defineWaiting(
  meta('unblockMedia', 'unblock_media', `Media is passed on again. ${WHO}`),
  (flags?: string) => control('unblock media', flags ?? ''),
)

export const startForwarding = defineWaiting(
  meta(
    'startForwarding',
    'start_forwarding',
    'Hands the sound to the recording daemon of a remote rtpengine. Our own relay has none, and goes on as before.',
  ),
  (flags?: string) => control('start forwarding', flags ?? ''),
)

export const stopForwarding = defineWaiting(
  meta('stopForwarding', 'stop_forwarding', 'Ends what start_forwarding began.'),
  (flags?: string) => control('stop forwarding', flags ?? ''),
)

export const silenceMedia = defineWaiting(
  meta('silenceMedia', 'silence_media', `G.711 is passed on as silence, other speech not at all. ${WHO}`),
  (flags?: string) => control('silence media', flags ?? ''),
)

export const unsilenceMedia = defineWaiting(
  meta('unsilenceMedia', 'unsilence_media', `Speech is heard again. ${WHO}`),
  (flags?: string) => control('unsilence media', flags ?? ''),
)

/** What an INFO says of a key, as flags; '' where it says none. */
function keyOfBody(): string {
  const { message, raw } = currentRun()
  const type = (message.header('Content-Type') ?? '').split(';')[0]!.trim().toLowerCase()
  const body = raw.slice(message.bodyStart, message.bodyStart + 256)
  if (type === 'application/dtmf') {
    const code = /^\s*([0-9*#A-Da-d]|1[0-5])\s*$/.exec(body)?.[1]
    return code === undefined ? '' : `code=${code}`
  }
  if (type !== 'application/dtmf-relay') return ''
  const code = /^\s*Signal\s*=\s*([0-9*#A-Da-d]|1[0-5])\s*$/im.exec(body)?.[1]
  const millis = /^\s*Duration\s*=\s*(\d{1,5})\s*$/im.exec(body)?.[1]
  return code === undefined ? '' : `code=${code}${millis === undefined ? '' : ` duration=${millis}`}`
}

definePv(
  {
    name: 'rtpstat',
    module: MODULE,
    doc: 'Packets and bytes of the call’s media, as the last rtpengine_query or rtpengine_delete in this transaction told them.',
  },
  () => currentRun().state.rtpStatistics ?? null,
)

/** What the host tells of a key. */
interface Key {
  readonly callId: string
  readonly tag: string
  readonly tags: readonly string[]
  readonly address: string
  readonly event: number
  readonly digit: string
  readonly durationMillis: number
  readonly volume: number
  readonly timestamp: number
}

export const sendDtmfInfo = define(
  {
    ...meta(
      'sendDtmfInfo',
      'send_dtmf_info',
      'In event_route[rtpengine:dtmf-event]: the other side of the call, which dlg_manage follows, gets the key in an INFO with application/dtmf-relay. With block_dtmf() it gets it once. Without flags as long as it was pressed; duration= tells another time in milliseconds.',
      'send_dtmf_info();',
    ),
    routes: ['event'],
  },
  (flags?: string) => {
    const key = askNow<Key | null>(MODULE, 'event')
    if (key === null) return -1
    const { callId, tag, tags, digit } = key
    const duration = /(?:^|\s)duration=(\d{1,5})(?=\s|$)/.exec(flags ?? '')?.[1] ?? key.durationMillis
    for (const other of tags) {
      const dialog =
        other === tag ? null : askNow<string | null>('dialog', 'find', { callId, fromTag: tag, toTag: other })
      if (dialog === null) continue
      const pressedByCaller = askNow('dialog', 'get', { dialog, name: 'from_tag' }) === tag
      return askNow<number>('dialog', 'within', {
        dialog,
        side: pressedByCaller ? 'callee' : 'caller',
        method: 'INFO',
        contentType: 'application/dtmf-relay',
        body: `Signal=${digit}\r\nDuration=${duration}\r\n`,
      })
    }
    return -1
  },
)

const variable = (name: string): (() => ReturnType<typeof avpAccess>) =>
  parameterOf(MODULE, name, undefined as ReturnType<typeof avpAccess>, (value) => avpAccess(String(value)))

/** Parameters that name the variable of each value; without, they have these names themselves. */
const VALUES: readonly (readonly [string, ReturnType<typeof variable>, (key: Key) => string | number])[] = [
  ['dtmf_event', variable('dtmf_event'), (key) => key.event],
  ['dtmf_event_callid', variable('dtmf_event_callid'), (key) => key.callId],
  ['dtmf_event_source_tag', variable('dtmf_event_source_tag'), (key) => key.tag],
  ['dtmf_event_tags', variable('dtmf_event_tags'), (key) => key.tags.join(',')],
  ['dtmf_event_type', variable('dtmf_event_type'), () => 'DTMF'],
  ['dtmf_event_timestamp', variable('dtmf_event_timestamp'), (key) => key.timestamp],
  ['dtmf_event_source_ip', variable('dtmf_event_source_ip'), (key) => key.address],
  ['dtmf_event_duration', variable('dtmf_event_duration'), (key) => key.durationMillis],
  ['dtmf_event_volume', variable('dtmf_event_volume'), (key) => key.volume],
  ['dtmf_event_digit', variable('dtmf_event_digit'), (key) => key.digit],
]

beforeEvent('rtpengine:dtmf-event', () => {
  const key = askNow<Key | null>(MODULE, 'event')
  if (key === null) return
  for (const [name, named, read] of VALUES) (named() ?? avpAccess(name))?.set(read(key))
})
