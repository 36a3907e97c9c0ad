// Owns the checks of statements and expressions of one block.

import { declarationOf, posixRegex, RegexError } from '../../../stdlib/registry.ts'
import type { BinaryExpression, Expression, Statement, SwitchStatement } from './ast.ts'
import { checkCall } from './check-call.ts'
import type { CheckContext } from './check-context.ts'
import { checkTypes, wantsInt, wantsText } from './check-types.ts'
import { checkSelect, checkVariable, scriptVariable } from './check-variable.ts'
import { constantOf } from './constants.ts'
import { type Block, routeNameOf } from './model.ts'
import { checkPattern } from './patterns.ts'
import { nearest, type Place, placeAt, placeInText } from './report.ts'
import type { Token } from './tokens.ts'
import { BUILT_IN } from './walk.ts'

/** Functions after which a script has nothing more to say to this request. */
const FINAL = new Set([
  't_relay',
  't_relay_to_udp',
  't_relay_to_tcp',
  't_relay_to_tls',
  'forward',
  't_reply',
  'sl_send_reply',
  'send_reply',
  'sl_reply_error',
])
const RELAYS = new Set(['t_relay', 't_relay_to_udp', 't_relay_to_tcp', 't_relay_to_tls', 'forward'])

export class BlockChecker {
  readonly #context: CheckContext
  readonly #block: Block
  /** Within the arguments of a function, where no other may be called. */
  #inArguments = false

  constructor(context: CheckContext, block: Block) {
    this.#context = context
    this.#block = block
  }

  check(): void {
    this.#statements(this.#block.body)
  }

  #statements(statements: readonly Statement[]): void {
    let left: Statement | undefined
    for (const statement of statements) {
      this.#context.report.last = statement.at
      if (left !== undefined && statement.kind !== 'empty') {
        if (!conditionBetween(left.at, statement.at)) {
          this.#context.report.warning('unreachable', 'This is never reached', statement.at)
        }
        left = undefined
      }
      this.#statement(statement)
      if (statement.kind === 'leave') left = statement
    }
    this.#afterRelay(statements)
  }

  /** t_relay() does not end the script: what answers or relays after it acts on the same request again. */
  #afterRelay(statements: readonly Statement[]): void {
    const calls = (statement: Statement, names: ReadonlySet<string>) =>
      statement.kind === 'expression' && statement.value.kind === 'call' && names.has(statement.value.name)
    for (const [i, statement] of statements.entries()) {
      if (!calls(statement, RELAYS)) continue
      const next = statements.slice(i + 1).find((other) => other.kind === 'leave' || calls(other, FINAL))
      if (next !== undefined && next.kind !== 'leave') {
        this.#context.report.warning(
          'relay-goes-on',
          'The script goes on after this relays, and comes to another answer or relay',
          statement.at,
          'Put exit; after it.',
        )
      }
    }
  }

  #statement(statement: Statement): void {
    switch (statement.kind) {
      case 'if':
        this.#condition(statement.condition)
        this.#statements(statement.then)
        if (statement.otherwise) this.#statements(statement.otherwise)
        break
      case 'while':
        this.#condition(statement.condition)
        wantsInt(statement.condition, this.#context.report)
        this.#statements(statement.body)
        break
      case 'switch':
        this.#switch(statement)
        break
      case 'assignment':
        this.#assignment(statement.target, statement.value)
        break
      case 'expression':
        if (statement.value.kind === 'assign') this.#expression(statement.value)
        else if (statement.value.kind !== 'call' && statement.value.kind !== 'route-call') {
          this.#context.report.error('not-a-command', 'This is no command', statement.at)
        } else this.#expression(statement.value)
        break
      case 'leave':
        if (statement.value) {
          this.#expression(statement.value)
          wantsInt(statement.value, this.#context.report)
        }
        break
      case 'empty':
        break
    }
  }

  #condition(condition: Expression): void {
    this.#expression(condition)
    const constant = constantOf(condition)
    if (constant !== undefined) {
      this.#context.report.warning('constant-condition', 'This condition never changes', condition.at)
    }
  }

  #assignment(target: Expression, value: Expression): void {
    this.#expression(value)
    this.#target(target)
  }

  #target(target: Expression): void {
    if (target.kind !== 'variable') {
      this.#context.report.error('not-assignable', 'Only a pseudo-variable can be assigned', target.at)
      return
    }
    const { node, at } = target
    if (!checkVariable(node, placesIn(at), this.#context)) return
    if (node.transformations.length > 0) {
      this.#context.report.error('not-assignable', 'A variable with transformations cannot be assigned', at)
    } else if (!declarationOf(node)?.writable) {
      this.#context.report.error('not-assignable', `$${node.name} cannot be assigned`, at)
    }
    const name = scriptVariable(node)
    if (name !== undefined) this.#context.variables.set(name)
  }

  #switch(statement: SwitchStatement): void {
    const { report } = this.#context
    this.#expression(statement.value)
    const seen = new Set<string>()
    let types: string | undefined
    let hasDefault = false
    for (const { label, regex, body, at } of statement.cases) {
      if (label === undefined) {
        if (hasDefault) report.error('bad-case', 'A switch has one default', at)
        hasDefault = true
      } else {
        const constant = constantOf(label)
        if (constant === undefined) {
          report.error('bad-case', 'A case needs a constant', label.at)
          this.#expression(label)
        } else {
          const type = regex || typeof constant === 'string' ? 'strings' : 'numbers'
          if (types !== undefined && type !== types) {
            report.error('bad-case', `Cases are all ${types} or all ${type}, not both`, label.at)
          }
          types ??= type
          if (regex) this.#regex(constant, label.at)
          else if (seen.has(`${constant}`)) report.warning('bad-case', 'This case is there already', label.at)
          if (!regex) seen.add(`${constant}`)
        }
      }
      this.#statements(body)
    }
  }

  #regex(pattern: string | number, at: Token): void {
    try {
      posixRegex(`${pattern}`, { ignoreCase: true })
      checkPattern(`${pattern}`, at, this.#context.report)
    } catch (error) {
      if (!(error instanceof RegexError)) throw error
      const inside = error.at >= 0 ? placeInText(at, error.at, error.at + 1) : at
      this.#context.report.error('bad-regex', `Bad regular expression: ${error.message}`, inside)
    }
  }

  #expression(expression: Expression): void {
    const { report } = this.#context
    report.last = expression.at
    switch (expression.kind) {
      case 'number':
      case 'string':
      case 'address':
        return
      case 'old-operand':
        return
      case 'variable':
        this.#variable(expression)
        return
      case 'select':
        checkSelect(expression.path, expression.at, this.#context)
        return
      case 'word':
        this.#word(expression.text, expression.at)
        return
      case 'call':
        checkCall(expression, this.#block, this.#context)
        for (const argument of expression.args) {
          // selval, strlen and strempty are operators with parentheses: what stands in them is an expression as any other.
          if (BUILT_IN.has(expression.name) && !this.#inArguments) this.#expression(argument)
          else this.#argument(argument)
        }
        if ((expression.name === 'strlen' || expression.name === 'strempty') && expression.args[0] !== undefined) {
          wantsText(expression.args[0], this.#context.report)
        }
        return
      case 'route-call':
        this.#routeCall(expression.target)
        return
      case 'unary':
        this.#expression(expression.operand)
        if (expression.operator === 'defined') wantsText(expression.operand, this.#context.report)
        else if (expression.operator !== 'str' && expression.operator !== 'int')
          wantsInt(expression.operand, this.#context.report)
        return
      case 'binary':
        this.#binary(expression)
        return
      case 'old-comparison':
        this.#oldComparison(expression)
        return
      case 'assign':
        this.#assignment(expression.target, expression.value)
        return
      case 'block':
        this.#statements(expression.body)
        return
    }
  }

  #variable(expression: Expression & { kind: 'variable' }): void {
    if (!checkVariable(expression.node, placesIn(expression.at), this.#context)) return
    const name = scriptVariable(expression.node)
    if (name !== undefined) this.#context.variables.read(name, () => expression.at)
  }

  #word(text: string, at: Token): void {
    if (text === 'myself') return
    const near = nearest(text, this.#context.input.defines.names())
    this.#context.report.error(
      'unknown-name',
      `${text} is not defined`,
      at,
      near === undefined ? 'A text needs quotes; a name is made by #!define.' : `Did you mean ${near}?`,
    )
  }

  /** What stands in an argument's own place has been checked with the call. */
  #argument(argument: Expression): void {
    switch (argument.kind) {
      case 'string':
      case 'number':
      case 'word':
      case 'address':
        return
      case 'call':
      case 'route-call':
        if (argument.kind === 'call' && BUILT_IN.has(argument.name)) {
          const before = this.#inArguments
          this.#inArguments = true
          this.#expression(argument)
          this.#inArguments = before
          return
        }
        this.#context.report.error(
          'nested-call',
          'A function cannot be called inside the arguments of another',
          argument.at,
          'Assign its result to a variable first.',
        )
        return
      default:
        this.#expression(argument)
    }
  }

  #routeCall(target: Expression): void {
    const name = routeNameOf(target)
    if (name === undefined) {
      this.#expression(target)
      return
    }
    const { model, complete } = this.#context.input
    const { subs } = model
    if (subs.has(name) || !complete) return
    const near = nearest(name, subs.keys())
    const hint = near === undefined ? undefined : `Did you mean route(${near})?`
    this.#context.report.error('undefined-route', `There is no route[${name}]`, target.at, hint)
  }

  #binary(expression: BinaryExpression): void {
    const { left, right, operator } = expression
    this.#expression(left)
    this.#expression(right)
    checkTypes(expression, this.#context.report)
    if (operator === '=~') {
      const pattern = constantOf(right)
      if (pattern !== undefined) this.#regex(pattern, right.at)
    }
  }

  /** The words that an old operand is compared with. */
  #oldWord(operand: string, word: string, at: Token): void {
    if (word === 'myself' || operand === 'method' || /(^|_)ip$/.test(operand)) return
    const words = /proto$/.test(operand)
      ? ['UDP', 'TCP', 'TLS', 'SCTP', 'WS', 'WSS']
      : /af$/.test(operand)
        ? ['INET', 'INET6']
        : ['myself']
    if (words.includes(word.toUpperCase())) return
    const near = nearest(word, words)
    this.#context.report.error(
      'unknown-name',
      `${operand} is not compared with ${word}`,
      at,
      near === undefined ? `It is compared with ${words.join(', ')} or a string.` : `Did you mean ${near}?`,
    )
  }

  #oldComparison(expression: Expression & { kind: 'old-comparison' }): void {
    const { right, operator } = expression
    if (right.kind === 'word') {
      this.#oldWord(expression.operand, right.text, right.at)
      return
    }
    if (right.kind !== 'address') this.#expression(right)
    const pattern = operator === '=~' ? constantOf(right) : undefined
    if (pattern !== undefined) this.#regex(pattern, right.at)
  }
}

/** A condition of the preprocessor ends or begins between two tokens: what one define makes unreachable, another reaches. */
function conditionBetween(before: Token, after: Token): boolean {
  const { file } = before
  return (
    file === after.file && /^[ \t]*#!(?:ifn?def|else|endif)/m.test(file.text.slice(before.endOffset, after.startOffset))
  )
}

/** Offsets in a variable's own text as places. */
function placesIn(token: Token): (at: number, end: number) => Place {
  return (at, end) => {
    // The node of a variable counts from the head of its file, or from its own head where a substitution changed it.
    const { pv } = token
    if (pv === undefined || pv.at !== token.startOffset) return token
    return at === pv.at ? token : placeAt(token.file, at, end - at)
  }
}
