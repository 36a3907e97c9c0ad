// Owns expressions in the emitted program: each becomes one JavaScript expression of the type that is wanted.
import type { Parameter } from '../../../stdlib/contract.ts'
import { builtins, declarationOf } from '../../../stdlib/registry.ts'
import { parametersFor, takesLiterally } from './arguments.ts'
import type { BinaryExpression, CallExpression, Expression, OldComparison, RouteCallExpression } from './ast.ts'
import { constantOf, typeOf } from './constants.ts'
import { isBoolean, isCall, isCommand, isLastCode, isNull, isSlot, withoutNeutral } from './expression-kinds.ts'
import { type Hoisted, joined } from './hoisted.ts'
import { type Model, routeNameOf } from './model.ts'
import type { Token } from './tokens.ts'

const js = (value: string | number): string => JSON.stringify(value)

/** What expressions need to know of the block that they stand in. */
export interface Surroundings {
  readonly model: Model
  readonly hoisted: Hoisted
  readonly flags: ReadonlyMap<string, number>
  /** The block is a generator: calls may be waited for. */
  readonly waits: boolean
  /** JavaScript name of a sub-route's function. */
  routeFunction(name: string): string
  /** Emits a block that stands as an expression, and gives the call of it. */
  blockCall(expression: Expression & { kind: 'block' }): string
  place(at: Token): string
}

const ARITHMETIC: Readonly<Record<string, (a: string, b: string) => string>> = {
  '-': (a, b) => `(${a} - ${b} | 0)`,
  '*': (a, b) => `Math.imul(${a}, ${b})`,
  '/': (a, b) => `D.divide(${a}, ${b})`,
  mod: (a, b) => `D.modulo(${a}, ${b})`,
  '&': (a, b) => `(${a} & ${b})`,
  '|': (a, b) => `(${a} | ${b})`,
  '^': (a, b) => `(${a} ^ ${b})`,
  '<<': (a, b) => `(${a} << ${b})`,
  '>>': (a, b) => `(${a} >> ${b})`,
}

/** Emits expressions of one block. */
export class ExpressionEmitter {
  readonly #around: Surroundings

  constructor(around: Surroundings) {
    this.#around = around
  }

  /** As a boolean: what `if` asks, above 0. */
  truth(expression: Expression): string {
    if (isBoolean(expression)) return this.#boolean(expression)
    const reduced = withoutNeutral(expression)
    if (reduced !== undefined) return this.truth(reduced)
    return `${this.int(expression)} > 0`
  }

  /** As a boolean: what `!`, `&&`, `||` and `while` ask, not 0. */
  nonzero(expression: Expression): string {
    if (isBoolean(expression)) return this.#boolean(expression)
    return `${this.int(expression)} !== 0`
  }

  int(expression: Expression): string {
    const constant = constantOf(expression)
    if (typeof constant === 'number') return constant < 0 ? `(${constant})` : `${constant}`
    switch (expression.kind) {
      case 'call':
        if (expression.name === 'strlen') return `${this.str(expression.args[0]!)}.length`
        if (expression.name === 'selval') return `D.int(${this.value(expression)})`
        return `(${this.#boolean(expression)} ? 1 : 0)`
      case 'unary':
        if (expression.operator === '-') return `(-${this.int(expression.operand)} | 0)`
        if (expression.operator === '~') return `(~${this.int(expression.operand)})`
        if (expression.operator === 'int') return this.int(expression.operand)
        // A cast to a string does not change which number a variable is.
        if (expression.operator === 'str') return this.int(expression.operand)
        return `(${this.#boolean(expression)} ? 1 : 0)`
      case 'binary': {
        const reduced = withoutNeutral(expression)
        if (reduced !== undefined) return this.int(reduced)
        if (expression.operator === '+') {
          // Where a number is wanted, only a left operand that is known for a string makes + put texts together.
          if (typeOf(expression.left) !== 'str') return this.#sum(expression)
          return `D.int(${this.str(expression)})`
        }
        const operator = ARITHMETIC[expression.operator]
        if (operator !== undefined) return operator(this.int(expression.left), this.int(expression.right))
        return `(${this.#boolean(expression)} ? 1 : 0)`
      }
      case 'route-call':
      case 'old-comparison':
      case 'block':
        return `(${this.#boolean(expression)} ? 1 : 0)`
      case 'old-operand':
        return `D.int(D.oldValue(${js(expression.operand)}))`
      case 'assign':
        // `$rc` begins afresh with it, as for a call.
        return `(${this.#assign(expression)}, S.rc = 0, 1)`
      case 'variable':
        if (isLastCode(expression)) return 'S.rc'
        if (declarationOf(expression.node)?.number !== undefined) {
          return `${this.#around.hoisted.take('n', `D.pvNumber(${js(expression.at.image)})`)}()`
        }
        return `D.int(${this.value(expression)})`
      default:
        return `D.int(${this.value(expression)})`
    }
  }

  str(expression: Expression): string {
    const constant = constantOf(expression)
    if (constant !== undefined) return js(`${constant}`)
    switch (expression.kind) {
      case 'string':
        return js(expression.value)
      case 'word':
      case 'address':
        return js(expression.text)
      case 'unary':
        if (expression.operator === 'str') return this.str(expression.operand)
        return `\`\${${this.int(expression)}}\``
      case 'binary':
        if (expression.operator === '+' && typeOf(expression.left) === 'str') {
          return joined([this.str(expression.left), this.str(expression.right)])
        }
        if (expression.operator === '+' && typeOf(expression.left) === 'any') return `D.str(${this.value(expression)})`
        return `\`\${${this.int(expression)}}\``
      case 'variable':
      case 'select':
        return `D.str(${this.value(expression)})`
      case 'call':
        if (expression.name === 'selval') return `D.str(${this.value(expression)})`
        return `\`\${${this.int(expression)}}\``
      default:
        return `\`\${${this.int(expression)}}\``
    }
  }

  /** With the type that it has when it runs. */
  value(expression: Expression): string {
    const constant = constantOf(expression)
    if (constant !== undefined) return js(constant)
    switch (expression.kind) {
      case 'variable':
        return this.#around.hoisted.variable(expression)
      case 'select':
        return `${this.#around.hoisted.take('p', `D.select(${js(expression.path)})`)}()`
      case 'binary': {
        const reduced = withoutNeutral(expression)
        if (reduced !== undefined)
          return typeOf(reduced) === 'int' || reduced.kind === 'variable' || reduced.kind === 'binary'
            ? this.int(reduced)
            : `D.int(${this.value(reduced)})`
        if (expression.operator === '+' && typeOf(expression.left) === 'any') {
          return `D.add(${this.value(expression.left)}, ${this.value(expression.right)}${this.#asNumber(expression.right)})`
        }
        break
      }
      case 'call':
        if (expression.name === 'selval') {
          const [condition, yes, no] = expression.args
          // A choice of nothing is the empty text.
          return `((${this.truth(condition!)} ? ${this.value(yes!)} : ${this.value(no!)}) ?? '')`
        }
        break
    }
    return typeOf(expression) === 'str' ? this.str(expression) : this.int(expression)
  }

  /** What an assignment stores: a call's raw code, else the value. */
  assigned(expression: Expression): string {
    const constant = constantOf(expression)
    if (constant !== undefined) return js(constant)
    if (isCall(expression)) return this.code(expression)
    let reduced = withoutNeutral(expression)
    for (let next = reduced; next !== undefined; next = withoutNeutral(next)) reduced = next
    if (reduced !== undefined && isCall(reduced)) return this.code(reduced)
    if (expression.kind === 'block') return this.#around.blockCall(expression)
    return this.value(expression)
  }

  /** A call with its raw code, which also becomes `$rc`. An end of the script that it asks for is left in `S.stop`. */
  code(expression: CallExpression | RouteCallExpression): string {
    if (expression.kind === 'route-call') return `(S.stop = 0, S.rc = 0, ${this.routeCall(expression)})`
    return `D.${isCommand(expression) ? 'commanded' : 'called'}(${this.builtinCall(expression)})`
  }

  /** The bare call of a builtin. */
  builtinCall(expression: CallExpression): string {
    const builtin = builtins().get(expression.name)
    const name = this.#around.hoisted.take('f', `D.builtin(${js(expression.name)})`)
    const parameters = builtin === undefined ? [] : parametersFor(builtin, expression.args.length)
    const literal = builtin !== undefined && takesLiterally(builtin)
    const args = expression.args.map((argument, i) => this.#argument(argument, parameters[i], literal))
    const call = `${name}(${args.join(', ')})`
    if (!builtin?.waits || !this.#around.waits) return call
    return `(typeof (t = ${call}) === 'number' ? t : yield t)`
  }

  /** The call of a route, whose code becomes `$rc`. A route that is not found leaves `$rc` as it is and gives -10. */
  routeCall(expression: RouteCallExpression): string {
    const { model, waits } = this.#around
    const name = routeNameOf(expression.target)
    if (name !== undefined) {
      const call = `${this.#around.routeFunction(name)}()`
      return `S.rc = ${waits && model.subs.get(name)?.waits ? `yield* ${call}` : call}`
    }
    const found = `D.find(ROUTES, ${this.str(expression.target)}, ${js(this.#around.place(expression.at))})`
    const called = waits ? `typeof (t = t()) === 'number' ? t : yield* t` : 't()'
    return `(t = ${found}) === undefined ? -10 : (S.rc = ${called})`
  }

  /** JavaScript that assigns `value` to a variable as written. */
  store(target: Expression, value: string): string {
    if (target.kind !== 'variable') return `(${value})`
    const { node } = target
    if (isSlot(node.name, node.inner) && node.index === undefined) {
      return `${this.#around.hoisted.slot(node.inner!)}.value = ${value} ?? 0`
    }
    return `${this.#around.hoisted.take('s', `D.setter(${js(target.at.image)})`)}(${value})`
  }

  #assign(expression: Expression & { kind: 'assign' }): string {
    return `(${this.store(expression.target, this.assigned(expression.value))})`
  }

  #argument(argument: Expression, parameter: Parameter | undefined, literal: boolean): string {
    const constant = constantOf(argument)
    switch (parameter?.kind) {
      case 'int':
        if (constant !== undefined) {
          const number = Number(constant)
          if (Number.isInteger(number)) return `${number | 0}`
          return `D.int(${this.#around.hoisted.format(`${constant}`)})`
        }
        return this.int(argument)
      case 'flag': {
        const name = argument.kind === 'word' ? argument.text : constant
        const number = this.#around.flags.get(`${name}`) ?? Number(name)
        return Number.isInteger(number) ? `${number}` : this.int(argument)
      }
      case 'pv': {
        const source = argument.kind === 'variable' ? argument.at.image : `${constant ?? ''}`
        return this.#around.hoisted.take('r', `D.variable(${js(source)})`)
      }
      case 'route':
      case 'regex':
      case 'subst':
        if (argument.kind === 'word') return js(argument.text)
        return constant === undefined ? this.str(argument) : js(`${constant}`)
      default:
        if (constant === undefined) return this.str(argument)
        return literal || typeof constant === 'number' ? js(`${constant}`) : this.#around.hoisted.format(constant)
    }
  }

  /** One more argument where the right operand is a variable whose number is not that of its text. */
  #asNumber(right: Expression): string {
    const other = right.kind === 'variable' && declarationOf(right.node)?.number !== undefined
    return other ? `, ${this.int(right)}` : ''
  }

  #sum(expression: BinaryExpression): string {
    return `(${this.int(expression.left)} + ${this.int(expression.right)} | 0)`
  }

  #boolean(expression: Expression): string {
    switch (expression.kind) {
      case 'number':
        return expression.value > 0 ? 'true' : 'false'
      case 'call':
        if (expression.name === 'strempty') return `D.empty(${this.value(expression.args[0]!)})`
        return `${this.code(expression)} > 0`
      case 'route-call':
        return `${this.code(expression)} > 0`
      case 'block':
        return `${this.#around.blockCall(expression)} > 0`
      case 'old-comparison':
        return this.#oldComparison(expression)
      case 'unary':
        if (expression.operator === 'defined') return `${this.value(expression.operand)} != null`
        return `!(${this.nonzero(expression.operand)})`
      case 'binary':
        return `(${this.#comparison(expression)})`
      default:
        return this.nonzero(expression)
    }
  }

  #comparison(expression: BinaryExpression): string {
    const { left, right, operator } = expression
    switch (operator) {
      case '&&':
      case '||':
        return `${this.nonzero(left)} ${operator} ${this.nonzero(right)}`
      case '==':
        return this.#equality(left, right)
      case '!=':
        // 5.6.3 asks only `== ""` for an empty text; what `!= ""` has on its left decides as anywhere: 0 != "" is false.
        if (constantOf(right) === '' && typeOf(left) === 'any') return `!D.equal(${this.value(left)}, "")`
        return `!${paren(this.#equality(left, right))}`
      case 'eq':
        if (isNull(right)) return this.#equality(left, right)
        return `${this.str(left)} === ${this.str(right)}`
      case 'ne':
        if (isNull(right)) return `!${paren(this.#equality(left, right))}`
        return `${this.str(left)} !== ${this.str(right)}`
      case 'ieq':
        if (isNull(right)) return this.#equality(left, right)
        return `${this.int(left)} === ${this.int(right)}`
      case 'ine':
        if (isNull(right)) return `!${paren(this.#equality(left, right))}`
        return `${this.int(left)} !== ${this.int(right)}`
      case '=~': {
        const pattern = constantOf(right)
        if (pattern === undefined) return `D.matches(${this.str(left)}, ${this.str(right)})`
        return `${this.#around.hoisted.take('e', `D.regex(${js(`${pattern}`)})`)}.test(${this.str(left)})`
      }
      default:
        return `${this.int(left)} ${operator} ${this.int(right)}`
    }
  }

  #equality(left: Expression, right: Expression): string {
    if (isNull(right)) return `${this.value(left)} == null`
    const constant = constantOf(right)
    switch (typeOf(left)) {
      case 'int':
        return `${this.int(left)} === ${this.int(right)}`
      case 'str':
        return `${this.str(left)} === ${this.str(right)}`
      default:
        if (constant === '') return `D.empty(${this.value(left)})`
        if (typeof constant === 'string') return `D.equalText(${this.value(left)}, ${js(constant)})`
        return `D.equal(${this.value(left)}, ${this.value(right)}${this.#asNumber(right)})`
    }
  }

  #oldComparison(expression: OldComparison): string {
    const operator = { eq: '==', ne: '!=', ieq: '==', ine: '!=' }[expression.operator as string] ?? expression.operator
    const { right } = expression
    const constant = constantOf(right)
    if (right.kind === 'variable' || right.kind === 'select' || (constant === undefined && right.kind === 'binary')) {
      const read = `D.oldValue(${js(expression.operand)})`
      if (operator === '=~') return `D.matches(${read}, ${this.str(right)})`
      return `D.oldCondition(${js(expression.operand)}, ${js(operator)}, { kind: 'text', text: ${this.str(right)} })()`
    }
    const value =
      right.kind === 'word' && right.text === 'myself'
        ? { kind: 'myself' }
        : right.kind === 'address'
          ? { kind: 'address', text: right.text }
          : typeof constant === 'number'
            ? { kind: 'number', value: constant }
            : { kind: 'text', text: right.kind === 'word' ? right.text : `${constant ?? ''}` }
    const condition = `D.oldCondition(${js(expression.operand)}, ${js(operator)}, ${JSON.stringify(value)})`
    return `${this.#around.hoisted.take('o', condition)}()`
  }
}

const paren = (code: string) => `(${code})`
