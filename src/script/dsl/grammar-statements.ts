// Owns the grammar of statements: blocks, branches, loops, ends, assignments, calls.
import type { Expression, Statement, SwitchCase } from './ast.ts'
import { ExpressionGrammar } from './grammar-expressions.ts'
import { Key, Mark, type Token, type TokenType } from './tokens.ts'

const LEAVES = new Map<TokenType, 'return' | 'exit' | 'drop' | 'break'>([
  [Key.return, 'return'],
  [Key.exit, 'exit'],
  [Key.drop, 'drop'],
  [Key.break, 'break'],
])

/** The rules of statements, on top of those of expressions. */
export abstract class StatementGrammar extends ExpressionGrammar {
  /** The closing braces of blocks with nothing in them, which Kamailio does not take. */
  protected emptyBlocks: Token[] = []

  block = this.RULE('block', (): Statement[] => {
    this.CONSUME(Mark.LeftBrace)
    const body: Statement[] = []
    this.MANY(() => {
      const statement = this.SUBRULE(this.statement)
      this.ACTION(() => body.push(statement))
    })
    const end = this.take(Mark.RightBrace)
    this.ACTION(() => {
      if (body.length === 0) this.emptyBlocks.push(end)
    })
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
              const at = this.take(Mark.Semicolon)
              return this.ACTION((): Statement => ({ kind: 'empty', at }))
            },
          },
          { GATE: () => this.LA(1).tokenType !== Mark.LeftBrace, ALT: () => this.SUBRULE(this.simpleStatement) },
        ],
        ERR_MSG: 'a statement',
      }),
  )

  ifStatement = this.RULE('ifStatement', (): Statement => {
    const at = this.take(Key.if)
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
    const at = this.take(Key.while)
    const condition = this.SUBRULE(this.expression)
    const body = this.SUBRULE(this.governed)
    return this.ACTION(() => ({ kind: 'while', condition, body, at }))
  })

  switchStatement = this.RULE('switchStatement', (): Statement => {
    const at = this.take(Key.switch)
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
}
