// Owns module avpops: tests, copies, arithmetic and substitution on $avp.
import type { RouteKind } from './contract.ts'
import { code, declarations } from './declaration.ts'
import { define } from './define.ts'
import { bindPv, PvSyntaxError, parsePv, reference } from './pseudo-variables.ts'
import { posixRegex } from './regex.ts'
import { currentRun } from './runtime.ts'
import { parseSubstitution, substitute } from './substitution.ts'
import type { AvpValue } from './transaction-state.ts'

const avpops = declarations('avpops')
const WITH_TARGET: readonly RouteKind[] = ['request', 'failure', 'branch', 'reply', 'event']

/** `$avp(name)/flags` as written: the name of the AVP, and what follows the slash. */
interface AvpSpec {
  readonly name: string
  readonly flags: string
}

/** The arguments of this module are variables by name, not by value. */
const avpName = { name: 'avp', kind: 'string', constant: true } as const

function specOf(argument: string): AvpSpec {
  const parts = /^\$\(?avp\((?:s:)?([^)]+)\)\)?(?:\/(.*))?$/s.exec(argument.trim())
  if (parts === null) throw new PvSyntaxError(`'${argument}' is not $avp(name)`, 0)
  return { name: parts[1]!, flags: parts[2] ?? '' }
}
const valuesOf = (name: string): AvpValue[] => currentRun().state.avps.get(name) ?? []
function push(name: string, value: AvpValue): void {
  const { avps } = currentRun().state
  const values = avps.get(name) ?? []
  if (values.length < MOST_VALUES) values.unshift(value)
  avps.set(name, values)
}
const MOST_VALUES = 1000

export const isAvpSet = define(
  {
    ...avpops(
      'is_avp_set',
      [avpName],
      'True if the AVP has a value: with /n a number, /s a text, /e an empty text.',
      'is_avp_set("$avp(x)")',
    ),
    literal: true,
  },
  (argument: string) => {
    const { name, flags } = specOf(argument)
    const [value] = valuesOf(name)
    if (value === undefined) return -1
    if (flags.includes('e')) return code(value === '' || value === 0)
    if (flags.includes('n')) return code(typeof value === 'number')
    if (flags.includes('s')) return code(typeof value === 'string')
    return 1
  },
)

export const avpDelete = define(
  {
    ...avpops('avp_delete', [avpName], 'Takes the newest value off, with /g all.', 'avp_delete("$avp(x)/g");'),
    literal: true,
  },
  (argument: string) => {
    const { name, flags } = specOf(argument)
    const values = valuesOf(name)
    if (values.length === 0) return -1
    if (flags.includes('g')) values.length = 0
    else values.shift()
    return 1
  },
)

export const avpCopy = define(
  {
    ...avpops(
      'avp_copy',
      [avpName, { ...avpName, name: 'destination' }],
      'Copies the newest value, with /g all; with /d what was copied is deleted.',
      'avp_copy("$avp(x)", "$avp(y)/gd");',
    ),
    literal: true,
  },
  (source: string, destination: string) => {
    const from = specOf(source)
    const { name, flags } = specOf(destination)
    const values = valuesOf(from.name)
    if (values.length === 0) return -1
    const copied = flags.includes('g') ? [...values] : values.slice(0, 1)
    if (flags.includes('d')) values.splice(0, copied.length)
    // Pushed one after the other, so that their order turns round.
    for (const value of copied)
      push(name, flags.includes('n') ? Number.parseInt(`${value}`, 10) || 0 : flags.includes('c') ? `${value}` : value)
    return 1
  },
)

/** A destination of avp_pushto: a variable by name. */
export const avpPushto = define(
  {
    ...avpops(
      'avp_pushto',
      [{ ...avpName, name: 'destination' }, avpName],
      'Puts the newest value into $ru, $du, $br or a part of the R-URI.',
      'avp_pushto("$ru", "$avp(x)");',
      WITH_TARGET,
    ),
    literal: true,
  },
  (destination: string, source: string) => {
    const [value] = valuesOf(specOf(source).name)
    if (value === undefined) return -1
    const name = destination.replace(/^\$(ru|du)ri\b/, '$$$1').replace(/\/.*$/s, '')
    const access = bindPv(parsePv(name))
    if (access.set === undefined) throw new PvSyntaxError(`${name} cannot be assigned`, 0)
    reference(access).set(value)
    return 1
  },
)

export const avpSubst = define(
  {
    ...avpops(
      'avp_subst',
      [avpName, { name: 'expression', kind: 'string', constant: true }],
      'Replaces what the expression matches in the value; the result goes to a second AVP where one is named, with /d in place of the value.',
      'avp_subst("$avp(x)", "/^00/+/");',
    ),
    literal: true,
  },
  (argument: string, expression: string) => {
    const parts = argument.split('/')
    const from = specOf(parts[0]!)
    const to = parts[1]?.includes('$') ? specOf(parts[1]) : from
    const flags = (parts[1]?.includes('$') ? parts[2] : parts[1]) ?? ''
    const values = valuesOf(from.name)
    const substitution = parseSubstitution(expression)
    let changed = -1
    for (const [i, value] of [...values].entries()) {
      const result = substitute(substitution, `${value}`)
      if (result !== undefined) {
        changed = 1
        if (to === from) values[i] = result
        else push(to.name, result)
      }
      if (!flags.includes('g')) break
    }
    return changed
  },
)

/** An operand as written: `i:5`, `s:text`, or a variable. */
function operand(written: string): AvpValue | null {
  if (written.startsWith('$')) return reference(bindPv(parsePv(written))).get()
  if (written.startsWith('i:')) return Number.parseInt(written.slice(2), 10) || 0
  return written.startsWith('s:') ? written.slice(2) : written
}

/** `eq/i:5/g` cut at its slashes, a slash within the value being part of it. */
function operation(written: string): { operator: string; value: string; flags: string } {
  const slash = written.indexOf('/')
  const rest = slash < 0 ? '' : written.slice(slash + 1)
  const flags = /\/([a-zA-Z]{0,3})$/.exec(rest)
  return {
    operator: (slash < 0 ? written : written.slice(0, slash)).toLowerCase(),
    value: flags === null ? rest : rest.slice(0, flags.index),
    flags: flags?.[1] ?? '',
  }
}

/** Numbers by their size, texts by their letters without regard to case. */
function ordered(operator: string, value: AvpValue, wanted: AvpValue): boolean {
  const order = (one: AvpValue) => (typeof one === 'string' ? one.toLowerCase() : one)
  const [left, right] = [order(value), order(wanted)]
  if (left === right) return operator === 'ge' || operator === 'le'
  return left > right === (operator === 'gt' || operator === 'ge')
}

function holds(operator: string, value: AvpValue, wanted: AvpValue, flags: string): boolean {
  // A number and a text never compare, whatever is asked.
  if (typeof value !== typeof wanted) return false
  const fold = (text: AvpValue) => (flags.includes('i') || flags.includes('I') ? `${text}`.toLowerCase() : `${text}`)
  switch (operator) {
    case 'eq':
      return fold(value) === fold(wanted)
    case 'ne':
      return fold(value) !== fold(wanted)
    case 'gt':
    case 'lt':
    case 'ge':
    case 'le':
      return ordered(operator, value, wanted)
    case 're':
      return typeof value === 'string' && posixRegex(`${wanted}`, { ignoreCase: true }).test(value)
    case 'and':
      return (Number(value) & Number(wanted)) !== 0
    case 'or':
      return (Number(value) | Number(wanted)) !== 0
    case 'xor':
      return (Number(value) ^ Number(wanted)) !== 0
    default:
      throw new PvSyntaxError(`avp_check has no operator ${operator}`, 0)
  }
}

export const avpCheck = define(
  {
    ...avpops(
      'avp_check',
      [avpName, { name: 'check', kind: 'string', constant: true }],
      'True if the value compares as asked: eq, ne, gt, lt, ge, le, re, and, or, xor; with /g any value, with /i without regard to case.',
      'avp_check("$avp(x)", "gt/i:5");',
    ),
    literal: true,
  },
  (argument: string, check: string) => {
    const { operator, value, flags } = operation(check)
    const wanted = operand(value)
    if (wanted === null) return -1
    const values = valuesOf(specOf(argument).name)
    return code((flags.includes('g') ? values : values.slice(0, 1)).some((one) => holds(operator, one, wanted, flags)))
  },
)

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => (a + b) | 0,
  sub: (a, b) => (a - b) | 0,
  mul: Math.imul,
  div: (a, b) => Math.trunc(a / b) | 0,
  mod: (a, b) => (a % b) | 0,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  not: (a) => ~a,
}

export const avpOp = define(
  {
    ...avpops(
      'avp_op',
      [avpName, { name: 'operation', kind: 'string', constant: true }],
      'Computes with the number that the AVP was given first, and pushes the result: add, sub, mul, div, mod, and, or, xor, not.',
      'avp_op("$avp(x)", "add/i:1");',
    ),
    literal: true,
  },
  (argument: string, written: string) => {
    const { operator, value, flags } = operation(written)
    const compute = Object.hasOwn(ARITHMETIC, operator) ? ARITHMETIC[operator]! : undefined
    const { name } = specOf(argument)
    const values = valuesOf(name)
    const number = values.at(-1)
    const other = Number(operand(value) ?? 0)
    if (
      compute === undefined ||
      typeof number !== 'number' ||
      ((operator === 'div' || operator === 'mod') && other === 0)
    )
      return -1
    const result = compute(number, other)
    if (flags.includes('d')) values.pop()
    push(name, result)
    return 1
  },
)

export const avpPrint = define(avpops('avp_print', [], 'Writes all AVPs to the log.', 'avp_print();'), () => 1)
