// Owns Kamailio's hash of texts, which decides the order of its tables and the choice of a destination.

/** What one text adds; characters stand for one byte each. */
function sumOf(text: string): number {
  let sum = 0
  const whole = text.length - (text.length % 4)
  let i = 0
  for (; i < whole; i += 4) {
    const word =
      (text.charCodeAt(i) << 24) |
      (text.charCodeAt(i + 1) << 16) |
      (text.charCodeAt(i + 2) << 8) |
      text.charCodeAt(i + 3)
    sum = (sum + (word ^ (word >>> 3))) | 0
  }
  let rest = 0
  for (; i < text.length; i++) rest = (rest << 8) | text.charCodeAt(i)
  return (sum + (rest ^ (rest >>> 3))) | 0
}

/** 32 bits, unsigned, of one text or of several together. */
export function coreHash(...texts: readonly string[]): number {
  let hash = 0
  for (const text of texts) hash = (hash + sumOf(text)) >>> 0
  return (hash + (hash >>> 11) + ((hash >>> 13) + (hash >>> 23))) >>> 0
}
