// Owns what of a party's media is audio, by which numbers it is sent G.711 and keys, and who a command means.
import { SignalboxError } from '../errors.ts'
import type { G711 } from './audio-settings.ts'
import type { Call, Party, PartyMedia, RelayStream } from './call.ts'
import { namedParty } from './call-control.ts'
import { isNamed } from './codec-policy.ts'
import type { SessionOptions } from './session-options.ts'

export interface PartyAudio {
  readonly media: PartyMedia
  readonly stream: RelayStream
}

/** Speech in a law, by the number that the party knows it by. */
export interface Speech {
  readonly payloadType: number
  readonly law: G711
}

/** The first audio of a party that is open. */
export function audioOf(party: Party | undefined): PartyAudio | undefined {
  for (const media of party?.media ?? [])
    if (media.stream && media.stated && media.stated.port > 0 && media.stated.kind === 'audio')
      return { media, stream: media.stream }
  return undefined
}

/** How the party is sent G.711; undefined where it does not take any. */
export function speechOf({ media }: PartyAudio): Speech | undefined {
  for (const { format, codec } of media.sendable) {
    const law = codec?.law
    if (law) return { payloadType: Number(format), law }
  }
  return undefined
}

/** How the party is sent telephone events; undefined where it does not take any. */
export function eventsOf({ media }: PartyAudio): { payloadType: number; clockRate: number } | undefined {
  // RFC 4733 2.1: events have the clock of the audio that they are sent among.
  const clockRate = media.stated?.clockRate ?? 8000
  const own = media.sendable.find(({ codec }) => isNamed(codec, [`telephone-event/${clockRate}`]))
  return own && { payloadType: Number(own.format), clockRate }
}

/** Milliseconds of speech in the packets that the party wants. */
export function packetMillisOf({ media }: PartyAudio): number {
  const wanted = Number(media.stated?.ptime ?? 20)
  return wanted >= 10 && wanted <= 200 && wanted % 5 === 0 ? wanted : 20
}

/** Payload types of what a party sends, by law. */
export function payloadsOf(media: PartyMedia, other: PartyMedia | undefined): Record<G711, number[]> {
  const result: Record<G711, number[]> = { PCMU: [], PCMA: [] }
  for (const { format, codec } of [...(other?.stated?.payloads ?? []), ...(media.stated?.payloads ?? [])]) {
    const law = codec?.law
    if (law && !result.PCMU.includes(Number(format)) && !result.PCMA.includes(Number(format)))
      result[law].push(Number(format))
  }
  return result
}

/**
 * Who a command is about: one party by tag, label or address, or all.
 * @throws SignalboxError ERR_MEDIA, in rtpengine's words
 */
export function selectedParties(call: Call, session: SessionOptions): readonly Party[] {
  if (session.allParties) return call.parties
  const party = namedParty(call, session)
  if (party) return [party]
  throw new SignalboxError('ERR_MEDIA', 'No participant party specified')
}
