// Owns what all checks share: the file's meaning, what is loaded, which variables are set and read.
import { setUnknownIsAvp } from '../../../stdlib/registry.ts'
import type { Declaration } from './ast.ts'
import type { Defines } from './defines.ts'
import type { Model } from './model.ts'
import type { Place, Report } from './report.ts'
import type { CfgSettings } from './settings.ts'
import type { SourceFile } from './tokens.ts'

/** What is checked. */
export interface CheckInput {
  readonly main: SourceFile
  readonly declarations: readonly Declaration[]
  /** No declaration was lost to a syntax error: what is not there is missing. */
  readonly complete: boolean
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

/** Script variables, to tell those that are read and never set. */
export class VariableUse {
  readonly #set = new Set<string>()
  readonly #read = new Map<string, () => Place>()

  set(name: string): void {
    this.#set.add(name)
  }

  read(name: string, place: () => Place): void {
    if (!this.#read.has(name)) this.#read.set(name, place)
  }

  reportUnset(report: Report): void {
    for (const [name, place] of this.#read) {
      if (!this.#set.has(name)) {
        report.warning('never-set', `${name} is read and never set`, place())
      }
    }
  }
}

export class CheckContext {
  readonly input: CheckInput
  readonly report: Report
  readonly modules: ReadonlySet<string>
  readonly variables = new VariableUse()
  readonly used: UsedValues = { defines: false, environment: new Set() }
  /** Routes that a function names, by kind: they count as used. */
  readonly armed = new Set<string>()

  constructor(input: CheckInput, report: Report) {
    this.input = input
    this.report = report
    this.modules = new Set(input.settings.modules.map(({ name }) => name))
    setUnknownIsAvp(input.strict ? 'error' : 'avp')
  }

  /** The module is loaded, or is none that has to be. */
  loaded(module: string): boolean {
    return module === 'core' || this.modules.has(module)
  }
}
