// Owns the NG request that an operation of the engine becomes: what Kamailio's rtpengine module sends for it.
import { addressFamily } from '../../sdp/index.ts'
import type { MediaCommand, MediaRequest } from '../relay.ts'
import { rtpFlags } from '../rtp-flags.ts'
import { dictionary, type NgDictionary } from './bencode.ts'

/** Builds the dictionary; `words` are those of it that the flag string said (shared by all that say the same), `warnings` its own. */
export function ngRequest(
  command: Exclude<MediaCommand, 'ping'>,
  request: MediaRequest,
): { message: NgDictionary; words: NgDictionary; warnings: readonly string[] } {
  const flags = rtpFlags(request.flags)
  const message = dictionary({ ...flags.dictionary, command: request.control ?? command })
  message['call-id'] ??= request.callId
  if (command === 'control') {
    pointAtParty(message, request)
    return { message, words: flags.dictionary, warnings: flags.warnings }
  }
  // The tag of who offered goes first. A late offer stands in a reply and its answer in a request (RFC 3264 4, ACK and PRACK),
  // so that From and To change places there.
  const kind = request.message ?? (command === 'answer' ? 'reply' : 'request')
  const late = (command === 'offer' && kind === 'reply') || (command === 'answer' && kind === 'request')
  const [from, to] = late ? [request.toTag ?? '', request.fromTag] : [request.fromTag, request.toTag ?? '']
  message['from-tag'] ??= from
  const withTo = command === 'offer' || command === 'answer' || flags.toTag
  if (withTo && to !== '') message['to-tag'] ??= to
  if (!withTo) delete message['to-tag']
  if (flags.viaBranch !== undefined && request.viaBranch) message['via-branch'] = request.viaBranch
  if (request.sdp !== undefined && (command === 'offer' || command === 'answer')) message.sdp = request.sdp
  const family = request.receivedFrom === undefined ? undefined : addressFamily(request.receivedFrom)
  if (family !== undefined) message['received-from'] ??= [family, request.receivedFrom!]
  return { message, words: flags.dictionary, warnings: flags.warnings }
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
