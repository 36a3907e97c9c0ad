// Owns the rules of `check`: their names, how severe a breach is unless the operator says otherwise, and what each is about.
import type { Severity } from './diagnostic.ts'

export interface Rule {
  readonly severity: Severity
  /** One sentence for SARIF and the manual. */
  readonly doc: string
}

/** What keeps a file from running stays an error; all others may be set by `--rule`. */
export const RULES: Readonly<Record<string, Rule>> = {
  'bad-case': { severity: 'error', doc: 'A case of a switch that cannot be one.' },
  'bad-directive': { severity: 'error', doc: 'A preprocessor directive written wrongly.' },
  'bad-flag': { severity: 'error', doc: 'A flag declared wrongly.' },
  'bad-regex': { severity: 'error', doc: 'A regular expression that does not compile.' },
  'bad-route-name': { severity: 'error', doc: 'A route name that Kamailio does not take.' },
  'bad-variable': { severity: 'error', doc: 'A pseudo-variable written wrongly.' },
  'command-line': { severity: 'error', doc: 'A define of the command line that is none.' },
  compile: { severity: 'error', doc: 'TypeScript that does not compile.' },
  config: { severity: 'error', doc: 'A setting with a wrong value.' },
  'constant-condition': { severity: 'warning', doc: 'A condition that is always true or always false.' },
  'define-loop': { severity: 'error', doc: 'A define that means itself.' },
  'directive-is-comment': { severity: 'warning', doc: 'A directive that Kamailio takes for a comment.' },
  'dot-after-variable': { severity: 'warning', doc: 'A dot after a variable, which does not join texts.' },
  'duplicate-route': { severity: 'error', doc: 'Two route blocks of one kind and name.' },
  'file-not-found': { severity: 'error', doc: 'An included file that is not there.' },
  'function-not-provided': { severity: 'error', doc: 'A function of a module that signalbox does not have.' },
  'illegal-in-route': {
    severity: 'error',
    doc: 'A function called in a route kind where it has no meaning, also through other routes.',
  },
  'include-depth': { severity: 'error', doc: 'Files that include one another too deeply.' },
  internal: { severity: 'error', doc: 'A fault of signalbox itself.' },
  load: { severity: 'error', doc: 'A script that fails when it is loaded.' },
  'module-not-loaded': { severity: 'error', doc: 'A function or variable whose module is not loaded.' },
  'module-not-provided': { severity: 'warning', doc: 'A module that signalbox does not have.' },
  'nested-call': { severity: 'error', doc: 'A function call within the arguments of another.' },
  'never-matches': { severity: 'warning', doc: 'A regular expression that matches nothing, or not what it seems to.' },
  'never-set': { severity: 'warning', doc: 'A variable that is read and set nowhere.' },
  'no-meaning': { severity: 'note', doc: 'A core parameter that has no meaning here.' },
  'no-relay': { severity: 'note', doc: 'Media functions without a media relay.' },
  'no-request-route': { severity: 'warning', doc: 'A file without request_route.' },
  'not-a-command': { severity: 'error', doc: 'Words where a statement should stand.' },
  'not-assignable': { severity: 'error', doc: 'An assignment to what cannot be assigned.' },
  'not-constant': { severity: 'error', doc: 'An argument or setting that has to be a constant.' },
  'not-run': { severity: 'warning', doc: 'A route block that nothing runs.' },
  'not-converted': { severity: 'warning', doc: 'What convert cannot say in TypeScript in the same way.' },
  'null-on-the-left': { severity: 'warning', doc: 'A comparison with $null on the left.' },
  'relay-goes-on': { severity: 'warning', doc: 't_relay after which the script goes on without exit.' },
  'reserved-name': { severity: 'warning', doc: 'A name that Kamailio keeps for itself.' },
  syntax: { severity: 'error', doc: 'What cannot be read.' },
  'taken-literally': { severity: 'warning', doc: 'A variable in a text that is taken as it stands.' },
  'tls-config': { severity: 'error', doc: 'A TLS configuration written wrongly.' },
  'too-deep': { severity: 'error', doc: 'Brackets, blocks or operators nested too deeply.' },
  'too-long': { severity: 'error', doc: 'A text or name that is too long.' },
  'type-mismatch': { severity: 'error', doc: 'An operator with operands of types that do not fit.' },
  types: { severity: 'error', doc: 'TypeScript whose types do not fit.' },
  unawaited: { severity: 'error', doc: 'A call that waits and is not awaited.' },
  'unbalanced-directive': { severity: 'error', doc: 'An #!ifdef without its #!endif, or the other way round.' },
  'unclosed-comment': { severity: 'error', doc: 'A comment without its end.' },
  'unclosed-string': { severity: 'error', doc: 'A text without its end.' },
  'undefined-route': { severity: 'error', doc: 'A call of a route that does not exist.' },
  'unknown-directive': { severity: 'error', doc: 'A preprocessor directive that does not exist.' },
  'unknown-flag': { severity: 'error', doc: 'A flag that is not declared.' },
  'unknown-function': { severity: 'error', doc: 'A function that does not exist.' },
  'unknown-language': { severity: 'error', doc: 'A file that is neither .ts nor .cfg.' },
  'unknown-modparam': { severity: 'warning', doc: 'A module parameter that does not exist.' },
  'unknown-module': { severity: 'warning', doc: 'A module that does not exist.' },
  'unknown-name': { severity: 'error', doc: 'A word that is no define, and no operand.' },
  'unknown-parameter': { severity: 'error', doc: 'A core parameter that does not exist.' },
  'unknown-variable': { severity: 'error', doc: 'A pseudo-variable that does not exist.' },
  unreachable: { severity: 'warning', doc: 'Statements that are never reached.' },
  'unused-route': { severity: 'warning', doc: 'A route block that is never used.' },
  'wrong-argument': { severity: 'error', doc: 'An argument that the function does not take.' },
  'wrong-argument-count': { severity: 'error', doc: 'Too many or too few arguments.' },
  'wrong-type': { severity: 'error', doc: 'A setting of the wrong type.' },
}

export type RuleSetting = Severity | 'off'

/** The diagnostics as the operator wants them: errors stay errors, all others get the severity that their rule is set to. */
export function applyRules<T extends { readonly code: string; readonly severity: Severity }>(
  diagnostics: readonly T[],
  settings: ReadonlyMap<string, RuleSetting>,
): T[] {
  if (settings.size === 0) return [...diagnostics]
  return diagnostics.flatMap((diagnostic) => {
    const setting = diagnostic.severity === 'error' ? undefined : settings.get(diagnostic.code)
    if (setting === undefined) return [diagnostic]
    return setting === 'off' ? [] : [{ ...diagnostic, severity: setting }]
  })
}
