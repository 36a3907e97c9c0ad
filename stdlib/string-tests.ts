// Owns functions of textops and textopsx that compare and search plain texts.
import type { PvReference } from './contract.ts'
import { code, declarations, int, optional, regex, text, variable } from './declaration.ts'
import { define } from './define.ts'
import { posixRegex } from './regex.ts'

const textops = declarations('textops')
const textopsx = declarations('textopsx')
const lower = (value: string) => value.toLowerCase()

/** Kamailio answers -2 where the text sorts before what is looked for, else -1. */
function sameEnd(end: string, wanted: string): number {
  if (end === wanted) return 1
  return end.length === wanted.length && end < wanted ? -2 : -1
}

export const startsWith = define(
  textops('starts_with', [text('text'), text('prefix')], 'True if the text begins so.', 'starts_with("$rU", "00")'),
  (value: string, prefix: string) => sameEnd(value.slice(0, prefix.length), prefix),
)

export const endsWith = define(
  textops('ends_with', [text('text'), text('suffix')], 'True if the text ends so.', 'ends_with("$rU", "8800")'),
  (value: string, suffix: string) => sameEnd(value.slice(-suffix.length || value.length), suffix),
)

/** Kamailio gives where it stands, counted from 1. */
const place = (at: number) => (at < 0 ? -1 : at + 1)
export const strFind = define(
  textops('str_find', [text('text'), text('what')], 'True if the text contains the other.', 'str_find("$ua", "phone")'),
  (value: string, what: string) => place(value.indexOf(what)),
)
export const strIfind = define(
  textops(
    'str_ifind',
    [text('text'), text('what')],
    'As str_find, without regard to case.',
    'str_ifind("$ua", "phone")',
  ),
  (value: string, what: string) => place(lower(value).indexOf(lower(what))),
)
export const cmpStr = define(
  textops('cmp_str', [text('one'), text('other')], 'True if the texts are equal.', 'cmp_str("$rU", "alice")'),
  (one: string, other: string) => code(one === other),
)
export const cmpIstr = define(
  textops(
    'cmp_istr',
    [text('one'), text('other')],
    'True if the texts are equal without regard to case.',
    'cmp_istr("$rd", "Example.com")',
  ),
  (one: string, other: string) => code(lower(one) === lower(other)),
)

const listed = (list: string, separator: string) => list.split(separator[0] ?? ',').map((part) => part.trim())

export const inList = define(
  textops(
    'in_list',
    [text('text'), text('list'), text('separator')],
    'True if the text is one of the list.',
    'in_list("$rU", "alice,bob", ",")',
  ),
  (value: string, list: string, separator: string) => code(value !== '' && listed(list, separator).includes(value)),
)
export const inListPrefix = define(
  textops(
    'in_list_prefix',
    [text('text'), text('list'), text('separator')],
    'True if one of the list is how the text begins.',
    'in_list_prefix("$rU", "0049,0043", ",")',
  ),
  (value: string, list: string, separator: string) =>
    code(value !== '' && listed(list, separator).some((part) => part !== '' && value.startsWith(part))),
)

export const regexSubstring = define(
  textops(
    'regex_substring',
    [text('text'), regex('regex'), int('group'), int('groups'), variable('variable')],
    'Puts a group of the match into a variable.',
    'regex_substring("$fU", "^([0-9]+)", "1", "1", "$var(x)")',
  ),
  (value: string, pattern: string, group: number | string, groups: number | string, target: PvReference) => {
    const [index, count] = [Number(group), Number(groups)]
    if (index > count || count < 1) return -1
    const match = posixRegex(pattern).exec(value)
    const start = match?.[index * 2]
    if (match === undefined || start === undefined || start < 0) return -1
    target.set(value.slice(start, match[index * 2 + 1]))
    return 1
  },
)

/** A shell pattern as a regular expression: `*`, `?` and `[...]`. */
function shellPattern(pattern: string): string {
  let result = '^'
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]!
    const end = c === '[' ? pattern.indexOf(']', i + 2) : -1
    if (c === '*') result += '.*'
    else if (c === '?') result += '.'
    else if (end > 0) {
      const body = pattern.slice(i + 1, end)
      result += `[${body.startsWith('!') ? `^${body.slice(1)}` : body}]`
      i = end
    } else if (c === '\\' && i + 1 < pattern.length) result += escaped(pattern[++i]!)
    else result += escaped(c)
  }
  return `${result}$`
}
const escaped = (c: string) => (/[.[\]*^$+?(){}|\\]/.test(c) ? `\\${c}` : c)

export const fnmatch = define(
  textopsx(
    'fnmatch',
    [text('text'), text('pattern'), optional(text('flags'))],
    'True if the text matches a shell pattern; flag i: without regard to case.',
    'fnmatch("$rU", "123*")',
  ),
  (value: string, pattern: string, flags?: string) =>
    code(posixRegex(shellPattern(pattern), { ignoreCase: flags?.includes('i') === true }).test(value)),
)
