// Owns statements and blocks of a .cfg written as TypeScript, comments kept.
import type { LeaveStatement, Statement, SwitchStatement } from './ast.ts'
import { commentBehind, commentsAbove } from './comments.ts'
import { constantOf } from './constants.ts'
import { type ExpressionConverter, quoted } from './convert-expression.ts'
import { isCall } from './expression-kinds.ts'
import type { Block } from './model.ts'

/** What a route gives: nothing, or whether its code is above 0. */
export type Gives = 'nothing' | 'truth'

/** Writes the statements of one block. */
export class StatementConverter {
  readonly lines: string[] = []
  readonly #expressions: ExpressionConverter
  readonly #gives: Gives
  #indent: number
  /** How many loops and switches are around, which a break leaves. */
  #breakable = 0

  constructor(expressions: ExpressionConverter, gives: Gives, indent: number) {
    this.#expressions = expressions
    this.#gives = gives
    this.#indent = indent
  }

  block(block: Block): void {
    this.#statements(block.body)
    if (this.#gives === 'truth' && !ends(block.body)) this.#line('return true')
  }

  #line(text: string): void {
    this.lines.push(text === '' ? '' : '  '.repeat(this.#indent) + text)
  }

  #statements(statements: readonly Statement[]): void {
    for (const statement of statements) {
      if (statement.kind === 'empty') continue
      for (const comment of commentsAbove(statement.at)) this.#line(comment)
      const first = this.lines.length
      this.#statement(statement)
      const behind = commentBehind(statement.at)
      if (behind !== undefined && this.lines.length > first) this.lines[first] += ` ${behind}`
    }
  }

  #within(statements: readonly Statement[]): void {
    this.#indent++
    this.#statements(statements)
    this.#indent--
  }

  #statement(statement: Statement): void {
    const e = this.#expressions
    switch (statement.kind) {
      case 'empty':
        return
      case 'if':
        this.#if(statement, 'if')
        return
      case 'while':
        this.#line(`while (${bare(e.condition(statement.condition))}) {`)
        this.#breakable++
        this.#within(statement.body)
        this.#breakable--
        this.#line('}')
        return
      case 'switch':
        this.#switch(statement)
        return
      case 'assignment': {
        this.#line(e.store(statement.target, statement.value))
        return
      }
      case 'expression':
        this.#line(bare(isCall(statement.value) ? e.condition(statement.value) : `void ${e.value(statement.value)}`))
        return
      case 'leave':
        this.#leave(statement)
    }
  }

  #if(statement: Statement & { kind: 'if' }, keyword: string): void {
    this.#line(`${keyword} (${bare(this.#expressions.condition(statement.condition))}) {`)
    this.#within(statement.then)
    const { otherwise } = statement
    const only = otherwise?.filter((one) => one.kind !== 'empty')
    if (only?.length === 1 && only[0]!.kind === 'if') {
      this.#if(only[0]! as Statement & { kind: 'if' }, '} else if')
      return
    }
    if (only !== undefined && only.length > 0) {
      this.#line('} else {')
      this.#within(only)
    }
    this.#line('}')
  }

  #switch(statement: SwitchStatement): void {
    const e = this.#expressions
    const labels = statement.cases.map(({ label }) => (label === undefined ? undefined : constantOf(label)))
    const texts = statement.cases.some(({ regex }, i) => regex || typeof labels[i] === 'string')
    const patterns = statement.cases.some(({ regex }) => regex)
    const subject = texts ? e.text(statement.value) : e.number(statement.value)
    this.#line(`switch (${patterns ? 'true' : subject}) {`)
    this.#indent++
    this.#breakable++
    statement.cases.forEach((one, i) => {
      for (const comment of commentsAbove(one.at)) this.#line(comment)
      const label = `${labels[i] ?? ''}`
      const wanted = texts ? quoted(label) : `${Number(label)}`
      if (one.label === undefined) this.#line('default: {')
      else if (one.regex) this.#line(`case new RegExp(${quoted(label)}).test(${subject}): {`)
      else this.#line(`case ${patterns ? `${subject} === ${wanted}` : wanted}: {`)
      this.#within(one.body)
      this.#line('}')
    })
    this.#indent--
    this.#breakable--
    this.#line('}')
  }

  #leave({ how, value }: LeaveStatement): void {
    const e = this.#expressions
    if (how === 'exit' || how === 'drop') {
      this.#line(`${e.names.use(how)}()`)
      return
    }
    if (how === 'break') {
      // Elsewhere it leaves the route, whose code is then 0.
      this.#line(this.#breakable > 0 ? 'break' : this.#gives === 'nothing' ? 'return' : 'return false')
      return
    }
    const constant = value === undefined ? 1 : constantOf(value)
    // Code 0 ends the whole script.
    if (constant === 0) this.#line(`${e.names.use('exit')}()`)
    else if (this.#gives === 'nothing') this.#line('return')
    else if (constant !== undefined) this.#line(`return ${Number(constant) > 0}`)
    else this.#line(`return ${bare(e.condition(value!))}`)
  }
}

/** Nothing comes after these statements. */
function ends(statements: readonly Statement[]): boolean {
  const last = statements.findLast((statement) => statement.kind !== 'empty')
  return last?.kind === 'leave' && last.how !== 'break'
}

/** Without the brackets around the whole. */
function bare(code: string): string {
  if (!code.startsWith('(') || !code.endsWith(')')) return code
  let depth = 0
  for (let i = 0; i < code.length - 1; i++) {
    if (code[i] === '(') depth++
    else if (code[i] === ')' && --depth === 0) return code
  }
  return code.slice(1, -1)
}
