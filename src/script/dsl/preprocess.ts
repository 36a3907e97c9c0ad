// Owns reading: a file with its includes and directives becomes one list of tokens, each with its place.
import { dirname, isAbsolute, join } from 'node:path'
import { PvSyntaxError, parsePv, parsePvAt } from '../../../stdlib/registry.ts'
import { Conditions, endOfExcluded, standsAlone } from './conditions.ts'
import { Defines } from './defines.ts'
import { applySetting, type SettingDirective } from './directives.ts'
import { advance, afterSpace, type Frame, placeIn, restOfLine, skipSpace } from './frame.ts'
import { booleanWord, integerValue, ipv6End, numericAt, readString, selectEnd } from './lexemes.ts'
import { placeAt, type Report } from './report.ts'
import {
  Ipv4,
  Ipv6,
  Key,
  kindOfWord,
  markBySpelling,
  NumberToken,
  Select,
  type SourceFile,
  Text,
  Token,
  Unknown,
  Variable,
  Word,
} from './tokens.ts'

export interface ReadOptions {
  readonly defines: ReadonlyMap<string, string>
  readonly env: Readonly<Record<string, string | undefined>>
  readFile(path: string): string | undefined
}

export interface ReadResult {
  readonly tokens: Token[]
  readonly defines: Defines
  readonly files: string[]
  /** Name of each file that was read, for places. */
  readonly main: SourceFile
  /** `#!KAMAILIO` was seen: unknown variables are errors. */
  readonly strict: boolean
}

const INCLUDE_DEPTH = 10
const EXPANSION_DEPTH = 32
const MOST_TOKENS = 2_000_000

const WORD = /[A-Za-z_][A-Za-z0-9_]*/y
const DIRECTIVE = /[#!]!([A-Za-z_]+)/y

/** Reads `file` and everything it includes. */
export function readTokens(file: string, options: ReadOptions, report: Report): ReadResult {
  return new Reader(options, report).read(file)
}

class Reader {
  readonly #options: ReadOptions
  readonly #report: Report
  readonly #defines: Defines
  readonly #tokens: Token[] = []
  readonly #files: string[] = []
  readonly #frames: Frame[] = []
  readonly #conditions = new Conditions()
  #strict = false
  #spaced = false

  constructor(options: ReadOptions, report: Report) {
    this.#options = options
    this.#report = report
    this.#defines = new Defines(options.defines)
  }

  read(path: string): ReadResult {
    const text = this.#options.readFile(path)
    const main: SourceFile = { path, text: text ?? '' }
    this.#files.push(path)
    if (text === undefined) this.#report.error('file-not-found', `Cannot read ${path}`, placeAt(main, 0))
    this.#push(main, main.text, undefined)
    while (this.#frames.length > 0) this.#readFrame(this.#frames.at(-1)!)
    this.#conditions.reportOpen(this.#report)
    return { tokens: this.#tokens, defines: this.#defines, files: this.#files, main, strict: this.#strict }
  }

  #push(file: SourceFile, text: string, anchor: Token | undefined): void {
    this.#frames.push({ file, text, position: 0, line: 1, lineStart: 0, anchor })
  }

  /** Reads the frame until it ends or another is put on top of it. */
  #readFrame(frame: Frame): void {
    const depth = this.#frames.length
    while (this.#frames.length === depth) {
      if (!this.#conditions.active) {
        advance(frame, endOfExcluded(frame.text, frame.position))
      }
      if (skipSpace(frame)) this.#spaced = true
      if (frame.position >= frame.text.length) {
        this.#frames.pop()
        return
      }
      if (this.#tokens.length > MOST_TOKENS) {
        this.#report.error('too-long', 'The file is too long', placeIn(frame, 1))
        this.#frames.length = 0
        return
      }
      this.#readOne(frame)
    }
  }

  #emit(frame: Frame, kind: Token['tokenType'], end: number, value: string | number): Token {
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
    this.#tokens.push(token)
    advance(frame, end)
    return token
  }

  #readOne(frame: Frame): void {
    const { text, position } = frame
    const c = text.charCodeAt(position)
    // Letters and '_': the most frequent beginning.
    if ((c >= 0x61 && c <= 0x7a) || (c >= 0x41 && c <= 0x5a) || c === 0x5f) {
      const end = (c | 0x20) <= 0x66 ? ipv6End(text, position) : -1
      if (end >= 0) this.#emit(frame, Ipv6, end, text.slice(position, end))
      else this.#word(frame)
      return
    }
    switch (c) {
      case 0x22:
      case 0x27:
        this.#string(frame)
        return
      case 0x24:
        this.#variable(frame)
        return
      case 0x23:
        if (text[position + 1] === '!' && this.#directive(frame)) return
        this.#comment(frame, '\n')
        return
      case 0x21:
        if (text[position + 1] === '!' && this.#directive(frame)) return
        break
      case 0x2f:
        if (text[position + 1] === '/' || text[position + 1] === '*') {
          this.#comment(frame, text[position + 1] === '/' ? '\n' : '*/')
          return
        }
        break
      case 0x40: {
        const end = selectEnd(text, position)
        if (end < 0) break
        this.#emit(frame, Select, end, text.slice(position + 1, end))
        return
      }
      case 0x3a: {
        const end = ipv6End(text, position)
        if (end < 0) break
        this.#emit(frame, Ipv6, end, text.slice(position, end))
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
    if (found.kind === 'number') this.#emit(frame, NumberToken, found.end, integerValue(image))
    else this.#emit(frame, found.kind === 'ipv4' ? Ipv4 : Ipv6, found.end, image)
  }

  #mark(frame: Frame): void {
    const { text, position } = frame
    for (const length of [2, 1]) {
      const spelling = text.slice(position, position + length)
      const kind = markBySpelling.get(spelling)
      if (kind !== undefined) {
        this.#emit(frame, kind, position + spelling.length, spelling)
        return
      }
    }
    this.#emit(frame, Unknown, position + 1, text[position]!)
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

  #word(frame: Frame): void {
    WORD.lastIndex = frame.position
    WORD.test(frame.text)
    const end = WORD.lastIndex
    const word = frame.text.slice(frame.position, end)
    if (word === 'include_file' || word === 'import_file') {
      if (this.#include(frame, word, end)) return
    }
    const kind = kindOfWord(word)
    if (kind === Word) {
      const value = this.#defines.value(word)
      if (value !== undefined) {
        this.#expand(frame, word, end, value)
        return
      }
      const truth = booleanWord(word)
      if (truth !== undefined) {
        this.#emit(frame, NumberToken, end, truth)
        return
      }
    }
    this.#emit(frame, kind, end, word)
  }

  #expand(frame: Frame, word: string, end: number, value: string): void {
    const expansions = this.#frames.filter((one) => one.anchor !== undefined).length
    if (expansions >= EXPANSION_DEPTH) {
      this.#report.error('define-loop', `The define ${word} leads back to itself`, placeIn(frame, word.length))
      advance(frame, end)
      return
    }
    const before = this.#spaced
    const anchor =
      frame.anchor ??
      new Token(
        Word,
        word,
        frame.file,
        frame.position,
        end,
        frame.line,
        frame.position - frame.lineStart + 1,
        before,
        word,
      )
    advance(frame, end)
    if (value !== '') this.#push(frame.file, value, anchor)
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
    const previous = this.#tokens.at(-1)
    // "a" "b" is one string; so is a define's string beside another. In apostrophes it is not.
    if (!raw && previous?.tokenType === Text && !previous.raw) {
      previous.value = `${previous.value}${value}`
      previous.contentOffset = -1
      advance(frame, lexeme.end)
      this.#spaced = false
      return
    }
    const token = this.#emit(frame, Text, lexeme.end, value)
    token.raw = raw
    if (value === lexeme.value && frame.anchor === undefined) {
      token.contentOffset = position + 1
      token.plainLength = lexeme.plainLength
    }
    const module = this.#tokens.at(-2)?.tokenType
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
      const token = this.#emit(frame, Variable, end, image)
      token.image = image
      token.pv = node
    } catch (error) {
      if (!(error instanceof PvSyntaxError)) throw error
      const place = frame.anchor ?? placeAt(frame.file, Math.min(error.at, text.length - 1))
      this.#report.error('bad-variable', error.message, place)
      advance(frame, position + 1)
    }
  }

  /** `include_file "p"` and `import_file "p"`, with or without `#!`. False when no file name follows. */
  #include(frame: Frame, word: string, end: number): boolean {
    const at = afterSpace(frame.text, end)
    const quoted = frame.text[at] === '"' || frame.text[at] === "'" ? readString(frame.text, at) : undefined
    if (quoted === undefined) return false
    const place = placeAt(frame.file, at, quoted.end - at)
    const name = this.#defines.applied(quoted.value)
    advance(frame, quoted.end)
    this.#spaced = true
    const files = this.#frames.filter((one) => one.anchor === undefined)
    if (files.length > INCLUDE_DEPTH) {
      this.#report.error('include-depth', `Files include each other more than ${INCLUDE_DEPTH} deep`, place)
      return true
    }
    const found = this.#open(name, files.at(-1)!.file.path)
    if (found !== undefined) this.#push(found, found.text, undefined)
    else if (word === 'include_file') {
      this.#report.error('file-not-found', `Cannot read ${name}`, place, 'import_file does without a missing file.')
    }
    return true
  }

  /** A relative name is tried against the working directory, then beside the including file. */
  #open(name: string, from: string): SourceFile | undefined {
    const beside = isAbsolute(name) ? name : join(dirname(from), name)
    for (const path of beside === name ? [name] : [name, beside]) {
      const text = this.#options.readFile(path)
      if (text !== undefined) {
        if (!this.#files.includes(path)) this.#files.push(path)
        return { path, text }
      }
    }
    if (!this.#files.includes(beside)) this.#files.push(beside)
    return undefined
  }

  /** A directive at `#!` or `!!`. False when it is none, and so a comment. */
  #directive(frame: Frame): boolean {
    const { text, position } = frame
    DIRECTIVE.lastIndex = position
    const name = DIRECTIVE.exec(text)?.[1]
    if (name === undefined) return false
    const end = DIRECTIVE.lastIndex
    switch (name) {
      case 'ifdef':
      case 'ifndef':
        this.#condition(frame, name, end)
        return true
      case 'else':
      case 'endif':
        return this.#closeCondition(frame, name, end)
      case 'define':
      case 'trydef':
      case 'redefine':
      case 'redef':
      case 'subst':
      case 'substdef':
      case 'substdefs':
      case 'defenv':
      case 'defenvs':
      case 'trydefenv':
      case 'trydefenvs':
        this.#setting(frame, name, end)
        return true
      case 'include_file':
      case 'import_file':
        advance(frame, end)
        return this.#include(frame, name, end) || true
      case 'KAMAILIO':
      case 'OPENSER':
      case 'SER':
      case 'ALL':
      case 'MAXCOMPAT':
        if (name === 'KAMAILIO' && standsAlone(text, end)) this.#strict = true
        advance(frame, end)
        return true
      default:
        if (text[position] !== '#') return false
        if (['ifexp', 'defexp', 'defexps', 'undefine', 'undef', 'tryundef'].includes(name)) {
          this.#report.error(
            'unknown-directive',
            `#!${name} is not in the 5.6 language`,
            placeIn(frame, end - position),
            'It came with a later version.',
          )
        }
        return false
    }
  }

  #condition(frame: Frame, name: 'ifdef' | 'ifndef', end: number): void {
    const place = placeIn(frame, end - frame.position)
    const { text, end: lineEnd } = restOfLine(frame, end)
    const tested = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text)?.[0]
    if (tested === undefined) this.#report.error('bad-directive', `#!${name} needs a name`, place)
    const active = (tested !== undefined && this.#defines.has(tested)) === (name === 'ifdef')
    this.#conditions.open(place, active)
    this.#spaced = true
    advance(frame, lineEnd)
  }

  #closeCondition(frame: Frame, name: 'else' | 'endif', end: number): boolean {
    if (!standsAlone(frame.text, end)) {
      this.#report.warning(
        'directive-is-comment',
        `#!${name} with other text on its line is taken for a comment`,
        placeIn(frame, end - frame.position),
      )
      return false
    }
    const place = placeIn(frame, end - frame.position)
    this.#spaced = true
    advance(frame, end)
    if (!this.#conditions.close(name))
      this.#report.error('unbalanced-directive', `#!${name} without a condition that it belongs to`, place)
    return true
  }

  /** A directive that defines or substitutes. */
  #setting(frame: Frame, name: SettingDirective, end: number): void {
    const place = placeIn(frame, end - frame.position)
    const { text, end: lineEnd } = restOfLine(frame, end)
    for (const { code, message, hint } of applySetting(name, text, this.#defines, this.#options.env)) {
      this.#report.error(code, message, place, hint)
    }
    this.#spaced = true
    advance(frame, lineEnd)
  }
}
