// Owns the directives that define and substitute: what stands after their name, and what it does.
import { cutAtSeparator, type DefineMode, type Defines } from './defines.ts'
import { readString } from './lexemes.ts'

const DEFINE_MODES = { define: 'new', trydef: 'keep', redefine: 'replace', redef: 'replace' } as const satisfies Record<
  string,
  DefineMode
>

export type SettingDirective =
  | keyof typeof DEFINE_MODES
  | 'subst'
  | 'substdef'
  | 'substdefs'
  | 'defenv'
  | 'defenvs'
  | 'trydefenv'
  | 'trydefenvs'

/** What is wrong with a directive. */
export interface DirectiveProblem {
  readonly code: string
  readonly message: string
  readonly hint: string | undefined
}

const problem = (code: string, message: string, hint?: string): DirectiveProblem => ({ code, message, hint })
const asString = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`

/** Carries out a directive; `text` is the rest of its line. */
export function applySetting(
  name: SettingDirective,
  text: string,
  defines: Defines,
  env: Readonly<Record<string, string | undefined>>,
): DirectiveProblem[] {
  switch (name) {
    case 'define':
    case 'trydef':
    case 'redefine':
    case 'redef':
      return define(text, DEFINE_MODES[name], defines)
    case 'subst':
    case 'substdef':
    case 'substdefs':
      return substitute(name, text, defines)
    default:
      return fromEnvironment(name, text, defines, env)
  }
}

function define(text: string, mode: DefineMode, defines: Defines): DirectiveProblem[] {
  const parts = /^([A-Za-z_][A-Za-z0-9_]*)(?:\s+([\s\S]*))?$/.exec(text)
  if (parts === null) return [problem('bad-directive', 'A define needs a name, then its value')]
  const wrong = defines.define(parts[1]!, (parts[2] ?? '').trim(), mode)
  if (wrong === undefined) return []
  return [problem('define-again', wrong, '#!trydef keeps the first value, #!redefine replaces it.')]
}

/** `#!subst "/pattern/text/flags"`; `substdef` also defines the pattern, `substdefs` as a string. */
function substitute(name: 'subst' | 'substdef' | 'substdefs', text: string, defines: Defines): DirectiveProblem[] {
  const quoted = text[0] === '"' || text[0] === "'" ? readString(text, 0) : undefined
  const parts = quoted === undefined ? undefined : cutAtSeparator(quoted.value)
  if (parts === undefined) return [problem('bad-directive', `#!${name} needs "/name/value/" or "!name!value!g"`)]
  const [pattern, replacement, flags] = parts
  const problems: DirectiveProblem[] = []
  if (name !== 'subst') {
    const wrong = defines.define(pattern, name === 'substdefs' ? asString(replacement) : replacement, 'new')
    if (wrong !== undefined) problems.push(problem('define-again', wrong))
  }
  const wrong = defines.substitute(pattern, replacement, flags)
  if (wrong !== undefined) problems.push(problem('bad-directive', `#!${name}: ${wrong}`))
  return problems
}

/** `#!defenv [NAME=]VARIABLE`; the `s` forms make a string of the value; the `try` forms do without it. */
function fromEnvironment(
  name: 'defenv' | 'defenvs' | 'trydefenv' | 'trydefenvs',
  text: string,
  defines: Defines,
  env: Readonly<Record<string, string | undefined>>,
): DirectiveProblem[] {
  const parts = /^(?:([A-Za-z_][A-Za-z0-9_]*)=)?([A-Za-z_][A-Za-z0-9_]*)$/.exec(text)
  if (parts === null) return [problem('bad-directive', `#!${name} needs NAME or NAME=VARIABLE`)]
  const variable = parts[2]!
  const given = Object.hasOwn(env, variable) ? env[variable] : undefined
  if (given === undefined) {
    if (name.startsWith('try')) return []
    const hint = '#!trydefenv does without a variable that is not set.'
    return [problem('env-not-set', `The environment has no ${variable}`, hint)]
  }
  const wrong = defines.define(parts[1] ?? variable, name.endsWith('s') ? asString(given) : given, 'new')
  return wrong === undefined ? [] : [problem('define-again', wrong)]
}
