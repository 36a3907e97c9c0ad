// Owns the grammar of the Kamailio language: tokens in, syntax tree out.
import type {
  BinaryOperatorName,
  Declaration,
  Expression,
  ListenDeclaration,
  RouteBlockKind,
  Statement,
  SwitchCase,
} from './ast.ts'
import { type OperatorUse, treeOf } from './precedence.ts'
import type { Report } from './report.ts'
import {
  BinaryOperator,
  Comparison,
  EmbeddedActionsParser,
  EOF,
  type IParserErrorMessageProvider,
  Ipv4,
  Ipv6,
  type IRecognitionException,
  type IToken,
  Key,
  Mark,
  NumberToken,
  Select,
  Text,
  TOKEN_KINDS,
  Token,
  type TokenType,
  Unknown,
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

const LEAVES = new Map<TokenType, 'return' | 'exit' | 'drop' | 'break'>([
  [Key.return, 'return'],
  [Key.exit, 'exit'],
  [Key.drop, 'drop'],
  [Key.break, 'break'],
])

function shown(token: IToken): string {
  if (token.tokenType === EOF) return 'the end of the file'
  const image = token.image.length > 40 ? `${token.image.slice(0, 37)}...` : token.image
  return /^["']/.test(image) ? image.replace(/\s+/g, ' ') : `'${image}'`
}

const label = (kind: TokenType): string => kind.LABEL ?? kind.name

const MESSAGES: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected, actual }) => `Expected ${label(expected)}, found ${shown(actual)}`,
  buildNotAllInputParsedMessage: ({ firstRedundant }) => `Unexpected ${shown(firstRedundant)}`,
  buildNoViableAltMessage: ({ actual, customUserDescription }) =>
    `Expected ${customUserDescription ?? 'something else'}, found ${actual[0] ? shown(actual[0]) : 'the end of the file'}`,
  buildEarlyExitMessage: ({ actual, customUserDescription }) =>
    `Expected ${customUserDescription ?? 'more'}, found ${actual[0] ? shown(actual[0]) : 'the end of the file'}`,
}

type PrefixOperator = '!' | '-' | '~' | 'defined' | 'int' | 'str'

function prefixOf(token: Token): PrefixOperator {
  const { image } = token
  return image === '-' || image === '~' || image === 'defined' ? image : '!'
}

class CfgParser extends EmbeddedActionsParser {
  constructor() {
    super(TOKEN_KINDS, {
      maxLookahead: 2,
      recoveryEnabled: false,
      errorMessageProvider: MESSAGES,
      skipValidations: false,
    })
    this.performSelfAnalysis()
  }

  /** The token as ours; during the recording of the grammar it is a dummy. */
  #take(kind: TokenType, index: 1 | 2 | 3 = 1): Token {
    const token = index === 1 ? this.CONSUME(kind) : index === 2 ? this.CONSUME2(kind) : this.CONSUME3(kind)
    return token as Token
  }

  file = this.RULE('file', (): Declaration[] => {
    const declarations: Declaration[] = []
    this.MANY(() => {
      this.OR([
        {
          ALT: () => {
            const declaration = this.SUBRULE(this.declaration)
            this.ACTION(() => declarations.push(declaration))
          },
        },
        { ALT: () => this.CONSUME(Mark.Semicolon) },
      ])
    })
    return declarations
  })

  declaration = this.RULE(
    'declaration',
    (): Declaration =>
      this.OR({
        IGNORE_AMBIGUITIES: true,
        DEF: [
          { ALT: () => this.SUBRULE(this.routeBlock) },
          { ALT: () => this.SUBRULE(this.loadModule) },
          { ALT: () => this.SUBRULE(this.moduleParameter) },
          { GATE: () => this.LA(2).tokenType !== Mark.Dot, ALT: () => this.SUBRULE(this.listen) },
          {
            GATE: () => this.LA(2).tokenType !== Mark.Dot && this.LA(2).tokenType !== Mark.Assign,
            ALT: () => this.SUBRULE(this.flags),
          },
          { ALT: () => this.SUBRULE(this.assignment) },
        ],
        ERR_MSG: 'a route block, a module or a parameter',
      }),
  )

  routeBlock = this.RULE('routeBlock', (): Declaration => {
    const keyword = this.OR({
      IGNORE_AMBIGUITIES: true,
      DEF: [
        { ALT: () => this.CONSUME(Key.route) },
        { ALT: () => this.CONSUME(Key.request_route) },
        { ALT: () => this.CONSUME(Key.failure_route) },
        { ALT: () => this.CONSUME(Key.onreply_route) },
        { ALT: () => this.CONSUME(Key.reply_route) },
        { ALT: () => this.CONSUME(Key.branch_route) },
        { ALT: () => this.CONSUME(Key.onsend_route) },
        { ALT: () => this.CONSUME(Key.event_route) },
      ],
    }) as Token
    let name = ''
    let nameAt = keyword
    this.OPTION(() => {
      this.CONSUME(Mark.LeftBracket)
      const found = this.SUBRULE(this.routeName)
      this.ACTION(() => {
        name = found.text
        nameAt = found.at
      })
      this.CONSUME(Mark.RightBracket)
    })
    const body = this.SUBRULE(this.block)
    return this.ACTION(() => ({ kind: 'route', ...this.#routeKind(keyword, name), body, at: keyword, nameAt }))
  })

  #routeKind(keyword: Token, name: string): { routeKind: RouteBlockKind; name: string } {
    switch (keyword.tokenType) {
      case Key.route:
        return name === '' || name === '0' ? { routeKind: 'request', name: '' } : { routeKind: 'sub', name }
      case Key.request_route:
        return { routeKind: 'request', name: '' }
      case Key.failure_route:
        return { routeKind: 'failure', name }
      case Key.onreply_route:
        return { routeKind: 'reply', name: name === '0' ? '' : name }
      case Key.reply_route:
        return { routeKind: 'reply', name: '' }
      case Key.branch_route:
        return { routeKind: 'branch', name }
      case Key.onsend_route:
        return { routeKind: 'onsend', name }
      default:
        return { routeKind: 'event', name }
    }
  }

  /** A number, a word, a string, or the words of an event: `tm:branch-failure:one`. */
  routeName = this.RULE('routeName', (): { text: string; at: Token } => {
    let text = ''
    let at: Token | undefined
    this.AT_LEAST_ONE({
      ERR_MSG: 'the name of a route',
      DEF: () => {
        const token = this.OR([
          { ALT: () => this.CONSUME(Word) },
          { ALT: () => this.CONSUME(NumberToken) },
          { ALT: () => this.CONSUME(Text) },
          { ALT: () => this.CONSUME(Mark.Colon) },
          { ALT: () => this.CONSUME(Mark.Minus) },
          { ALT: () => this.CONSUME(Key.mod) },
          { ALT: () => this.CONSUME(Key.route) },
          { ALT: () => this.CONSUME(Key.default) },
        ]) as Token
        this.ACTION(() => {
          text += token.tokenType === Text ? token.value : token.image
          at ??= token
        })
      },
    })
    return this.ACTION(() => ({ text, at: at! }))
  })

  loadModule = this.RULE('loadModule', (): Declaration => {
    const at = this.OR([
      { ALT: () => this.CONSUME(Key.loadmodule) },
      { ALT: () => this.CONSUME(Key.loadmodulex) },
    ]) as Token
    const path = this.SUBRULE(this.expression)
    return this.ACTION(() => ({ kind: 'loadmodule', path, at }))
  })

  moduleParameter = this.RULE('moduleParameter', (): Declaration => {
    const at = this.OR([{ ALT: () => this.CONSUME(Key.modparam) }, { ALT: () => this.CONSUME(Key.modparamx) }]) as Token
    this.CONSUME(Mark.LeftParen)
    const modules = this.SUBRULE1(this.expression)
    this.CONSUME1(Mark.Comma)
    const name = this.SUBRULE2(this.expression)
    this.CONSUME2(Mark.Comma)
    const value = this.SUBRULE3(this.expression)
    this.CONSUME(Mark.RightParen)
    return this.ACTION(() => ({ kind: 'modparam', modules, name, value, at }))
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

  listen = this.RULE('listen', (): Declaration => {
    const at = this.OR1([{ ALT: () => this.CONSUME(Key.listen) }, { ALT: () => this.CONSUME(Key.alias) }]) as Token
    this.CONSUME(Mark.Assign)
    const sockets: { text: string; at: Token }[] = []
    const take = (socket: { text: string; at: Token }) => {
      sockets.push(socket)
    }
    this.OR2([
      {
        ALT: () => {
          this.CONSUME(Mark.LeftParen)
          this.AT_LEAST_ONE_SEP({
            SEP: Mark.Comma,
            DEF: () => {
              const socket = this.SUBRULE1(this.socketText)
              this.ACTION(() => take(socket))
            },
          })
          this.CONSUME(Mark.RightParen)
        },
      },
      {
        ALT: () => {
          this.AT_LEAST_ONE({
            GATE: () => sockets.length === 0 || (at.value === 'alias' && this.LA(2).tokenType !== Mark.Assign),
            DEF: () => {
              const socket = this.SUBRULE2(this.socketText)
              this.ACTION(() => take(socket))
            },
          })
        },
      },
    ])
    const declaration = { advertise: undefined, socketName: undefined, virtual: false } as {
      advertise: string | undefined
      socketName: string | undefined
      virtual: boolean
    }
    this.MANY({
      GATE: () => this.LA(2).tokenType !== Mark.Dot && this.LA(2).tokenType !== Mark.Assign,
      DEF: () =>
        this.OR3([
          {
            ALT: () => {
              this.CONSUME(Key.advertise)
              const socket = this.SUBRULE3(this.socketText)
              this.ACTION(() => {
                declaration.advertise = socket.text
              })
            },
          },
          {
            ALT: () => {
              this.CONSUME(Key.name)
              const name = this.#take(Text)
              this.ACTION(() => {
                declaration.socketName = `${name.value}`
              })
            },
          },
          {
            ALT: () => {
              this.CONSUME(Key.virtual)
              this.ACTION(() => {
                declaration.virtual = true
              })
            },
          },
        ]),
    })
    return this.ACTION(
      (): ListenDeclaration => ({ kind: at.value === 'alias' ? 'alias' : 'listen', sockets, ...declaration, at }),
    )
  })

  flags = this.RULE('flags', (): Declaration => {
    const at = this.OR1([{ ALT: () => this.CONSUME(Key.flags) }, { ALT: () => this.CONSUME(Key.avpflags) }]) as Token
    const flags: { name: string; number: number | undefined; at: Token }[] = []
    this.AT_LEAST_ONE_SEP({
      SEP: Mark.Comma,
      DEF: () => {
        const name = this.OR2([{ ALT: () => this.CONSUME(Word) }, { ALT: () => this.CONSUME(Text) }]) as Token
        let number: number | undefined
        this.OPTION(() => {
          this.CONSUME(Mark.Colon)
          const token = this.#take(NumberToken)
          this.ACTION(() => {
            number = Number(token.value)
          })
        })
        this.ACTION(() => flags.push({ name: `${name.value}`, number, at: name }))
      },
    })
    return this.ACTION(() => ({ kind: 'flags', flags, at }))
  })

  /** `name = value` or `group.name = value [desc "text"]` */
  assignment = this.RULE('assignment', (): Declaration => {
    const first = this.OR1([{ ALT: () => this.CONSUME1(Word) }, { ALT: () => this.CONSUME(Key.mpath) }]) as Token
    let second: Token | undefined
    this.OPTION1(() => {
      this.CONSUME(Mark.Dot)
      second = this.#take(Word, 2)
    })
    // `mpath "dir"` stands without the sign too.
    this.OPTION2(() => this.CONSUME(Mark.Assign))
    const value = this.SUBRULE(this.settingValue)
    this.OPTION3({
      GATE: () => this.LA(2).tokenType === Text,
      DEF: () => {
        this.CONSUME(Key.desc)
        this.CONSUME(Text)
      },
    })
    return this.ACTION(() =>
      second === undefined
        ? { kind: 'core', name: `${first.value}`, value, at: first }
        : { kind: 'custom', group: `${first.value}`, name: `${second.value}`, value, at: first },
    )
  })

  settingValue = this.RULE(
    'settingValue',
    (): Expression =>
      this.OR({
        IGNORE_AMBIGUITIES: true,
        DEF: [
          {
            GATE: () =>
              this.#socketAhead() || (this.LA(1).tokenType !== NumberToken && this.LA(1).tokenType !== Mark.Minus),
            ALT: () => this.SUBRULE(this.word),
          },
          { ALT: () => this.SUBRULE(this.expression) },
        ],
        ERR_MSG: 'a value',
      }),
  )

  /** A word with what stands directly beside it: `udp:10.0.0.1:5060`, `sip.example.com`. */
  word = this.RULE('word', (): Expression => {
    const found = this.SUBRULE(this.socketText)
    return this.ACTION((): Expression => {
      const { text, at, end } = found
      if (at === end && at.tokenType === Text) return { kind: 'string', value: text, at }
      return { kind: 'word', text, at, end }
    })
  })

  block = this.RULE('block', (): Statement[] => {
    this.CONSUME(Mark.LeftBrace)
    const body: Statement[] = []
    this.AT_LEAST_ONE({
      ERR_MSG: 'a statement (a block may not be empty, but it may hold a lone semicolon)',
      DEF: () => {
        const statement = this.SUBRULE(this.statement)
        this.ACTION(() => body.push(statement))
      },
    })
    this.CONSUME(Mark.RightBrace)
    return body
  })

  /** What an if, an else or a while governs. */
  governed = this.RULE('governed', (): Statement[] =>
    this.OR({
      IGNORE_AMBIGUITIES: true,
      DEF: [
        { ALT: () => this.SUBRULE(this.block) },
        {
          ALT: () => {
            const statement = this.SUBRULE(this.statement)
            return this.ACTION(() => [statement])
          },
        },
      ],
      ERR_MSG: 'a statement',
    }),
  )

  statement = this.RULE(
    'statement',
    (): Statement =>
      this.OR({
        IGNORE_AMBIGUITIES: true,
        DEF: [
          { ALT: () => this.SUBRULE(this.ifStatement) },
          { ALT: () => this.SUBRULE(this.switchStatement) },
          { ALT: () => this.SUBRULE(this.whileStatement) },
          { ALT: () => this.SUBRULE(this.leaveStatement) },
          {
            ALT: () => {
              const at = this.#take(Mark.Semicolon)
              return this.ACTION((): Statement => ({ kind: 'empty', at }))
            },
          },
          { GATE: () => this.LA(1).tokenType !== Mark.LeftBrace, ALT: () => this.SUBRULE(this.simpleStatement) },
        ],
        ERR_MSG: 'a statement',
      }),
  )

  ifStatement = this.RULE('ifStatement', (): Statement => {
    const at = this.#take(Key.if)
    const condition = this.SUBRULE(this.expression)
    const then = this.SUBRULE1(this.governed)
    let otherwise: Statement[] | undefined
    this.OPTION(() => {
      this.CONSUME(Key.else)
      otherwise = this.SUBRULE2(this.governed)
    })
    return this.ACTION(() => ({ kind: 'if', condition, then, otherwise, at }))
  })

  whileStatement = this.RULE('whileStatement', (): Statement => {
    const at = this.#take(Key.while)
    const condition = this.SUBRULE(this.expression)
    const body = this.SUBRULE(this.governed)
    return this.ACTION(() => ({ kind: 'while', condition, body, at }))
  })

  switchStatement = this.RULE('switchStatement', (): Statement => {
    const at = this.#take(Key.switch)
    const value = this.SUBRULE(this.expression)
    this.CONSUME(Mark.LeftBrace)
    const cases: SwitchCase[] = []
    this.MANY(() => {
      const one = this.SUBRULE(this.switchCase)
      this.ACTION(() => cases.push(one))
    })
    this.CONSUME(Mark.RightBrace)
    return this.ACTION(() => ({ kind: 'switch', value, cases, at }))
  })

  switchCase = this.RULE('switchCase', (): SwitchCase => {
    let regex = false
    let label: Expression | undefined
    const at = this.OR1({
      IGNORE_AMBIGUITIES: true,
      DEF: [
        {
          ALT: () => {
            const keyword = this.CONSUME(Key.case)
            this.OPTION(() => {
              this.CONSUME(Mark.Slash)
              this.ACTION(() => {
                regex = true
              })
            })
            label = this.SUBRULE(this.expression)
            return keyword
          },
        },
        { ALT: () => this.CONSUME(Key.default) },
      ],
      ERR_MSG: "'case', 'default' or '}'",
    }) as Token
    this.CONSUME(Mark.Colon)
    const body: Statement[] = []
    this.MANY(() => {
      const statement = this.SUBRULE(this.statement)
      this.ACTION(() => body.push(statement))
    })
    return this.ACTION(() => ({ label, regex, body, at }))
  })

  leaveStatement = this.RULE('leaveStatement', (): Statement => {
    const at = this.OR1([
      { ALT: () => this.CONSUME(Key.return) },
      { ALT: () => this.CONSUME(Key.exit) },
      { ALT: () => this.CONSUME(Key.drop) },
      { ALT: () => this.CONSUME(Key.break) },
    ]) as Token
    let value: Expression | undefined
    this.OPTION1({
      GATE: () => this.LA(1).tokenType !== Mark.Semicolon,
      DEF: () =>
        this.OR2({
          IGNORE_AMBIGUITIES: true,
          DEF: [
            {
              GATE: () => this.LA(2).tokenType === Mark.RightParen,
              ALT: () => {
                this.CONSUME(Mark.LeftParen)
                this.CONSUME(Mark.RightParen)
              },
            },
            {
              ALT: () => {
                value = this.SUBRULE(this.expression)
              },
            },
          ],
          ERR_MSG: "';' or a value",
        }),
    })
    this.CONSUME(Mark.Semicolon)
    return this.ACTION(() => ({ kind: 'leave', how: LEAVES.get(at.tokenType) ?? 'exit', value, at }))
  })

  /** An assignment or a call. */
  simpleStatement = this.RULE('simpleStatement', (): Statement => {
    const left = this.SUBRULE1(this.expression)
    let value: Expression | undefined
    this.OPTION(() => {
      this.CONSUME(Mark.Assign)
      value = this.SUBRULE2(this.expression)
    })
    this.CONSUME(Mark.Semicolon)
    return this.ACTION((): Statement => {
      const { at } = left
      if (value !== undefined) return { kind: 'assignment', target: left, value, at }
      // `force_rport;` is a call without brackets.
      const call = left.kind === 'word' ? { kind: 'call' as const, name: left.text, args: [], at, end: at } : left
      return { kind: 'expression', value: call, at }
    })
  })

  expression = this.RULE('expression', (): Expression => {
    const first = this.SUBRULE1(this.operand)
    const rest: OperatorUse[] = []
    this.MANY(() => {
      const operator = this.#take(BinaryOperator)
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
          cast = this.#take(Word)
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
              const at = this.#take(Variable)
              return this.ACTION((): Expression => ({ kind: 'variable', node: at.pv!, at }))
            },
          },
          {
            ALT: () => {
              const at = this.#take(Text)
              return this.ACTION((): Expression => ({ kind: 'string', value: `${at.value}`, at }))
            },
          },
          {
            ALT: () => {
              const at = this.#take(NumberToken)
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
              const at = this.#take(Select)
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
    const at = this.#take(Key.route)
    this.CONSUME(Mark.LeftParen)
    const target = this.SUBRULE(this.argument)
    this.CONSUME(Mark.RightParen)
    return this.ACTION((): Expression => ({ kind: 'route-call', target, at }))
  })

  call = this.RULE('call', (): Expression => {
    const at = this.#take(Word)
    this.CONSUME(Mark.LeftParen)
    const args: Expression[] = []
    this.MANY_SEP({
      SEP: Mark.Comma,
      DEF: () => {
        const argument = this.OR([
          {
            GATE: () => WORD_ARGUMENTS.test(`${at.value}`) && this.#socketAhead(),
            ALT: () => this.SUBRULE(this.word),
          },
          { ALT: () => this.SUBRULE(this.argument) },
        ])
        this.ACTION(() => args.push(argument))
      },
    })
    const end = this.#take(Mark.RightParen)
    return this.ACTION((): Expression => ({ kind: 'call', name: `${at.value}`, args, at, end }))
  })

  /** A word or address that goes on with a colon or dot directly beside it. */
  #socketAhead(): boolean {
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
    const at = this.#take(Word)
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
      const operator = this.#take(Comparison)
      const right = this.SUBRULE(this.operand)
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
    const at = this.#take(Word)
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
}

let parser: CfgParser | undefined

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
    (wrong) => wrong.tokenType === Mark.LeftBracket,
    'An index is written $(name(x)[1]); a name with other characters than letters, digits and _ needs quotes.',
  ],
  [
    (wrong) => wrong.tokenType === Key.else,
    'An else follows one statement or one block; a block ends without semicolon.',
  ],
]

/** Parses all tokens. A syntax error costs its block: reading goes on at the next one, so that one run finds several. */
export function parseTokens(tokens: readonly Token[], report: Report): Declaration[] {
  parser ??= new CfgParser()
  const declarations: Declaration[] = []
  let rest: readonly Token[] = tokens
  for (let attempt = 0; attempt < 50; attempt++) {
    parser.input = [...rest]
    const parsed = parser.file()
    const error = parser.errors[0]
    if (parsed !== undefined) declarations.push(...parsed)
    if (error === undefined) return declarations
    // After a string or comment that does not end, the end of the file is no news.
    const unclosed = report.diagnostics.some(({ code }) => code.startsWith('unclosed-'))
    if (unclosed && error.token.tokenType === EOF) return declarations
    const at = reportError(error, rest, report)
    let next = at + 1
    while (next < rest.length && !(BLOCK_KEYWORDS.has(rest[next]!.tokenType) && beginsLine(rest, next))) next++
    if (next >= rest.length) return declarations
    rest = rest.slice(next)
  }
  return declarations
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
