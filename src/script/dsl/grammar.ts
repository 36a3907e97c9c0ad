// Owns the grammar of a whole file: route blocks, parameters, sockets, modules, flags.
import type { Declaration, Expression, ListenDeclaration, RouteBlockKind } from './ast.ts'
import { StatementGrammar } from './grammar-statements.ts'
import { Key, Mark, NumberToken, Text, type Token, Word } from './tokens.ts'

/** The rules of a file. One object parses many files, one after the other. */
export class CfgGrammar extends StatementGrammar {
  #declared: Declaration[] = []

  constructor() {
    super()
    this.performSelfAnalysis()
  }

  /** Parses tokens. What was read before a syntax error is there; the error is `errors[0]`. */
  parse(tokens: readonly Token[]): { declarations: Declaration[]; emptyBlocks: Token[] } {
    this.#declared = []
    this.emptyBlocks = []
    this.input = [...tokens]
    this.file()
    return { declarations: this.#declared, emptyBlocks: this.emptyBlocks }
  }

  file = this.RULE('file', (): void => {
    this.MANY(() => {
      this.OR([
        {
          ALT: () => {
            const declaration = this.SUBRULE(this.declaration)
            this.ACTION(() => this.#declared.push(declaration))
          },
        },
        { ALT: () => this.CONSUME(Mark.Semicolon) },
      ])
    })
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
              const name = this.take(Text)
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
          const token = this.take(NumberToken)
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
      second = this.take(Word, 2)
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
              this.socketAhead() || (this.LA(1).tokenType !== NumberToken && this.LA(1).tokenType !== Mark.Minus),
            ALT: () => this.SUBRULE(this.word),
          },
          { ALT: () => this.SUBRULE(this.expression) },
        ],
        ERR_MSG: 'a value',
      }),
  )
}
