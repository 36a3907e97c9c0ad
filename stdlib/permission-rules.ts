// Owns files of permission rules: `"pattern", "pattern" EXCEPT "pattern" : ALL`, one rule a line, and the verdict over pairs.
import { posixRegex } from './regex.ts'

interface Side {
  /** Undefined: ALL. */
  readonly patterns: readonly string[] | undefined
  readonly except: readonly string[]
}

export interface Rule {
  readonly left: Side
  readonly right: Side
}

/** Reads a file; lines that are none are left out. */
export function parseRules(text: string): Rule[] {
  return text.split('\n').flatMap((line) => {
    const [left, right] = splitOutsideQuotes(withoutComment(line), ':')
    if (left === undefined || right === undefined) return []
    return [{ left: side(left), right: side(right) }]
  })
}

function withoutComment(line: string): string {
  const [before = ''] = splitOutsideQuotes(line, '#')
  return before
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = []
  let quoted = false
  let from = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '"') quoted = !quoted
    else if (text[i] === separator && !quoted) {
      parts.push(text.slice(from, i))
      from = i + 1
    }
  }
  parts.push(text.slice(from))
  return parts
}

function side(text: string): Side {
  const [list = '', except = ''] = text.split(/\bEXCEPT\b/)
  const patterns = (part: string) => [...part.matchAll(/"([^"]*)"/g)].map(([, pattern]) => pattern!)
  return {
    patterns: /\bALL\b/.test(list.replace(/"[^"]*"/g, '')) ? undefined : patterns(list),
    except: patterns(except),
  }
}

function fits({ patterns, except }: Side, text: string): boolean {
  const test = (pattern: string) => posixRegex(pattern, { ignoreCase: true }).test(text)
  return (patterns === undefined || patterns.some(test)) && !except.some(test)
}

/** A caller, and where he wants to go. */
export type Pair = readonly [from: string, to: string]

const inRules = (rules: readonly Rule[], [from, to]: Pair) =>
  rules.some(({ left, right }) => fits(left, from) && fits(right, to))

/** Allowed where all pairs are in the one file, or none in the other. */
export function allows(allow: readonly Rule[], deny: readonly Rule[], pairs: readonly Pair[]): boolean {
  return pairs.every((pair) => inRules(allow, pair)) || !pairs.some((pair) => inRules(deny, pair))
}
