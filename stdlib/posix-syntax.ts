// Owns the reading of POSIX extended regular expressions (as glibc takes them) and their writing in RE2's syntax.

/** What a pattern is made of. Bytes stand as characters 0-255; `set` holds 256 bits. */
export type RegexNode =
  | { kind: 'set'; set: Uint8Array; literal: string | undefined }
  | { kind: 'assert'; re2: string }
  | { kind: 'cat'; items: RegexNode[] }
  | { kind: 'alt'; choices: RegexNode[] }
  | { kind: 'group'; body: RegexNode }
  | { kind: 'repeat'; body: RegexNode; least: number; most: number }

export interface SyntaxOptions {
  /** Letters match in either case (REG_ICASE). */
  readonly ignoreCase: boolean
  /** `^` and `$` match at line ends, `.` and `[^...]` never a newline (REG_NEWLINE). */
  readonly newline: boolean
}

/** A pattern that POSIX, or a matcher in linear time, does not take. */
export class RegexError extends Error {
  /** Offset in the pattern. */
  readonly at: number
  constructor(message: string, at: number) {
    super(message)
    this.name = 'RegexError'
    this.at = at
  }
}

/** RE2 refuses larger counts, since they multiply the program. */
const MOST_REPEATS = 1000
const MOST_DEPTH = 100
const NEWLINE = 10

const CLASSES: Readonly<Record<string, (code: number) => boolean>> = {
  alpha: (c) => isLower(c) || isUpper(c),
  digit: isDigit,
  alnum: (c) => isLower(c) || isUpper(c) || isDigit(c),
  upper: isUpper,
  lower: isLower,
  space: (c) => c === 32 || (c >= 9 && c <= 13),
  blank: (c) => c === 32 || c === 9,
  punct: (c) => c > 32 && c < 127 && !(isLower(c) || isUpper(c) || isDigit(c)),
  print: (c) => c >= 32 && c < 127,
  graph: (c) => c > 32 && c < 127,
  cntrl: (c) => c < 32 || c === 127,
  xdigit: (c) => isDigit(c) || (c >= 97 && c <= 102) || (c >= 65 && c <= 70),
}

function isLower(code: number): boolean {
  return code >= 97 && code <= 122
}
function isUpper(code: number): boolean {
  return code >= 65 && code <= 90
}
function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}
function isWord(code: number): boolean {
  return isLower(code) || isUpper(code) || isDigit(code) || code === 95
}

/** Reads a pattern. Throws {@link RegexError}. */
export function parsePosix(pattern: string, options: SyntaxOptions): RegexNode {
  const parser = new PosixParser(pattern, options)
  return parser.alternatives(0)
}

class PosixParser {
  at = 0
  readonly #pattern: string
  readonly #options: SyntaxOptions

  constructor(pattern: string, options: SyntaxOptions) {
    this.#pattern = pattern
    this.#options = options
  }

  alternatives(depth: number): RegexNode {
    if (depth > MOST_DEPTH) throw new RegexError(`Groups nested deeper than ${MOST_DEPTH}`, this.at)
    const choices = [this.#sequence(depth)]
    while (this.#pattern[this.at] === '|') {
      this.at++
      choices.push(this.#sequence(depth))
    }
    return choices.length === 1 ? choices[0]! : { kind: 'alt', choices }
  }

  #sequence(depth: number): RegexNode {
    const items: RegexNode[] = []
    while (this.at < this.#pattern.length) {
      const char = this.#pattern[this.at]!
      if (char === '|' || (char === ')' && depth > 0)) break
      const before = items.at(-1)
      const repeats = char === '*' || char === '+' || char === '?' || char === '{'
      if (repeats && (before === undefined || (before.kind === 'assert' && before.re2 === '^'))) {
        throw new RegexError('Invalid preceding regular expression', this.at)
      }
      const atom = this.#atom(depth)
      items.push(atom.kind === 'assert' && atom.re2 === '^' ? atom : this.#repeated(atom))
    }
    return items.length === 1 ? items[0]! : { kind: 'cat', items }
  }

  #repeated(atom: RegexNode): RegexNode {
    let node = atom
    for (;;) {
      const char = this.#pattern[this.at]
      if (char === '*') node = { kind: 'repeat', body: node, least: 0, most: Number.POSITIVE_INFINITY }
      else if (char === '+') node = { kind: 'repeat', body: node, least: 1, most: Number.POSITIVE_INFINITY }
      else if (char === '?') node = { kind: 'repeat', body: node, least: 0, most: 1 }
      else if (char === '{') {
        node = { kind: 'repeat', body: node, ...this.#interval() }
        continue
      } else return node
      this.at++
    }
  }

  /** `{n}`, `{n,}`, `{n,m}`, `{,m}`, `{,}`. */
  #interval(): { least: number; most: number } {
    const match = /^\{(\d*)(,?)(\d*)\}/.exec(this.#pattern.slice(this.at, this.at + 24))
    if (match === null || (match[1] === '' && match[2] === '')) throw new RegexError('Unmatched {', this.at)
    const least = match[1] === '' ? 0 : Number(match[1])
    const most = match[2] === '' ? least : match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3])
    if (most < least) throw new RegexError('Invalid content of {}', this.at)
    if (least > MOST_REPEATS || (most !== Number.POSITIVE_INFINITY && most > MOST_REPEATS)) {
      throw new RegexError(`Counts above ${MOST_REPEATS} cannot be matched in linear time`, this.at)
    }
    this.at += match[0].length
    return { least, most }
  }

  #atom(depth: number): RegexNode {
    const char = this.#pattern[this.at]!
    if (char === '(') {
      const open = this.at++
      const body = this.alternatives(depth + 1)
      if (this.#pattern[this.at] !== ')') throw new RegexError('Unmatched (', open)
      this.at++
      return { kind: 'group', body }
    }
    this.at++
    if (char === '[') return this.#bracket()
    if (char === '^') return { kind: 'assert', re2: '^' }
    if (char === '$') return { kind: 'assert', re2: '$' }
    if (char === '.') return this.#any()
    if (char === '\\') return this.#escape()
    return this.#literal(char)
  }

  #any(): RegexNode {
    const set = new Uint8Array(256).fill(1)
    if (this.#options.newline) set[NEWLINE] = 0
    return { kind: 'set', set, literal: undefined }
  }

  #literal(char: string): RegexNode {
    const code = char.charCodeAt(0)
    if (code > 255) throw new RegexError('A character outside of Latin-1', this.at - 1)
    const set = new Uint8Array(256)
    set[code] = 1
    this.#foldCase(set)
    return { kind: 'set', set, literal: char }
  }

  #foldCase(set: Uint8Array): void {
    if (!this.#options.ignoreCase) return
    for (let code = 65; code <= 90; code++) {
      if (set[code] || set[code + 32]) set[code] = set[code + 32] = 1
    }
  }

  /** GNU's escapes; any other escaped character stands for itself, `\d` for a d. */
  #escape(): RegexNode {
    const char = this.#pattern[this.at]
    if (char === undefined) throw new RegexError('Trailing backslash', this.at - 1)
    this.at++
    switch (char) {
      case 'w':
        return this.#class(isWord)
      case 'W':
        return this.#class((code) => !isWord(code))
      case 's':
        return this.#class(CLASSES.space!)
      case 'S':
        return this.#class((code) => !CLASSES.space!(code))
      case 'b':
      case '<':
      case '>':
        return { kind: 'assert', re2: '\\b' }
      case 'B':
        return { kind: 'assert', re2: '\\B' }
      case '`':
        return { kind: 'assert', re2: '\\A' }
      case "'":
        return { kind: 'assert', re2: '\\z' }
    }
    if (char >= '1' && char <= '9') {
      throw new RegexError('Back-references cannot be matched in linear time', this.at - 2)
    }
    return this.#literal(char)
  }

  #class(member: (code: number) => boolean): RegexNode {
    const set = new Uint8Array(256)
    for (let code = 0; code < 256; code++) if (member(code)) set[code] = 1
    return { kind: 'set', set, literal: undefined }
  }

  /** A bracket expression; within it a backslash is a backslash. */
  #bracket(): RegexNode {
    const open = this.at - 1
    const pattern = this.#pattern
    const set = new Uint8Array(256)
    const negated = pattern[this.at] === '^'
    if (negated) this.at++
    let first = true
    for (;;) {
      const char = pattern[this.at]
      if (char === undefined) throw new RegexError('Unmatched [', open)
      if (char === ']' && !first) break
      first = false
      if (char === '[' && pattern[this.at + 1] === ':') {
        this.#namedClass(set)
        continue
      }
      const from = this.#bracketChar()
      let to = from
      if (pattern[this.at] === '-' && pattern[this.at + 1] !== ']' && this.at + 1 < pattern.length) {
        this.at++
        to = this.#bracketChar()
      }
      if (to < from) throw new RegexError('Invalid range end', this.at)
      for (let code = from; code <= to; code++) set[code] = 1
    }
    this.at++
    this.#foldCase(set)
    if (negated) {
      for (let code = 0; code < 256; code++) set[code] = set[code] ? 0 : 1
      if (this.#options.newline) set[NEWLINE] = 0
    }
    return { kind: 'set', set, literal: undefined }
  }

  #namedClass(set: Uint8Array): void {
    const end = this.#pattern.indexOf(':]', this.at)
    const name = end < 0 ? '' : this.#pattern.slice(this.at + 2, end)
    const member = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined
    if (member === undefined) throw new RegexError('Invalid character class name', this.at)
    for (let code = 0; code < 256; code++) if (member(code)) set[code] = 1
    this.at = end + 2
  }

  /** One character of a bracket expression, `[.x.]` and `[=x=]` included. */
  #bracketChar(): number {
    const pattern = this.#pattern
    const mark = pattern[this.at + 1]
    if (pattern[this.at] === '[' && (mark === '.' || mark === '=')) {
      if (pattern[this.at + 3] !== mark || pattern[this.at + 4] !== ']') {
        throw new RegexError('Invalid collation character', this.at)
      }
      this.at += 5
      return pattern.charCodeAt(this.at - 3)
    }
    const code = pattern.charCodeAt(this.at++)
    if (code > 255) throw new RegexError('A character outside of Latin-1', this.at - 1)
    return code
  }
}

/** The pattern in RE2's syntax; groups keep their numbers. */
export function toRe2(node: RegexNode): string {
  switch (node.kind) {
    case 'set':
      return setToRe2(node.set)
    case 'assert':
      return node.re2
    case 'cat':
      return node.items.map((item) => (item.kind === 'alt' ? `(?:${toRe2(item)})` : toRe2(item))).join('')
    case 'alt':
      return node.choices.map(toRe2).join('|')
    case 'group':
      return `(${toRe2(node.body)})`
    case 'repeat': {
      const body = toRe2(node.body)
      const single = node.body.kind === 'set' || node.body.kind === 'group'
      return (single ? body : `(?:${body})`) + counts(node.least, node.most)
    }
  }
}

function counts(least: number, most: number): string {
  if (most === Number.POSITIVE_INFINITY) return least === 0 ? '*' : least === 1 ? '+' : `{${least},}`
  if (least === 0 && most === 1) return '?'
  return least === most ? `{${least}}` : `{${least},${most}}`
}

function setToRe2(set: Uint8Array): string {
  const ranges: [number, number][] = []
  for (let code = 0; code < 256; code++) {
    if (!set[code]) continue
    const last = ranges.at(-1)
    if (last !== undefined && last[1] === code - 1) last[1] = code
    else ranges.push([code, code])
  }
  if (ranges.length === 0) return '[^\\x00-\\x{10FFFF}]'
  const [only] = ranges
  if (ranges.length === 1 && only![0] === only![1]) return charToRe2(only![0])
  return `[${ranges.map(([from, to]) => (from === to ? charToRe2(from) : `${charToRe2(from)}-${charToRe2(to)}`)).join('')}]`
}

function charToRe2(code: number): string {
  if (isDigit(code) || isLower(code) || isUpper(code)) return String.fromCharCode(code)
  return `\\x${code < 16 ? '0' : ''}${code.toString(16)}`
}

/** The longest text that every match contains; '' when none is known. */
export function requiredLiteral(node: RegexNode): string {
  let best = ''
  let run = ''
  const end = () => {
    if (run.length > best.length) best = run
    run = ''
  }
  const visit = (part: RegexNode): void => {
    switch (part.kind) {
      case 'set': {
        const only = onlyMember(part.set)
        const text = part.literal ?? (only < 0 ? undefined : String.fromCharCode(only))
        if (text === undefined) end()
        else run += text
        return
      }
      case 'cat':
        for (const item of part.items) visit(item)
        return
      case 'group':
        visit(part.body)
        return
      case 'repeat':
        end()
        if (part.least > 0) {
          visit(part.body)
          end()
        }
        return
      case 'alt':
        end()
        return
      case 'assert':
        return
    }
  }
  visit(node)
  end()
  return best
}

function onlyMember(set: Uint8Array): number {
  let found = -1
  for (let code = 0; code < 256; code++) {
    if (!set[code]) continue
    if (found >= 0) return -1
    found = code
  }
  return found
}

/** Can a match contain a newline? */
export function matchesNewline(node: RegexNode): boolean {
  switch (node.kind) {
    case 'set':
      return node.set[NEWLINE] === 1
    case 'assert':
      // \A and \z mean the whole text, which a search line by line would not see.
      return node.re2 === '\\A' || node.re2 === '\\z'
    case 'cat':
      return node.items.some(matchesNewline)
    case 'alt':
      return node.choices.some(matchesNewline)
    case 'group':
    case 'repeat':
      return matchesNewline(node.body)
  }
}
