// Owns the values of Authorization, WWW-Authenticate and their like: the parameters of a digest (RFC 3261 20.7, RFC 7616 3.3).
import { isLws, isTokenChar, skipLws, skipQuoted, unquote } from './scan.ts'

/** Parameters by name in lower case, without quotes. */
export type DigestParams = ReadonlyMap<string, string>

/** Longest value that is read. */
const MOST_LENGTH = 4096

/** Reads `Digest name=value, name="value"`; undefined for another scheme and for what is malformed or too long. */
export function parseDigest(text: string): DigestParams | undefined {
  const end = text.length
  if (end > MOST_LENGTH) return undefined
  let i = skipLws(text, 0, end)
  if (text.slice(i, i + 6).toLowerCase() !== 'digest' || !isLws(text.charCodeAt(i + 6))) return undefined
  i += 6
  const params = new Map<string, string>()
  while (i < end) {
    i = skipLws(text, i, end)
    if (text.charCodeAt(i) === 44) {
      i++
      continue
    }
    const nameStart = i
    while (i < end && isTokenChar(text.charCodeAt(i))) i++
    if (i === nameStart) return i >= end ? params : undefined
    const name = text.slice(nameStart, i).toLowerCase()
    i = skipLws(text, i, end)
    if (text.charCodeAt(i) !== 61) return undefined
    i = skipLws(text, i + 1, end)
    const valueStart = i
    if (text.charCodeAt(i) === 34) {
      i = skipQuoted(text, i, end)
      if (i < 0) return undefined
    } else while (i < end && text.charCodeAt(i) !== 44 && !isLws(text.charCodeAt(i))) i++
    // RFC 7616 3.4: no parameter stands twice.
    if (params.has(name)) return undefined
    params.set(name, unquote(text.slice(valueStart, i)))
  }
  return params
}
