// Owns module textopsx, its single values of list headers: `Supported[1]`, `X-L[*]`, `Via[1].branch`.
import type { SipMessage } from '../src/sip/index.ts'
import type { RouteKind } from './contract.ts'
import { code, declarations, text } from './declaration.ts'
import { define } from './define.ts'
import { edit, endOfHeaders, removeHeaderLine } from './message-edits.ts'
import { PvSyntaxError } from './pv-format.ts'
import { posixRegex } from './regex.ts'
import { currentRun } from './runtime.ts'
import { toBytes } from './text.ts'

const EDITING: readonly RouteKind[] = ['request', 'reply', 'failure', 'branch', 'event']
const textopsx = declarations('textopsx', EDITING)
const NAME = text('header')
const VALUE = text('value')

/** `name[index].param` as written. */
interface Place {
  readonly name: string
  readonly index: number | 'all' | undefined
  readonly param: string | undefined
}

function placeOf(written: string): Place {
  const parts = /^\s*([^[\].\s]+)(?:\[\s*(-?\d+|\*)\s*\])?(?:\.(\S+))?\s*$/.exec(written)
  if (parts === null) throw new PvSyntaxError(`'${written}' is not header[index].parameter`, 0)
  return {
    name: parts[1]!,
    index: parts[2] === undefined ? undefined : parts[2] === '*' ? 'all' : Number(parts[2]),
    param: parts[3],
  }
}

/** One value of a header line, by offsets in the message, commas not included. */
interface Value {
  readonly line: number
  readonly start: number
  readonly end: number
}

/** The values of all lines of a header, commas in quotes and angle brackets apart. */
function valuesOf(message: SipMessage, name: string): Value[] {
  const values: Value[] = []
  for (let line = message.find(name); line >= 0; line = message.find(name, line + 1)) {
    let start = message.valueStart(line)
    const end = message.valueEnd(line)
    let quoted = false
    let bracket = 0
    for (let at = start; at <= end; at++) {
      const c = at === end ? ',' : message.raw[at]!
      if (quoted && c === '\\') at++
      else if (c === '"') quoted = !quoted
      else if (!quoted && c === '<') bracket++
      else if (!quoted && c === '>') bracket--
      else if (c === ',' && !quoted && bracket <= 0) {
        values.push({ line, start, end: at })
        start = at + 1
      }
    }
  }
  return values
}
const trimmed = (message: SipMessage, value: Value) => message.raw.slice(value.start, value.end).trim()

/** Where the blanks around a value end. */
function bare(message: SipMessage, { start, end }: Value): { start: number; end: number } {
  const text = message.raw.slice(start, end)
  return { start: start + text.length - text.trimStart().length, end: end - (text.length - text.trimEnd().length) }
}

export const insertHfValue = define(
  textopsx(
    'insert_hf_value',
    [NAME, VALUE],
    'Puts a value before one of a list header, counted from 1 (negative: from the end); without an index, as a line of its own before the first.',
    'insert_hf_value("Supported", "path");',
  ),
  (written: string, value: string) => {
    const { message } = currentRun()
    const { name, index } = placeOf(written)
    const at = message.find(name)
    if (index === undefined || (at < 0 && (index === 0 || index === 1))) {
      edit(at < 0 ? endOfHeaders(message) : message.headerStart(at), 0, `${name}: ${toBytes(value)}\r\n`)
      return 1
    }
    const before = chosenOf(valuesOf(message, name), index)
    if (before === undefined) return -1
    edit(before.start, 0, `${toBytes(value)},`)
    return 1
  },
)

export const appendHfValue = define(
  textopsx(
    'append_hf_value',
    [NAME, VALUE],
    'Puts a value after one of a list header, counted from 1 (0 and negative: from the end); without an index, and where there is none, as a line of its own at the end.',
    'append_hf_value("Supported", "path");',
  ),
  (written: string, value: string) => {
    const { message } = currentRun()
    const { name, index } = placeOf(written)
    const after = index === undefined ? undefined : chosenOf(valuesOf(message, name), index === 0 ? -1 : index)
    if (after === undefined) edit(endOfHeaders(message), 0, `${name}: ${toBytes(value)}\r\n`)
    else edit(after.end, 0, `,${toBytes(value)}`)
    return 1
  },
)

/** Takes a value out with its comma; the last of its line takes the line with it. */
function removeValue(message: SipMessage, values: readonly Value[], value: Value): void {
  const onLine = values.filter((one) => one.line === value.line)
  if (onLine.length === 1) removeHeaderLine(message, value.line)
  else if (value !== onLine.at(-1)) edit(value.start, value.end + 1 - value.start, '')
  else edit(value.start - 1, value.end - value.start + 1, '')
}

export const removeHfValue = define(
  textopsx(
    'remove_hf_value',
    [NAME],
    'Removes one value of a list header, counted from 1 (negative: from the end), or with [*] all of them.',
    'remove_hf_value("Supported[2]");',
  ),
  (written: string) => {
    const { message } = currentRun()
    const { name, index } = placeOf(written)
    const values = valuesOf(message, name)
    if (index === 'all') {
      for (const line of new Set(values.map((value) => value.line))) removeHeaderLine(message, line)
      return code(values.length > 0)
    }
    const chosen = chosenOf(values, index)
    if (chosen === undefined) return -1
    removeValue(message, values, chosen)
    return 1
  },
)

/** Values count from 1, and 0 and nothing mean the first. */
function chosenOf(values: readonly Value[], index: number | 'all' | undefined): Value | undefined {
  const number = index === undefined || index === 'all' ? 1 : index
  return values.at(number > 0 ? number - 1 : number)
}

/** Puts another value in the place of one; the blanks around it stay. */
function replaceValue(message: SipMessage, old: Value, value: string): void {
  const { start, end } = bare(message, old)
  edit(start, end - start, toBytes(value))
}

export const assignHfValue = define(
  textopsx(
    'assign_hf_value',
    [NAME, VALUE],
    'Replaces one value of a list header.',
    'assign_hf_value("X-List[2]", "new");',
  ),
  (written: string, value: string) => {
    const { message } = currentRun()
    const { name, index } = placeOf(written)
    const values = valuesOf(message, name)
    const chosen = chosenOf(values, index)
    if (index === 'all') {
      for (const one of values) replaceValue(message, one, value)
      return code(values.length > 0)
    }
    if (chosen === undefined) return -1
    replaceValue(message, chosen, value)
    return 1
  },
)

/** Where a parameter of a value stands, with its semicolon. */
function paramIn(message: SipMessage, value: Value, param: string): { start: number; end: number } | undefined {
  const body = message.raw.slice(value.start, value.end)
  const found = new RegExp(`;\\s*${param.replace(/[^\w-]/g, '\\$&')}\\s*(?:=\\s*("[^"]*"|[^;]*))?(?=;|$)`, 'i').exec(
    body,
  )
  return found === null
    ? undefined
    : { start: value.start + found.index, end: value.start + found.index + found[0].length }
}

function paramEdit(written: string, text: (param: string) => string): number {
  const { message } = currentRun()
  const { name, index, param } = placeOf(written)
  const chosen = chosenOf(valuesOf(message, name), index)
  if (chosen === undefined || param === undefined) return -1
  const found = paramIn(message, chosen, param)
  const added = text(param)
  if (found !== undefined) edit(found.start, found.end - found.start, added)
  else if (added === '') return -1
  else edit(chosen.end, 0, added)
  return 1
}

export const removeHfValue2 = define(
  textopsx(
    'remove_hf_value2',
    [NAME],
    'Removes a parameter of a value: header[index].parameter.',
    'remove_hf_value2("Contact.expires");',
  ),
  (written: string) => paramEdit(written, () => ''),
)

export const assignHfValue2 = define(
  textopsx(
    'assign_hf_value2',
    [NAME, VALUE],
    'Sets a parameter of a value: header[index].parameter.',
    'assign_hf_value2("Contact.expires", "60");',
  ),
  (written: string, value: string) => paramEdit(written, (param) => `;${param}=${toBytes(value)}`),
)

const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase()

export const includeHfValue = define(
  textopsx(
    'include_hf_value',
    [NAME, VALUE],
    'Adds a value to a list header unless it is there.',
    'include_hf_value("Supported", "path");',
  ),
  (written: string, value: string) => {
    const { message } = currentRun()
    const { name } = placeOf(written)
    const values = valuesOf(message, name)
    if (values.some((one) => same(trimmed(message, one), value))) return 1
    const last = values.findLast((one) => one.line === values[0]?.line)
    if (last === undefined) edit(endOfHeaders(message), 0, `${name}: ${toBytes(value)}\r\n`)
    else edit(last.end, 0, `,${toBytes(value)}`)
    return 1
  },
)

export const excludeHfValue = define(
  textopsx(
    'exclude_hf_value',
    [NAME, VALUE],
    'Takes a value out of a list header.',
    'exclude_hf_value("Supported", "timer");',
  ),
  (written: string, value: string) => {
    const { message } = currentRun()
    const values = valuesOf(message, placeOf(written).name)
    for (const one of values) if (same(trimmed(message, one), value)) removeValue(message, values, one)
    return 1
  },
)

export const hfValueExists = define(
  textopsx(
    'hf_value_exists',
    [NAME, VALUE],
    'True if a list header has the value.',
    'hf_value_exists("Supported", "100rel")',
  ),
  (written: string, value: string) => {
    const { message } = currentRun()
    return code(valuesOf(message, placeOf(written).name).some((one) => same(trimmed(message, one), value)))
  },
)

/** What a message cannot do without. */
const NEEDED =
  /^(?:via|v|from|f|to|t|call-id|i|cseq|content-length|l|content-type|c|max-forwards|route|record-route|contact|m)$/i

export const keepHf = define(
  textopsx(
    'keep_hf',
    [{ ...text('regex'), kind: 'regex', optional: true }],
    'Removes all headers whose names do not match, but those that a message needs.',
    'keep_hf("User-Agent");',
  ),
  (pattern?: string) => {
    const { message } = currentRun()
    const keep = pattern === undefined || pattern === '' ? undefined : posixRegex(pattern, { ignoreCase: true })
    for (let i = 0; i < message.headerCount; i++) {
      const name = message.headerName(i)
      if (!NEEDED.test(name) && !(keep?.test(name) ?? false)) removeHeaderLine(message, i)
    }
    return -1
  },
)
