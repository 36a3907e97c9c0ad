// Owns the instrumentation of JavaScript for libFuzzer: every way that a program may take counts itself.
import { parseSync } from '@swc/core'

type Node = { type: string; span?: { start: number; end: number }; [key: string]: unknown }
type Place = Node | { start: number; end: number } | undefined

interface Insertion {
  readonly at: number
  readonly text: string
  /** At one place what ends comes before what begins, the inner before the outer; the outer begins first. */
  readonly rank: number
}

/** @returns the program, which counts in `__ways`, an array of bytes that it expects to find */
export function instrument(code: string, places: number): string {
  const program = parseSync(code, { syntax: 'ecmascript', target: 'es2024' }) as unknown as Node
  const offset = program.span!.start - code.length + code.trimStart().length
  const insertions: Insertion[] = []
  let ways = 0
  const count = () => `__ways[${ways++ % places}]++`
  const insert = (at: number, text: string, rank: number) => insertions.push({ at: at - offset, text, rank })
  const spanOf = (place: Place) => {
    const node = place as (Node & { start?: number; end?: number }) | undefined
    return (node?.span ?? node) as { start: number; end: number } | undefined
  }
  const statement = (place: Place, depth: number) => {
    const span = spanOf(place)
    if (!span || isBlock(place as Node)) return
    insert(span.start, `{${count()};`, depth)
    insert(span.end, '}', -depth)
  }
  const expression = (place: Place, depth: number) => {
    const span = spanOf(place)
    if (!span) return
    insert(span.start, `(${count()},`, depth)
    insert(span.end, ')', -depth)
  }
  const visit = (node: Node, depth: number): void => {
    const child = (name: string) => node[name] as Node | undefined
    if (isBlock(node)) insert(node.span!.start + 1, `${count()};`, depth)
    switch (node.type) {
      case 'IfStatement':
        statement(child('consequent'), depth)
        statement(child('alternate'), depth)
        break
      case 'ForStatement':
      case 'ForOfStatement':
      case 'ForInStatement':
      case 'WhileStatement':
        statement(child('body'), depth)
        break
      case 'ConditionalExpression':
        expression(child('consequent'), depth)
        expression(child('alternate'), depth)
        break
      case 'BinaryExpression':
        if (['&&', '||', '??'].includes(node.operator as string)) expression(child('right'), depth)
        break
      case 'ArrowFunctionExpression':
        if (!isBlock(child('body'))) expression(child('body'), depth)
        break
    }
    for (const [name, value] of Object.entries(node)) {
      if (name === 'span' || value === null || typeof value !== 'object') continue
      for (const each of Array.isArray(value) ? value : [value])
        if (each !== null && typeof each === 'object')
          visit(each.expression?.type && !each.type ? each.expression : each, depth + 1)
    }
  }
  visit(program, 1)
  insertions.sort((a, b) => a.at - b.at || a.rank - b.rank)
  let result = ''
  let from = 0
  for (const { at, text } of insertions) {
    result += code.slice(from, at) + text
    from = at
  }
  return result + code.slice(from)
}

/** The body of an arrow function has no type of its own. */
function isBlock(node: Node | undefined): boolean {
  return Array.isArray(node?.stmts)
}
