// Owns what a test of the message or of the route says about the route kind a statement runs in: is_request(), t_is_branch_route().
import type { RouteKind } from '../../../stdlib/contract.ts'
import type { CallExpression, Expression, RouteCallExpression, Statement } from './ast.ts'
import { partsOf } from './walk.ts'

/** What each test gives in each kind; a kind that is not named may give either. */
const TESTS: Readonly<Record<string, Readonly<Partial<Record<RouteKind, boolean>>>>> = {
  is_request: { request: true, failure: true, branch: true, reply: false },
  is_reply: { request: false, failure: false, branch: false, reply: true },
  t_is_request_route: { request: true, failure: false, branch: false, reply: false },
  t_is_reply_route: { request: false, failure: false, branch: false, reply: true },
  t_is_failure_route: { request: false, failure: true, branch: false, reply: false },
  t_is_branch_route: { request: false, failure: false, branch: true, reply: false },
}

/** What a condition gives in a route kind; undefined: either. */
function outcome(condition: Expression, kind: RouteKind): boolean | undefined {
  if (condition.kind === 'call') return Object.hasOwn(TESTS, condition.name) ? TESTS[condition.name]![kind] : undefined
  if (condition.kind === 'unary' && condition.operator === '!') {
    const inner = outcome(condition.operand, kind)
    return inner === undefined ? undefined : !inner
  }
  if (condition.kind !== 'binary') return undefined
  const { operator } = condition
  if (operator !== '&&' && operator !== '||') return undefined
  // One side decides alone: false for &&, true for ||.
  const deciding = operator === '||'
  const sides = [outcome(condition.left, kind), outcome(condition.right, kind)]
  if (sides.includes(deciding)) return deciding
  return sides.includes(undefined) ? undefined : !deciding
}

/** Every call of a function or route that can be come to in a route kind. */
export function forEachCallIn(
  kind: RouteKind,
  statements: readonly Statement[],
  visit: (call: CallExpression | RouteCallExpression) => void,
): void {
  const expression = (one: Expression): void => {
    if (one.kind === 'call' || one.kind === 'route-call') visit(one)
    if (one.kind === 'block') walk(one.body)
    if (one.kind === 'binary' && (one.operator === '&&' || one.operator === '||')) {
      expression(one.left)
      if (outcome(one.left, kind) !== (one.operator === '||')) expression(one.right)
      return
    }
    for (const part of partsOf(one)) expression(part)
  }
  /** False: what follows is not come to. */
  const walk = (body: readonly Statement[]): boolean => body.every(statement)
  const statement = (one: Statement): boolean => {
    switch (one.kind) {
      case 'if': {
        expression(one.condition)
        const holds = outcome(one.condition, kind)
        const after = holds === false || walk(one.then)
        const otherwise = holds === true || one.otherwise === undefined || walk(one.otherwise)
        return holds === undefined ? after || otherwise : after && otherwise
      }
      case 'while':
        expression(one.condition)
        walk(one.body)
        return true
      case 'switch':
        expression(one.value)
        for (const { body } of one.cases) walk(body)
        return true
      case 'assignment':
        expression(one.value)
        return true
      case 'expression':
        expression(one.value)
        return true
      case 'leave':
        if (one.value !== undefined) expression(one.value)
        return false
      case 'empty':
        return true
    }
  }
  walk(statements)
}
