// Owns what offers and answers say of directions, hold and profiles (RFC 3264).
import { isUnspecified } from './address.ts'
import type { SdpDocument, SdpMedia, SdpSection } from './document.ts'

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

export const DIRECTIONS: ReadonlySet<string> = new Set(['sendrecv', 'sendonly', 'recvonly', 'inactive'])

export function isDirection(name: string): name is Direction {
  return DIRECTIONS.has(name)
}

/** Whether the speaker of the description sends. */
export function sends(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'sendonly'
}

/** Whether the speaker of the description wants to receive. */
export function receives(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'recvonly'
}

function written(section: SdpSection): Direction | undefined {
  // Where an attribute is repeated, the last one counts.
  const last = section.lines.findLast(({ name }) => isDirection(name))
  return last?.name as Direction | undefined
}

/** The address that media should be sent to, from the media's own `c=` or the session's. */
export function mediaAddress(document: SdpDocument, media: SdpMedia): string | undefined {
  return (media.connection ?? document.session.connection)?.address
}

/** RFC 3264 5.1: the attribute of the media, else of the session, else sendrecv. */
export function directionSaid(document: SdpDocument, media: SdpMedia): Direction {
  return written(media) ?? written(document.session) ?? 'sendrecv'
}

/** The same, and RFC 3264 8.4: an unspecified address cannot receive. */
export function directionOf(document: SdpDocument, media: SdpMedia): Direction {
  const direction = directionSaid(document, media)
  const address = mediaAddress(document, media)
  if (address === undefined || !isUnspecified(address)) return direction
  return sends(direction) ? 'sendonly' : 'inactive'
}

/** A transport profile, taken apart. */
export interface Profile {
  readonly rtp: boolean
  readonly secure: boolean
  readonly feedback: boolean
  /** Keys come from a DTLS handshake (RFC 5764 8). */
  readonly dtls: boolean
}

/** Reads `RTP/AVP`, `RTP/SAVPF`, `UDP/TLS/RTP/SAVP` and their like. */
export function profileOf(protocol: string): Profile {
  const match = /^(UDP\/TLS\/)?RTP\/(S?)AVP(F?)$/i.exec(protocol)
  if (!match) return { rtp: false, secure: false, feedback: false, dtls: false }
  return { rtp: true, secure: match[2] !== '', feedback: match[3] !== '', dtls: match[1] !== undefined }
}
