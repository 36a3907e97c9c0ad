// Owns the crypto attribute of SDES (RFC 4568): reading, writing, and choosing among several.
import { decodeBase64, encodeBase64 } from './base64.ts'

/** Bytes of master key and salt together, by suite (RFC 4568 6.2, RFC 6188 5, RFC 7714 14.2); strongest first. */
export const CRYPTO_SUITES = {
  AEAD_AES_256_GCM: 44,
  AEAD_AES_128_GCM: 28,
  AES_256_CM_HMAC_SHA1_80: 46,
  AES_256_CM_HMAC_SHA1_32: 46,
  AES_192_CM_HMAC_SHA1_80: 38,
  AES_192_CM_HMAC_SHA1_32: 38,
  AES_CM_128_HMAC_SHA1_80: 30,
  AES_CM_128_HMAC_SHA1_32: 30,
} as const

/** A suite that is understood. */
export type CryptoSuite = keyof typeof CRYPTO_SUITES

/** One key of an attribute (RFC 4568 6.1). */
export interface InlineKey {
  /** Master key followed by master salt. */
  readonly key: Uint8Array
  /** Lifetime in packets, as written (`2^31` or digits). */
  readonly lifetime?: string
  /** Master key identifier and how many bytes of it each packet carries. */
  readonly mki?: { readonly value: number; readonly length: number }
}

export interface CryptoAttribute extends InlineKey {
  readonly tag: number
  readonly suite: CryptoSuite
  /** Keys after the first, which packets name by their identifiers. */
  readonly further?: readonly InlineKey[]
  /** Session parameters as written, without those in front of them. */
  readonly sessionParameters: readonly string[]
}

/** Keys in one attribute; more are taken for nonsense. */
const MOST_KEYS = 8

export function isCryptoSuite(name: string): name is CryptoSuite {
  return Object.hasOwn(CRYPTO_SUITES, name)
}

/**
 * Reads the value of one `a=crypto:` line.
 * @returns undefined where the line is malformed, its suite unknown, or a session parameter asks for what is not done
 */
export function parseCrypto(value: string): CryptoAttribute | undefined {
  const [tagText, suite, keyText, ...sessionParameters] = value.trim().split(/ +/)
  if (!tagText || !/^\d{1,9}$/.test(tagText) || !suite || !isCryptoSuite(suite) || !keyText) return undefined
  // RFC 4568 6.3: a mandatory session parameter that is not understood makes the attribute unusable.
  // FEC_SRTP is the order that holds without a word (6.3.4), and nothing to a relay without FEC.
  if (sessionParameters.some((parameter) => !/^(-|WSH=\d+|KDR=0|FEC_ORDER=FEC_SRTP$)/.test(parameter))) return undefined
  const texts = keyText.split(';')
  if (texts.length > MOST_KEYS) return undefined
  const keys = texts.map((text) => parseInline(text, suite))
  const [first, ...others] = keys.every((key) => key !== undefined) ? keys : []
  if (!first || !apart([first, ...others])) return undefined
  const attribute = { ...first, tag: Number(tagText), suite, sessionParameters }
  return others.length === 0 ? attribute : { ...attribute, further: others }
}

function parseInline(text: string, suite: CryptoSuite): InlineKey | undefined {
  const match = /^inline:([A-Za-z0-9+/=]+)(?:\|((?:2\^)?\d+))?(?:\|(\d+):(\d+))?$/.exec(text)
  if (!match) return undefined
  const key = decodeBase64(match[1]!)
  if (key?.length !== CRYPTO_SUITES[suite]) return undefined
  const mki = match[3] === undefined ? undefined : { value: Number(match[3]), length: Number(match[4]) }
  if (mki && !isMki(mki)) return undefined
  const inline: { -readonly [Name in keyof InlineKey]: InlineKey[Name] } = { key }
  if (match[2] !== undefined) inline.lifetime = match[2]
  if (mki) inline.mki = mki
  return inline
}

/**
 * RFC 4568 6.1: of several keys each has an identifier, all of one length, no two of them the same. Nor are two keys: an
 * identifier is not authenticated, and a packet could be replayed under the other one.
 */
function apart(keys: readonly InlineKey[]): boolean {
  const length = keys[0]!.mki?.length
  const distinct = (values: unknown[]): boolean => new Set(values).size === keys.length
  return (
    keys.length === 1 ||
    (keys.every(({ mki }) => mki !== undefined && mki.length === length) &&
      distinct(keys.map(({ mki }) => mki?.value)) &&
      distinct(keys.map(({ key }) => encodeBase64(key))))
  )
}

// RFC 4568 6.1: a number of 1 to 128 bytes, and it fits them.
function isMki({ value, length }: { value: number; length: number }): boolean {
  return Number.isSafeInteger(value) && length >= 1 && length <= 128 && value < 2 ** (8 * Math.min(length, 7))
}

/** Writes the value of an `a=crypto:` line, the key without base64's padding unless asked for. */
export function formatCrypto(
  attribute: Omit<CryptoAttribute, 'sessionParameters' | 'further'>,
  padding: 'pad' | 'bare' = 'bare',
): string {
  const base64 = encodeBase64(attribute.key)
  const key = padding === 'pad' ? base64 : base64.replace(/=+$/, '')
  const lifetime = attribute.lifetime === undefined ? '' : `|${attribute.lifetime}`
  const mki = attribute.mki === undefined ? '' : `|${attribute.mki.value}:${attribute.mki.length}`
  return `${attribute.tag} ${attribute.suite} inline:${key}${lifetime}${mki}`
}
