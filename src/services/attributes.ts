// Owns the reading of `name=value;name='value'` lists, in which modules take attributes of tables and destinations.

/** The pairs in order; what has no equals sign has the value ''. Undefined where a quote is not closed. */
export function attributePairs(text: string): [name: string, value: string][] | undefined {
  const pairs: [string, string][] = []
  const part = /\s*([^=;'"]*?)\s*(?:=\s*(?:'([^']*)'|"([^"]*)"|([^;'"][^;]*?|))\s*)?(?:;|$)/y
  while (part.lastIndex < text.length) {
    const found = part.exec(text)
    if (found === null) return undefined
    const name = found[1]!
    if (name !== '') pairs.push([name, found[2] ?? found[3] ?? found[4] ?? ''])
    else if (found[0] === '') break
  }
  return pairs
}
