// Owns the spelling of strings and numbers: escapes, adjacency, the forms an integer takes.

/** A string as written: where it ends, and its content. */
export interface StringLexeme {
  /** Offset after the closing quote. */
  readonly end: number
  readonly value: string
  /** So much of the content stands in the file byte for byte: offsets in it are offsets in the file. */
  readonly plainLength: number
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  a: '\u0007',
  t: '\t',
  '"': '"',
  '\\': '\\',
}

/**
 * The string that begins with a quote at `at`; undefined when it does not end. In double quotes `\n \r \a \t \" \\`,
 * `\xHH` and `\ooo` are escapes, a backslash before a line end vanishes with it, and any other backslash stays: regex
 * escapes need no doubling.
 */
export function readString(text: string, at: number): StringLexeme | undefined {
  const quote = text[at]
  if (quote === "'") {
    const end = text.indexOf("'", at + 1)
    if (end < 0) return undefined
    return { end: end + 1, value: text.slice(at + 1, end), plainLength: end - at - 1 }
  }
  let value = ''
  let plainLength = -1
  let from = at + 1
  for (let i = from; ; ) {
    const c = text.charCodeAt(i)
    if (Number.isNaN(c)) return undefined
    if (c === 0x22) {
      value += text.slice(from, i)
      return { end: i + 1, value, plainLength: plainLength < 0 ? value.length : plainLength }
    }
    if (c !== 0x5c) {
      i++
      continue
    }
    value += text.slice(from, i)
    if (plainLength < 0) plainLength = value.length
    const next = text[i + 1]
    if (next === undefined) return undefined
    const simple = SIMPLE_ESCAPES[next]
    if (simple !== undefined) {
      value += simple
      i += 2
    } else if (next === '\n') i += 2
    else if (next === '\r' && text[i + 2] === '\n') i += 3
    else {
      const code = /^(?:x([0-9A-Fa-f]{2})|([0-7]{2,3}))/.exec(text.slice(i + 1, i + 4))
      if (code !== null) {
        value += String.fromCharCode(Number.parseInt(code[1] ?? code[2]!, code[1] === undefined ? 8 : 16) & 255)
        i += 1 + code[0].length
      } else {
        value += `\\${next}`
        i += 2
      }
    }
    from = i
  }
}

/** A number as written (decimal, 0x1F, 017, 101b), as a 32-bit integer. */
export function integerValue(image: string): number {
  if (/^0[xX]/.test(image)) return Number.parseInt(image, 16) | 0
  if (/^[01]+[bB]$/.test(image)) return Number.parseInt(image, 2) | 0
  if (/^0[0-7]+$/.test(image)) return Number.parseInt(image, 8) | 0
  return Number.parseInt(image, 10) | 0
}

const TRUE_WORDS = new Set(['yes', 'true', 'on', 'enable'])
const FALSE_WORDS = new Set(['no', 'false', 'off', 'disable'])

/** 1 or 0 for the words that stand for them. */
export function booleanWord(word: string): number | undefined {
  if (TRUE_WORDS.has(word)) return 1
  return FALSE_WORDS.has(word) ? 0 : undefined
}

const IPV4 = /\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\w.])/y
/** No address has more than eight groups: without that bound each of many would be a beginning that is read to their end. */
const IPV6 =
  /(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![\w:])|(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,7})?::(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,7})?(?![\w:])/y
const NUMBER = /0[xX][0-9A-Fa-f]+|[01]+[bB](?![0-9A-Za-z_])|\d+/y
const SELECT = /@[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_%]+|\[(?:-?\d+|"[^"\n]*")\])*/y

/** An address or a number as written at `at`, where one begins there. */
export function numericAt(text: string, at: number): { kind: 'ipv4' | 'ipv6' | 'number'; end: number } | undefined {
  for (const [kind, pattern] of [
    ['ipv4', IPV4],
    ['ipv6', IPV6],
    ['number', NUMBER],
  ] as const) {
    pattern.lastIndex = at
    if (pattern.test(text)) return { kind, end: pattern.lastIndex }
  }
  return undefined
}

/** Where the IPv6 address at `at` ends; -1 when none begins there. */
export function ipv6End(text: string, at: number): number {
  IPV6.lastIndex = at
  return IPV6.test(text) ? IPV6.lastIndex : -1
}

/** Where the select at `at`, an `@`, ends; -1 when it is none. */
export function selectEnd(text: string, at: number): number {
  SELECT.lastIndex = at
  return SELECT.test(text) ? SELECT.lastIndex : -1
}
