// Owns text codecs on byte strings that need no host: MD5, SHA-256, base64, hexadecimal, percent escapes.

const HEX = '0123456789abcdef'

function hexOfWord(word: number, bytes: readonly number[]): string {
  let text = ''
  for (const shift of bytes) {
    const byte = (word >>> shift) & 255
    text += HEX[byte >> 4]! + HEX[byte & 15]!
  }
  return text
}

const LITTLE = [0, 8, 16, 24]
const BIG = [24, 16, 8, 0]

/** The padded message of MD5 and SHA-2 as 32-bit words. */
function paddedWords(bytes: string, shifts: readonly number[]): number[] {
  const words: number[] = []
  while (words.length < (((bytes.length + 8) >> 6) + 1) * 16) words.push(0)
  for (let i = 0; i <= bytes.length; i++) {
    const byte = i === bytes.length ? 0x80 : bytes.charCodeAt(i) & 255
    words[i >> 2]! |= byte << shifts[i & 3]!
  }
  const low = (bytes.length << 3) | 0
  const high = bytes.length >>> 29
  const little = shifts === LITTLE
  words[words.length - (little ? 2 : 1)] = low
  words[words.length - (little ? 1 : 2)] = high
  return words
}

const MD5_SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]
const MD5_CONSTANTS: number[] = []
for (let i = 1; i <= 64; i++) MD5_CONSTANTS.push(Math.floor(Math.abs(Math.sin(i)) * 2 ** 32) | 0)

/** RFC 1321, as lower-case hexadecimal. */
export function md5(bytes: string): string {
  const words = paddedWords(bytes, LITTLE)
  let a = 0x67452301
  let b = 0xefcdab89 | 0
  let c = 0x98badcfe | 0
  let d = 0x10325476
  for (let block = 0; block < words.length; block += 16) {
    const [a0, b0, c0, d0] = [a, b, c, d]
    for (let i = 0; i < 64; i++) {
      const round = i >> 4
      let mix: number
      let word: number
      if (round === 0) {
        mix = (b & c) | (~b & d)
        word = i
      } else if (round === 1) {
        mix = (d & b) | (~d & c)
        word = (5 * i + 1) & 15
      } else if (round === 2) {
        mix = b ^ c ^ d
        word = (3 * i + 5) & 15
      } else {
        mix = c ^ (b | ~d)
        word = (7 * i) & 15
      }
      const sum = (a + mix + MD5_CONSTANTS[i]! + words[block + word]!) | 0
      const shift = MD5_SHIFTS[round * 4 + (i & 3)]!
      a = d
      d = c
      c = b
      b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0
    }
    a = (a + a0) | 0
    b = (b + b0) | 0
    c = (c + c0) | 0
    d = (d + d0) | 0
  }
  return [a, b, c, d].map((word) => hexOfWord(word, LITTLE)).join('')
}

function firstPrimes(count: number): number[] {
  const primes: number[] = []
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n)
  return primes
}
const fraction = (value: number) => ((value - Math.floor(value)) * 2 ** 32) | 0
const SHA256_CONSTANTS = firstPrimes(64).map((prime) => fraction(Math.cbrt(prime)))
const SHA256_START = firstPrimes(8).map((prime) => fraction(Math.sqrt(prime)))
const rotate = (word: number, by: number) => (word >>> by) | (word << (32 - by))

/** FIPS 180-4, as lower-case hexadecimal. */
export function sha256(bytes: string): string {
  const words = paddedWords(bytes, BIG)
  const state = [...SHA256_START]
  const schedule: number[] = []
  for (let block = 0; block < words.length; block += 16) {
    for (let i = 0; i < 64; i++) {
      if (i < 16) schedule[i] = words[block + i]!
      else {
        const w15 = schedule[i - 15]!
        const w2 = schedule[i - 2]!
        const s0 = rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 >>> 3)
        const s1 = rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 >>> 10)
        schedule[i] = (schedule[i - 16]! + s0 + schedule[i - 7]! + s1) | 0
      }
    }
    let [a, b, c, d, e, f, g, h] = state as [number, number, number, number, number, number, number, number]
    for (let i = 0; i < 64; i++) {
      const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + SHA256_CONSTANTS[i]! + schedule[i]!) | 0
      const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
      h = g
      g = f
      f = e
      e = (d + t1) | 0
      d = c
      c = b
      b = a
      a = (t1 + t2) | 0
    }
    const sums = [a, b, c, d, e, f, g, h]
    for (let i = 0; i < 8; i++) state[i] = (state[i]! + sums[i]!) | 0
  }
  return state.map((word) => hexOfWord(word, BIG)).join('')
}

export function hexEncode(bytes: string): string {
  let text = ''
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes.charCodeAt(i) & 255
    text += HEX[byte >> 4]! + HEX[byte & 15]!
  }
  return text
}

/** Undefined when the text is no hexadecimal. */
export function hexDecode(text: string): string | undefined {
  // A digit without its twin is left out, as Kamailio does.
  if (text.length > 1 && !/^[0-9A-Fa-f]*$/.test(text)) return undefined
  let bytes = ''
  for (let i = 0; i + 1 < text.length; i += 2) bytes += String.fromCharCode(Number.parseInt(text.slice(i, i + 2), 16))
  return bytes
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

export function base64Encode(bytes: string): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i
    const word =
      ((bytes.charCodeAt(i) & 255) << 16) |
      (left > 1 ? (bytes.charCodeAt(i + 1) & 255) << 8 : 0) |
      (left > 2 ? bytes.charCodeAt(i + 2) & 255 : 0)
    text += BASE64[word >> 18]! + BASE64[(word >> 12) & 63]!
    text += left > 1 ? BASE64[(word >> 6) & 63]! : '='
    text += left > 2 ? BASE64[word & 63]! : '='
  }
  return text
}

/** Base64 without what fills its last group. */
export function unpadded(text: string): string {
  let end = text.length
  while (end > 0 && text[end - 1] === '=') end--
  return text.slice(0, end)
}

/** Undefined when the text is no base64. */
export function base64Decode(text: string): string | undefined {
  const body = unpadded(text)
  let bytes = ''
  let bits = 0
  let word = 0
  for (const c of body) {
    const digit = BASE64.indexOf(c)
    if (digit < 0) return undefined
    word = ((word << 6) | digit) & 0xffffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes += String.fromCharCode((word >> bits) & 255)
    }
  }
  return bytes
}

/** Escapes every character that `keep` does not match as `%xx`. */
export function percentEncode(bytes: string, keep: RegExp): string {
  let text = ''
  for (const c of bytes) text += keep.test(c) ? c : `%${hexEncode(c)}`
  return text
}

export function percentDecode(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
