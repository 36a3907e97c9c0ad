// Owns the running of each module's check over a list of parameters.
import type { ModuleParameter, ParameterProblem } from './service.ts'

/** What is wrong with one parameter of the module; undefined when nothing is. */
export type ParameterCheck = (parameter: ModuleParameter) => { message: string; hint?: string } | undefined

export function problemsOf(
  parameters: readonly ModuleParameter[],
  checks: Readonly<Record<string, ParameterCheck>>,
): ParameterProblem[] {
  return parameters.flatMap((parameter, index) => {
    const problem = Object.hasOwn(checks, parameter.module) ? checks[parameter.module]!(parameter) : undefined
    return problem === undefined ? [] : [{ index, ...problem }]
  })
}
