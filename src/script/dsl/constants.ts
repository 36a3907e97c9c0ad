// Owns what is known of an expression before the program runs: its type, and its value where it is constant.
import { posixRegex, RegexError } from '../../../stdlib/registry.ts'
import type { BinaryExpression, Expression } from './ast.ts'
import { callsSomething } from './walk.ts'

export type StaticType = 'int' | 'str' | 'any'

/** The type of the value, `any` where only the run tells. */
export function typeOf(expression: Expression): StaticType {
  switch (expression.kind) {
    case 'number':
    case 'call':
    case 'route-call':
    case 'old-comparison':
    case 'old-operand':
    case 'assign':
    case 'block':
      return expression.kind === 'call' && expression.name === 'selval' ? 'any' : 'int'
    case 'string':
    case 'word':
    case 'address':
      return 'str'
    case 'variable':
    case 'select':
      return 'any'
    case 'unary':
      return expression.operator === 'str' ? 'str' : 'int'
    case 'binary':
      return expression.operator === '+' ? typeOf(expression.left) : 'int'
  }
}

function asInt(value: string | number): number | undefined {
  if (typeof value === 'number') return value
  return /^[+-]?\d{1,9}$/.test(value) ? Number(value) : undefined
}

/** 1 or 0; undefined for a pattern that is none. */
function matchOf(text: string, pattern: string): number | undefined {
  try {
    return Number(posixRegex(pattern, { ignoreCase: true }).test(text))
  } catch (error) {
    if (error instanceof RegexError) return undefined
    throw error
  }
}

function foldBinary(expression: BinaryExpression): string | number | undefined {
  const left = constantOf(expression.left)
  const right = constantOf(expression.right)
  // 0 times anything is 0 without a look at it.
  if ((expression.operator === '*' || expression.operator === '&') && (left === 0 || right === 0)) return 0
  // Nor is what 0 is divided by looked at, a constant 0 aside.
  const divided = expression.operator === '/' || expression.operator === 'mod'
  if (divided && left === 0 && right === undefined) return 0
  // Nor is a call-free operand looked at beside a constant that decides.
  if (expression.operator === '&&' && (left === 0 || right === 0) && !callsSomething(expression)) return 0
  if (left === undefined || right === undefined) return undefined
  if (expression.operator === '+' && typeof left === 'string') return `${left}${right}`
  if (expression.operator === 'eq') return Number(`${left}` === `${right}`)
  if (expression.operator === 'ne') return Number(`${left}` !== `${right}`)
  // The left side says how two sides are compared; as texts any two can be.
  if (typeof left === 'string' && expression.operator === '==') return Number(left === `${right}`)
  if (typeof left === 'string' && expression.operator === '!=') return Number(left !== `${right}`)
  if (expression.operator === '=~') return matchOf(`${left}`, `${right}`)
  const a = asInt(left)
  const b = asInt(right)
  if (a === undefined || b === undefined) return undefined
  switch (expression.operator) {
    case '+':
      return (a + b) | 0
    case '-':
      return (a - b) | 0
    case '*':
      return Math.imul(a, b)
    case '/':
      return b === 0 ? undefined : (a / b) | 0
    case 'mod':
      return b === 0 ? undefined : (a % b) | 0
    case '&':
      return a & b
    case '|':
      return a | b
    case '^':
      return a ^ b
    case '<<':
      return a << b
    case '>>':
      return a >> b
    case '&&':
      return a !== 0 && b !== 0 ? 1 : 0
    case '||':
      return a !== 0 || b !== 0 ? 1 : 0
    case '>':
      return a > b ? 1 : 0
    case '<':
      return a < b ? 1 : 0
    case '>=':
      return a >= b ? 1 : 0
    case '<=':
      return a <= b ? 1 : 0
    case '==':
    case 'ieq':
      return Number(a === b)
    case '!=':
    case 'ine':
      return Number(a !== b)
    default:
      return undefined
  }
}

/** The value of an expression of constants; undefined when it is none, or cannot be told. */
export function constantOf(expression: Expression): string | number | undefined {
  switch (expression.kind) {
    case 'number':
    case 'string':
      return expression.value
    case 'unary': {
      const value = constantOf(expression.operand)
      if (value === undefined) return undefined
      if (expression.operator === 'str') return `${value}`
      const number = asInt(value)
      if (number === undefined) return undefined
      if (expression.operator === '-') return -number | 0
      if (expression.operator === '~') return ~number
      if (expression.operator === '!') return number === 0 ? 1 : 0
      return expression.operator === 'int' ? number : undefined
    }
    case 'binary':
      return foldBinary(expression)
    default:
      return undefined
  }
}
