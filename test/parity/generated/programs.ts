// Owns programs by chance: nested blocks, loops, switches, calls of routes with what they return, and ways to end.
import type { ParityCase } from '../case.ts'
import { between, type Next, pick, several } from './random.ts'

const NAMES = ['$var(a)', '$var(b)', '$var(c)', '$avp(p)', '$xavp(x=>f)', '$vn(n)']
const VALUES = [...NAMES, '0', '1', '2', '-1', '3', '"one"', '""', '"2"', '$rm', '$rU', '$rc', '$avp(undef)', '$mf']
/** What 5.6.3 takes where it wants a number. */
const NUMBERS = VALUES.filter((text) => !text.startsWith('"'))
const CONDITIONS = ['is_method("OPTIONS")', 'is_method("INVITE")', 'has_totag()', 'isflagset(3)', 'isflagset(5)']
const SHOW = 'say("$rc [$var(a)] [$var(b)] [$var(c)] [$avp(p)] [$xavp(x=>f)] [$vn(n)] $mf");'

interface Place {
  /** Blocks that may still stand within one another. */
  readonly depth: number
  /** Routes that may be called from here. */
  readonly callable: readonly string[]
  readonly breakable: boolean
  /** Loops around this place have used so many counters. */
  readonly counters: { used: number }
}

const deeper = (place: Place, more: Partial<Place> = {}): Place => ({ ...place, depth: place.depth - 1, ...more })

function value(next: Next): string {
  if (next() < 0.75) return pick(next, VALUES)
  const operator = pick(next, ['+', '+', '-', '*'])
  const left = pick(next, operator === '+' ? VALUES : NUMBERS)
  return `${left} ${operator} ${pick(next, left.startsWith('"') ? VALUES : NUMBERS)}`
}

function condition(next: Next, place: Place): string {
  const kind = next()
  if (kind < 0.2) return pick(next, CONDITIONS)
  if (kind < 0.28) return `!${pick(next, CONDITIONS)}`
  if (kind < 0.36 && place.callable.length > 0) return `route(${pick(next, place.callable)}%%)`
  if (kind < 0.42) return `!${pick(next, NAMES)}`
  if (kind < 0.5) return pick(next, NAMES)
  if (kind < 0.6) return `defined ${pick(next, ['$avp(p)', '$avp(undef)', '$vn(n)'])}`
  const one =
    next() < 0.5
      ? `${pick(next, NAMES)} ${pick(next, ['==', '!='])} ${pick(next, VALUES)}`
      : `${pick(next, NAMES)} ${pick(next, ['<', '>', '<=', '>='])} ${pick(next, NUMBERS)}`
  return kind < 0.85 ? one : `${one} ${pick(next, ['&&', '||', 'and', 'or'])} ${condition(next, place)}`
}

function block(next: Next, place: Place, most = 3): string {
  return `{ ${several(next, most, () => statement(next, place)).join(' ')} }`
}

function loop(next: Next, place: Place): string {
  const counter = `$var(i${++place.counters.used})`
  const test = next() < 0.5 ? `${counter} < ${between(next, 1, 4)}` : `${counter} != ${between(next, 1, 3)}`
  const more = next() < 0.3 ? ` && ${condition(next, place)}` : ''
  const within = deeper(place, { breakable: true })
  return `${counter} = 0; while (${test}${more}) { ${counter} = ${counter} + 1; ${several(next, 2, () => statement(next, within)).join(' ')} }`
}

function choice(next: Next, place: Place): string {
  const within = deeper(place, { breakable: true })
  const body = () => `${several(next, 2, () => statement(next, within)).join(' ')}${next() < 0.6 ? ' break;' : ''}`
  const numbers = next() < 0.5
  const labels = numbers
    ? ['case 0:', 'case 1:', 'case -1:', 'case 2:', 'case 3:']
    : ['case "one":', 'case "":', 'case "OPTIONS":', 'case /"^al":', 'case /"O":', 'case "2":']
  const cases = [...new Set(several(next, 4, () => pick(next, labels)))].map((label) => `${label} ${body()}`)
  if (next() < 0.6) cases.push(`default: ${body()}`)
  const of = numbers
    ? pick(next, ['$var(a)', '$var(b)', '$rc', '$avp(p)', '$mf'])
    : pick(next, [...NAMES, '$rm', '$rU'])
  return `switch (${of}) { ${cases.join(' ')} }`
}

function ending(next: Next, place: Place): string {
  return pick(next, [
    'return;',
    'return 1;',
    'return -1;',
    'return 0;',
    `return ${pick(next, NUMBERS)};`,
    `return ${pick(next, NUMBERS)} + ${pick(next, ['1', '2', '-1'])};`,
    'return(2);',
    'return is_method("OPTIONS");',
    'exit;',
    'exit();',
    'drop;',
    'break;',
    ...(place.breakable ? ['break;', 'break;', 'break;'] : []),
  ])
}

function simple(next: Next, place: Place): string {
  const kind = next()
  if (kind < 0.4) return `${pick(next, NAMES)} = ${value(next)};`
  if (kind < 0.6) return SHOW
  if (kind < 0.68) return `${pick(next, ['setflag', 'resetflag'])}(${pick(next, [3, 5])});`
  if (kind < 0.74) return `${pick(next, CONDITIONS)};`
  if (kind < 0.78) return `${pick(next, ['$avp(p)', '$vn(n)', '$var(a)'])} = $null;`
  if (kind < 0.82) return ';'
  if (place.callable.length === 0) return SHOW
  const name = pick(next, place.callable)
  return pick(next, [`route(${name}%%);`, `$var(b) = route(${name}%%);`, `route("${name}" + "%%");`])
}

function statement(next: Next, place: Place): string {
  const kind = next()
  if (place.depth <= 0 || kind < 0.5) return simple(next, place)
  if (kind < 0.72) {
    const chosen = `if (${condition(next, place)}) ${block(next, deeper(place))}`
    const other = next()
    if (other < 0.5) return chosen
    if (other < 0.7) return `${chosen} else if (${condition(next, place)}) ${block(next, deeper(place))}`
    return `${chosen} else ${block(next, deeper(place))}`
  }
  if (kind < 0.8) return loop(next, place)
  if (kind < 0.9) return choice(next, place)
  if (kind < 0.91) return `${block(next, deeper(place))};`
  return `if (${condition(next, place)}) { ${SHOW} ${ending(next, place)} }`
}

/** A program of a main route and three more, of which each may call those after it. */
export function programCase(next: Next): ParityCase {
  const body = (callable: readonly string[], most: number) => {
    const place: Place = { depth: 2, callable, breakable: false, counters: { used: callable.length * 20 } }
    return several(next, most, () => statement(next, place)).join(' ')
  }
  const main = body(['A', 'B', 'C'], 5)
  const others = (['A', 'B', 'C'] as const).map(
    (name, i, all) =>
      `route[${name}%%] { ${body(all.slice(i + 1), 3)} ${next() < 0.4 ? ending(next, { depth: 0, callable: [], breakable: false, counters: { used: 0 } }) : ''} }`,
  )
  return {
    title: 'program',
    route: `$var(a) = 1; $var(b) = "one"; $var(c) = 0; $vn(n) = $null; ${main} ${SHOW}`,
    blocks: others.join('\n'),
  }
}
