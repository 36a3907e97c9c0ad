// Owns what is checked of a whole file.
import type { Declaration } from './ast.ts'
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

export function checkProgram(_input: CheckInput, _report: Report): UsedValues {
  return { defines: true, environment: new Set() }
}
