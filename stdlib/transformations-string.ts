// Owns the {s.*} and {line.*} transformations of texts.
import { formatTime } from './pv-time-format.ts'
import { percentDecode, percentEncode } from './string-codecs.ts'
import { type Argument, definePreparedTransformation, defineTransformation } from './transformations.ts'

const text = (name: string) => ({ name, kind: 'string' as const })
const int = (name: string) => ({ name, kind: 'int' as const })
const optional = <T extends object>(parameter: T) => ({ ...parameter, optional: true as const })

const whole = (argument: Argument | undefined): number | undefined => {
  const value = argument?.()
  return value !== undefined && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) | 0 : undefined
}

/** Kamailio's text to integer: decimal, octal 017, 0x1F, a sign, nothing else around it; undefined otherwise. */
export function integerOf(value: string): number | undefined {
  const digits = /^([+-]?)(0[xX][0-9A-Fa-f]+|\d+)$/.exec(value)
  if (digits === null) return undefined
  const body = digits[2]!
  const number = /^0[xX]/.test(body) ? Number.parseInt(body, 16) : Number.parseInt(body, 10)
  return number > 0xffffffff ? undefined : (digits[1] === '-' ? -number : number) | 0
}

function simple(name: string, doc: string, run: (value: string) => string | number | undefined): void {
  defineTransformation({ name: `s.${name}`, parameters: [], doc }, run)
}

simple('len', 'Length in bytes.', (value) => value.length)
simple('int', 'The text as a number.', integerOf)
simple('numeric', 'Only the digits of the text.', (value) => value.replace(/\D/g, ''))
simple('tolower', 'In lower case (ASCII letters).', (value) => value.replace(/[A-Z]+/g, (s) => s.toLowerCase()))
simple('toupper', 'In upper case (ASCII letters).', (value) => value.replace(/[a-z]+/g, (s) => s.toUpperCase()))
simple('trim', 'Without white space at both ends.', (value) =>
  value.replace(/^[ \t\r\n]+/, '').replace(/[ \t\r\n]+$/, ''),
)
simple('ltrim', 'Without white space at the beginning.', (value) => value.replace(/^[ \t\r\n]+/, ''))
simple('rtrim', 'Without white space at the end.', (value) => value.replace(/[ \t\r\n]+$/, ''))
simple('rmws', 'Without any white space.', (value) => value.replace(/[ \t\r\n]+/g, ''))
simple('escape.common', 'With a backslash before quotes, apostrophes and backslashes; NUL as \\0.', (value) =>
  value.replace(/['"\\\0]/g, (c) => (c === '\0' ? '\\0' : `\\${c}`)),
)
simple('unescape.common', 'escape.common undone.', (value) =>
  value.replace(/\\(['"\\0])/g, (_, c: string) => (c === '0' ? '\0' : c)),
)
const USER_KEPT = /[A-Za-z0-9\-_.!~*'()&=+$,;?/]/
const PARAM_KEPT = /[A-Za-z0-9\-_.!~*'()[\]/:&+$]/
simple('escape.user', 'Percent escapes for the user part of a URI.', (value) => percentEncode(value, USER_KEPT))
simple('unescape.user', 'escape.user undone.', percentDecode)
simple('escape.param', 'Percent escapes for a parameter of a URI.', (value) => percentEncode(value, PARAM_KEPT))
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
    return what === '' ? value : value.split(what).join(args[1]!())
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
    const seconds = integerOf(value)
    return seconds === undefined ? undefined : formatTime(args[0]!(), seconds >>> 0)
  },
)

const linesOf = (value: string): string[] => {
  const lines = value.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
}
defineTransformation({ name: 'line.count', parameters: [], doc: 'How many lines.' }, (value) => linesOf(value).length)
defineTransformation(
  { name: 'line.at', parameters: [int('index')], doc: 'The line at index (negative: from the end).' },
  (value, args) => linesOf(value).at(whole(args[0]) ?? 0) ?? '',
)
defineTransformation(
  { name: 'line.sw', parameters: [text('prefix')], cut: 'last-takes-rest', doc: 'The first line that begins so.' },
  (value, args) => {
    const prefix = args[0]!()
    return linesOf(value).find((line) => line.startsWith(prefix)) ?? ''
  },
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
