// Owns what can be told of an expression before it is emitted: whether it calls, what folds away, whether it is true or false.
import { builtins } from '../../../stdlib/registry.ts'
import type { CallExpression, Expression, RouteCallExpression } from './ast.ts'
import { constantOf } from './constants.ts'

/** Whether it calls a command of the core: those leave `$rc` as it was. */
export function isCommand(expression: Expression): boolean {
  return expression.kind === 'call' && builtins().get(expression.name)?.module === 'core'
}

export const LAST_CODE = new Set(['rc', 'retcode', '?'])

/** `$rc` itself. */
export function isLastCode(expression: Expression): boolean {
  return (
    expression.kind === 'variable' &&
    LAST_CODE.has(expression.node.name) &&
    expression.node.transformations.length === 0
  )
}

/** `$var(name)` with a constant name. */
export function isSlot(name: string, inner: string | undefined): boolean {
  return name === 'var' && inner !== undefined && inner.trim() !== '' && !inner.includes('$')
}

export function isNull(expression: Expression): boolean {
  return expression.kind === 'variable' && expression.node.name === 'null'
}

export function isCall(expression: Expression): expression is CallExpression | RouteCallExpression {
  if (expression.kind === 'route-call') return true
  return expression.kind === 'call' && !['strlen', 'strempty', 'selval'].includes(expression.name)
}

const BOOLEAN_OPERATORS = new Set(['==', '!=', 'eq', 'ne', 'ieq', 'ine', '=~', '>', '<', '>=', '<='])

/** The value is 1 or 0 and is best made as a JavaScript boolean. */
export function isBoolean(expression: Expression): boolean {
  switch (expression.kind) {
    case 'call':
      return expression.name !== 'strlen' && expression.name !== 'selval'
    case 'route-call':
    case 'old-comparison':
    case 'block':
      return true
    case 'unary':
      return expression.operator === '!' || expression.operator === 'defined'
    case 'binary':
      if (BOOLEAN_OPERATORS.has(expression.operator)) return true
      return (expression.operator === '&&' || expression.operator === '||') && withoutNeutral(expression) === undefined
    default:
      return false
  }
}

/** 5.6.3 folds a constant operand away, and with it the making of 1 and 0: `$a && 1` is `$a`, also where it is -1. */
export function withoutNeutral(expression: Expression): Expression | undefined {
  if (expression.kind !== 'binary' || (expression.operator !== '&&' && expression.operator !== '||')) return undefined
  const { left, right, operator } = expression
  for (const [one, other] of [
    [left, right],
    [right, left],
  ] as const) {
    const constant = constantOf(one)
    if (typeof constant !== 'number') continue
    if (constant === (operator === '&&' ? 1 : 0)) return other
    if (constant === (operator === '&&' ? 0 : 1)) return { kind: 'number', value: constant, at: one.at }
  }
  return undefined
}
