// Owns the text that #!ifdef excludes: where it ends, whatever stands in it.

const DIRECTIVE = /[#!]!(ifdef|ifndef|else|endif)(?![A-Za-z0-9_])/g
const ALONE = /[ \t]*(?:\r?\n|$)/y

/** Nothing follows on the line: an #!else or #!endif with other text beside it is a comment. */
export function standsAlone(text: string, from: number): boolean {
  ALONE.lastIndex = from
  return ALONE.test(text)
}

/** Where the directive stands that ends the excluded text beginning at `from`; the end of the text when none does. */
export function endOfExcluded(text: string, from: number): number {
  let depth = 0
  DIRECTIVE.lastIndex = from
  for (let found = DIRECTIVE.exec(text); found !== null; found = DIRECTIVE.exec(text)) {
    const name = found[1]!
    if (name === 'ifdef' || name === 'ifndef') depth++
    else if (standsAlone(text, DIRECTIVE.lastIndex)) {
      if (depth === 0) return found.index
      if (name === 'endif') depth--
    }
  }
  return text.length
}
