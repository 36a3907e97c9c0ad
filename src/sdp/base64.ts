// Owns base64 (RFC 4648 4) for code that runs where neither Buffer nor atob exists.

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
/** What each character stands for; 64: it is none of base64. */
const VALUES = new Uint8Array(256).fill(64)
for (let value = 0; value < 64; value++) VALUES[ALPHABET.charCodeAt(value)] = value

/** Encodes with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at
    const word = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    text += ALPHABET[word >> 18]! + ALPHABET[(word >> 12) & 63]!
    text += left > 1 ? ALPHABET[(word >> 6) & 63]! : '='
    text += left > 2 ? ALPHABET[word & 63]! : '='
  }
  return text
}

/** Decodes, with or without padding; undefined for anything that is not base64. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const body = text.replace(/={1,2}$/, '')
  if (body.length % 4 === 1) return undefined
  const bytes = new Uint8Array(Math.floor((body.length * 3) / 4))
  let word = 0
  let bits = 0
  let at = 0
  for (let i = 0; i < body.length; i++) {
    const value = VALUES[body.charCodeAt(i)] ?? 64
    if (value === 64) return undefined
    word = ((word << 6) | value) & 0xffffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = (word >> bits) & 0xff
    }
  }
  return bytes
}
