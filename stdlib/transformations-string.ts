// Owns the {s.*} and {line.*} transformations of texts.
import { formatTime } from './pv-time-format.ts'
import { percentDecode, percentEncode } from './string-codecs.ts'
import { checkLength } from './text-bounds.ts'
import {
  type Argument,
  definePreparedTransformation,
  defineTransformation,
  type TransformationMeta,
} from './transformations.ts'

const text = (name: string) => ({ name, kind: 'string' as const })
const int = (name: string) => ({ name, kind: 'int' as const })
const optional = <T extends object>(parameter: T) => ({ ...parameter, optional: true as const })

const whole = (argument: Argument | undefined): number | undefined => {
  const value = argument?.()
  return value !== undefined && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) | 0 : undefined
}

/** A decimal number of 32 bits with its sign, nothing else around it; undefined otherwise. */
function decimalOf(value: string): number | undefined {
  const number = /^[+-]?\d+$/.test(value) ? Number(value) : Number.NaN
  return number >= -0x80000000 && number <= 0x7fffffff ? number | 0 : undefined
}

/** Kamailio's text to integer: decimal, or 0x1F without a sign, of 32 bits; undefined otherwise. */
export function integerOf(value: string): number | undefined {
  if (!/^0[xX][0-9A-Fa-f]+$/.test(value)) return decimalOf(value)
  const number = Number(value)
  return number > 0xffffffff ? undefined : number | 0
}

function simple(name: string, doc: string, run: (value: string) => string | number | undefined): void {
  defineTransformation({ name: `s.${name}`, parameters: [], doc }, run)
}

simple('len', 'Length in bytes.', (value) => value.length)
simple('int', 'The text as a number.', decimalOf)
simple('numeric', 'Only the digits of the text.', (value) => value.replace(/\D/g, ''))
simple('tolower', 'In lower case (ASCII letters).', (value) => value.replace(/[A-Z]+/g, (s) => s.toLowerCase()))
simple('toupper', 'In upper case (ASCII letters).', (value) => value.replace(/[a-z]+/g, (s) => s.toUpperCase()))
const ltrim = (value: string): string => value.replace(/^[ \t\r\n]+/, '')
/** From the end: an expression would walk every run of white space in the text to learn that it is not the last. */
function rtrim(value: string): string {
  let end = value.length
  while (end > 0 && ' \t\r\n'.includes(value[end - 1]!)) end--
  return value.slice(0, end)
}
simple('trim', 'Without white space at both ends.', (value) => rtrim(ltrim(value)))
simple('ltrim', 'Without white space at the beginning.', ltrim)
simple('rtrim', 'Without white space at the end.', rtrim)
simple('rmws', 'Without any white space.', (value) => value.replace(/[ \t\r\n]+/g, ''))
simple('escape.common', 'With a backslash before quotes, apostrophes and backslashes; NUL as \\0.', (value) =>
  value.replace(/['"\\\0]/g, (c) => (c === '\0' ? '\\0' : `\\${c}`)),
)
simple('unescape.common', 'escape.common undone.', (value) =>
  value.replace(/\\(['"\\0])/g, (_, c: string) => (c === '0' ? '\0' : c)),
)
const USER_KEPT = /[A-Za-z0-9\-_.!~*'()&=+$,;?]/
const PARAM_KEPT = /[A-Za-z0-9\-_.!~*'()[\]/:&+$]/
/** 5.6.3 escapes no text with a control character in it. */
const escaped = (keep: RegExp) => (value: string) =>
  /[\x00-\x1f]/.test(value) ? undefined : percentEncode(value, keep)
simple('escape.user', 'Percent escapes for the user part of a URI.', escaped(USER_KEPT))
simple('unescape.user', 'escape.user undone.', percentDecode)
simple('escape.param', 'Percent escapes for a parameter of a URI.', escaped(PARAM_KEPT))
simple('unescape.param', 'escape.param undone.', percentDecode)
simple('escape.csv', 'Quoted for CSV.', (value) => `"${value.replace(/"/g, '""')}"`)
simple('urlencode.param', 'Escaped for a query string.', (value) => percentEncode(value, /[A-Za-z0-9\-_.~]/))
simple('urldecode.param', 'Query string escapes undone.', (value) => percentDecode(value.replace(/\+/g, ' ')))
simple('unquote', 'Without the quotes or apostrophes around it.', (value) =>
  value.length >= 2 && (value[0] === '"' || value[0] === "'") && value.at(-1) === value[0] ? value.slice(1, -1) : value,
)
simple('unbracket', 'Without the brackets around it.', (value) => {
  const pair = value.length >= 2 ? value[0]! + value.at(-1)! : ''
  return ['<>', '()', '[]', '{}'].includes(pair) ? value.slice(1, -1) : value
})

defineTransformation(
  {
    name: 's.substr',
    parameters: [int('offset'), int('length')],
    doc: 'From offset (negative: from the end), so many bytes; 0: to the end.',
  },
  (value, args) => {
    const offset = whole(args[0])
    const length = whole(args[1])
    if (offset === undefined || length === undefined || length < 0) return undefined
    const from = offset < 0 ? value.length + offset : offset
    if (from < 0 || from >= value.length) return undefined
    return length === 0 ? value.slice(from) : value.slice(from, from + length)
  },
)

defineTransformation(
  {
    name: 's.select',
    parameters: [int('index'), text('separator')],
    cut: 'last-takes-rest',
    doc: 'The field at index (negative: from the end) of a list whose separator is one character.',
  },
  (value, args) => {
    const index = whole(args[0])
    const separator = args[1]!()[0]
    if (index === undefined || separator === undefined) return undefined
    return value.split(separator).at(index) ?? ''
  },
)

defineTransformation({ name: 's.strip', parameters: [int('count')], doc: 'Without the first bytes.' }, (value, args) =>
  value.slice(Math.max(0, whole(args[0]) ?? 0)),
)
defineTransformation(
  { name: 's.striptail', parameters: [int('count')], doc: 'Without the last bytes.' },
  (value, args) => value.slice(0, Math.max(0, value.length - Math.max(0, whole(args[0]) ?? 0))),
)

function prefixes(value: string, args: readonly Argument[], quote: string): string {
  const most = Math.min(value.length, whole(args[0]) ?? value.length)
  const found: string[] = []
  for (let length = 1; length <= most && length <= 64; length++) found.push(quote + value.slice(0, length) + quote)
  return found.join(',')
}
defineTransformation(
  { name: 's.prefixes', parameters: [optional(int('longest'))], doc: 'Every prefix, separated by commas.' },
  (value, args) => prefixes(value, args, ''),
)
defineTransformation(
  { name: 's.prefixes.quoted', parameters: [optional(int('longest'))], doc: 'Every prefix in apostrophes.' },
  (value, args) => prefixes(value, args, "'"),
)
defineTransformation(
  { name: 's.replace', parameters: [text('what'), text('with')], doc: 'Every occurrence replaced.' },
  (value, args) => {
    const what = args[0]!()
    if (what === '') return value
    const parts = value.split(what)
    const replacement = args[1]!()
    checkLength(value.length + (parts.length - 1) * (replacement.length - what.length))
    return parts.join(replacement)
  },
)
defineTransformation({ name: 's.rm', parameters: [text('what')], doc: 'Every occurrence removed.' }, (value, args) => {
  const what = args[0]!()
  return what === '' ? value : value.split(what).join('')
})
defineTransformation(
  { name: 's.count', parameters: [text('character')], cut: 'last-takes-rest', doc: 'How often the character occurs.' },
  (value, args) => value.split(args[0]!()[0] ?? '\0').length - 1,
)

function around(name: string, doc: string, cut: (value: string, what: string) => string): void {
  defineTransformation(
    { name: `s.${name}`, parameters: [text('character')], cut: 'last-takes-rest', doc },
    (value, args) => cut(value, args[0]!()[0] ?? '\0'),
  )
}
around('before', 'What stands before the first occurrence; all of it when there is none.', (value, what) => {
  const at = value.indexOf(what)
  return at < 0 ? value : value.slice(0, at)
})
around('after', 'What stands after the first occurrence; nothing when there is none.', (value, what) => {
  const at = value.indexOf(what)
  return at < 0 ? '' : value.slice(at + 1)
})
around('rbefore', 'What stands before the last occurrence; all of it when there is none.', (value, what) => {
  const at = value.lastIndexOf(what)
  return at < 0 ? value : value.slice(0, at)
})
around('rafter', 'What stands after the last occurrence; nothing when there is none.', (value, what) => {
  const at = value.lastIndexOf(what)
  return at < 0 ? '' : value.slice(at + 1)
})
defineTransformation(
  {
    name: 's.ftime',
    parameters: [text('format')],
    cut: 'last-takes-rest',
    doc: 'Unix seconds as strftime writes them, in UTC.',
  },
  (value, args) => {
    return /^[+-]?\d{1,10}$/.test(value) ? formatTime(args[0]!(), Number(value) >>> 0) : undefined
  },
)

const linesOf = (value: string): string[] => {
  const lines = value.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
}
/** Of an empty text there is nothing to say. */
function line(
  name: string,
  parameters: TransformationMeta['parameters'],
  doc: string,
  read: (lines: readonly string[], argument: Argument | undefined) => string | undefined,
): void {
  defineTransformation({ name: `line.${name}`, parameters, doc, cut: 'last-takes-rest' }, (value, args) =>
    value === '' ? undefined : (read(linesOf(value), args[0]) ?? ''),
  )
}
line('count', [], 'How many lines.', (lines) => `${lines.length}`)
line('at', [int('index')], 'The line at index (negative: from the end).', (lines, at) => lines.at(whole(at) ?? 0))
line('sw', [text('prefix')], 'The first line that begins so.', (lines, prefix) =>
  lines.find((each) => each.startsWith(prefix!())),
)
defineTransformation(
  { name: 'url.querystring', parameters: [], doc: 'What follows the question mark of a URL.' },
  (value) => {
    const at = value.indexOf('?')
    return at < 0 ? '' : value.slice(at + 1)
  },
)
defineTransformation({ name: 'url.path', parameters: [], doc: 'A URL up to its question mark.' }, (value) => {
  const at = value.indexOf('?')
  return at < 0 ? value : value.slice(0, at)
})

/** SQL literals. Null has a literal too, so these see it. */
function defineSql(name: string, doc: string, write: (value: string | number) => string): void {
  definePreparedTransformation({ name, parameters: [], doc }, () => (value) => {
    return value === null || value === undefined ? 'NULL' : write(value)
  })
}
const sqlText = (value: string) => `'${value.replace(/['"\\\0]/g, (c) => (c === '\0' ? '\\0' : `\\${c}`))}'`
defineSql('sql.val', 'The value as an SQL literal.', (value) =>
  typeof value === 'number' ? `${value}` : sqlText(value),
)
defineSql('sql.val.str', 'The value as an SQL string.', (value) => sqlText(`${value}`))
defineSql('sql.val.int', 'The value as an SQL number.', (value) => `${integerOf(`${value}`) ?? 0}`)
