// Owns the words in which syntax errors are told.
import { EOF, type IParserErrorMessageProvider, type IToken, type TokenType } from './tokens.ts'

function shown(token: IToken): string {
  if (token.tokenType === EOF) return 'the end of the file'
  const image = token.image.length > 40 ? `${token.image.slice(0, 37)}...` : token.image
  return /^["']/.test(image) ? image.replace(/\s+/g, ' ') : `'${image}'`
}

const label = (kind: TokenType): string => kind.LABEL ?? kind.name

/** For the parser. */
export const SYNTAX_MESSAGES: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected, actual }) => `Expected ${label(expected)}, found ${shown(actual)}`,
  buildNotAllInputParsedMessage: ({ firstRedundant }) => `Unexpected ${shown(firstRedundant)}`,
  buildNoViableAltMessage: ({ actual, customUserDescription }) =>
    `Expected ${customUserDescription ?? 'something else'}, found ${actual[0] ? shown(actual[0]) : 'the end of the file'}`,
  buildEarlyExitMessage: ({ actual, customUserDescription }) =>
    `Expected ${customUserDescription ?? 'more'}, found ${actual[0] ? shown(actual[0]) : 'the end of the file'}`,
}
