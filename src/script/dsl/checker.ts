// Owns the order of the checks of a whole file.
import { BlockChecker } from './check-block.ts'
import { CheckContext, type CheckInput, type UsedValues } from './check-context.ts'
import { checkReachability } from './check-routes.ts'
import { checkSettings } from './check-settings.ts'
import type { Report } from './report.ts'

/** Checks everything, and tells which outside values the program reads. */
export function checkProgram(input: CheckInput, report: Report): UsedValues {
  const context = new CheckContext(input, report)
  checkSettings(context)
  for (const block of input.model.blocks) new BlockChecker(context, block).check()
  checkReachability(context)
  if (input.complete) context.variables.reportUnset(report)
  return context.used
}
