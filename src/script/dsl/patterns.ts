// Owns what can be told of a pattern that compiles and yet matches nothing, or not what it seems to.
import type { Place, Report } from './report.ts'

/** The pattern without bracket expressions, in which other rules hold. */
function withoutBrackets(pattern: string): string {
  return pattern.replace(/\[\^?\]?(?:\[:[a-z]+:\]|[^\]])*\]/g, 'x')
}

/** POSIX expressions through the C library: `\d` is no digit, and anchors in the middle never hold. */
export function checkPattern(pattern: string, at: Place, report: Report): void {
  const plain = withoutBrackets(pattern)
  const digit = /(?:^|[^\\])(?:\\\\)*\\([dD])/.exec(plain)
  if (digit !== null) {
    const wanted = digit[1] === 'd' ? '[0-9]' : '[^0-9]'
    report.warning('never-matches', `\\${digit[1]} is no digit in a POSIX expression`, at, `Write ${wanted}.`)
  }
  const anchors = plain.replace(/\\./g, 'x')
  if (/[^|(^][*?]?\^/.test(anchors.replace(/[^|(^][*?]\^/g, '^')))
    report.warning('never-matches', 'Nothing can come before ^, the beginning of the text', at)
  else if (/\$(?=[^|)$*?+])/.test(anchors.replace(/\$(?=[^|)$*?+][*?])/g, '')))
    report.warning('never-matches', 'Nothing can come behind $, the end of the text', at)
}
