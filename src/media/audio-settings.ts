// Owns how a conversion of payloads is said, every check of it, and the form in which the addon reads it.
import { SignalboxError } from '../errors.ts'

/** G.711 by the name that SDP has for it. */
export type G711 = 'PCMU' | 'PCMA'

/** What becomes of one payload type. */
export type PayloadRule =
  /** Another number, the same bytes. */
  | { readonly from: number; readonly to: number }
  /** Another law; the same one where packets are to have another length. */
  | { readonly from: number; readonly to: number; readonly laws: readonly [G711, G711] }
  /** Telephone events become the sound of their keys. */
  | { readonly from: number; readonly to: number; readonly sound: G711 }
  | { readonly from: number; readonly drop: true }

export interface Conversion {
  /** Payload types without a rule stay as they are. */
  readonly rules: readonly PayloadRule[]
  /** How much speech a packet of G.711 is to hold; absent: what it held. */
  readonly packetMillis?: number | undefined
}

/** Conversion as the addon reads it: five bytes a rule. */
export interface ConversionForm {
  readonly rules: Uint8Array
  readonly packetSamples: number
}

const LAWS = { PCMU: 1, PCMA: 2 } as const
const RENUMBER = 1
const TRANSLATE = 2
const TONE = 3
const DROP = 4
/** G.711 (RFC 3551 4.5.14) */
export const SAMPLES_PER_MILLI = 8
/** RFC 3551 4.2 wants 20 ms; nobody sends less than 10, and more than 200 is no conversation. */
const SHORTEST_PACKET = 10
const LONGEST_PACKET = 200

export function lawNumber(law: G711): number {
  return LAWS[law]
}

/** @throws SignalboxError ERR_MEDIA */
export function conversionForm(conversion: Conversion | null | undefined): ConversionForm {
  const bytes = (conversion?.rules ?? []).flatMap((rule) => {
    const from = payloadType(rule.from)
    if ('drop' in rule) return [from, DROP, 0, 0, 0]
    const to = payloadType(rule.to)
    if ('laws' in rule) return [from, TRANSLATE, to, LAWS[rule.laws[0]], LAWS[rule.laws[1]]]
    if ('sound' in rule) return [from, TONE, to, 0, LAWS[rule.sound]]
    return [from, RENUMBER, to, 0, 0]
  })
  return {
    rules: Uint8Array.from(bytes),
    packetSamples: SAMPLES_PER_MILLI * packetMillis(conversion?.packetMillis),
  }
}

function payloadType(value: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= 127) return value
  throw new SignalboxError('ERR_MEDIA', `a payload type is a whole number from 0 to 127, not ${value}.`)
}

function packetMillis(millis: number | undefined): number {
  if (millis === undefined) return 0
  if (Number.isInteger(millis) && millis >= SHORTEST_PACKET && millis <= LONGEST_PACKET) return millis
  throw new SignalboxError(
    'ERR_MEDIA',
    `a packet holds ${SHORTEST_PACKET} to ${LONGEST_PACKET} milliseconds, not ${millis}.`,
  )
}
