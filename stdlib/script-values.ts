// Owns Kamailio's values in TypeScript routes: pseudo-variables by name, texts with variables in them, its patterns and its `+`.
import type { PvReference } from './contract.ts'
import { add as addValues, int, str } from './dsl-runtime.ts'
import { bindPv, parsePv, reference } from './pseudo-variables.ts'
import { posixRegex } from './regex.ts'
import { interpolate } from './runtime.ts'

export type Value = string | number | null

const MOST_VARIABLES = 10_000
const variables = new Map<string, PvReference>()

/** A pseudo-variable as a builtin takes it that changes one: `pvReference('$avp(x)')`. */
export function pvReference(name: string): PvReference {
  let found = variables.get(name)
  if (found === undefined) {
    found = reference(bindPv(parsePv(name)))
    if (variables.size < MOST_VARIABLES) variables.set(name, found)
  }
  return found
}

/** The value of a pseudo-variable: `pv('$hdr(X-Account)')`; null where there is none. */
export function pv(name: string): Value {
  return pvReference(name).get()
}

/** As text; '' where there is none. */
export function pvText(name: string): string {
  return str(pv(name))
}

/** As a number; 0 where there is none, or a text that is none. */
export function pvNumber(name: string): number {
  return int(pv(name))
}

/** Assigns a pseudo-variable: `setPv('$ru', 'sip:alice@example.com')`. */
export function setPv(name: string, value: Value): void {
  pvReference(name).set(value)
}

/** The text with its pseudo-variables replaced. The text is the script's own: what comes from the wire does not belong into it. */
export function format(text: string): string {
  return interpolate(text)
}

/** `text =~ pattern`: a POSIX extended regular expression, without regard to case. */
export function matches(text: Value, pattern: string): boolean {
  return posixRegex(pattern, { ignoreCase: true }).test(str(text))
}

/** Kamailio's `+`: a number on the left adds, a text puts together. */
export function add(left: Value, right: Value): string | number {
  return addValues(left, right)
}
