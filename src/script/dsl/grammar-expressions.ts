// Owns the grammar of expressions: operands, calls, old comparisons, addresses.
import type { BinaryOperatorName, Expression, Statement } from './ast.ts'
import { type OperatorUse, treeOf } from './precedence.ts'
import { SYNTAX_MESSAGES } from './syntax-messages.ts'
import {
  BinaryOperator,
  Comparison,
  EmbeddedActionsParser,
  Ipv4,
  Ipv6,
  Key,
  Mark,
  NumberToken,
  Select,
  Text,
  TOKEN_KINDS,
  type Token,
  type TokenType,
  Variable,
  Word,
} from './tokens.ts'

/** Operands of SER's time, which compare in their own way. */
export const OLD_OPERANDS = new Set([
  'method',
  'uri',
  'from_uri',
  'to_uri',
  'status',
  'src_ip',
  'dst_ip',
  'src_port',
  'dst_port',
  'proto',
  'af',
  'msg',
  'retcode',
  'snd_ip',
  'snd_port',
  'snd_proto',
  'snd_af',
  'to_ip',
  'to_port',
  'to_proto',
  'to_af',
])

/** Functions whose arguments may be sockets and words rather than values. */
const WORD_ARGUMENTS =
  /^(?:forward|send|force_send_socket|set_advertised|setflag|resetflag|isflagset|udp_mtu_try_proto|avpflag|setavpflag|resetavpflag|isavpflagset|set[bs]flag|reset[bs]flag|is[bs]flagset|cfg_select|cfg_reset)/

type PrefixOperator = '!' | '-' | '~' | 'defined' | 'int' | 'str'

function prefixOf(token: Token): PrefixOperator {
  const { image } = token
  return image === '-' || image === '~' || image === 'defined' ? image : '!'
}

/** The rules of expressions. Blocks inside expressions are the statements' business. */
export abstract class ExpressionGrammar extends EmbeddedActionsParser {
  abstract readonly block: (index?: number) => Statement[]

  constructor() {
    super(TOKEN_KINDS, { maxLookahead: 2, recoveryEnabled: false, errorMessageProvider: SYNTAX_MESSAGES })
  }

  /** The token as ours; during the recording of the grammar it is a dummy. */
  protected take(kind: TokenType, index: 1 | 2 = 1): Token {
    return (index === 1 ? this.CONSUME(kind) : this.CONSUME2(kind)) as Token
  }

  expression = this.RULE('expression', (): Expression => {
    const first = this.SUBRULE1(this.operand)
    const rest: OperatorUse[] = []
    this.MANY(() => {
      const operator = this.take(BinaryOperator)
      const right = this.SUBRULE2(this.operand)
      this.ACTION(() => rest.push({ operator, right }))
    })
    return this.ACTION(() => (rest.length === 0 ? first : treeOf(first, rest)))
  })

  operand = this.RULE('operand', (): Expression => {
    const prefixes: { operator: PrefixOperator; at: Token }[] = []
    this.MANY({
      GATE: () => this.LA(1).tokenType !== Mark.LeftParen || this.#castAhead(),
      DEF: () => {
        const prefix = this.SUBRULE(this.prefix)
        this.ACTION(() => prefixes.push(prefix))
      },
    })
    let value = this.SUBRULE(this.primary)
    this.ACTION(() => {
      for (const { operator, at } of prefixes.reverse()) {
        if (operator === '-' && value.kind === 'number') value = { ...value, value: -value.value | 0 }
        else value = { kind: 'unary', operator, operand: value, at }
      }
    })
    return value
  })

  prefix = this.RULE('prefix', (): { operator: PrefixOperator; at: Token } => {
    let cast: Token | undefined
    const at = this.OR([
      { ALT: () => this.CONSUME(Mark.Bang) },
      { ALT: () => this.CONSUME(Key.not) },
      { ALT: () => this.CONSUME(Mark.Minus) },
      { ALT: () => this.CONSUME(Mark.Tilde) },
      { ALT: () => this.CONSUME(Key.defined) },
      {
        ALT: () => {
          const bracket = this.CONSUME(Mark.LeftParen)
          cast = this.take(Word)
          this.CONSUME(Mark.RightParen)
          return bracket
        },
      },
    ]) as Token
    return this.ACTION(() => ({
      operator: cast === undefined ? prefixOf(at) : cast.value === 'int' ? 'int' : 'str',
      at,
    }))
  })

  #castAhead(): boolean {
    const type = this.LA(2) as Token
    return (
      this.LA(1).tokenType === Mark.LeftParen &&
      (type.value === 'int' || type.value === 'str') &&
      this.LA(3).tokenType === Mark.RightParen
    )
  }

  primary = this.RULE(
    'primary',
    (): Expression =>
      this.OR({
        IGNORE_AMBIGUITIES: true,
        DEF: [
          {
            ALT: () => {
              const at = this.take(Variable)
              return this.ACTION((): Expression => ({ kind: 'variable', node: at.pv!, at }))
            },
          },
          {
            ALT: () => {
              const at = this.take(Text)
              return this.ACTION((): Expression => ({ kind: 'string', value: `${at.value}`, at }))
            },
          },
          {
            ALT: () => {
              const at = this.take(NumberToken)
              return this.ACTION((): Expression => ({ kind: 'number', value: Number(at.value), at }))
            },
          },
          {
            GATE: () => this.LA(1).tokenType === Key.route,
            ALT: () => this.SUBRULE(this.routeCall),
          },
          {
            GATE: () => this.LA(2).tokenType === Mark.LeftParen,
            ALT: () => this.SUBRULE(this.call),
          },
          { GATE: () => this.#oldOperandAhead(), ALT: () => this.SUBRULE(this.oldOperand) },
          { ALT: () => this.SUBRULE(this.bareWord) },
          { ALT: () => this.SUBRULE(this.address) },
          {
            ALT: () => {
              const at = this.take(Select)
              return this.ACTION((): Expression => ({ kind: 'select', path: `${at.value}`, at }))
            },
          },
          { ALT: () => this.SUBRULE(this.parenthesised) },
          {
            ALT: () => {
              const at = this.ACTION(() => this.LA(1) as Token)
              const body = this.SUBRULE(this.block)
              return this.ACTION((): Expression => ({ kind: 'block', body, at }))
            },
          },
        ],
        ERR_MSG: 'a value',
      }),
  )

  parenthesised = this.RULE('parenthesised', (): Expression => {
    this.CONSUME(Mark.LeftParen)
    let value = this.SUBRULE1(this.expression)
    this.OPTION(() => {
      this.CONSUME(Mark.Assign)
      const assigned = this.SUBRULE2(this.expression)
      this.ACTION(() => {
        value = { kind: 'assign', target: value, value: assigned, at: value.at }
      })
    })
    this.CONSUME(Mark.RightParen)
    return value
  })

  routeCall = this.RULE('routeCall', (): Expression => {
    const at = this.take(Key.route)
    this.CONSUME(Mark.LeftParen)
    const target = this.SUBRULE(this.argument)
    this.CONSUME(Mark.RightParen)
    return this.ACTION((): Expression => ({ kind: 'route-call', target, at }))
  })

  call = this.RULE('call', (): Expression => {
    const at = this.take(Word)
    this.CONSUME(Mark.LeftParen)
    const args: Expression[] = []
    this.MANY_SEP({
      SEP: Mark.Comma,
      DEF: () => {
        const argument = this.OR([
          {
            GATE: () => WORD_ARGUMENTS.test(`${at.value}`) && this.socketAhead(),
            ALT: () => this.SUBRULE(this.word),
          },
          { ALT: () => this.SUBRULE(this.argument) },
        ])
        this.ACTION(() => args.push(argument))
      },
    })
    const end = this.take(Mark.RightParen)
    return this.ACTION((): Expression => ({ kind: 'call', name: `${at.value}`, args, at, end }))
  })

  /** A word or address that goes on with a colon or dot directly beside it. */
  protected socketAhead(): boolean {
    const next = this.LA(2) as Token
    const first = this.LA(1).tokenType
    if (first === Mark.LeftBracket) return true
    const marks = next.tokenType === Mark.Colon || next.tokenType === Mark.Dot
    return marks && !next.spaced && first !== Variable && first !== Text
  }

  /** A value, or one of the words that a keyword would otherwise take: `route(default)`. */
  argument = this.RULE(
    'argument',
    (): Expression =>
      this.OR({
        IGNORE_AMBIGUITIES: true,
        DEF: [
          {
            ALT: () => {
              const at = this.OR2([
                { ALT: () => this.CONSUME(Key.default) },
                { ALT: () => this.CONSUME(Key.mod) },
                { ALT: () => this.CONSUME(Key.case) },
              ]) as Token
              return this.ACTION((): Expression => ({ kind: 'word', text: at.image, at, end: at }))
            },
          },
          { ALT: () => this.SUBRULE(this.expression) },
        ],
        ERR_MSG: 'an argument',
      }),
  )

  #oldOperandAhead(): boolean {
    return OLD_OPERANDS.has(`${(this.LA(1) as Token).value}`)
  }

  /** Old operands bind their comparison first: `!method == "X"` is `!(method == "X")`. */
  oldOperand = this.RULE('oldOperand', (): Expression => {
    const at = this.take(Word)
    let operand = `${at.value}`
    this.OPTION1(() => {
      this.CONSUME(Mark.Colon)
      this.CONSUME2(Word)
      this.ACTION(() => {
        operand = 'msg:len'
      })
    })
    let comparison: { operator: Token; right: Expression } | undefined
    this.OPTION2(() => {
      const operator = this.take(Comparison)
      const right = this.OR([
        {
          GATE: () => /(^|_)ip$/.test(operand) && this.#hostNameAhead(),
          ALT: () => this.SUBRULE(this.hostName),
        },
        { ALT: () => this.SUBRULE(this.operand) },
      ])
      this.ACTION(() => {
        comparison = { operator, right }
      })
    })
    return this.ACTION((): Expression => {
      if (comparison === undefined) return { kind: 'old-operand', operand, at }
      const operator = comparison.operator.image as BinaryOperatorName
      return { kind: 'old-comparison', operand, operator, right: comparison.right, at }
    })
  })

  /** A word that goes on with a dot or hyphen directly beside it. */
  #hostNameAhead(): boolean {
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

  bareWord = this.RULE('bareWord', (): Expression => {
    const at = this.take(Word)
    return this.ACTION((): Expression => ({ kind: 'word', text: `${at.value}`, at, end: at }))
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
