// Owns the preprocessor's memory: defines, substitutions, and what is defined before the file begins.
import { PosixRegex, RegexError } from '../../../stdlib/registry.ts'

/** Version whose language this is; files ask for it by `#!ifdef KAMAILIO_5_6`. */
const VERSION = { major: 5, minor: 6, patch: 3 }
const MOST_DEFINES = 512

interface SubstitutionRule {
  readonly regex: PosixRegex
  readonly replacement: string
  readonly all: boolean
}

/** Splits `/a/b/flags` at its first character. Undefined when a part is missing. */
export function cutAtSeparator(text: string): [string, string, string] | undefined {
  const separator = text[0]
  if (separator === undefined) return undefined
  const second = text.indexOf(separator, 1)
  const third = second < 0 ? -1 : text.indexOf(separator, second + 1)
  if (second <= 1 || third < 0) return undefined
  return [text.slice(1, second), text.slice(second + 1, third), text.slice(third + 1).trim()]
}

export type DefineMode = 'new' | 'keep' | 'replace'

/** Defines and substitutions, in the state that the reading has come to. */
export class Defines {
  readonly #values = new Map<string, string>()
  readonly #predefined = new Set<string>()
  readonly #substitutions: SubstitutionRule[] = []

  constructor(given: ReadonlyMap<string, string>) {
    const { major, minor, patch } = VERSION
    this.#predefine(`KAMAILIO_${major}`, '')
    this.#predefine(`KAMAILIO_${major}_${minor}`, '')
    this.#predefine(`KAMAILIO_${major}_${minor}_${patch}`, '')
    this.#predefine('KAMAILIO_VERSION', `${major}00${minor}00${patch}`)
    this.#predefine('OS_NAME', '"linux"')
    for (const [name, value] of given) this.#values.set(name, value)
  }

  #predefine(name: string, value: string): void {
    this.#values.set(name, value)
    this.#predefined.add(name)
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  value(name: string): string | undefined {
    return this.#values.get(name)
  }

  /** Names that a file may test, for proposals. */
  names(): Iterable<string> {
    return this.#values.keys()
  }

  /** What went wrong, or undefined. */
  define(name: string, value: string, mode: DefineMode): string | undefined {
    if (this.#values.has(name)) {
      if (mode === 'keep') return undefined
      if (mode === 'new' && !this.#predefined.has(name)) return `${name} is defined already`
    } else if (this.#values.size >= MOST_DEFINES + this.#predefined.size) return `More than ${MOST_DEFINES} defines`
    this.#values.set(name, value)
    return undefined
  }

  /** After `loadmodule "x.so"`. */
  defineModule(name: string): void {
    this.#predefine(`MOD_${name}`, '')
  }

  /** What went wrong, or undefined. */
  substitute(pattern: string, replacement: string, flags: string): string | undefined {
    if (!/^[gi]*$/.test(flags)) return `Unknown flags '${flags}' (g and i are known)`
    try {
      const regex = new PosixRegex(pattern, { ignoreCase: flags.includes('i') })
      this.#substitutions.push({ regex, replacement, all: flags.includes('g') })
      return undefined
    } catch (error) {
      if (error instanceof RegexError) return error.message
      throw error
    }
  }

  /** A string, variable or file name after all substitutions so far, in the order in which they were defined. */
  applied(text: string): string {
    let result = text
    for (const rule of this.#substitutions) result = applyRule(rule, result)
    return result
  }

  get substitutes(): boolean {
    return this.#substitutions.length > 0
  }
}

const LONGEST = 1 << 20

function applyRule({ regex, replacement, all }: SubstitutionRule, text: string): string {
  let result = ''
  let from = 0
  while (from <= text.length && result.length < LONGEST) {
    const match = regex.exec(text, from)
    if (match === undefined) break
    const start = match[0]!
    const end = match[1]!
    result += text.slice(from, start)
    result += replacement.replace(/\\([0-9])/g, (_, digit: string) => {
      const group = Number(digit)
      const groupStart = match[2 * group] ?? -1
      return groupStart < 0 ? '' : text.slice(groupStart, match[2 * group + 1])
    })
    from = end
    if (end === start) {
      result += text.slice(end, end + 1)
      from = end + 1
    }
    if (!all) break
  }
  return result + text.slice(from)
}
