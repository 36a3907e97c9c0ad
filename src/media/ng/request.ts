// Owns the NG request that an operation of the engine becomes: what Kamailio's rtpengine module sends for it.
import { type AddressFamily, addressFamily } from '../../sdp/index.ts'
import type { MediaCommand, MediaRequest } from '../relay.ts'
import { type RtpFlags, rtpFlags } from '../rtp-flags.ts'
import { dictionary, type NgDictionary } from './bencode.ts'

/** What is of one message in a request; where the flag string says the same, that holds. */
export interface NgOwn {
  readonly callId: string
  readonly fromTag: string
  /** Undefined: none is said, whatever the flag string has. */
  readonly toTag: string | undefined
  readonly viaBranch: string | undefined
  readonly sdp: string | undefined
  readonly receivedFrom: readonly [AddressFamily, string] | undefined
}

/** What Kamailio's module takes from the message for this command. */
export function ngOwn(
  command: Exclude<MediaCommand, 'ping' | 'control'>,
  request: MediaRequest,
  flags: RtpFlags,
): NgOwn {
  // The tag of who offered goes first. A late offer stands in a reply and its answer in a request (RFC 3264 4, ACK and PRACK),
  // so that From and To change places there.
  const kind = request.message ?? (command === 'answer' ? 'reply' : 'request')
  const late = (command === 'offer' && kind === 'reply') || (command === 'answer' && kind === 'request')
  const [from, to] = late ? [request.toTag ?? '', request.fromTag] : [request.fromTag, request.toTag ?? '']
  const described = command === 'offer' || command === 'answer'
  const family = request.receivedFrom === undefined ? undefined : addressFamily(request.receivedFrom)
  return {
    callId: request.callId,
    fromTag: from,
    toTag: described || flags.toTag ? to : undefined,
    viaBranch: flags.viaBranch !== undefined && request.viaBranch ? request.viaBranch : undefined,
    sdp: described ? request.sdp : undefined,
    receivedFrom: family === undefined ? undefined : [family, request.receivedFrom!],
  }
}

/** Builds the dictionary; `warnings` are those of the flag string. */
export function ngRequest(
  command: Exclude<MediaCommand, 'ping'>,
  request: MediaRequest,
): { message: NgDictionary; warnings: readonly string[] } {
  const flags = rtpFlags(request.flags)
  const message = dictionary({ ...flags.dictionary, command: request.control ?? command })
  message['call-id'] ??= request.callId
  if (command === 'control') {
    pointAtParty(message, request)
    return { message, warnings: flags.warnings }
  }
  const { fromTag, toTag, viaBranch, sdp, receivedFrom } = ngOwn(command, request, flags)
  message['from-tag'] ??= fromTag
  if (toTag) message['to-tag'] ??= toTag
  if (toTag === undefined) delete message['to-tag']
  if (viaBranch !== undefined) message['via-branch'] = viaBranch
  if (sdp !== undefined) message.sdp = sdp
  if (receivedFrom) message['received-from'] ??= [...receivedFrom]
  return { message, warnings: flags.warnings }
}

/**
 * Whom a command is about, as Kamailio's module says it: what is played, the sender of the message hears (of keys: presses);
 * what is blocked or recorded is the whole call, or with `directional` what the sender says.
 */
function pointAtParty(message: NgDictionary, { fromTag, control = '' }: MediaRequest): void {
  const flags = Array.isArray(message.flags) ? message.flags : []
  const named = ['from-tag', 'address', 'label'].some((key) => message[key] !== undefined) || flags.includes('all')
  if (!named && (/^(?:play|stop) (?:media|DTMF)$/i.test(control) || flags.includes('directional')))
    message['from-tag'] = fromTag
}
