// Owns source maps (revision 3) of emitted programs.

/** A source map, revision 3, as tools read it. */
export interface RawSourceMap {
  version: 3
  file: string
  sources: string[]
  names: string[]
  mappings: string
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

function vlq(value: number): string {
  let rest = value < 0 ? (-value << 1) | 1 : value << 1
  let text = ''
  do {
    const digit = rest & 31
    rest >>>= 5
    text += DIGITS[rest > 0 ? digit | 32 : digit]
  } while (rest > 0)
  return text
}

/** One place of the emitted text and where it comes from; all counted from 0. */
interface Segment {
  line: number
  column: number
  source: number
  sourceLine: number
  sourceColumn: number
}

/** Collects segments in the order of the emitted text. */
export class SourceMapBuilder {
  readonly #segments: Segment[] = []
  readonly #sources = new Map<string, number>()

  /** Emitted line and column (from 0) come from `file`, `line` and `column` (from 1). */
  add(line: number, column: number, file: string, sourceLine: number, sourceColumn: number): void {
    let source = this.#sources.get(file)
    if (source === undefined) {
      source = this.#sources.size
      this.#sources.set(file, source)
    }
    this.#segments.push({ line, column, source, sourceLine: sourceLine - 1, sourceColumn: sourceColumn - 1 })
  }

  build(file: string): RawSourceMap {
    let mappings = ''
    let line = 0
    let column = 0
    let source = 0
    let sourceLine = 0
    let sourceColumn = 0
    let first = true
    for (const segment of this.#segments) {
      while (line < segment.line) {
        mappings += ';'
        line++
        column = 0
        first = true
      }
      if (!first) mappings += ','
      first = false
      mappings +=
        vlq(segment.column - column) +
        vlq(segment.source - source) +
        vlq(segment.sourceLine - sourceLine) +
        vlq(segment.sourceColumn - sourceColumn)
      column = segment.column
      source = segment.source
      sourceLine = segment.sourceLine
      sourceColumn = segment.sourceColumn
    }
    return { version: 3, file, sources: [...this.#sources.keys()], names: [], mappings }
  }
}
