// Owns the conditions of the preprocessor: those that are open, and where the text that one excludes ends.
import type { Place, Report } from './report.ts'

const DIRECTIVE = /[#!]!(ifdef|ifndef|else|endif)(?![A-Za-z0-9_])/g
const ALONE = /[ \t]*(?:\r?\n|$)/y

/** Nothing follows on the line: an #!else or #!endif with other text beside it is a comment. */
export function standsAlone(text: string, from: number): boolean {
  ALONE.lastIndex = from
  return ALONE.test(text)
}

/** Where the directive stands that ends the excluded text beginning at `from`; the end of the text when none does. */
export function endOfExcluded(text: string, from: number): number {
  let depth = 0
  DIRECTIVE.lastIndex = from
  for (let found = DIRECTIVE.exec(text); found !== null; found = DIRECTIVE.exec(text)) {
    const name = found[1]!
    if (name === 'ifdef' || name === 'ifndef') depth++
    else if (standsAlone(text, DIRECTIVE.lastIndex)) {
      if (depth === 0) return found.index
      if (name === 'endif') depth--
    }
  }
  return text.length
}

interface Condition {
  readonly place: Place
  /** The text goes into the program. */
  active: boolean
  /** The other side of `#!else` would. */
  readonly otherwise: boolean
  seenElse: boolean
}

/** The conditions that are open, the innermost last. */
export class Conditions {
  readonly #open: Condition[] = []

  /** What stands here goes into the program. */
  get active(): boolean {
    return this.#open.at(-1)?.active ?? true
  }

  open(place: Place, active: boolean): void {
    this.#open.push({ place, active, otherwise: !active, seenElse: false })
  }

  /** Takes `#!else` or `#!endif`; false when no condition is open that it could belong to. */
  close(name: 'else' | 'endif'): boolean {
    const condition = this.#open.at(-1)
    if (condition === undefined || (name === 'else' && condition.seenElse)) return false
    if (name === 'endif') this.#open.pop()
    else {
      condition.seenElse = true
      condition.active = condition.otherwise
    }
    return true
  }

  /** The file is over: each that is still open is told. */
  reportOpen(report: Report): void {
    for (const { place } of this.#open) {
      report.error(
        'unbalanced-directive',
        'This condition has no #!endif',
        place,
        'A directive with other text on its line, as in "#!endif # x", is taken for a comment.',
      )
    }
  }
}
