// Owns the values of Authorization, WWW-Authenticate and their like: the parameters of a digest (RFC 3261 20.7, RFC 7616 3.3).

import { bytesOf } from './bytes.ts'
import { isLws, skipLws, skipQuoted, tokenEnd, unquote } from './scan.ts'

/** Parameters by name in lower case, without quotes. */
export type DigestParams = ReadonlyMap<string, string>

/** Longest value that is read. */
const MOST_LENGTH = 4096

/** Reads `Digest name=value, name="value"`; undefined for another scheme and for what is malformed or too long. */
export function parseDigest(text: string): DigestParams | undefined {
  const end = text.length
  if (end > MOST_LENGTH) return undefined
  const bytes = bytesOf(text)
  let i = skipLws(bytes, 0, end)
  if (text.slice(i, i + 6).toLowerCase() !== 'digest' || i + 6 >= end || !isLws(bytes[i + 6]!)) return undefined
  i += 6
  const params = new Map<string, string>()
  while (i < end) {
    i = skipLws(bytes, i, end)
    if (i < end && bytes[i] === 44) {
      i++
      continue
    }
    const nameStart = i
    i = tokenEnd(bytes, i, end)
    if (i === nameStart) return i >= end ? params : undefined
    const name = text.slice(nameStart, i).toLowerCase()
    i = skipLws(bytes, i, end)
    if (i === end || bytes[i] !== 61) return undefined
    i = skipLws(bytes, i + 1, end)
    const valueStart = i
    if (i < end && bytes[i] === 34) {
      i = skipQuoted(bytes, i, end)
      if (i < 0) return undefined
    } else while (i < end && bytes[i] !== 44 && !isLws(bytes[i]!)) i++
    // RFC 7616 3.4: no parameter stands twice.
    if (params.has(name)) return undefined
    params.set(name, unquote(text.slice(valueStart, i)))
  }
  return params
}
