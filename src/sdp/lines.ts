// Owns the lines of a session description: where each stands in the text.

/** One `x=value` line. Offsets are into the whole text. */
export interface SdpLine {
  /** The letter before `=`. */
  readonly type: string
  readonly value: string
  /** Of an attribute (`a=name` or `a=name:value`); '' of other lines. */
  readonly name: string
  readonly start: number
  /** Offset after the line ending. */
  readonly end: number
}

/** Sizes beyond which a session description is refused. */
export interface SdpLimits {
  readonly bytes: number
  readonly lines: number
  readonly media: number
}

export const DEFAULT_SDP_LIMITS: SdpLimits = { bytes: 65_535, lines: 2_000, media: 64 }

/** Where a raw line starts and ends, and its text without the line ending. */
export interface RawLine {
  readonly text: string
  readonly start: number
  readonly end: number
}

/** Splits at CRLF, or at a lone LF as RFC 8866 5 asks parsers to accept. */
export function rawLines(text: string): RawLine[] {
  const lines: RawLine[] = []
  let start = 0
  while (start < text.length) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline + 1
    let stop = newline < 0 ? text.length : newline
    if (stop > start && text.charCodeAt(stop - 1) === 13) stop--
    lines.push({ text: text.slice(start, stop), start, end })
    start = end
  }
  return lines
}
