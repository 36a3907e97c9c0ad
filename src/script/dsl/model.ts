// Owns what a file means as a whole: its blocks by kind and name, who calls whom, which routes may wait or call themselves.
import { builtins } from '../../../stdlib/registry.ts'
import type { Declaration, RouteBlock, RouteBlockKind, Statement } from './ast.ts'
import { constantOf } from './constants.ts'
import type { Token } from './tokens.ts'
import { forEachExpression } from './walk.ts'

/** One block as it runs: several request_route are one. */
export interface Block {
  readonly routeKind: RouteBlockKind
  readonly name: string
  readonly body: readonly Statement[]
  readonly at: Token
  readonly nameAt: Token
  /** Names of sub-routes that it calls, with the places. */
  readonly calls: readonly { readonly name: string; readonly at: Token }[]
  /** It calls a route whose name is known only when it runs. */
  readonly callsAny: boolean
  /** It calls, itself or through others, what may wait for the host. */
  waits: boolean
  /** It can come to call itself. */
  recursive: boolean
}

export interface Model {
  readonly blocks: readonly Block[]
  readonly subs: ReadonlyMap<string, Block>
  /** Blocks of a kind and name that were there already. */
  readonly duplicates: readonly { readonly block: RouteBlock; readonly first: RouteBlock }[]
}

/** The name that `route(...)` means, where it is known. */
export function routeNameOf(target: Parameters<typeof constantOf>[0]): string | undefined {
  if (target.kind === 'word') return target.text
  const constant = constantOf(target)
  return constant === undefined ? undefined : `${constant}`
}

function blockOf(route: RouteBlock): Block {
  const calls: { name: string; at: Token }[] = []
  let callsAny = false
  let waits = false
  forEachExpression(route.body, (expression) => {
    if (expression.kind === 'route-call') {
      const name = routeNameOf(expression.target)
      if (name === undefined) callsAny = true
      else calls.push({ name, at: expression.target.at })
    } else if (expression.kind === 'call' && builtins().get(expression.name)?.waits) waits = true
  })
  const { routeKind, name, body, at, nameAt } = route
  return { routeKind, name, body, at, nameAt, calls, callsAny, waits, recursive: false }
}

/** Gathers the blocks and follows their calls. */
export function modelOf(declarations: readonly Declaration[]): Model {
  const routes = new Map<string, RouteBlock>()
  const duplicates: { block: RouteBlock; first: RouteBlock }[] = []
  for (const declaration of declarations) {
    if (declaration.kind !== 'route') continue
    const key = `${declaration.routeKind}:${declaration.name}`
    const first = routes.get(key)
    if (first === undefined) routes.set(key, declaration)
    else if (declaration.routeKind === 'request') {
      routes.set(key, { ...first, body: [...first.body, ...declaration.body] })
    } else duplicates.push({ block: declaration, first })
  }
  const blocks = [...routes.values()].map(blockOf)
  const subs = new Map(blocks.filter((block) => block.routeKind === 'sub').map((block) => [block.name, block]))
  const calledBy = (block: Block): Block[] =>
    block.callsAny
      ? [...subs.values()]
      : block.calls.map(({ name }) => subs.get(name)).filter((found) => found !== undefined)
  for (let changed = true; changed; ) {
    changed = false
    for (const block of blocks) {
      if (!block.waits && calledBy(block).some((called) => called.waits)) {
        block.waits = true
        changed = true
      }
    }
  }
  for (const block of subs.values()) block.recursive = reaches(block, block, calledBy)
  return { blocks, subs, duplicates }
}

function reaches(from: Block, to: Block, calledBy: (block: Block) => Block[]): boolean {
  const seen = new Set<Block>()
  const pending = calledBy(from)
  for (let block = pending.pop(); block !== undefined; block = pending.pop()) {
    if (block === to) return true
    if (seen.has(block)) continue
    seen.add(block)
    pending.push(...calledBy(block))
  }
  return false
}
