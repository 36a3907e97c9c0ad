// Owns the reading of what a description says of DTLS-SRTP (RFC 5763 5, RFC 8122 5), and the spelling of fingerprints.
import { attributes, type SdpDocument, type SdpMedia } from '../sdp/index.ts'
import { FINGERPRINT_BYTES, type Fingerprint, type FingerprintHash } from './connection-settings.ts'

export interface DtlsStatement {
  readonly fingerprint: Fingerprint
  /** RFC 4145 4; RFC 5763 5: an offer without it is read as actpass. */
  readonly setup: 'actpass' | 'active' | 'passive'
}

/** RFC 8122 5: of several fingerprints the strongest counts. */
const BY_STRENGTH: readonly FingerprintHash[] = ['sha-512', 'sha-384', 'sha-256', 'sha-224', 'sha-1']

/** What the media says, or the session for all media; undefined where there is no fingerprint that the relay can check. */
export function readDtls(document: SdpDocument, media: SdpMedia): DtlsStatement | undefined {
  const said = (name: string): string[] => {
    const own = attributes(media, name)
    return [...(own.length > 0 ? own : attributes(document.session, name))]
  }
  const fingerprints = said('fingerprint')
    .slice(0, 16)
    .map(parseFingerprint)
    .filter((fingerprint) => fingerprint !== undefined)
  const best = BY_STRENGTH.map((hash) => fingerprints.find((each) => each.hash === hash)).find((each) => each)
  if (!best) return undefined
  const setup = said('setup')[0]?.toLowerCase()
  return { fingerprint: best, setup: setup === 'active' || setup === 'passive' ? setup : 'actpass' }
}

/** `sha-256 4A:AD:...` */
function parseFingerprint(value: string): Fingerprint | undefined {
  const match = /^(\S{1,16})\s+([0-9a-f]{2}(?::[0-9a-f]{2}){0,63})\s*$/i.exec(value)
  const hash = match?.[1]?.toLowerCase()
  if (!match || hash === undefined || !isFingerprintHash(hash)) return undefined
  const digest = Uint8Array.from(match[2]!.split(':'), (byte) => Number.parseInt(byte, 16))
  return digest.length === FINGERPRINT_BYTES[hash] ? { hash, digest } : undefined
}

export function isFingerprintHash(name: string): name is FingerprintHash {
  return Object.hasOwn(FINGERPRINT_BYTES, name)
}

/** Texts by digest: that of a certificate of the relay is told in every offer of SRTP. */
const formatted = new WeakMap<Uint8Array, string>()

/** As `a=fingerprint` has it. */
export function formatFingerprint({ hash, digest }: Fingerprint): string {
  let text = formatted.get(digest)
  if (text === undefined) {
    text = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':')
    formatted.set(digest, text)
  }
  return `${hash} ${text}`
}

export function sameFingerprint(a: Fingerprint | undefined, b: Fingerprint | undefined): boolean {
  return a !== undefined && b !== undefined && formatFingerprint(a) === formatFingerprint(b)
}
