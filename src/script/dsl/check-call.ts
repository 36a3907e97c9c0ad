// Owns the checks of function calls: known, loaded, legal where they stand, with arguments that fit.
import type { Parameter, RouteKind } from '../../../stdlib/contract.ts'
import {
  type Builtin,
  builtins,
  PvSyntaxError,
  parsePv,
  parseSubstitution,
  posixRegex,
  RegexError,
} from '../../../stdlib/registry.ts'
import { bounds, parameterLists, parametersFor, takesLiterally } from './arguments.ts'
import type { CallExpression, Expression } from './ast.ts'
import type { CheckContext } from './check-context.ts'
import { checkFormat, checkVariable, scriptVariable } from './check-variable.ts'
import { constantOf } from './constants.ts'
import { insteadOf } from './instead.ts'
import { KNOWN_FUNCTIONS } from './known-functions.ts'
import type { Block } from './model.ts'
import { checkPattern } from './patterns.ts'
import { nearest, type Place } from './report.ts'
import { BUILT_IN } from './walk.ts'

const KIND_NAMES: Readonly<Record<RouteKind, string>> = {
  request: 'request_route',
  reply: 'onreply_route',
  failure: 'failure_route',
  branch: 'branch_route',
  event: 'event_route',
}

/** How a block is called in messages. */
export function blockName(block: Block): string {
  if (block.routeKind === 'sub') return `route[${block.name}]`
  if (block.routeKind === 'reply' && block.name === '') return 'reply_route'
  const kind = block.routeKind === 'onsend' ? 'onsend_route' : KIND_NAMES[block.routeKind]
  return block.name === '' ? kind : `${kind}[${block.name}]`
}

/** Kamailio takes an event route for a request route. */
export function legalIn(builtin: Builtin, kind: RouteKind): boolean {
  if (builtin.routes.includes(kind)) return true
  return (kind === 'event' || kind === 'request') && builtin.routes.some((one) => one === 'event' || one === 'request')
}

/** The function that a call means; undefined when it is none that can be called, which has been reported. */
export function checkCall(call: CallExpression, block: Block, context: CheckContext): Builtin | undefined {
  context.report.last = call.at
  if (BUILT_IN.has(call.name)) {
    const wanted = call.name === 'selval' ? 3 : 1
    if (call.args.length !== wanted) wrongCount(call, `${wanted}`, context)
    return undefined
  }
  const builtin = builtins().get(call.name)
  if (builtin === undefined) {
    unknownFunction(call, context)
    return undefined
  }
  const modules = [builtin.module, KNOWN_FUNCTIONS.get(call.name) ?? builtin.module]
  if (!modules.some((module) => context.loaded(module))) {
    context.report.error(
      'module-not-loaded',
      `${call.name}() needs module ${builtin.module}, which is not loaded`,
      call.at,
      `Put loadmodule "${builtin.module}.so" at the head of the file.`,
    )
  }
  const { routeKind } = block
  if (routeKind !== 'sub' && routeKind !== 'onsend' && !legalIn(builtin, routeKind)) {
    context.report.error(
      'illegal-in-route',
      `${call.name}() cannot be called in ${blockName(block)}`,
      call.at,
      `It can be called in ${builtin.routes.map((kind) => KIND_NAMES[kind]).join(', ')}.`,
    )
  }
  if (checkCount(call, builtin, context)) checkArguments(call, builtin, context)
  return builtin
}

function unknownFunction(call: CallExpression, context: CheckContext): void {
  // What it does with its texts is unknown: one of them may name a route to go on in.
  for (const argument of call.args) if (argument.kind === 'string') context.armed.add(`sub:${argument.value}`)
  const module = KNOWN_FUNCTIONS.get(call.name)
  if (module !== undefined) {
    context.report.error(
      'function-not-provided',
      `${call.name}() of ${module === 'core' ? 'the core' : `module ${module}`} is not provided`,
      call.at,
      insteadOf(module, call.name),
    )
    return
  }
  if (call.name === 'continue') {
    const hint = 'No loop of this language has one: put what follows into an if, or leave the loop by break.'
    context.report.error('unknown-function', 'There is no continue', call.at, hint)
    return
  }
  const near = nearest(call.name, [...builtins().keys(), ...KNOWN_FUNCTIONS.keys()])
  context.report.error(
    'unknown-function',
    `Unknown function ${call.name}()`,
    call.at,
    near === undefined ? 'Is its module loaded?' : `Did you mean ${near}?`,
  )
}

function wrongCount(call: CallExpression, wanted: string, context: CheckContext): void {
  const place: Place = { ...placeOf(call), endOffset: Math.max(call.end.endOffset, call.at.endOffset) }
  context.report.error(
    'wrong-argument-count',
    `${call.name}() takes ${wanted} argument${wanted === '1' ? '' : 's'}, not ${call.args.length}`,
    call.end.file === call.at.file ? place : call.at,
  )
}

function placeOf(call: CallExpression): Place {
  const { file, startOffset, endOffset, startLine, startColumn } = call.at
  return { file, startOffset, endOffset, startLine, startColumn }
}

function checkCount(call: CallExpression, builtin: Builtin, context: CheckContext): boolean {
  const lists = parameterLists(builtin).map(bounds)
  if (lists.some(({ least, most }) => call.args.length >= least && call.args.length <= most)) return true
  const counts = new Set<number>()
  for (const { least, most } of lists) for (let count = least; count <= most; count++) counts.add(count)
  const sorted = [...counts].sort((a, b) => a - b)
  wrongCount(
    call,
    sorted.length === 1 ? `${sorted[0]}` : `${sorted.slice(0, -1).join(', ')} or ${sorted.at(-1)}`,
    context,
  )
  return false
}

function checkArguments(call: CallExpression, builtin: Builtin, context: CheckContext): void {
  const parameters = parametersFor(builtin, call.args.length)
  const literal = takesLiterally(builtin)
  for (const [i, argument] of call.args.entries()) {
    const parameter = parameters[i]
    if (parameter === undefined) continue
    const taken = literal ? (builtin.literal ? 'literal' : 'keyword') : 'format'
    checkArgument(call, argument, parameter, i + 1, taken, context)
  }
}

/**
 * How a function takes its strings: with their variables replaced, as they stand, or, a keyword of the core, as they
 * stand and of no other type.
 */
type Taken = 'format' | 'literal' | 'keyword'

function checkArgument(
  call: CallExpression,
  argument: Expression,
  parameter: Parameter,
  position: number,
  taken: Taken,
  context: CheckContext,
): void {
  const { report } = context
  const literal = taken !== 'format'
  if (argument.kind === 'call' || argument.kind === 'route-call') return
  const constant = constantOf(argument)
  const word = argument.kind === 'word' ? argument.text : undefined
  const what = `Argument ${position} of ${call.name}() (${parameter.name})`
  if (parameter.kind === 'flag') {
    checkFlag(argument, word ?? constant, what, context)
    return
  }
  if (word !== undefined && parameter.kind !== 'route' && !literal) {
    report.error('unknown-name', `${what}: ${word} is not defined`, argument.at, 'A text needs quotes.')
    return
  }
  if (argument.kind === 'address' && !literal) {
    report.error('wrong-argument', `${what}: an address needs quotes`, argument.at)
    return
  }
  if (constant === undefined && word === undefined && argument.kind !== 'address') {
    if (parameter.kind === 'pv') {
      if (argument.kind !== 'variable') report.error('wrong-argument', `${what} must be a variable`, argument.at)
      else {
        const name = scriptVariable(argument.node)
        if (name !== undefined) context.variables.set(name)
      }
    } else if (parameter.constant || parameter.kind === 'route' || literal) {
      report.warning(
        'not-constant',
        `${what} is not constant`,
        argument.at,
        'Kamailio refuses it; it takes a quoted string, in which variables may stand.',
      )
    }
    return
  }
  const text = `${constant ?? word ?? ''}`
  if (taken === 'keyword' && parameter.kind === 'string' && typeof constant === 'number') {
    report.error('wrong-argument', `${what} must be a string`, argument.at, 'Put quotes around it.')
    return
  }
  if (taken === 'keyword' && parameter.kind === 'int' && typeof constant === 'string') {
    report.error('wrong-argument', `${what} must be a number`, argument.at, 'It is written without quotes.')
    return
  }
  switch (parameter.kind) {
    case 'int':
      if (
        typeof constant === 'string' &&
        !constant.includes('$') &&
        !/^\s*-?(\d+|0[xX][0-9A-Fa-f]+)\s*$/.test(constant)
      ) {
        report.error('wrong-argument', `${what} must be a number`, argument.at)
      } else if (typeof constant === 'string') checkFormat(constant, argument.at, context)
      return
    case 'pv':
      checkVariableArgument(text, what, argument, context)
      return
    case 'regex':
      checkRegex(text, what, argument, context)
      return
    case 'subst':
      checkSubstitution(text, what, argument, context)
      return
    case 'route':
      checkRouteName(text, parameter, argument, context)
      return
    case 'string':
      if (parameter.values && !text.includes('$') && !parameter.values.some((value) => equalsCaseless(value, text))) {
        report.error('wrong-argument', `${what} must be one of ${parameter.values.join(', ')}`, argument.at)
        return
      }
      if (argument.kind !== 'string') return
      if (!literal) checkFormat(text, argument.at, context)
      else if (/\$\(?[A-Za-z]/.test(text)) {
        report.warning(
          'taken-literally',
          `${what}: ${call.name}() takes its string as it stands, variables in it are not replaced`,
          argument.at,
          taken === 'keyword' ? 'Assign to $ru, $rU, $rd or $rp instead.' : undefined,
        )
      }
  }
}

const equalsCaseless = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()

function checkFlag(argument: Expression, flag: string | number | undefined, what: string, context: CheckContext): void {
  if (flag === undefined) {
    context.report.error('wrong-argument', `${what} must be a flag: a number or a name`, argument.at)
    return
  }
  if (context.input.flags.has(`${flag}`)) return
  const number = typeof flag === 'number' ? flag : /^\d+$/.test(flag) ? Number(flag) : undefined
  if (number === undefined) {
    const near = nearest(`${flag}`, [...context.input.flags.keys(), ...context.input.defines.names()])
    context.report.error(
      'unknown-flag',
      `Flag ${flag} is not declared`,
      argument.at,
      near === undefined ? `Declare it: flags ${flag}:1, or #!define ${flag} 1` : `Did you mean ${near}?`,
    )
  } else if (number > 31) context.report.error('wrong-argument', `${what}: flags are numbered 0 to 31`, argument.at)
}

function checkVariableArgument(text: string, what: string, argument: Expression, context: CheckContext): void {
  try {
    const node = parsePv(text)
    const place = () => argument.at
    if (!checkVariable(node, place, context)) return
    const name = scriptVariable(node)
    if (name !== undefined) context.variables.set(name)
  } catch (error) {
    if (!(error instanceof PvSyntaxError)) throw error
    context.report.error('wrong-argument', `${what} must be a variable`, argument.at)
  }
}

/** A pattern in which variables stand is known only when it runs. */
function checkRegex(text: string, what: string, argument: Expression, context: CheckContext): void {
  if (/\$\(?[A-Za-z_]/.test(text)) return
  try {
    posixRegex(text)
    checkPattern(text, argument.at, context.report)
  } catch (error) {
    if (!(error instanceof RegexError)) throw error
    context.report.error('bad-regex', `${what}: ${error.message}`, argument.at)
  }
}

function checkSubstitution(text: string, what: string, argument: Expression, context: CheckContext): void {
  try {
    parseSubstitution(text)
  } catch (error) {
    if (!(error instanceof RegexError)) throw error
    context.report.error(
      'bad-regex',
      `${what}: ${error.message}`,
      argument.at,
      'A substitution is written /pattern/replacement/flags.',
    )
  }
}

function checkRouteName(name: string, parameter: Parameter, argument: Expression, context: CheckContext): void {
  const kind = parameter.routeKind ?? 'sub'
  if (name === '0' || name.includes('$')) return
  context.armed.add(`${kind}:${name}`)
  const named = context.input.model.blocks.filter((block) => block.routeKind === kind)
  if (kind === 'event' || named.some((block) => block.name === name) || !context.input.complete) return
  const near = nearest(
    name,
    named.map((block) => block.name),
  )
  context.report.error(
    'undefined-route',
    `There is no ${kind === 'sub' ? 'route' : KIND_NAMES[kind]}[${name}]`,
    argument.at,
    near === undefined ? undefined : `Did you mean ${near}?`,
  )
}
