// Owns the {re.subst} transformation.
import { PvSyntaxError } from './pv-format.ts'
import { posixRegex, RegexError } from './regex.ts'
import { checkLength } from './text-bounds.ts'
import { type Binding, definePreparedTransformation } from './transformations.ts'

/** `/pattern/replacement/flags` cut apart; a backslash keeps the separator literal. */
function cut(expression: string): { pattern: string; replacement: string; flags: string } | undefined {
  const separator = expression[0]
  if (separator === undefined || /[\sA-Za-z0-9\\]/.test(separator)) return undefined
  const parts: string[] = []
  let part = ''
  for (let i = 1; i < expression.length && parts.length < 2; i++) {
    const c = expression[i]!
    if (c === '\\' && i + 1 < expression.length) {
      part += expression[i + 1] === separator ? separator : c + expression[i + 1]!
      i++
    } else if (c === separator) {
      parts.push(part)
      part = ''
      if (parts.length === 2)
        return { pattern: parts[0]!, replacement: parts[1]!, flags: expression.slice(i + 1).trim() }
    } else part += c
  }
  return undefined
}

/** The replacement as a function of the matched groups: `\0`-`\9`, `\n` and `\t`, and pseudo-variables. */
function bindReplacement(
  replacement: string,
  bindFormat: Binding['format'],
): (group: (index: number) => string) => string {
  const parts = replacement.split(/(\\[0-9ntr\\])/).map((part, i) => {
    if (i % 2 === 0) return bindFormat(part)
    const c = part[1]!
    if (c >= '0' && c <= '9') return Number(c)
    const literal = { n: '\n', t: '\t', r: '\r' }[c] ?? c
    return () => literal
  })
  return (group) => {
    let text = ''
    for (const part of parts) {
      text += typeof part === 'number' ? group(part) : part()
      checkLength(text.length)
    }
    return text
  }
}

const LONGEST = 65_536

definePreparedTransformation(
  {
    name: 're.subst',
    parameters: [{ name: 'expression', kind: 'string' }],
    cut: 'last-takes-rest',
    doc: 'sed-like substitution `/pattern/replacement/flags`; flags g (all), i (without case), s.',
  },
  (_args, [expression], binding) => {
    // A format writes `$$` for the dollar of a pattern.
    const parts = cut(expression!.replaceAll('$$', '$'))
    if (parts === undefined || !/^[gis]*$/.test(parts.flags)) {
      throw new PvSyntaxError(`{re.subst}: '${expression}' is not /pattern/replacement/flags`, 0)
    }
    const { pattern, replacement, flags } = parts
    const regexOptions = { ignoreCase: flags.includes('i'), newline: !flags.includes('s') }
    try {
      posixRegex(pattern, regexOptions)
    } catch (error) {
      if (error instanceof RegexError) throw new PvSyntaxError(`{re.subst}: ${error.message}`, 0)
      throw error
    }
    const replace = bindReplacement(replacement, binding.format)
    return (value) => {
      if (value === null || value === undefined || value === '') return undefined
      const text = `${value}`
      const regex = posixRegex(pattern, regexOptions)
      let result = ''
      let from = 0
      while (from <= text.length && result.length <= LONGEST) {
        const match = regex.exec(text, from)
        if (match === undefined) break
        const [start, end] = [match[0]!, match[1]!]
        // Kamailio gives up on a match of nothing.
        if (end === start) return undefined
        result += text.slice(from, start)
        result += replace((i) => {
          const groupStart = match[2 * i] ?? -1
          return groupStart < 0 ? '' : text.slice(groupStart, match[2 * i + 1])
        })
        from = end
        if (!flags.includes('g')) break
      }
      // A number in which nothing was found is still a number.
      if (from === 0) return value
      return result + text.slice(from)
    }
  },
)
