// Owns the rules of `check`: their names, how severe a breach is unless the operator says otherwise, and what each is about.
import type { Severity } from './diagnostic.ts'

export interface Rule {
  readonly severity: Severity
  /** One sentence for SARIF and the manual. */
  readonly doc: string
}

/** By severity; what keeps a file from running stays an error, all others may be set by `--rule`. */
const BY_SEVERITY: Readonly<Record<Severity, Readonly<Record<string, string>>>> = {
  error: {
    'bad-case': 'A case of a switch that cannot be one.',
    'bad-directive': 'A preprocessor directive written wrongly.',
    'bad-flag': 'A flag declared wrongly.',
    'bad-regex': 'A regular expression that does not compile.',
    'bad-route-name': 'A route name that Kamailio does not take.',
    'bad-variable': 'A pseudo-variable written wrongly.',
    'command-line': 'A define of the command line that is none.',
    compile: 'TypeScript that does not compile.',
    config: 'A setting with a wrong value.',
    'define-loop': 'A define that means itself.',
    'duplicate-route': 'Two route blocks of one kind and name.',
    'file-not-found': 'An included file that is not there.',
    'function-not-provided': 'A function of a module that signalbox does not have.',
    'illegal-in-route': 'A function called in a route kind where it has no meaning, also through other routes.',
    'include-depth': 'Files that include one another too deeply.',
    internal: 'A fault of signalbox itself.',
    load: 'A script that fails when it is loaded.',
    'module-not-loaded': 'A function or variable whose module is not loaded.',
    'nested-call': 'A function call within the arguments of another.',
    'not-a-command': 'Words where a statement should stand.',
    'not-assignable': 'An assignment to what cannot be assigned.',
    'not-constant': 'An argument or setting that has to be a constant.',
    syntax: 'What cannot be read.',
    'tls-config': 'A TLS configuration written wrongly.',
    'too-deep': 'Brackets, blocks or operators nested too deeply.',
    'too-long': 'A text or name that is too long.',
    'type-mismatch': 'An operator with operands of types that do not fit.',
    types: 'TypeScript whose types do not fit.',
    unawaited: 'A call that waits and is not awaited.',
    'unbalanced-directive': 'An #!ifdef without its #!endif, or the other way round.',
    'unclosed-comment': 'A comment without its end.',
    'unclosed-string': 'A text without its end.',
    'undefined-route': 'A call of a route that does not exist.',
    'unknown-directive': 'A preprocessor directive that does not exist.',
    'unknown-flag': 'A flag that is not declared.',
    'unknown-function': 'A function that does not exist.',
    'unknown-language': 'A file that is neither .ts nor .cfg.',
    'unknown-name': 'A word that is no define, and no operand.',
    'unknown-parameter': 'A core parameter that does not exist.',
    'unknown-variable': 'A pseudo-variable that does not exist.',
    'wrong-argument': 'An argument that the function does not take.',
    'wrong-argument-count': 'Too many or too few arguments.',
    'wrong-type': 'A setting of the wrong type.',
  },
  warning: {
    'constant-condition': 'A condition that is always true or always false.',
    'directive-is-comment': 'A directive that Kamailio takes for a comment.',
    'dot-after-variable': 'A dot after a variable, which does not join texts.',
    'module-not-provided': 'A module that signalbox does not have.',
    'never-matches': 'A regular expression that matches nothing, or not what it seems to.',
    'never-set': 'A variable that is read and set nowhere.',
    'no-request-route': 'A file without request_route.',
    'not-run': 'A route block that nothing runs.',
    'not-converted': 'What convert cannot say in TypeScript in the same way.',
    'null-on-the-left': 'A comparison with $null on the left.',
    'relay-goes-on': 't_relay after which the script goes on without exit.',
    'reserved-name': 'A name that Kamailio keeps for itself.',
    'taken-literally': 'A variable in a text that is taken as it stands.',
    'unknown-modparam': 'A module parameter that does not exist.',
    'unknown-module': 'A module that does not exist.',
    unreachable: 'Statements that are never reached.',
    'unused-route': 'A route block that is never used.',
  },
  note: {
    'no-meaning': 'A parameter that has no meaning here.',
    'no-relay': 'Media functions without a media relay.',
  },
}

/** Every rule by its name. */
export const RULES: Readonly<Record<string, Rule>> = Object.fromEntries(
  (Object.keys(BY_SEVERITY) as Severity[]).flatMap((severity) =>
    Object.entries(BY_SEVERITY[severity]).map(([name, doc]) => [name, { severity, doc }] as const),
  ),
)

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
