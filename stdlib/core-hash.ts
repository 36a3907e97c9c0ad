// Owns Kamailio's hash of a text, which decides the order of its tables and the choice of a destination.

/** 32 bits, unsigned, of characters that stand for one byte each. */
export function coreHash(text: string): number {
  let hash = 0
  const whole = text.length - (text.length % 4)
  let i = 0
  for (; i < whole; i += 4) {
    const word =
      (text.charCodeAt(i) << 24) |
      (text.charCodeAt(i + 1) << 16) |
      (text.charCodeAt(i + 2) << 8) |
      text.charCodeAt(i + 3)
    hash = (hash + (word ^ (word >>> 3))) | 0
  }
  let rest = 0
  for (; i < text.length; i++) rest = (rest << 8) | text.charCodeAt(i)
  hash = (hash + (rest ^ (rest >>> 3))) >>> 0
  return (hash + (hash >>> 11) + ((hash >>> 13) + (hash >>> 23))) >>> 0
}
