// Owns parsing: tokens in, syntax tree out; a syntax error costs one block, and is told with a hint.
import type { Declaration } from './ast.ts'
import { CfgGrammar } from './grammar.ts'
import type { Report } from './report.ts'
import { EOF, type IRecognitionException, Key, Mark, Token, type TokenType, Unknown } from './tokens.ts'

let parser: CfgGrammar | undefined

const BLOCK_KEYWORDS = new Set<TokenType>([
  Key.route,
  Key.request_route,
  Key.failure_route,
  Key.onreply_route,
  Key.reply_route,
  Key.branch_route,
  Key.onsend_route,
  Key.event_route,
  Key.loadmodule,
  Key.modparam,
])

const DIRECTIVE_NAMES = new Set(['define', 'ifdef', 'ifndef', 'trydef', 'redefine', 'subst', 'substdef', 'substdefs'])

const HINTS: readonly [test: (wrong: Token, tokens: readonly Token[], at: number) => boolean, hint: string][] = [
  [(wrong) => wrong.image === '%', 'The remainder of a division is written mod.'],
  [(wrong) => wrong.image === '?', 'A choice of two values is written selval(condition, a, b).'],
  [
    (wrong, tokens, at) => wrong.image === '=' && ['+', '-', '*', '/', '|', '&'].includes(tokens[at - 1]?.image ?? ''),
    'There is no such assignment: write $x = $x + 1.',
  ],
  [(wrong, tokens, at) => wrong.image === '=~' && tokens[at - 1]?.image === '!', 'Write !(a =~ b).'],
  [(wrong, tokens, at) => wrong.image === '~' && tokens[at - 1]?.image === '!', 'There is no !~: write !(a =~ b).'],
  [
    (_wrong, tokens, at) => tokens[at - 2]?.image === '!' && DIRECTIVE_NAMES.has(tokens[at - 1]!.image),
    'A directive of the preprocessor begins with #!, as in #!define.',
  ],
  [
    (wrong) => wrong.tokenType === Mark.LeftBracket,
    'An index is written $(name(x)[1]); a name with other characters than letters, digits and _ needs quotes.',
  ],
  [
    (wrong) => wrong.tokenType === Key.else,
    'An else follows one statement or one block; a block ends without semicolon.',
  ],
]

export interface Parsed {
  readonly declarations: Declaration[]
  /** Nothing was lost to a syntax error. */
  readonly complete: boolean
}

/** Parses all tokens. A syntax error costs its block: reading goes on at the next one, so that one run finds several. */
export function parseTokens(tokens: readonly Token[], report: Report): Parsed {
  parser ??= new CfgGrammar()
  const declarations: Declaration[] = []
  let rest: readonly Token[] = tokens
  for (let attempt = 0; attempt < 50; attempt++) {
    const parsed = parser.parse(rest)
    declarations.push(...parsed.declarations)
    for (const at of parsed.emptyBlocks) {
      report.error('syntax', 'This block is empty', at, 'Put a lone semicolon in it.')
    }
    const error = parser.errors[0]
    if (error === undefined) return { declarations, complete: attempt === 0 }
    // After a string or comment that does not end, the end of the file is no news.
    const unclosed = report.diagnostics.some(({ code }) => code.startsWith('unclosed-'))
    if (unclosed && error.token.tokenType === EOF) break
    const at = reportError(error, rest, report)
    let next = at + 1
    while (next < rest.length && !(BLOCK_KEYWORDS.has(rest[next]!.tokenType) && beginsLine(rest, next))) next++
    if (next >= rest.length) break
    rest = rest.slice(next)
  }
  return { declarations, complete: false }
}

function beginsLine(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1]
  const token = tokens[at]!
  const begins = before === undefined || before.startLine !== token.startLine || before.file !== token.file
  // route(X) is a call; a block has its name in brackets, or none.
  return begins && (token.tokenType !== Key.route || tokens[at + 1]?.tokenType !== Mark.LeftParen)
}

/** Reports the error and gives the index of the token where it was met. */
function reportError(error: IRecognitionException, tokens: readonly Token[], report: Report): number {
  const last = tokens.at(-1)
  const found = error.token instanceof Token ? tokens.indexOf(error.token) : tokens.length
  const at = found < 0 ? tokens.length : found
  const wrong = tokens[at] ?? last
  if (wrong === undefined) return tokens.length
  const hint = HINTS.find(([test]) => test(wrong, tokens, at))?.[1]
  const message = wrong.tokenType === Unknown ? `Unexpected '${wrong.image}'` : error.message
  const previous = tokens[at - 1]
  // A missing ';' belongs to the end of what stands before, where its author would put it.
  if (message.startsWith("Expected ';'") && previous !== undefined && previous.startLine < wrong.startLine) {
    report.error('syntax', message, afterToken(previous), hint)
  } else report.error('syntax', message, wrong, hint)
  return at
}

function afterToken(token: Token) {
  const width = token.endOffset - token.startOffset
  const lines = token.file.text.slice(token.startOffset, token.endOffset).split('\n')
  return {
    file: token.file,
    startOffset: token.endOffset,
    endOffset: token.endOffset + 1,
    startLine: token.startLine + lines.length - 1,
    startColumn: lines.length > 1 ? lines.at(-1)!.length + 1 : token.startColumn + width,
  }
}
