// Owns the order of the checks of a whole file.
import type { Declaration } from './ast.ts'
import { BlockChecker } from './check-block.ts'
import { CheckContext } from './check-context.ts'
import { checkReachability } from './check-routes.ts'
import { checkSettings } from './check-settings.ts'
import type { Defines } from './defines.ts'
import type { Model } from './model.ts'
import type { Report } from './report.ts'
import type { CfgSettings } from './settings.ts'
import type { SourceFile } from './tokens.ts'

export interface CheckInput {
  readonly main: SourceFile
  readonly declarations: readonly Declaration[]
  readonly model: Model
  readonly settings: CfgSettings
  readonly flags: ReadonlyMap<string, number>
  readonly strict: boolean
  readonly defines: Defines
}

/** What the program reads of the outside while it runs. */
export interface UsedValues {
  defines: boolean
  readonly environment: Set<string>
}

/** Checks everything, and tells which outside values the program reads. */
export function checkProgram(input: CheckInput, report: Report): UsedValues {
  const context = new CheckContext(input, report)
  checkSettings(context)
  for (const block of input.model.blocks) new BlockChecker(context, block).check()
  checkReachability(context)
  context.variables.reportUnset(report)
  return context.used
}
