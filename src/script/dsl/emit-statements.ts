// Owns the statements of the emitted program: each becomes lines of the function of its block.
import type { Expression, LeaveStatement, Statement, SwitchStatement } from './ast.ts'
import { constantOf } from './constants.ts'
import { ExpressionEmitter } from './emit-expression.ts'
import { isCall, isCommand } from './expression-kinds.ts'
import type { Hoisted } from './hoisted.ts'
import type { Model } from './model.ts'
import type { Token } from './tokens.ts'
import { callsSomething, partsOf } from './walk.ts'

/** A line of the program, and where in the file it comes from. */
export interface Line {
  readonly text: string
  readonly at: Token | undefined
}

/** What the statements of a block need to know. */
export interface BodyOptions {
  readonly model: Model
  readonly flags: ReadonlyMap<string, number>
  readonly maxWhileLoops: number
  readonly hoisted: Hoisted
  readonly waits: boolean
  routeFunction(name: string): string
}

/** Where a statement stands, as far as its end matters. */
interface Position {
  /** The last action of the route: its code is what the route gives. `return`: at once; `keep`: after the loop around it. */
  readonly tail: 'no' | 'return' | 'keep'
  /** A switch or while is around it, so that `break` leaves that. */
  readonly breakable: boolean
}

/** Division by zero and patterns made while running can fail; their statement is then given up. */
function canFail(expression: Expression): boolean {
  if (expression.kind === 'binary') {
    const { operator, right } = expression
    if ((operator === '/' || operator === 'mod') && !constantOf(right)) return true
    if (operator === '=~' && constantOf(right) === undefined) return true
  }
  if (
    expression.kind === 'old-comparison' &&
    expression.operator === '=~' &&
    constantOf(expression.right) === undefined
  ) {
    return true
  }
  return partsOf(expression).some(canFail)
}

/** Emits the statements of one block. */
export class BodyEmitter {
  readonly lines: Line[] = []
  readonly #options: BodyOptions
  readonly #expressions: ExpressionEmitter
  #indent = 1
  #temporaries = 0

  constructor(options: BodyOptions) {
    this.#options = options
    this.#expressions = new ExpressionEmitter({
      ...options,
      blockCall: (expression) => this.#blockCall(expression),
      place,
    })
  }

  emit(statements: readonly Statement[]): void {
    this.#line('let r = 1, t', undefined)
    this.#statements(statements, { tail: 'return', breakable: false })
    this.#line('return 1', undefined)
  }

  #line(text: string, at: Token | undefined): void {
    // A line that begins with a bracket would go on with the line before.
    const guard = text[0] === '(' ? ';' : ''
    this.lines.push({ text: '  '.repeat(this.#indent) + guard + text, at })
  }

  #within(body: () => void): void {
    this.#indent++
    body()
    this.#indent--
  }

  #statements(statements: readonly Statement[], position: Position): void {
    // A lone semicolon changes no code, so the last action is the last statement that is one.
    let last = statements.length - 1
    while (last >= 0 && statements[last]!.kind === 'empty') last--
    for (const [i, statement] of statements.entries()) {
      this.#statement(statement, i === last ? position : { ...position, tail: 'no' })
    }
  }

  #statement(statement: Statement, position: Position): void {
    switch (statement.kind) {
      case 'empty':
        return
      case 'if':
        this.#guarded(statement.condition, (condition) => this.#if(condition, statement, position), statement.at)
        return
      case 'while':
        this.#while(statement, position)
        return
      case 'switch':
        this.#switch(statement, position)
        return
      case 'assignment':
        this.#assignment(statement.target, statement.value, statement.at)
        this.#ending('1', position, statement.at)
        return
      case 'expression':
        this.#expression(statement.value, position, statement.at)
        return
      case 'leave':
        this.#leave(statement, position)
        return
    }
  }

  /** After the last action: what the route gives. */
  #ending(code: string, position: Position, at: Token): void {
    if (position.tail === 'return') this.#line(`return ${code}`, at)
    else if (position.tail === 'keep') this.#line(`r = ${code}`, at)
  }

  #if(condition: string, statement: Statement & { kind: 'if' }, position: Position): void {
    if (position.tail === 'keep') this.#line('r = 1', statement.at)
    this.#line(`if (${condition}) {`, statement.at)
    this.#within(() => this.#statements(statement.then, position))
    if (statement.otherwise !== undefined) {
      this.#line('} else {', undefined)
      this.#within(() => this.#statements(statement.otherwise!, position))
    }
    this.#line('}', undefined)
  }

  /**
   * A condition, evaluated in such a way that an end of the script that a call in it asked for happens before `use`.
   * Only the last call counts there: each one begins afresh.
   */
  #guarded(condition: Expression, use: (code: string) => void, at: Token): void {
    const negated = condition.kind === 'unary' && condition.operator === '!' ? condition.operand : undefined
    const lone = negated ?? condition
    if (isCommand(lone) && isCall(lone) && lone.kind === 'call') {
      // A call for its value begins with `$rc` 0, and a command of the core does not set it.
      this.#line('S.rc = 0', at)
      use(`${this.#expressions.builtinCall(lone)} ${negated === undefined ? '>' : '<='} 0`)
      return
    }
    if (isCall(lone)) {
      // A route that is called for its value begins with `$rc` 0.
      if (lone.kind === 'route-call') this.#line('S.rc = 0', at)
      this.#call(lone, at)
      use(negated === undefined ? 'S.rc > 0' : 'S.rc <= 0')
      return
    }
    const code = this.#expressions.truth(condition)
    if (!callsSomething(condition) && !canFail(condition)) {
      use(code)
      return
    }
    const name = `c${++this.#temporaries}`
    this.#tried(condition, name, code, at)
    if (callsSomething(condition)) this.#line('if (S.stop !== 0) return 0', at)
    use(name)
  }

  #tried(expression: Expression, name: string, code: string, at: Token): void {
    if (!canFail(expression)) this.#line(`const ${name} = ${code}`, at)
    else {
      this.#line(`let ${name}`, undefined)
      this.#line(
        `try { ${name} = ${code} } catch (error) { ${name} = D.failed(error, ${JSON.stringify(place(at))}) }`,
        at,
      )
    }
  }

  /** A call on a line of its own: its code becomes `$rc`, unless a command of the core is called; 0 ends the script. */
  #call(expression: Expression & { kind: 'call' | 'route-call' }, at: Token): void {
    if (expression.kind === 'route-call') {
      this.#line(this.#expressions.routeCall(expression), at)
      this.#line('if (S.stop !== 0) return 0', at)
    } else if (isCommand(expression)) {
      this.#line(this.#expressions.builtinCall(expression), at)
    } else {
      this.#line(`if ((S.rc = ${this.#expressions.builtinCall(expression)}) === 0) { S.stop = 3; return 0 }`, at)
    }
  }

  #expression(value: Expression, position: Position, at: Token): void {
    if (isCall(value)) {
      if (isCommand(value) && value.kind === 'call' && position.tail !== 'no') {
        this.#ending(this.#expressions.builtinCall(value), position, at)
        return
      }
      this.#call(value, at)
      this.#ending('S.rc', position, at)
      return
    }
    this.#guarded(value, (code) => this.#line(`${code}`, at), at)
    this.#ending('1', position, at)
  }

  #assignment(target: Expression, value: Expression, at: Token): void {
    const code = this.#expressions.store(target, this.#expressions.assigned(value))
    if (canFail(value)) {
      this.#line(`try { ${code} } catch (error) { D.failed(error, ${JSON.stringify(place(at))}) }`, at)
    } else this.#line(code, at)
    if (callsSomething(value)) this.#line('if (S.stop !== 0) return 0', at)
  }

  #while(statement: Statement & { kind: 'while' }, position: Position): void {
    const limit = this.#options.maxWhileLoops
    const count = `w${++this.#temporaries}`
    const keep = position.tail !== 'no'
    if (keep) this.#line('r = 1', statement.at)
    this.#line(`for (let ${count} = 0; ; ${count}++) {`, statement.at)
    this.#within(() => {
      this.#line('D.tick()', statement.at)
      const code = this.#expressions.nonzero(statement.condition)
      if (callsSomething(statement.condition) || canFail(statement.condition)) {
        const name = `c${++this.#temporaries}`
        this.#tried(statement.condition, name, code, statement.at)
        if (callsSomething(statement.condition)) this.#line('if (S.stop !== 0) return 0', statement.at)
        this.#line(`if (!${name}) break`, statement.at)
      } else this.#line(`if (!(${code})) break`, statement.at)
      if (limit > 0) {
        const where = JSON.stringify(place(statement.at))
        // A loop that is ended so has failed.
        const failed = keep ? 'r = -1; ' : ''
        this.#line(`if (${count} >= ${limit}) { D.runaway(${where}, ${limit}); ${failed}break }`, statement.at)
      }
      this.#statements(statement.body, { tail: keep ? 'keep' : 'no', breakable: true })
    })
    this.#line('}', undefined)
    if (position.tail === 'return') this.#line('return r', statement.at)
  }

  #switch(statement: SwitchStatement, position: Position): void {
    const labels = statement.cases.map(({ label }) => (label === undefined ? undefined : constantOf(label)))
    const texts = statement.cases.some(({ regex }, i) => regex || typeof labels[i] === 'string')
    const keep = position.tail !== 'no'
    const name = `k${++this.#temporaries}`
    const code = texts ? this.#expressions.str(statement.value) : this.#expressions.int(statement.value)
    if (canFail(statement.value)) {
      this.#tried(statement.value, name, code, statement.at)
      this.#line(`if (${name} !== false) {`, statement.at)
    } else {
      this.#line('{', undefined)
      this.#line(`const ${name} = ${code}`, statement.at)
    }
    if (callsSomething(statement.value)) this.#line('if (S.stop !== 0) return 0', statement.at)
    if (keep) this.#line('r = 1', statement.at)
    const patterns = statement.cases.some(({ regex }) => regex)
    if (patterns) this.#line(`switch (${this.#firstCase(statement, labels, name)}) {`, statement.at)
    else this.#line(`switch (${name}) {`, statement.at)
    this.#within(() => {
      for (const [i, one] of statement.cases.entries()) {
        const label = patterns ? `${i}` : JSON.stringify(texts ? `${labels[i]}` : Number(labels[i]) | 0)
        this.#line(one.label === undefined ? 'default: {' : `case ${label}: {`, one.at)
        this.#within(() => this.#statements(one.body, { tail: keep ? 'keep' : 'no', breakable: true }))
        this.#line('}', undefined)
      }
    })
    this.#line('}', undefined)
    this.#line('}', undefined)
    if (position.tail === 'return') this.#line('return r', statement.at)
  }

  /** The number of the first case that fits, so that patterns and texts are tried in their order. */
  #firstCase(statement: SwitchStatement, labels: readonly (string | number | undefined)[], name: string): string {
    const { hoisted } = this.#options
    const tests = statement.cases.flatMap(({ regex, label }, i) => {
      if (label === undefined) return []
      const text = JSON.stringify(`${labels[i] ?? ''}`)
      const test = regex ? `${hoisted.take('e', `D.caseRegex(${text})`)}.test(${name})` : `${name} === ${text}`
      return [`${test} ? ${i} : `]
    })
    return `${tests.join('')}-1`
  }

  #leave(statement: LeaveStatement, position: Position): void {
    const { how, value, at } = statement
    switch (how) {
      case 'exit':
        this.#line('S.stop = 1; return 0', at)
        return
      case 'drop':
        this.#line('S.stop = 2; return 0', at)
        return
      case 'break':
        if (!position.breakable) {
          this.#line('return 0', at)
          return
        }
        // A break as the last action makes the route's code 0; elsewhere `r` is set again before it counts.
        this.#line('r = 0; break', at)
        return
      case 'return':
        this.#return(value, at)
        return
    }
  }

  #return(value: Expression | undefined, at: Token): void {
    const constant = value === undefined ? 1 : constantOf(value)
    if (typeof constant === 'number') {
      this.#line(constant === 0 ? 'S.stop = 3; return 0' : `return ${constant}`, at)
      return
    }
    const name = `c${++this.#temporaries}`
    this.#tried(value!, name, this.#expressions.int(value!), at)
    if (callsSomething(value!)) this.#line('if (S.stop !== 0) return 0', at)
    this.#line(`if (${name} === 0) S.stop = 3`, at)
    this.#line(`return ${name}${canFail(value!) ? ' | 0' : ''}`, at)
  }

  /** `{ actions }` as a value: a function of its own inside the block's. */
  #blockCall(expression: Expression & { kind: 'block' }): string {
    const body = new BodyEmitter(this.#options)
    body.emit(expression.body)
    const text = body.lines.map((line) => line.text).join('\n')
    const { waits } = this.#options
    return waits ? `(yield* (function* () {\n${text}\n})())` : `(() => {\n${text}\n})()`
  }
}

function place(at: Token): string {
  return `${at.file.path}:${at.startLine}`
}
