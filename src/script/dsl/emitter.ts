// Owns the emitted program: blocks become functions, and a source map leads its lines back to the file.
import { ONSEND_ROUTE } from '../../../stdlib/registry.ts'
import { BodyEmitter, type Line } from './emit-statements.ts'
import { Hoisted } from './hoisted.ts'
import type { Block, Model } from './model.ts'
import { type RawSourceMap, SourceMapBuilder } from './source-map.ts'

export interface EmitInput {
  readonly file: string
  readonly model: Model
  readonly flags: ReadonlyMap<string, number>
  readonly maxWhileLoops: number
  readonly setup: {
    readonly strict: boolean
    readonly defines: Readonly<Record<string, string | number>>
    readonly env: Readonly<Record<string, string>>
    readonly custom: Readonly<Record<string, Readonly<Record<string, string | number>>>>
    /** Values of variables before the first message. */
    readonly initial: readonly { readonly name: string; readonly value: string | number }[]
  }
}

const ENTRY_KINDS = ['request', 'reply', 'failure', 'branch', 'event'] as const

/** A suspended request goes on in a route of its own name; onsend_route is an event of the core. */
const ALSO: Readonly<Record<string, string>> = { request: 'sub', event: 'onsend' }

/** A name of the file as a key of an object: computed, since `__proto__` as it stands would be the prototype. */
const key = (name: string): string => `[${JSON.stringify(name)}]`

function entryName(block: Block): string {
  return block.routeKind === 'onsend' ? ONSEND_ROUTE : block.name
}

/** The program in JavaScript, and the way back to the file. */
export function emitProgram(input: EmitInput): { code: string; sourceMap: RawSourceMap } {
  return new ProgramEmitter(input).emit()
}

class ProgramEmitter {
  readonly #input: EmitInput
  readonly #hoisted = new Hoisted()
  readonly #lines: Line[] = []
  readonly #functions = new Map<Block, string>()

  constructor(input: EmitInput) {
    this.#input = input
    const used = new Set<string>()
    for (const block of input.model.blocks) {
      const kind = block.routeKind === 'sub' ? 'route' : `${block.routeKind}_route`
      const wanted = `${kind}_${block.name}`.replace(/[^A-Za-z0-9_]/g, '_').replace(/_$/, '')
      let name = wanted
      for (let i = 2; used.has(name); i++) name = `${wanted}_${i}`
      used.add(name)
      this.#functions.set(block, name)
    }
  }

  emit(): { code: string; sourceMap: RawSourceMap } {
    const { model, file, setup } = this.#input
    for (const block of model.blocks) this.#block(block)
    this.#routeTable()
    this.#definition()
    const head = [
      "'use strict'",
      '{',
      'const D = globalThis.__signalbox.dsl, S = D.script, P = D.printed',
      `D.setup(JSON.parse(${JSON.stringify(JSON.stringify(setup))}))`,
      ...this.#hoisted.lines,
    ]
    const map = new SourceMapBuilder()
    const text = [...head]
    for (const { text: line, at } of this.#lines) {
      if (at !== undefined) {
        map.add(text.length, line.length - line.trimStart().length, at.file.path, at.startLine, at.startColumn)
      }
      text.push(line)
    }
    text.push('}', '')
    return { code: text.join('\n'), sourceMap: map.build(`${file}.js`) }
  }

  #routeTable(): void {
    const entries = [...this.#input.model.subs.values()].map(
      (block) => `${key(block.name)}: ${this.#functions.get(block)}`,
    )
    this.#lines.push({ text: `const ROUTES = { __proto__: null, ${entries.join(', ')} }`, at: undefined })
  }

  #definition(): void {
    const kinds: string[] = []
    for (const kind of ENTRY_KINDS) {
      const entries = this.#input.model.blocks
        .filter(({ routeKind }) => routeKind === kind || ALSO[kind] === routeKind)
        .map((block) => `${key(entryName(block))}: ${this.#entry(block)}`)
      if (entries.length > 0) kinds.push(`${kind}: { ${entries.join(', ')} }`)
    }
    kinds.push('route: ROUTES')
    this.#lines.push({ text: `globalThis.__signalbox.define({ ${kinds.join(', ')} })`, at: undefined })
  }

  /** A run begins with nothing stopped, and ends with its code. */
  #entry(block: Block): string {
    const name = this.#functions.get(block)
    if (block.waits) return `function* () { S.stop = 0; S.rc = 0; return D.ended(yield* ${name}()) }`
    return `() => { S.stop = 0; S.rc = 0; return D.ended(${name}()) }`
  }

  #block(block: Block): void {
    const name = this.#functions.get(block)!
    const star = block.waits ? '*' : ''
    const { model, flags, maxWhileLoops } = this.#input
    const body = new BodyEmitter({
      model,
      flags,
      maxWhileLoops,
      hoisted: this.#hoisted,
      waits: block.waits,
      routeFunction: (called) => this.#functions.get(model.subs.get(called)!) ?? 'undefined',
    })
    body.emit(block.body)
    if (block.recursive) {
      const quoted = JSON.stringify(block.name)
      // No function of a block has this sign in its name.
      const inner = `${name}$body`
      const call = block.waits
        ? `return yield* D.nestedWaiting(${inner}, ${quoted})`
        : `return D.nested(${inner}, ${quoted})`
      this.#lines.push({ text: `function${star} ${name}() { ${call} }`, at: block.at })
      this.#lines.push({ text: `function${star} ${inner}() {`, at: block.at })
    } else this.#lines.push({ text: `function${star} ${name}() {`, at: block.at })
    this.#lines.push(...body.lines, { text: '}', at: undefined })
  }
}
