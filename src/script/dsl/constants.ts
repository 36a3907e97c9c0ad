// Owns what is known of an expression before the program runs: its type, and its value where it is constant.
import type { BinaryExpression, Expression } from './ast.ts'

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

function foldBinary(expression: BinaryExpression): string | number | undefined {
  const left = constantOf(expression.left)
  const right = constantOf(expression.right)
  if (left === undefined || right === undefined) return undefined
  if (expression.operator === '+' && typeof left === 'string') return `${left}${right}`
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
      return typeof left === 'string' ? Number(left === `${right}`) : Number(a === b)
    case '!=':
      return typeof left === 'string' ? Number(left !== `${right}`) : Number(a !== b)
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
