// Owns the checks that follow calls between routes: routes that nobody reaches, functions illegal in a kind reached through calls.
import type { RouteKind } from '../../../stdlib/contract.ts'
import { type Builtin, builtins } from '../../../stdlib/registry.ts'
import type { CallExpression, Expression } from './ast.ts'
import { blockName, legalIn } from './check-call.ts'
import type { CheckContext } from './check-context.ts'
import { type Block, routeNameOf } from './model.ts'
import { forEachCallIn } from './route-kinds.ts'

/** A kind of route that a sub-route is called from, and one way to come to it. */
interface Reached {
  readonly kind: RouteKind
  readonly from: Block
  readonly through: Block | undefined
  readonly calls: readonly CallExpression[]
}

export function checkReachability(context: CheckContext): void {
  const reached = new Map<Block, Map<RouteKind, Reached>>()
  const { blocks, subs } = context.input.model
  for (const entry of blocks) {
    const { routeKind: kind } = entry
    if (kind === 'sub' || kind === 'onsend') continue
    const pending: [Block, Block | undefined][] = callsIn(kind, entry, subs).blocks.map((called) => [called, undefined])
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const [block, through] = next
      const kinds = reached.get(block) ?? new Map<RouteKind, Reached>()
      if (kinds.has(kind)) continue
      const { blocks: called, calls } = callsIn(kind, block, subs)
      kinds.set(kind, { kind, from: entry, through, calls })
      reached.set(block, kinds)
      pending.push(...called.map((one): [Block, Block] => [one, block]))
    }
  }
  const told = new Set<Expression>()
  const called = new Set(blocks.flatMap((block) => block.calls.map(({ name }) => name)))
  for (const block of subs.values()) {
    const kinds = reached.get(block)
    if (kinds !== undefined) for (const way of kinds.values()) illegalCalls(block, way, told, context)
    else if (context.input.complete && !reachedOtherwise(block, called, context)) {
      context.report.warning('unused-route', `Nothing calls ${blockName(block)}`, block.nameAt)
    }
  }
  if (context.input.complete) unusedHooks(context)
}

/** The sub-routes and functions that a block calls where it runs in a route of a kind. */
function callsIn(kind: RouteKind, block: Block, subs: ReadonlyMap<string, Block>) {
  const found = new Set<Block>(block.callsAny ? subs.values() : [])
  const calls: CallExpression[] = []
  forEachCallIn(kind, block.body, (call) => {
    if (call.kind === 'call') calls.push(call)
    else {
      const called = subs.get(routeNameOf(call.target) ?? '')
      if (called !== undefined) found.add(called)
    }
  })
  return { blocks: [...found], calls }
}

/** Functions name it, or onsend_route may come to it, or a route under a condition that never holds. */
function reachedOtherwise(block: Block, called: ReadonlySet<string>, context: CheckContext): boolean {
  const { blocks } = context.input.model
  return called.has(block.name) || context.armed.has(`sub:${block.name}`) || blocks.some((other) => other.callsAny)
}

/** Modules whose functions answer, send and store; those of others only read and edit the message that is there. */
const ACTING = new Set(
  'tm tmx sl registrar auth auth_db presence async uac_redirect core xhttp jsonrpcs acc'.split(' '),
)

/** Routes that see a request. */
const OF_REQUESTS: ReadonlySet<RouteKind> = new Set(['request', 'failure', 'branch', 'event'])

function works(builtin: Builtin, kind: RouteKind): boolean {
  if (legalIn(builtin, kind)) return true
  // sl_reply_error() speaks only where nothing could be sent: route[RELAY] of most files has it, and failure routes call that.
  const acts = ACTING.has(builtin.module) && builtin.kamailio !== 'sl_reply_error'
  return !acts && OF_REQUESTS.has(kind) && builtin.routes.some((other) => OF_REQUESTS.has(other))
}

function illegalCalls(block: Block, reached: Reached, told: Set<Expression>, context: CheckContext): void {
  const { kind, from, through } = reached
  for (const call of reached.calls) {
    const builtin = builtins().get(call.name)
    if (told.has(call) || builtin === undefined || works(builtin, kind)) continue
    told.add(call)
    const way = through === undefined ? '' : ` through ${blockName(through)}`
    context.report.warning(
      'illegal-in-route',
      `${call.name}() cannot be called in ${blockName(from)}, which calls ${blockName(block)}${way}`,
      call.at,
    )
  }
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
