// Owns the grammar of expressions: operands, calls, old comparisons, addresses.
import type { BinaryOperatorName, Expression, Statement } from './ast.ts'
import { AddressGrammar } from './grammar-addresses.ts'
import { type OperatorUse, treeOf } from './precedence.ts'
import {
  BinaryOperator,
  Comparison,
  Key,
  Mark,
  NumberToken,
  Select,
  Text,
  type Token,
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
export abstract class ExpressionGrammar extends AddressGrammar {
  abstract readonly block: (index?: number) => Statement[]

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
          GATE: () => /(^|_)ip$/.test(operand) && this.hostNameAhead(),
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

  bareWord = this.RULE('bareWord', (): Expression => {
    const at = this.take(Word)
    return this.ACTION((): Expression => ({ kind: 'word', text: `${at.value}`, at, end: at }))
  })
}
