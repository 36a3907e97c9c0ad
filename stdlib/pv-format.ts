// Owns the syntax of pseudo-variables: `$name`, `$name(inner)`, `$(name(inner)[index]{tr}{tr})`, and texts that hold them.

/**
 * A value of the language: a 32-bit integer, a byte string, or null. `undefined`: it could not be read; it prints as
 * nothing and counts as null.
 */
export type PvValue = string | number | null | undefined

/** One transformation as written: `{s.select,1,,}` is class `s`, name `select`, arguments `1,,`. */
export interface TransformationNode {
  readonly name: string
  /** Text after the first comma; undefined when there is none. */
  readonly args: string | undefined
  /** Offset of the name in the text that was parsed. */
  readonly at: number
  readonly end: number
}

/** A pseudo-variable as written. Offsets count in the text that was parsed. */
export interface PvNode {
  readonly name: string
  readonly inner: string | undefined
  readonly index: string | undefined
  readonly transformations: readonly TransformationNode[]
  readonly at: number
  readonly end: number
}

/** A pseudo-variable that is written wrongly; `at` is the offset of what is wrong. */
export class PvSyntaxError extends Error {
  readonly at: number
  readonly end: number
  constructor(message: string, at: number, end: number = at + 1) {
    super(message)
    this.name = 'PvSyntaxError'
    this.at = at
    this.end = end
  }
}

const NAME = /[A-Za-z0-9_]+/y
const NESTING_LIMIT = 64

/** Offset after the bracket that closes the one at `at`; -1 when none does. Only this kind of bracket counts. */
export function closing(text: string, at: number, open: string, close: string): number {
  let depth = 0
  for (let i = at; i < text.length; i++) {
    const c = text[i]
    if (c === open) {
      if (++depth > NESTING_LIMIT) return -1
    } else if (c === close && --depth === 0) return i + 1
  }
  return -1
}

function nameAt(text: string, at: number): string {
  if (text[at] === '?') return '?'
  NAME.lastIndex = at
  return NAME.exec(text)?.[0] ?? ''
}

function bracketed(
  text: string,
  at: number,
  open: string,
  close: string,
  what: string,
): { inner: string; end: number } {
  const end = closing(text, at, open, close)
  if (end < 0) throw new PvSyntaxError(`${what} is not closed by '${close}'`, at)
  return { inner: text.slice(at + 1, end - 1), end }
}

function transformation(text: string, at: number, limit: number): TransformationNode {
  const end = closing(text, at, '{', '}')
  if (end < 0 || end > limit) throw new PvSyntaxError("The transformation is not closed by '}'", at)
  const content = text.slice(at + 1, end - 1)
  const comma = content.indexOf(',')
  const name = (comma < 0 ? content : content.slice(0, comma)).trim()
  if (!/^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$/.test(name)) {
    throw new PvSyntaxError(`'{${content}}' is not a transformation`, at, end)
  }
  return { name, args: comma < 0 ? undefined : content.slice(comma + 1), at: at + 1, end: end - 1 }
}

/** The pseudo-variable that begins with the `$` at `at`. `$$` is not one: a text has it as a literal dollar. */
export function parsePvAt(text: string, at: number): PvNode {
  let position = at + 1
  const long = text[position] === '('
  if (long) position++
  const name = nameAt(text, position)
  if (name === '') throw new PvSyntaxError("A '$' without the name of a pseudo-variable", at)
  position += name.length
  let inner: string | undefined
  if (text[position] === '(') {
    const found = bracketed(text, position, '(', ')', `$${name}(`)
    inner = found.inner
    position = found.end
  }
  if (!long) return { name, inner, index: undefined, transformations: [], at, end: position }
  let index: string | undefined
  if (text[position] === '[') {
    const found = bracketed(text, position, '[', ']', `The index of $(${name}`)
    index = found.inner.trim()
    position = found.end
  }
  const transformations: TransformationNode[] = []
  while (text[position] === '{') {
    const node = transformation(text, position, text.length)
    transformations.push(node)
    position = node.end + 1
  }
  if (text[position] !== ')') {
    throw new PvSyntaxError(
      position >= text.length ? `$(${name} is not closed by ')'` : `Unexpected '${text[position]}' in $(${name}...)`,
      position >= text.length ? at : position,
    )
  }
  return { name, inner, index, transformations, at, end: position + 1 }
}

/** A text that is one pseudo-variable and nothing else. */
export function parsePv(text: string): PvNode {
  const node = text[0] === '$' ? parsePvAt(text, 0) : undefined
  if (node === undefined || node.end !== text.length) {
    throw new PvSyntaxError(`'${text}' is not a pseudo-variable`, 0, text.length)
  }
  return node
}

/** The parts of a text in which pseudo-variables stand: literal strings and variables in turn, never two strings in a row. */
export function parseFormat(text: string): (string | PvNode)[] {
  const parts: (string | PvNode)[] = []
  let literal = ''
  let position = 0
  for (;;) {
    const dollar = text.indexOf('$', position)
    if (dollar < 0) break
    literal += text.slice(position, dollar)
    if (text[dollar + 1] === '$') {
      literal += '$'
      position = dollar + 2
      continue
    }
    const node = parsePvAt(text, dollar)
    if (literal !== '') parts.push(literal)
    literal = ''
    parts.push(node)
    position = node.end
  }
  literal += text.slice(position)
  if (literal !== '' || parts.length === 0) parts.push(literal)
  return parts
}
