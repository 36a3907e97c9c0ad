// Owns base58, and the packing of seven-bit characters (3GPP TS 23.038 6.1.2.1).

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
/** Longer texts are no identifiers, and the work grows with the square of the length. */
const LONGEST = 1024

/** Undefined when the text is too long. */
export function base58Encode(bytes: string): string | undefined {
  if (bytes.length > LONGEST) return undefined
  const digits: number[] = []
  for (let i = 0; i < bytes.length; i++) {
    let carry = bytes.charCodeAt(i) & 255
    for (let d = 0; d < digits.length; d++) {
      carry += digits[d]! << 8
      digits[d] = carry % 58
      carry = Math.floor(carry / 58)
    }
    for (; carry > 0; carry = Math.floor(carry / 58)) digits.push(carry % 58)
  }
  const zeros = /^\0*/.exec(bytes)![0].length
  return (
    '1'.repeat(zeros) +
    digits
      .map((digit) => BASE58[digit]!)
      .reverse()
      .join('')
  )
}

/** Undefined when the text is no base58. */
export function base58Decode(text: string): string | undefined {
  if (text.length > LONGEST) return undefined
  const bytes: number[] = []
  for (const c of text) {
    let carry = BASE58.indexOf(c)
    if (carry < 0) return undefined
    for (let b = 0; b < bytes.length; b++) {
      carry += bytes[b]! * 58
      bytes[b] = carry & 255
      carry >>= 8
    }
    for (; carry > 0; carry >>= 8) bytes.push(carry & 255)
  }
  const ones = /^1*/.exec(text)![0].length
  return '\0'.repeat(ones) + String.fromCharCode(...bytes.reverse())
}

export function sevenBitPack(text: string): string {
  let packed = ''
  let bits = 0
  let held = 0
  for (let i = 0; i < text.length; i++) {
    held |= (text.charCodeAt(i) & 127) << bits
    bits += 7
    for (; bits >= 8; bits -= 8, held >>= 8) packed += String.fromCharCode(held & 255)
  }
  return bits > 0 ? packed + String.fromCharCode(held & 255) : packed
}

export function sevenBitUnpack(packed: string): string {
  let text = ''
  let bits = 0
  let held = 0
  for (let i = 0; i < packed.length; i++) {
    held |= (packed.charCodeAt(i) & 255) << bits
    bits += 8
    for (; bits >= 7; bits -= 7, held >>= 7) text += String.fromCharCode(held & 127)
  }
  return text
}
