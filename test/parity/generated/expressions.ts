// Owns expressions by chance: operators, types, casts, functions, variables and transformations.
import { HERE, type ParityCase } from '../case.ts'
import { type Next, pick } from './random.ts'

const ATOMS = [
  '0',
  '1',
  '5',
  '-1',
  '7',
  '"abc"',
  '""',
  '"5"',
  '"a,b;c"',
  '$var(zero)',
  '$var(one)',
  '$var(minus)',
  '$var(five)',
  '$var(empty)',
  '$var(abc)',
  '$var(s5)',
  '$var(s05)',
  '$var(neg)',
  '$var(mixed)',
  '$avp(undef)',
  '$avp(int)',
  '$avp(text)',
  '$vn(null)',
  '$rU',
  '$rd',
  '$rm',
  '$sp',
  '$hdr(X-Nope)',
  '$hdr(X-A)',
  '$cs',
  '$rP',
  '$proto',
  '$rz',
  '$mf',
  '$hdrc(X-A)',
  '$(avp(text)[0])',
  '$xavp(x=>y)',
  '$shv(unset)',
  '$(rU{s.len})',
  '$(var(abc){s.int})',
  '$(hdr(X-A){s.toupper})',
  '$(ru{uri.param,foo})',
  '$(rU{s.substr,1,2})',
  '$(avp(undef){s.len})',
  'is_method("OPTIONS")',
  'is_method("INVITE")',
  'has_totag()',
  'is_present_hf("X-A")',
  'route(R5)',
  'route(RNEG)',
  'route(RTRUE)',
  '$null',
]
export const OPERATORS = [
  '+',
  '+',
  '+',
  '-',
  '*',
  '/',
  'mod',
  '&',
  '|',
  '^',
  '<<',
  '>>',
  '==',
  '==',
  '!=',
  '=~',
  'eq',
  'ne',
  'ieq',
  'ine',
  '>',
  '<',
  '>=',
  '<=',
  '&&',
  '&&',
  '||',
  '||',
  'and',
  'or',
]
export const UNARY = ['!', '-', '(int)', '(str)', 'not ', 'defined ', '~']
const SETUP = `$var(zero) = 0; $var(one) = 1; $var(minus) = -1; $var(five) = 5; $var(empty) = ""; $var(abc) = "abc"; $var(s5) = "5"; $var(s05) = "05"; $var(neg) = "-3"; $var(mixed) = "12abc"; $vn(null) = $null; $avp(int) = 3; $avp(text) = "at";`

export function expression(next: Next, depth: number): string {
  const kind = next()
  if (depth === 0 || kind < 0.2) return pick(next, ATOMS)
  if (kind < 0.32) return `${pick(next, UNARY)}${pick(next, ATOMS)}`
  if (kind < 0.48) return `(${expression(next, depth - 1)})`
  if (kind < 0.52) return `strlen(${pick(next, ATOMS.slice(9, 20))})`
  if (kind < 0.56) return `strempty(${pick(next, ATOMS.slice(9, 20))})`
  const operator = pick(next, OPERATORS)
  const right =
    operator === '=~'
      ? pick(next, ['"^a"', '"[0-9]+"', '$var(abc)', '"^$"', '"B"', '"^(op|x)"'])
      : expression(next, depth - 1)
  return `${expression(next, depth - 1)} ${operator} ${right}`
}

export function expressionCase(next: Next): ParityCase {
  const simple = expression(next, 3)
  // 5.6.3 evaluates selval only where its value is stored or put together with a text.
  const chosen = next() < 0.12
  const text = chosen ? `selval(${simple}, ${pick(next, ATOMS)}, ${expression(next, 1)})` : simple
  const asked = chosen ? '' : `if (${text}) say("T"); else say("F"); while (${text}) { say("W"); break; }`
  return {
    title: `expression ${text}`,
    route: `${SETUP} $var(r) = "kept"; $var(r) = ${text}; say("[$var(r)] $rc"); ${asked} $avp(r) = ${text}; say("[$avp(r)]");`,
    sent: [{ uri: `sip:alice@${HERE}:49510;foo=bar`, headers: ['X-A: one'] }],
  }
}
