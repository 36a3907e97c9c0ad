// Owns the finding of builtins that may wait and are called without `await` in a TypeScript script.
import { builtins } from '../../stdlib/registry.ts'
import type { Diagnostic } from './diagnostic.ts'
import { blankText } from './typescript-text.ts'

/** What may stand before a call that is waited for, or handed on to something that will. */
const WAITED_WORDS = new Set(['await', 'return', 'yield', 'void'])
const HANDED_ON = ['=', '=>', '(', '[', ',', '?', ':', '...']
const CONDITIONS = new Set(['if', 'while', 'switch'])

/** Finds calls whose promise nobody waits for: the run would end, or decide, before their answer. */
export function checkAwaits(file: string, source: string): Diagnostic[] {
  const code = blankText(source)
  const names = waitingNames(source)
  if (names.size === 0) return []
  const found: Diagnostic[] = []
  const call = new RegExp(`(?<![\\w$])(${[...names.keys()].map(escaped).join('|')})\\s*\\(`, 'g')
  for (const match of code.matchAll(call)) {
    if (isWaitedFor(code, match.index, match.index + match[0].length - 1)) continue
    found.push(diagnostic(file, source, match.index, match[1]!))
  }
  return found
}

/** Local names of waiting builtins: as imported, renamed, or through a namespace. */
function waitingNames(source: string): Map<string, string> {
  const waiting = new Set([...builtins().values()].filter((builtin) => builtin.waits).map((builtin) => builtin.name))
  const names = new Map<string, string>()
  for (const [, clause] of source.matchAll(/import\s+(?!type\b)([^'"]+?)\s+from\s+['"]signalbox['"]/g)) {
    const namespace = /\*\s+as\s+([\w$]+)/.exec(clause!)?.[1]
    if (namespace) for (const name of waiting) names.set(`${namespace}.${name}`, name)
    for (const part of (/\{([\s\S]*)\}/.exec(clause!)?.[1] ?? '').split(',')) {
      const [imported, local] = part.trim().split(/\s+as\s+/)
      if (imported && waiting.has(imported)) names.set(local ?? imported, imported)
    }
  }
  return names
}

function escaped(name: string): string {
  return name.replace(/[.$]/g, '\\$&')
}

function isWaitedFor(code: string, at: number, open: number): boolean {
  // tRelay().then(...): the script has said what follows.
  if (/^\s*\./.test(code.slice(closingBracket(code, open)))) return true
  const before = code.slice(0, at).trimEnd()
  const word = /[\w$]+$/.exec(before)?.[0]
  if (word !== undefined) return WAITED_WORDS.has(word)
  if (before.endsWith('(')) {
    const caller = /([\w$]+)\s*\($/.exec(before)?.[1]
    return caller !== undefined && !CONDITIONS.has(caller)
  }
  return !before.endsWith('==') && HANDED_ON.some((token) => before.endsWith(token))
}

/** The offset after the bracket that closes the one at `open`. */
function closingBracket(code: string, open: number): number {
  let depth = 0
  for (let i = open; i < code.length; i++) {
    if (code[i] === '(') depth++
    else if (code[i] === ')' && --depth === 0) return i + 1
  }
  return code.length
}

function diagnostic(file: string, source: string, at: number, name: string): Diagnostic {
  const before = source.slice(0, at)
  const line = before.split('\n').length
  const column = at - before.lastIndexOf('\n')
  return {
    severity: 'error',
    code: 'unawaited',
    message: `${name}() may wait, and nothing waits for it`,
    file,
    line,
    column,
    endColumn: column + name.length,
    sourceLine: source.split('\n')[line - 1]?.replace(/\r$/, '') ?? '',
    hint: `write await ${name}(...) in an async route`,
  }
}
