// Owns the checks that follow calls between routes: routes that nobody reaches, functions illegal in a kind reached through calls.
import type { RouteKind } from '../../../stdlib/contract.ts'
import { builtins } from '../../../stdlib/registry.ts'
import { blockName } from './check-call.ts'
import type { CheckContext } from './check-context.ts'
import type { Block } from './model.ts'
import { forEachExpression } from './walk.ts'

/** A sub-route and one way to come to it. */
interface Reached {
  readonly from: Block
  readonly through: Block | undefined
}

export function checkReachability(context: CheckContext): void {
  const reached = new Map<Block, Map<RouteKind, Reached>>()
  const { blocks, subs } = context.input.model
  const calledBy = (block: Block): Block[] =>
    block.callsAny
      ? [...subs.values()]
      : block.calls.map(({ name }) => subs.get(name)).filter((found) => found !== undefined)
  for (const entry of blocks) {
    const { routeKind } = entry
    if (routeKind === 'sub' || routeKind === 'onsend') continue
    const pending: [Block, Block | undefined][] = calledBy(entry).map((called) => [called, undefined])
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const [block, through] = next
      const kinds = reached.get(block) ?? new Map<RouteKind, Reached>()
      if (kinds.has(routeKind)) continue
      kinds.set(routeKind, { from: entry, through })
      reached.set(block, kinds)
      pending.push(...calledBy(block).map((called): [Block, Block] => [called, block]))
    }
  }
  for (const block of subs.values()) {
    const kinds = reached.get(block)
    if (kinds !== undefined) illegalCalls(block, kinds, context)
    else if (!blocks.some((other) => other.callsAny) && !context.armed.has(`sub:${block.name}`)) {
      context.report.warning('unused-route', `Nothing calls ${blockName(block)}`, block.nameAt)
    }
  }
  unusedHooks(context)
}

function illegalCalls(block: Block, kinds: ReadonlyMap<RouteKind, Reached>, context: CheckContext): void {
  forEachExpression(block.body, (expression) => {
    if (expression.kind !== 'call') return
    const builtin = builtins().get(expression.name)
    if (builtin === undefined) return
    for (const [kind, { from, through }] of kinds) {
      if (builtin.routes.includes(kind)) continue
      const way = through === undefined ? '' : ` through ${blockName(through)}`
      context.report.warning(
        'illegal-in-route',
        `${expression.name}() cannot be called in ${blockName(from)}, which calls ${blockName(block)}${way}`,
        expression.at,
      )
      return
    }
  })
}

const HOOKS: Readonly<Record<string, string>> = {
  reply: 't_on_reply',
  failure: 't_on_failure',
  branch: 't_on_branch',
}

function unusedHooks(context: CheckContext): void {
  for (const block of context.input.model.blocks) {
    const arming = HOOKS[block.routeKind]
    if (arming === undefined || block.name === '' || context.armed.has(`${block.routeKind}:${block.name}`)) continue
    // A name put together while running may be any of them.
    context.report.warning('unused-route', `No ${arming}() names ${blockName(block)}`, block.nameAt)
  }
}
