// Owns random digits for identifiers: from the system's generator, fetched a page at a time.
import { randomBytes } from 'node:crypto'

const PAGE_BYTES = 4096

let digits = ''
let at = 0

/** So many random bytes as hexadecimal digits; no digit is given twice. */
export function randomHex(bytes: number): string {
  const length = bytes * 2
  if (at + length > digits.length) {
    digits = randomBytes(Math.max(PAGE_BYTES, bytes)).toString('hex')
    at = 0
  }
  at += length
  return digits.slice(at - length, at)
}
