// Owns expressions of a .cfg written as TypeScript.
import type { Parameter } from '../../../stdlib/contract.ts'
import { builtins } from '../../../stdlib/registry.ts'
import { parametersFor, takesLiterally } from './arguments.ts'
import type { BinaryExpression, CallExpression, Expression, OldComparison, RouteCallExpression } from './ast.ts'
import { constantOf, typeOf } from './constants.ts'
import type { Names } from './convert-names.ts'
import { isCall, isNull } from './expression-kinds.ts'
import { routeNameOf } from './model.ts'
import type { Token } from './tokens.ts'

/** A text as TypeScript writes it. */
export function quoted(text: string): string {
  const body = JSON.stringify(text).slice(1, -1).replace(/\\"/g, '"').replace(/'/g, "\\'")
  return `'${body}'`
}

/** What a .cfg says and TypeScript cannot say in the same way. */
export interface Doubt {
  readonly message: string
  readonly at: Token
}

const OLD_VARIABLES: Readonly<Record<string, string>> = {
  uri: '$ru',
  from_uri: '$fu',
  to_uri: '$tu',
  method: '$rm',
  status: '$rs',
  src_ip: '$si',
  dst_ip: '$Ri',
  src_port: '$sp',
  dst_port: '$Rp',
  proto: '$proto',
  'msg:len': '$ml',
}
const NUMBERS = new Set(['src_port', 'dst_port', 'msg:len'])
const LOGS = /^x(?:log|dbg|info|notice|warn|err|crit|alert|bug)l?$/

/** Writes expressions; names that have to be imported are noted in `names`. */
export class ExpressionConverter {
  readonly names: Names
  readonly doubts: Doubt[]
  /** What was written last of all calls is one of a route. */
  #routeCalledLast = false

  constructor(names: Names, doubts: Doubt[]) {
    this.names = names
    this.doubts = doubts
  }

  /** As a boolean. */
  condition(expression: Expression): string {
    const constant = constantOf(expression)
    if (constant !== undefined) return Number(constant) > 0 ? 'true' : 'false'
    switch (expression.kind) {
      case 'call':
        if (expression.name === 'strempty') return `${this.text(expression.args[0]!)} === ''`
        if (!isCall(expression)) break
        return this.call(expression)
      case 'route-call':
        return this.routeCall(expression)
      case 'old-comparison':
        return this.#oldComparison(expression)
      case 'old-operand':
        return `${this.names.use('pv')}(${quoted(OLD_VARIABLES[expression.operand] ?? '$ru')}) !== null`
      case 'unary':
        if (expression.operator === '!') return `!${this.#grouped(expression.operand)}`
        if (expression.operator === 'defined') return `${this.value(expression.operand)} !== null`
        break
      case 'binary':
        return this.#comparison(expression)
      case 'assign':
        return `(${this.store(expression.target, expression.value)}, true)`
    }
    return `${this.number(expression)} > 0`
  }

  text(expression: Expression): string {
    const constant = constantOf(expression)
    if (constant !== undefined) return quoted(`${constant}`)
    switch (expression.kind) {
      case 'variable': {
        this.#doubtful(expression)
        const own = this.names.variable(expression)
        if (own !== undefined) return `String(${own})`
        return `${this.names.use('pvText')}(${quoted(expression.at.image)})`
      }
      case 'select':
        return `${this.names.use('pvText')}(${quoted(`$sel(${expression.path})`)})`
      case 'word':
      case 'address':
        return quoted(expression.text)
      case 'binary':
        if (expression.operator === '+' && typeOf(expression.left) !== 'int') return this.#sum(expression, 'text')
        break
      case 'unary':
        if (expression.operator === 'str') return this.text(expression.operand)
        break
    }
    return `String(${this.value(expression)})`
  }

  number(expression: Expression): string {
    const constant = constantOf(expression)
    if (constant !== undefined && Number.isFinite(Number(constant))) return `${Number(constant)}`
    switch (expression.kind) {
      case 'variable': {
        this.#doubtful(expression)
        const own = this.names.variable(expression)
        if (own !== undefined) return `Number(${own})`
        return `${this.names.use('pvNumber')}(${quoted(expression.at.image)})`
      }
      case 'call':
        if (expression.name === 'strlen') return `${this.text(expression.args[0]!)}.length`
        if (isCall(expression)) return `(${this.call(expression)} ? 1 : -1)`
        break
      case 'route-call':
        return `(${this.routeCall(expression)} ? 1 : -1)`
      case 'unary':
        if (expression.operator === '-') return `-${this.number(expression.operand)}`
        if (expression.operator === '~') return `~${this.number(expression.operand)}`
        if (expression.operator === 'int') return this.number(expression.operand)
        break
      case 'binary': {
        const { operator, left, right } = expression
        if (['-', '*', '&', '|', '^', '<<', '>>'].includes(operator))
          return `(${this.number(left)} ${operator} ${this.number(right)})`
        if (operator === '/') return `Math.trunc(${this.number(left)} / ${this.number(right)})`
        if (operator === 'mod') return `(${this.number(left)} % ${this.number(right)})`
        if (operator === '+') return `Number(${this.#sum(expression, 'any')})`
        break
      }
    }
    return isBoolean(expression) ? `(${this.condition(expression)} ? 1 : 0)` : `Number(${this.value(expression)})`
  }

  /** With the type that it has. */
  value(expression: Expression): string {
    const constant = constantOf(expression)
    if (constant !== undefined) return typeof constant === 'number' ? `${constant}` : quoted(constant)
    if (isNull(expression)) return 'null'
    switch (expression.kind) {
      case 'variable': {
        this.#doubtful(expression)
        return this.names.variable(expression) ?? `${this.names.use('pv')}(${quoted(expression.at.image)})`
      }
      case 'select':
        return `${this.names.use('pv')}(${quoted(`$sel(${expression.path})`)})`
      case 'word':
      case 'address':
        return quoted(expression.text)
      case 'call':
        if (expression.name === 'selval') {
          const [condition, yes, no] = expression.args
          return `(${this.condition(condition!)} ? ${this.value(yes!)} : ${this.value(no!)})`
        }
        return this.number(expression)
      case 'binary':
        if (expression.operator === '+') return this.#sum(expression, 'any')
        return this.number(expression)
      case 'block':
        this.doubts.push({ message: 'a block that stands as a value', at: expression.at })
        return '1'
      default:
        return typeOf(expression) === 'str' ? this.text(expression) : this.number(expression)
    }
  }

  /** A call of a builtin, awaited where it waits. */
  call(expression: CallExpression): string {
    const builtin = builtins().get(expression.name)
    if (builtin === undefined) return `${expression.name}()`
    const parameters = parametersFor(builtin, expression.args.length)
    const literal = takesLiterally(builtin) || LOGS.test(builtin.kamailio)
    const args = expression.args.map((argument, i) => this.#argument(argument, parameters[i], literal))
    const text = `${this.names.use(builtin.name)}(${args.join(', ')})`
    this.#routeCalledLast = false
    return builtin.waits ? `(await ${text})` : text
  }

  routeCall(expression: RouteCallExpression): string {
    const name = routeNameOf(expression.target)
    if (name === undefined) {
      this.doubts.push({ message: 'a route whose name is known only when it runs', at: expression.at })
      return 'false'
    }
    const { call, waits } = this.names.route(name)
    this.#routeCalledLast = true
    return waits ? `(await ${call}())` : `${call}()`
  }

  /** An assignment without its semicolon. */
  store(target: Expression, assigned: Expression): string {
    const value = isCall(assigned) ? this.number(assigned) : this.value(assigned)
    if (target.kind !== 'variable') return value
    const own = this.names.variable(target)
    // Null in a $var is 0.
    if (own !== undefined) return `${own} = ${value === 'null' ? '0' : /^pv\(/.test(value) ? `${value} ?? 0` : value}`
    return `${this.names.use('setPv')}(${quoted(target.at.image)}, ${value})`
  }

  /** `$rc` is there for what the standard library did; a function of TypeScript gives no code. */
  #doubtful(expression: Expression & { kind: 'variable' }): void {
    if (this.#routeCalledLast && ['rc', 'retcode', '?'].includes(expression.node.name))
      this.doubts.push({ message: 'the code that a route gave ($rc)', at: expression.at })
  }

  /** One side of && or ||: brackets around the same operator say nothing. */
  #side(expression: Expression, operator: string): string {
    const code = this.condition(expression)
    return expression.kind === 'binary' && expression.operator === operator ? code.slice(1, -1) : code
  }

  #grouped(expression: Expression): string {
    const code = this.condition(expression)
    return /^[\w.]+\([^()]*\)$/.test(code) || /^\(.*\)$/s.test(code) ? code : `(${code})`
  }

  #sum(expression: BinaryExpression, wanted: 'text' | 'any'): string {
    const { left, right } = expression
    if (typeOf(left) === 'str') return `${this.text(left)} + ${this.text(right)}`
    if (typeOf(left) === 'int') return `(${this.number(left)} + ${this.number(right)})`
    const sum = `${this.names.use('add')}(${this.value(left)}, ${this.value(right)})`
    return wanted === 'text' ? `String(${sum})` : sum
  }

  #comparison(expression: BinaryExpression): string {
    const { left, right, operator } = expression
    switch (operator) {
      case '&&':
      case '||':
        return `(${this.#side(left, operator)} ${operator} ${this.#side(right, operator)})`
      case '==':
      case 'eq':
      case 'ieq':
        return this.#equal(expression, '===')
      case '!=':
      case 'ne':
      case 'ine':
        return this.#equal(expression, '!==')
      case '=~':
        return `${this.names.use('matches')}(${this.value(left)}, ${this.text(right)})`
      case '>':
      case '<':
      case '>=':
      case '<=':
        return `${this.number(left)} ${operator} ${this.number(right)}`
      default:
        return `${this.number(expression)} > 0`
    }
  }

  #equal({ left, right, operator }: BinaryExpression, sign: '===' | '!=='): string {
    if (isNull(right)) return `${this.value(left)} ${sign} null`
    const constant = constantOf(right)
    const byNumber =
      operator.startsWith('i') ||
      (operator !== 'eq' && operator !== 'ne' && (typeOf(left) === 'int' || typeof constant === 'number'))
    return byNumber
      ? `${this.number(left)} ${sign} ${this.number(right)}`
      : `${this.text(left)} ${sign} ${this.text(right)}`
  }

  #oldComparison(expression: OldComparison): string {
    const { operand, right } = expression
    const negative = expression.operator === '!=' || expression.operator === 'ne'
    const not = negative ? '!' : ''
    const name = OLD_VARIABLES[operand]
    if (operand === 'method' && right.kind !== 'variable' && expression.operator !== '=~')
      return `${not}${this.names.use('isMethod')}(${this.text(right)})`
    if (right.kind === 'word' && right.text === 'myself') {
      const variable = `${this.names.use('pvText')}(${quoted(name ?? '$ru')})`
      return `${not}${this.names.use('isMyself')}(${operand.endsWith('_ip') ? `\`sip:\${${variable}}\`` : variable})`
    }
    if (operand === 'af') {
      const six = /6/.test(right.kind === 'word' ? right.text : '')
      return `${six === negative ? '!' : ''}${this.names.use('isIpv6')}(${this.names.use('pvText')}('$si'))`
    }
    if (expression.operator === '=~')
      return `${this.names.use('matches')}(${this.names.use('pv')}(${quoted(name ?? '$ru')}), ${this.text(right)})`
    if (operand.endsWith('_ip') && right.kind !== 'variable')
      return `${not}${this.names.use('isInSubnet')}(${this.names.use('pvText')}(${quoted(name!)}), ${this.text(right)})`
    if (NUMBERS.has(operand)) {
      const sign = { '==': '===', '!=': '!==' }[expression.operator as string] ?? expression.operator
      return `${this.names.use('pvNumber')}(${quoted(name!)}) ${sign} ${this.number(right)}`
    }
    const wanted = operand === 'proto' ? this.text(right).toLowerCase() : this.text(right)
    return `${this.names.use('pvText')}(${quoted(name ?? '$ru')}) ${negative ? '!==' : '==='} ${wanted}`
  }

  #argument(argument: Expression, parameter: Parameter | undefined, literal: boolean): string {
    const constant = constantOf(argument)
    switch (parameter?.kind) {
      case 'int':
        if (constant !== undefined && Number.isInteger(Number(constant))) return `${Number(constant)}`
        if (typeof constant === 'string' && /^\$(?:\w+(?:\([^()]*\))?|\(.*\))$/s.test(constant))
          return `${this.names.use('pvNumber')}(${quoted(constant)})`
        if (typeof constant === 'string') return `Number(${this.names.use('format')}(${quoted(constant)}))`
        return this.number(argument)
      case 'flag': {
        const name = argument.kind === 'word' ? argument.text : `${constant ?? ''}`
        return this.names.flag(name) ?? name
      }
      case 'pv':
        return `${this.names.use('pvReference')}(${quoted(argument.kind === 'variable' ? argument.at.image : `${constant ?? ''}`)})`
      case 'route':
      case 'regex':
      case 'subst':
        return argument.kind === 'word' ? quoted(argument.text) : this.text(argument)
      default:
        if (parameter?.name === 'code' && /^[1-6]\d\d$/.test(`${constant}`)) return `${constant}`
        if (constant === undefined || typeof constant === 'number' || literal || !constant.includes('$'))
          return constant === undefined ? this.text(argument) : quoted(`${constant}`)
        return /^\$\w+$/.test(constant)
          ? `${this.names.use('pvText')}(${quoted(constant)})`
          : `${this.names.use('format')}(${quoted(constant)})`
    }
  }
}

function isBoolean(expression: Expression): boolean {
  if (expression.kind === 'old-comparison') return true
  if (expression.kind === 'unary') return expression.operator === '!' || expression.operator === 'defined'
  return (
    expression.kind === 'binary' &&
    !['+', '-', '*', '/', 'mod', '&', '|', '^', '<<', '>>'].includes(expression.operator)
  )
}
