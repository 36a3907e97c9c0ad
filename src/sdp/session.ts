// Owns the typed view of a session description; the only importer of sdp-transform.
import { parse, type SessionDescription } from 'sdp-transform'
import { parseSdp } from './document.ts'

export type { SessionDescription } from 'sdp-transform'

/** Reads every field and attribute that sdp-transform knows; undefined where the text is no session description. */
export function describeSession(text: string): SessionDescription | undefined {
  return parseSdp(text).ok ? parse(text) : undefined
}
