// Owns the tokens of the Kamailio language: their kinds for the parser, and the token object with its place in the files.
import { createToken, type IToken, type TokenType } from 'chevrotain'

export { EmbeddedActionsParser, EOF, type IParserErrorMessageProvider, type IRecognitionException } from 'chevrotain'
export type { IToken, TokenType }

import type { PvNode } from '../../../stdlib/registry.ts'

const kind = (name: string, label: string, categories: TokenType[] = []): TokenType =>
  createToken({ name, label, categories })

/** Any word. Keywords that may also serve as plain words are words by category. */
export const Word = kind('Word', 'a name')
export const NumberToken = kind('Number', 'a number')
export const Text = kind('Text', 'a string')
export const Variable = kind('Variable', 'a pseudo-variable')
export const Select = kind('Select', 'a select')
export const Ipv4 = kind('Ipv4', 'an address')
export const Ipv6 = kind('Ipv6', 'an address')
/** A character that no token begins with. */
export const Unknown = kind('Unknown', 'an unknown character')

const KEYWORDS = [
  'if',
  'else',
  'switch',
  'case',
  'default',
  'while',
  'break',
  'return',
  'exit',
  'drop',
  'route',
  'request_route',
  'failure_route',
  'onreply_route',
  'reply_route',
  'branch_route',
  'onsend_route',
  'event_route',
  'loadmodule',
  'loadmodulex',
  'loadpath',
  'mpath',
  'modparam',
  'modparamx',
  'defined',
  'and',
  'or',
  'not',
  'mod',
  'eq',
  'ne',
  'ieq',
  'ine',
] as const

/** Words with a meaning of their own in some places, plain words elsewhere. */
const SOFT_KEYWORDS = ['listen', 'alias', 'flags', 'avpflags', 'advertise', 'name', 'virtual', 'desc'] as const

export type Keyword = (typeof KEYWORDS)[number] | (typeof SOFT_KEYWORDS)[number]

/** Token kinds of the keywords. */
export const Key = {} as Record<Keyword, TokenType>
for (const word of KEYWORDS) Key[word] = kind(`Keyword_${word}`, `'${word}'`)
for (const word of SOFT_KEYWORDS) Key[word] = kind(`Keyword_${word}`, `'${word}'`, [Word])

const SPELLINGS = new Map<string, TokenType>(Object.entries(Key))
for (const [spelling, word] of [
  ['loadmodule_x', 'loadmodulex'],
  ['descr', 'desc'],
  ['description', 'desc'],
  ['loadpath', 'mpath'],
] as const) {
  SPELLINGS.set(spelling, Key[word])
}

/** The kind of a word: a keyword's own, or Word. */
export function kindOfWord(word: string): TokenType {
  return SPELLINGS.get(word) ?? Word
}

const PUNCTUATION = {
  LeftParen: '(',
  RightParen: ')',
  LeftBrace: '{',
  RightBrace: '}',
  LeftBracket: '[',
  RightBracket: ']',
  Semicolon: ';',
  Colon: ':',
  Comma: ',',
  Dot: '.',
  Assign: '=',
  Equal: '==',
  NotEqual: '!=',
  Match: '=~',
  GreaterEqual: '>=',
  LessEqual: '<=',
  Greater: '>',
  Less: '<',
  AndAnd: '&&',
  OrOr: '||',
  BitAnd: '&',
  BitOr: '|',
  BitXor: '^',
  ShiftLeft: '<<',
  ShiftRight: '>>',
  Plus: '+',
  Minus: '-',
  Star: '*',
  Slash: '/',
  Bang: '!',
  Tilde: '~',
} as const

export type PunctuationName = keyof typeof PUNCTUATION

/** Token kinds of operators and brackets. */
export const Mark = {} as Record<PunctuationName, TokenType>
/** Kinds by spelling. */
export const markBySpelling = new Map<string, TokenType>()
for (const [name, spelling] of Object.entries(PUNCTUATION) as [PunctuationName, string][]) {
  Mark[name] = kind(name, `'${spelling}'`)
  markBySpelling.set(spelling, Mark[name])
}

/** Operators between two operands, all of one category, so that the parser takes them in one step. */
export const BinaryOperator = kind('BinaryOperator', 'an operator')
for (const operator of [
  Mark.Equal,
  Mark.NotEqual,
  Mark.Match,
  Mark.GreaterEqual,
  Mark.LessEqual,
  Mark.Greater,
  Mark.Less,
  Mark.AndAnd,
  Mark.OrOr,
  Mark.BitAnd,
  Mark.BitOr,
  Mark.BitXor,
  Mark.ShiftLeft,
  Mark.ShiftRight,
  Mark.Plus,
  Mark.Minus,
  Mark.Star,
  Mark.Slash,
  Key.and,
  Key.or,
  Key.mod,
  Key.eq,
  Key.ne,
  Key.ieq,
  Key.ine,
]) {
  operator.CATEGORIES?.push(BinaryOperator)
}

/** `=` and every comparison that an old operand takes. */
export const Comparison = kind('Comparison', 'a comparison')
for (const operator of [
  Mark.Equal,
  Mark.NotEqual,
  Mark.Match,
  Mark.GreaterEqual,
  Mark.LessEqual,
  Mark.Greater,
  Mark.Less,
  Key.eq,
  Key.ne,
  Key.ieq,
  Key.ine,
]) {
  operator.CATEGORIES?.push(Comparison)
}

/** Every kind, for the parser. */
export const TOKEN_KINDS: TokenType[] = [
  Word,
  NumberToken,
  Text,
  Variable,
  Select,
  Ipv4,
  Ipv6,
  Unknown,
  BinaryOperator,
  Comparison,
  ...new Set(Object.values(Key)),
  ...Object.values(Mark),
]

/** A text that tokens stand in: a file, or the value of a define at the place where it is used. */
export interface SourceFile {
  /** As messages name it. */
  readonly path: string
  readonly text: string
}

/** One token with its place. A token that comes from a define has the place of the name that was replaced. */
export class Token implements IToken {
  image: string
  tokenTypeIdx: number
  tokenType: TokenType
  startOffset: number
  endOffset: number
  startLine: number
  startColumn: number
  endLine: number
  endColumn: number
  readonly file: SourceFile
  /** White space or a comment stands before it. */
  readonly spaced: boolean
  /** Text: the content with escapes done; Number: its value; words: the word. */
  value: string | number
  /** Text: offset in the file of the first byte of the content; -1 where that has no place of its own. */
  contentOffset = -1
  /** Text: so much of the content stands in the file byte for byte. */
  plainLength = 0
  /** Text in apostrophes, which do not join with a neighbour. */
  raw = false
  /** Variable: as parsed. */
  pv: PvNode | undefined

  constructor(
    kind: TokenType,
    image: string,
    file: SourceFile,
    startOffset: number,
    endOffset: number,
    line: number,
    column: number,
    spaced: boolean,
    value: string | number,
  ) {
    this.tokenType = kind
    this.tokenTypeIdx = kind.tokenTypeIdx!
    this.image = image
    this.file = file
    this.startOffset = startOffset
    this.endOffset = endOffset
    this.startLine = line
    this.startColumn = column
    this.endLine = line
    this.endColumn = column + Math.max(1, endOffset - startOffset) - 1
    this.spaced = spaced
    this.value = value
  }
}
