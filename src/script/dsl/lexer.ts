// Owns the lexemes of a text: each becomes a token with its place, on the list that the parser reads.
import { PvSyntaxError, parsePv, parsePvAt } from '../../../stdlib/registry.ts'
import type { Defines } from './defines.ts'
import { advance, type Frame, placeIn, skipSpace } from './frame.ts'
import { integerValue, ipv6End, numericAt, readString, selectEnd } from './lexemes.ts'
import { placeAt, type Report } from './report.ts'
import { Ipv4, Ipv6, Key, markBySpelling, NumberToken, Select, Text, Token, Unknown, Variable } from './tokens.ts'

/** Turns what stands in a frame into tokens; words and directives are its owner's. */
export class Lexer {
  readonly tokens: Token[] = []
  readonly #defines: Defines
  readonly #report: Report
  /** White space, a comment or a directive stands before the next token. */
  #spaced = false

  constructor(defines: Defines, report: Report) {
    this.#defines = defines
    this.#report = report
  }

  get spaced(): boolean {
    return this.#spaced
  }

  /** Something was passed over that parts tokens. */
  part(): void {
    this.#spaced = true
  }

  skipSpace(frame: Frame): void {
    if (skipSpace(frame)) this.#spaced = true
  }

  /** What stands up to `end` becomes a token. */
  emit(frame: Frame, kind: Token['tokenType'], end: number, value: string | number): Token {
    const image = frame.text.slice(frame.position, end)
    const { anchor } = frame
    const token =
      anchor === undefined
        ? new Token(
            kind,
            image,
            frame.file,
            frame.position,
            end,
            frame.line,
            frame.position - frame.lineStart + 1,
            this.#spaced,
            value,
          )
        : new Token(
            kind,
            image,
            anchor.file,
            anchor.startOffset,
            anchor.endOffset,
            anchor.startLine,
            anchor.startColumn,
            frame.position === 0 ? anchor.spaced : this.#spaced,
            value,
          )
    this.#spaced = false
    this.tokens.push(token)
    advance(frame, end)
    return token
  }

  /** The IPv6 address that begins here becomes a token; false when none does. */
  ipv6(frame: Frame): boolean {
    const end = ipv6End(frame.text, frame.position)
    if (end < 0) return false
    this.emit(frame, Ipv6, end, frame.text.slice(frame.position, end))
    return true
  }

  /** Reads the lexeme that stands here, which is neither a word nor a directive. */
  read(frame: Frame): void {
    const { text, position } = frame
    const c = text.charCodeAt(position)
    switch (c) {
      case 0x22:
      case 0x27:
        this.#string(frame)
        return
      case 0x23:
        this.#comment(frame, '\n')
        return
      case 0x24:
        this.#variable(frame)
        return
      case 0x2f:
        if (text[position + 1] !== '/' && text[position + 1] !== '*') break
        this.#comment(frame, text[position + 1] === '/' ? '\n' : '*/')
        return
      case 0x3a:
        if (this.ipv6(frame)) return
        break
      case 0x40: {
        const end = selectEnd(text, position)
        if (end < 0) break
        this.emit(frame, Select, end, text.slice(position + 1, end))
        return
      }
    }
    if (c >= 0x30 && c <= 0x39) this.#number(frame)
    else this.#mark(frame)
  }

  #number(frame: Frame): void {
    const { text, position } = frame
    const found = numericAt(text, position)
    if (found === undefined) {
      this.#mark(frame)
      return
    }
    const image = text.slice(position, found.end)
    if (found.kind === 'number') this.emit(frame, NumberToken, found.end, integerValue(image))
    else this.emit(frame, found.kind === 'ipv4' ? Ipv4 : Ipv6, found.end, image)
  }

  #mark(frame: Frame): void {
    const { text, position } = frame
    for (const length of [2, 1]) {
      const spelling = text.slice(position, position + length)
      const kind = markBySpelling.get(spelling)
      if (kind !== undefined) {
        this.emit(frame, kind, position + spelling.length, spelling)
        return
      }
    }
    this.emit(frame, Unknown, position + 1, text[position]!)
  }

  #comment(frame: Frame, until: string): void {
    const end = frame.text.indexOf(until, frame.position + 2)
    if (end < 0 && until === '*/') {
      this.#report.error('unclosed-comment', 'This comment does not end', placeIn(frame, 2))
    }
    this.#spaced = true
    // A one-line comment of one character ends at once: '#' directly before its line end.
    const close = until === '\n' ? frame.text.indexOf('\n', frame.position) : end
    advance(frame, close < 0 ? frame.text.length : close + (until === '\n' ? 0 : until.length))
  }

  #string(frame: Frame): void {
    const { text, position } = frame
    const lexeme = readString(text, position)
    if (lexeme === undefined) {
      this.#report.error('unclosed-string', 'This string does not end', placeIn(frame, 1))
      advance(frame, text.length)
      return
    }
    const value = this.#defines.applied(lexeme.value)
    const raw = text[position] === "'"
    const previous = this.tokens.at(-1)
    // "a" "b" is one string; so is a define's string beside another. In apostrophes it is not.
    if (!raw && previous?.tokenType === Text && !previous.raw) {
      previous.value = `${previous.value}${value}`
      previous.contentOffset = -1
      advance(frame, lexeme.end)
      this.#spaced = false
      return
    }
    const token = this.emit(frame, Text, lexeme.end, value)
    token.raw = raw
    if (value === lexeme.value && frame.anchor === undefined) {
      token.contentOffset = position + 1
      token.plainLength = lexeme.plainLength
    }
    const module = this.tokens.at(-2)?.tokenType
    if (module === Key.loadmodule || module === Key.loadmodulex) {
      this.#defines.defineModule(value.replace(/^.*\//s, '').replace(/\.so$/, ''))
    }
  }

  #variable(frame: Frame): void {
    const { text, position } = frame
    try {
      let node = parsePvAt(text, position)
      const { end } = node
      let image = text.slice(position, end)
      if (this.#defines.substitutes) {
        const applied = this.#defines.applied(image)
        if (applied !== image) {
          image = applied
          node = parsePv(image)
        }
      }
      const token = this.emit(frame, Variable, end, image)
      token.image = image
      token.pv = node
    } catch (error) {
      if (!(error instanceof PvSyntaxError)) throw error
      const place = frame.anchor ?? placeAt(frame.file, Math.min(error.at, text.length - 1))
      this.#report.error('bad-variable', error.message, place)
      advance(frame, position + 1)
    }
  }
}
