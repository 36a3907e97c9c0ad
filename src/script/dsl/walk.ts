// Owns walking through statements and expressions.
import type { Expression, Statement } from './ast.ts'

/** The expressions directly inside an expression. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'unary':
      return [expression.operand]
    case 'binary':
      return [expression.left, expression.right]
    case 'old-comparison':
      return [expression.right]
    case 'call':
      return expression.args
    case 'route-call':
      return [expression.target]
    case 'assign':
      return [expression.target, expression.value]
    default:
      return []
  }
}

/** Every expression of the statements, those inside others included, with blocks inside expressions. */
export function forEachExpression(statements: readonly Statement[], visit: (expression: Expression) => void): void {
  const expression = (one: Expression): void => {
    visit(one)
    for (const part of partsOf(one)) expression(part)
    if (one.kind === 'block') forEachExpression(one.body, visit)
  }
  for (const statement of statements) {
    switch (statement.kind) {
      case 'if':
        expression(statement.condition)
        forEachExpression(statement.then, visit)
        if (statement.otherwise) forEachExpression(statement.otherwise, visit)
        break
      case 'while':
        expression(statement.condition)
        forEachExpression(statement.body, visit)
        break
      case 'switch':
        expression(statement.value)
        for (const one of statement.cases) {
          if (one.label) expression(one.label)
          forEachExpression(one.body, visit)
        }
        break
      case 'assignment':
        expression(statement.target)
        expression(statement.value)
        break
      case 'expression':
        expression(statement.value)
        break
      case 'leave':
        if (statement.value) expression(statement.value)
        break
      case 'empty':
        break
    }
  }
}

/** Does the expression call a function or a route? */
export function callsSomething(expression: Expression): boolean {
  if (expression.kind === 'call' && !BUILT_IN.has(expression.name)) return true
  if (expression.kind === 'route-call' || expression.kind === 'block') return true
  return partsOf(expression).some(callsSomething)
}

/** Operators that are written as calls. */
export const BUILT_IN = new Set(['strlen', 'strempty', 'selval'])
