// Owns which parameter list of a builtin a call means.
import type { Parameter } from '../../../stdlib/contract.ts'
import type { Builtin } from '../../../stdlib/registry.ts'

/** Every way to call it. */
export function parameterLists(builtin: Builtin): readonly (readonly Parameter[])[] {
  return [builtin.parameters, ...(builtin.overloads ?? [])]
}

/** The least and the most arguments of a parameter list. */
export function bounds(parameters: readonly Parameter[]): { least: number; most: number } {
  return { least: parameters.filter((parameter) => !parameter.optional).length, most: parameters.length }
}

/** The parameters that `count` arguments mean; the main list when none fits. */
export function parametersFor(builtin: Builtin, count: number): readonly Parameter[] {
  const fitting = parameterLists(builtin).find((parameters) => {
    const { least, most } = bounds(parameters)
    return count >= least && count <= most
  })
  return fitting ?? builtin.parameters
}

const FORMATTED_CORE = new Set(['append_branch', 'log'])

/** Core commands take their strings as they stand: `rewritehost("$var(x)")` means those very characters. */
export function takesLiterally(builtin: Builtin): boolean {
  return builtin.literal === true || (builtin.module === 'core' && !FORMATTED_CORE.has(builtin.kamailio))
}
