// Owns precedence and associativity of binary operators.
import type { BinaryOperatorName, Expression } from './ast.ts'
import type { Token } from './tokens.ts'

export interface OperatorUse {
  readonly operator: Token
  readonly right: Expression
}

/** Higher binds tighter. Unlike C, `^` binds tighter than `&`, and shifts are looser than `==` and `+`. */
const LEVELS: Readonly<Record<BinaryOperatorName, number>> = {
  '||': 2,
  '&&': 3,
  '|': 4,
  '&': 5,
  '^': 6,
  '<<': 7,
  '>>': 8,
  '==': 9,
  '!=': 9,
  '=~': 9,
  eq: 9,
  ne: 9,
  ieq: 9,
  ine: 9,
  '>': 10,
  '<': 10,
  '>=': 10,
  '<=': 10,
  '+': 11,
  '-': 11,
  '*': 12,
  '/': 12,
  mod: 12,
}

function nameOf(token: Token): BinaryOperatorName {
  const { image } = token
  return image === 'or' ? '||' : image === 'and' ? '&&' : (image as BinaryOperatorName)
}

/** The tree of `first op right op right ...`, all operators left-associative. */
export function treeOf(first: Expression, rest: readonly OperatorUse[]): Expression {
  let position = 0
  const climb = (left: Expression, least: number): Expression => {
    let result = left
    while (position < rest.length) {
      const use = rest[position]!
      const operator = nameOf(use.operator)
      const level = LEVELS[operator]
      if (level < least) break
      position++
      let { right } = use
      while (position < rest.length && LEVELS[nameOf(rest[position]!.operator)] > level) {
        right = climb(right, level + 1)
      }
      result = { kind: 'binary', operator, left: result, right, at: use.operator }
    }
    return result
  }
  return climb(first, 0)
}
