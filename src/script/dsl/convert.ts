// Owns the conversion of a .cfg to TypeScript: the same service with the same route names, comments kept, conditions resolved.
import type { Diagnostic } from '../diagnostic.ts'
import { checkProgram } from './checker.ts'
import { commentsAbove, commentsOnTop } from './comments.ts'
import type { CompileDslOptions } from './compile.ts'
import { type Doubt, ExpressionConverter, quoted } from './convert-expression.ts'
import { Names } from './convert-names.ts'
import { type Gives, StatementConverter } from './convert-statements.ts'
import { type Block, type Model, modelOf, routeNameOf } from './model.ts'
import { parseTokens } from './parser.ts'
import { readTokens } from './preprocess.ts'
import { Report } from './report.ts'
import { type CfgSettings, settingsOf } from './settings.ts'
import { forEachExpression } from './walk.ts'

export interface ConvertedFile {
  readonly diagnostics: readonly Diagnostic[]
  readonly settings: CfgSettings
  /** Absent when the file does not compile. */
  readonly program: ConvertedProgram | undefined
}

/** The parts of the TypeScript file, to be put together with its configuration. */
export interface ConvertedProgram {
  /** Comment with which the file began. */
  readonly head: readonly string[]
  readonly imports: readonly string[]
  /** Everything below the configuration. */
  readonly body: string
}

/** Reads, checks and rewrites a file. What TypeScript cannot say in the same way becomes a note at its place. */
export function convertDsl(file: string, options: CompileDslOptions): ConvertedFile {
  const report = new Report()
  const read = readTokens(file, options, report)
  const { declarations, complete } = parseTokens(read.tokens, report)
  const settings = settingsOf(declarations, report)
  const model = modelOf(declarations)
  const flags = new Map(settings.flags.map(({ name, number }) => [name, number]))
  checkProgram(
    { main: read.main, declarations, complete, model, settings, flags, strict: read.strict, defines: read.defines },
    report,
  )
  if (report.failed) return { diagnostics: report.diagnostics, settings, program: undefined }
  const names = new Names(model, flags)
  const doubts: Doubt[] = []
  const body = new ProgramConverter(model, names, doubts).write()
  for (const { message, at } of doubts)
    report.add(
      'warning',
      'not-converted',
      `TypeScript has no word for this: ${message}`,
      at,
      'Look at the converted file here.',
    )
  const head = commentsOnTop(options.readFile(file) ?? '')
  return { diagnostics: report.diagnostics, settings, program: { head, imports: [...names.imports].sort(), body } }
}

class ProgramConverter {
  readonly #model: Model
  readonly #names: Names
  readonly #doubts: Doubt[]
  readonly #valued: ReadonlySet<string>

  constructor(model: Model, names: Names, doubts: Doubt[]) {
    this.#model = model
    this.#names = names
    this.#doubts = doubts
    this.#valued = valuedRoutes(model)
  }

  write(): string {
    const { blocks } = this.#model
    const parts: string[] = []
    const { variables } = this.#names
    if (variables.length > 0) parts.push(variables.map((name) => `let ${name}: string | number = 0`).join('\n'))
    for (const block of blocks) {
      if (block.routeKind === 'request') parts.push(this.#function(block, 'export async function request_route()'))
      else if (block.routeKind === 'sub') {
        const { call, waits } = this.#names.route(block.name)
        parts.push(this.#function(block, `${waits ? 'async ' : ''}function ${call}()`))
      } else if (block.routeKind === 'reply' && block.name === '')
        parts.push(this.#function(block, 'export async function reply_route()'))
    }
    for (const kind of ['reply', 'failure', 'branch', 'event'] as const) {
      const named = blocks.filter((block) => block.routeKind === kind && block.name !== '')
      if (named.length === 0) continue
      const name = kind === 'reply' ? 'onreply_route' : `${kind}_route`
      const methods = named.map((block) => this.#method(block))
      parts.push(`export const ${name} = {\n${methods.join('\n\n')}\n}`)
    }
    return `${parts.join('\n\n')}\n`
  }

  #body(block: Block, indent: number): string[] {
    const gives: Gives = block.routeKind === 'sub' && this.#valued.has(block.name) ? 'truth' : 'nothing'
    const statements = new StatementConverter(new ExpressionConverter(this.#names, this.#doubts), gives, indent)
    statements.block(block)
    return statements.lines
  }

  #function(block: Block, head: string): string {
    return [...commentsAbove(block.at), `${head} {`, ...this.#body(block, 1), '}'].join('\n')
  }

  #method(block: Block): string {
    const name = /^[A-Za-z_]\w*$/.test(block.name) ? block.name : quoted(block.name)
    const comments = commentsAbove(block.at).map((line) => `  ${line}`)
    return [...comments, `  async ${name}() {`, ...this.#body(block, 2), '  },'].join('\n')
  }
}

/** Sub-routes whose code somebody looks at. */
function valuedRoutes(model: Model): Set<string> {
  const valued = new Set<string>()
  for (const { body } of model.blocks) {
    const plain = new Set<unknown>()
    const visit = (statements: Block['body']): void => {
      for (const statement of statements) {
        if (statement.kind === 'expression' && statement.value.kind === 'route-call') plain.add(statement.value)
        if (statement.kind === 'if') {
          visit(statement.then)
          visit(statement.otherwise ?? [])
        } else if (statement.kind === 'while') visit(statement.body)
        else if (statement.kind === 'switch') for (const one of statement.cases) visit(one.body)
      }
    }
    visit(body)
    forEachExpression(body, (expression) => {
      if (expression.kind !== 'route-call' || plain.has(expression)) return
      const name = routeNameOf(expression.target)
      if (name !== undefined) valued.add(name)
    })
  }
  return valued
}
