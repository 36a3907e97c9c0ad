// Owns the program's route blocks: what `__signalbox.define` was given.
import type { RouteKind } from './contract.ts'

/** A route block: plain, async (TypeScript), or a generator (a `.cfg` block that may wait). */
export type RouteFunction = (message: unknown) => unknown

export type RouteBlocks = Readonly<Record<string, RouteFunction>>

/** What a program defines. The unnamed request and reply routes have the name ''. `route` holds sub-routes. */
export interface ProgramDefinition {
  readonly request?: RouteBlocks
  readonly reply?: RouteBlocks
  readonly failure?: RouteBlocks
  readonly branch?: RouteBlocks
  readonly event?: RouteBlocks
  readonly route?: RouteBlocks
}

let program: ProgramDefinition | undefined
let programConfig: unknown

export function setProgram(definition: ProgramDefinition, config: unknown): void {
  if (program !== undefined) throw new Error('A program defines its routes once.')
  for (const [kind, blocks] of Object.entries(definition)) {
    for (const name of Object.keys(blocks ?? {})) {
      if (/[\r\n]/.test(name)) throw new Error(`A ${kind} route has a line break in its name.`)
    }
  }
  program = definition
  programConfig = config
}

export function definedProgram(): ProgramDefinition | undefined {
  return program
}

export function definedConfig(): unknown {
  return programConfig
}

export function routeOf(kind: RouteKind | 'route', name: string): RouteFunction | undefined {
  const blocks = program?.[kind]
  return blocks !== undefined && Object.hasOwn(blocks, name) ? blocks[name] : undefined
}
