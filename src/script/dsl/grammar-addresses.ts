// Owns the grammar of what names a host: addresses with masks, sockets, host names.
import type { Expression } from './ast.ts'
import { SYNTAX_MESSAGES } from './syntax-messages.ts'
import {
  EmbeddedActionsParser,
  Ipv4,
  Ipv6,
  Mark,
  NumberToken,
  Text,
  TOKEN_KINDS,
  type Token,
  type TokenType,
  Variable,
  Word,
} from './tokens.ts'

/** The rules of addresses, on which those of expressions stand. */
export abstract class AddressGrammar extends EmbeddedActionsParser {
  constructor() {
    super(TOKEN_KINDS, { maxLookahead: 2, recoveryEnabled: false, errorMessageProvider: SYNTAX_MESSAGES })
  }

  /** The token as ours; during the recording of the grammar it is a dummy. */
  protected take(kind: TokenType, index: 1 | 2 = 1): Token {
    return (index === 1 ? this.CONSUME(kind) : this.CONSUME2(kind)) as Token
  }

  /** A word or address that goes on with a colon or dot directly beside it. */
  protected socketAhead(): boolean {
    const next = this.LA(2) as Token
    const first = this.LA(1).tokenType
    if (first === Mark.LeftBracket) return true
    const marks = next.tokenType === Mark.Colon || next.tokenType === Mark.Dot
    return marks && !next.spaced && first !== Variable && first !== Text
  }

  /** A word that goes on with a dot or hyphen directly beside it. */
  protected hostNameAhead(): boolean {
    const { tokenType, spaced } = this.LA(2) as Token
    return this.LA(1).tokenType === Word && !spaced && (tokenType === Mark.Dot || tokenType === Mark.Minus)
  }

  /** `src_ip == gw-a.example.com`: a name of several words without quotes. */
  hostName = this.RULE('hostName', (): Expression => {
    const at = this.take(Word)
    let text = at.image
    let end = at
    this.MANY({
      GATE: () => !(this.LA(1) as Token).spaced,
      DEF: () => {
        const token = this.OR([
          { ALT: () => this.CONSUME(Mark.Dot) },
          { ALT: () => this.CONSUME(Mark.Minus) },
          { ALT: () => this.CONSUME2(Word) },
        ]) as Token
        this.ACTION(() => {
          text += token.image
          end = token
        })
      },
    })
    return this.ACTION((): Expression => ({ kind: 'word', text, at, end }))
  })

  address = this.RULE('address', (): Expression => {
    let text = ''
    let end: Token | undefined
    const at = this.OR1([
      { ALT: () => this.CONSUME1(Ipv4) },
      { ALT: () => this.CONSUME1(Ipv6) },
      {
        ALT: () => {
          const bracket = this.CONSUME(Mark.LeftBracket)
          const inner = this.CONSUME2(Ipv6)
          this.CONSUME(Mark.RightBracket)
          this.ACTION(() => {
            text = inner.image
          })
          return bracket
        },
      },
    ]) as Token
    this.ACTION(() => {
      if (text === '') text = at.image
      end = at
    })
    this.OPTION({
      GATE: () => !(this.LA(1) as Token).spaced,
      DEF: () => {
        this.CONSUME(Mark.Slash)
        const mask = this.OR2([{ ALT: () => this.CONSUME(NumberToken) }, { ALT: () => this.CONSUME3(Ipv4) }]) as Token
        this.ACTION(() => {
          text += `/${mask.image}`
          end = mask
        })
      },
    })
    return this.ACTION((): Expression => ({ kind: 'address', text, at, end: end! }))
  })

  /** Words, numbers, dots, colons with no space between them: a socket or a host name. */
  socketText = this.RULE('socketText', (): { text: string; at: Token; end: Token } => {
    let text = ''
    let at: Token | undefined
    let end: Token | undefined
    this.AT_LEAST_ONE({
      ERR_MSG: 'a socket (protocol:address:port) or a host name',
      GATE: () => at === undefined || !(this.LA(1) as Token).spaced,
      DEF: () => {
        const token = this.OR([
          { ALT: () => this.CONSUME(Word) },
          { ALT: () => this.CONSUME(NumberToken) },
          { ALT: () => this.CONSUME(Ipv4) },
          { ALT: () => this.CONSUME(Ipv6) },
          { ALT: () => this.CONSUME(Text) },
          { ALT: () => this.CONSUME(Mark.Colon) },
          { ALT: () => this.CONSUME(Mark.Dot) },
          { ALT: () => this.CONSUME(Mark.Minus) },
          { ALT: () => this.CONSUME(Mark.Star) },
          { ALT: () => this.CONSUME(Mark.LeftBracket) },
          { ALT: () => this.CONSUME(Mark.RightBracket) },
        ]) as Token
        this.ACTION(() => {
          text += token.tokenType === Text ? token.value : token.image
          at ??= token
          end = token
        })
      },
    })
    return this.ACTION(() => ({ text, at: at!, end: end! }))
  })

  /** A word with what stands directly beside it: `udp:10.0.0.1:5060`, `sip.example.com`. */
  word = this.RULE('word', (): Expression => {
    const found = this.SUBRULE(this.socketText)
    return this.ACTION((): Expression => {
      const { text, at, end } = found
      if (at === end && at.tokenType === Text) return { kind: 'string', value: text, at }
      return { kind: 'word', text, at, end }
    })
  })
}
