// Owns the checks of types: operators whose operands are known not to fit.
import type { BinaryExpression, Expression } from './ast.ts'
import { typeOf } from './constants.ts'
import { isNull } from './expression-kinds.ts'
import type { Report } from './report.ts'

const INT_OPERATORS = new Set([
  '-',
  '*',
  '/',
  'mod',
  '&',
  '|',
  '^',
  '<<',
  '>>',
  '>',
  '<',
  '>=',
  '<=',
  'ieq',
  'ine',
  '&&',
  '||',
])

const EQUALITIES = new Set(['==', '!=', 'eq', 'ne', 'ieq', 'ine'])

/** The operand is a number. */
export function wantsInt(operand: Expression, report: Report): void {
  if (typeOf(operand) === 'str') {
    report.error('type-mismatch', 'A number is needed here, this is a string', operand.at)
  }
}

/** The operand is a text or null. */
export function wantsText(operand: Expression, report: Report): void {
  if (typeOf(operand) === 'int') {
    report.error('type-mismatch', 'This is a number and never a string or null', operand.at, 'Use (str) before it.')
  }
}

/** What 5.6.3 refuses because the types on both sides are known to differ. */
export function checkTypes({ left, right, operator }: BinaryExpression, report: Report): void {
  if (EQUALITIES.has(operator) && isNull(right)) {
    wantsText(left, report)
    return
  }
  if (isNull(left) && EQUALITIES.has(operator)) {
    report.warning('null-on-the-left', '$null stands on the right of a comparison', left.at)
  }
  if (INT_OPERATORS.has(operator)) {
    wantsInt(left, report)
    wantsInt(right, report)
  } else if (operator === '=~' || operator === 'eq' || operator === 'ne') wantsText(left, report)
  else if (typeOf(left) === 'int' && typeOf(right) === 'str') {
    if (operator === '+') {
      report.error('type-mismatch', 'A number plus a string', right.at, 'Begin with the string: "" + 1.')
    } else
      report.error('type-mismatch', 'A number is compared with a string', right.at, 'Use (str) or (int) on one side.')
  }
}
