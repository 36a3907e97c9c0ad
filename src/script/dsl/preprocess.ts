// Owns reading: a file with its includes and directives becomes one list of tokens, defines put in.
import { dirname, isAbsolute, join } from 'node:path'
import { Conditions, endOfExcluded, standsAlone } from './conditions.ts'
import { Defines } from './defines.ts'
import { applySetting, type SettingDirective } from './directives.ts'
import { advance, afterSpace, type Frame, placeIn, restOfLine } from './frame.ts'
import { booleanWord, readString } from './lexemes.ts'
import { Lexer } from './lexer.ts'
import { placeAt, type Report } from './report.ts'
import { kindOfWord, NumberToken, type SourceFile, Token, Word } from './tokens.ts'

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
  readonly #lexer: Lexer
  readonly #files: string[] = []
  readonly #frames: Frame[] = []
  readonly #conditions = new Conditions()
  #strict = false

  constructor(options: ReadOptions, report: Report) {
    this.#options = options
    this.#report = report
    this.#defines = new Defines(options.defines)
    this.#lexer = new Lexer(this.#defines, report)
  }

  read(path: string): ReadResult {
    const text = this.#options.readFile(path)
    const main: SourceFile = { path, text: text ?? '' }
    this.#files.push(path)
    if (text === undefined) this.#report.error('file-not-found', `Cannot read ${path}`, placeAt(main, 0))
    this.#push(main, main.text, undefined)
    while (this.#frames.length > 0) this.#readFrame(this.#frames.at(-1)!)
    this.#conditions.reportOpen(this.#report)
    return { tokens: this.#lexer.tokens, defines: this.#defines, files: this.#files, main, strict: this.#strict }
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
      this.#lexer.skipSpace(frame)
      if (frame.position >= frame.text.length) {
        this.#frames.pop()
        return
      }
      if (this.#lexer.tokens.length > MOST_TOKENS) {
        this.#report.error('too-long', 'The file is too long', placeIn(frame, 1))
        this.#frames.length = 0
        return
      }
      this.#readOne(frame)
    }
  }

  #readOne(frame: Frame): void {
    const { text, position } = frame
    const c = text.charCodeAt(position)
    // Letters and '_': the most frequent beginning.
    if ((c >= 0x61 && c <= 0x7a) || (c >= 0x41 && c <= 0x5a) || c === 0x5f) {
      const hexadecimal = (c | 0x20) <= 0x66
      if (!hexadecimal || !this.#lexer.ipv6(frame)) this.#word(frame)
      return
    }
    if ((c === 0x23 || c === 0x21) && text[position + 1] === '!' && this.#directive(frame)) return
    this.#lexer.read(frame)
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
        this.#lexer.emit(frame, NumberToken, end, truth)
        return
      }
    }
    this.#lexer.emit(frame, kind, end, word)
  }

  #expand(frame: Frame, word: string, end: number, value: string): void {
    const expansions = this.#frames.filter((one) => one.anchor !== undefined).length
    if (expansions >= EXPANSION_DEPTH) {
      this.#report.error('define-loop', `The define ${word} leads back to itself`, placeIn(frame, word.length))
      advance(frame, end)
      return
    }
    const before = this.#lexer.spaced
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

  /** `include_file "p"` and `import_file "p"`, with or without `#!`. False when no file name follows. */
  #include(frame: Frame, word: string, end: number): boolean {
    const at = afterSpace(frame.text, end)
    const quoted = frame.text[at] === '"' || frame.text[at] === "'" ? readString(frame.text, at) : undefined
    if (quoted === undefined) return false
    const place = placeAt(frame.file, at, quoted.end - at)
    const name = this.#defines.applied(quoted.value)
    advance(frame, quoted.end)
    this.#lexer.part()
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
    this.#lexer.part()
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
    this.#lexer.part()
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
    this.#lexer.part()
    advance(frame, lineEnd)
  }
}
