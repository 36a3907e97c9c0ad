// Owns the parameter of our Route that keeps two URIs apart: one byte by byte against the other, in base64 with `-` for `=`.
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

function combined(one: string, other: string): number[] {
  const length = Math.max(one.length, other.length)
  return Array.from({ length }, (_, i) => ((one.charCodeAt(i) || 0) ^ (other.charCodeAt(i) || 0)) & 0xff)
}

/** What turns either URI into the other. */
export function base64(one: string, other: string): string {
  const bytes = combined(one, other)
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const word = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    const left = bytes.length - i
    text += ALPHABET[word >> 18]! + ALPHABET[(word >> 12) & 63]!
    text += (left > 1 ? ALPHABET[(word >> 6) & 63]! : '-') + (left > 2 ? ALPHABET[word & 63]! : '-')
  }
  return text
}

/** The other URI of the two. */
export function unbase64(uri: string, stored: string): string {
  const bytes: number[] = []
  for (let i = 0; i + 3 < stored.length + 1 && i < stored.length; i += 4) {
    const [a, b, c, d] = [0, 1, 2, 3].map((k) => ALPHABET.indexOf(stored[i + k] ?? '-'))
    const word = (Math.max(0, a!) << 18) | (Math.max(0, b!) << 12) | (Math.max(0, c!) << 6) | Math.max(0, d!)
    bytes.push((word >> 16) & 0xff)
    if (c! >= 0) bytes.push((word >> 8) & 0xff)
    if (d! >= 0) bytes.push(word & 0xff)
  }
  let text = ''
  for (const [i, byte] of bytes.entries()) {
    const code = ((uri.charCodeAt(i) || 0) ^ byte) & 0xff
    // The shorter of the two ends here.
    if (code === 0) break
    text += String.fromCharCode(code)
  }
  return text
}
