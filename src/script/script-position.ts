// Owns the way from a place in emitted code back to the line that the operator wrote.
import { SourceMap, type SourceMapPayload } from 'node:module'
import type { Position } from './diagnostic.ts'
import type { RawSourceMap } from './dsl/index.ts'

/** The name of every program's code in stack traces. */
export const PROGRAM_FILE = 'signalbox-program'
/** The name of the text that imports a `.ts` as a program. */
export const ENTRY_FILE = 'signalbox-entry.ts'

const FRAME = /signalbox-program:(\d+):(\d+)/g

/** Finds places of one program's code in its sources. */
export class ScriptPositions {
  readonly #map: SourceMap | undefined
  readonly #file: string

  constructor(file: string, map: RawSourceMap | undefined) {
    this.#file = file
    this.#map = map && new SourceMap(map as unknown as SourceMapPayload)
  }

  /** The innermost place in the program that the stack names, and its source line when `readFile` gives it. */
  inStack(stack: string): Position | undefined {
    for (const [, line, column] of stack.matchAll(FRAME)) {
      const position = this.at(Number(line), Number(column))
      if (position !== undefined) return position
    }
    return undefined
  }

  /** Line and column of the code, both from 1. */
  at(line: number, column: number): Position | undefined {
    if (this.#map === undefined) return { file: this.#file, line, column }
    const entry = this.#map.findEntry(line - 1, column - 1)
    if (!('originalSource' in entry) || entry.originalSource === undefined) return undefined
    // What puts the file into its program is no place in it.
    if (entry.originalSource.endsWith(`/${ENTRY_FILE}`)) return undefined
    return { file: entry.originalSource, line: entry.originalLine + 1, column: entry.originalColumn + 1 }
  }
}
