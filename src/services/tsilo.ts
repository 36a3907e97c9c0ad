// Owns the service of module tsilo: requests that wait for their callee to register, and the branches that they get when he does.
import { type Answer, chain } from '../database/index.ts'
import type { BranchSpec, RequestContext } from '../proxy/index.ts'
import { bracketed, isMessageEdit, type MessageEdit, parseNameAddr, parseUri, type SipRequest } from '../sip/index.ts'
import { fieldsOf, Parameters, textOf, wholeOf } from './parameters.ts'
import type { Found, Lookup } from './registrar-lookup.ts'
import { RpcFault } from './rpc-fault.ts'
import type { Service, ServiceHost, ServiceRun } from './service.ts'

/** A request that waits. */
interface Waiting {
  readonly context: RequestContext
  readonly key: string
  /** The request that the edits belong to. */
  readonly request: SipRequest
  readonly edits: readonly MessageEdit[]
  readonly onReply: string
  readonly onFailure: string
}

const MOST_WAITING = 10_000
/** A waiting request keeps its changes: no more of them than a message could hold. */
const MOST_EDITS = 1000
const LONGEST_EDITS = 65_535
/** Registrations come to any worker: each looks so often for those that others have seen, while requests wait in it. */
const LOOK_MILLIS = 200
const ASKED = 'tsilo.asked'
/** How long the others are told of a registration. */
const TOLD_SECONDS = 10

export function createTsilo(host: ServiceHost, lookup: Lookup): Service {
  let parameters = new Parameters([])
  const byKey = new Map<string, Set<Waiting>>()
  const byContext = new Map<RequestContext, Waiting>()
  /** What this worker knows of what was asked, by key: a number and the table. */
  const seen = new Map<string, string>()
  let timer: { cancel(): void } | undefined
  const totals = { ruris: 0, transactions: 0, branches: 0 }

  /** Undefined for what is no address. */
  function keyOf(text: string): string | undefined {
    const uri = parseUri(parseNameAddr(text)?.uri ?? text)
    if (!uri?.user) return undefined
    return parameters.on('use_domain') ? `${uri.user}@${uri.host.toLowerCase()}` : uri.user
  }

  function forget(waiting: Waiting): void {
    byContext.delete(waiting.context)
    const others = byKey.get(waiting.key)
    others?.delete(waiting)
    if (others?.size === 0) {
      byKey.delete(waiting.key)
      seen.delete(waiting.key)
    }
    if (byContext.size === 0) {
      timer?.cancel()
      timer = undefined
    }
  }

  function branchOf({ context, request, edits, onReply }: Waiting, found: Found): BranchSpec {
    const own = context.request === request ? edits : []
    const path = found.path === '' ? [] : [{ at: request.firstLineEnd, remove: 0, text: `Route: ${found.path}\r\n` }]
    const nextHop = found.path === '' ? found.received : (bracketed(found.path) ?? '')
    return {
      uri: found.uri,
      edits: [...own, ...path],
      flags: 0,
      branchFlags: found.cflags,
      ...(nextHop === '' ? {} : { nextHop }),
      ...(found.listener === undefined ? {} : { listener: found.listener }),
      ...(found.q < 0 ? {} : { q: found.q / 1000 }),
      ...(onReply === '' ? {} : { onReply }),
    }
  }

  /** Gives a request the contacts that it was not sent to; their number. */
  function extend(waiting: Waiting, contacts: readonly Found[]): number {
    const sent = new Set(waiting.context.branchUris())
    const fresh = contacts.filter(({ uri }) => !sent.has(uri))
    if (fresh.length === 0) return 0
    const code = waiting.context.append(
      fresh.map((found) => branchOf(waiting, found)),
      waiting.onFailure || undefined,
    )
    if (code instanceof Promise)
      code.catch((error: unknown) => host.log.error({ err: error }, 'a branch was not added'))
    totals.branches += fresh.length
    return fresh.length
  }

  interface Wanted {
    readonly domain: string
    readonly uri: string
    /** Only this contact, where it is not empty. */
    readonly contact: string
  }

  function extendAll(run: ServiceRun, waiting: readonly Waiting[], { domain, uri, contact }: Wanted): Answer<number> {
    return chain(lookup(run, { domain, uri }), ({ code, contacts }) => {
      if (code !== 1) return -1
      const wanted = contact === '' ? contacts : contacts.filter((found) => found.uri === contact)
      let added = 0
      for (const each of waiting) added += extend(each, wanted)
      return added > 0 ? 1 : -1
    })
  }

  /** What other workers were asked for in the meantime. */
  function look(): void {
    timer = host.clock.setTimer(LOOK_MILLIS, look)
    for (const [key, waiting] of byKey) {
      const asked = host.store.get(ASKED, key)
      if (asked === undefined || asked === seen.get(key)) continue
      seen.set(key, asked)
      const first = [...waiting][0]!
      const run: ServiceRun = {
        id: 0,
        kind: 'event',
        name: 'tsilo',
        message: first.request,
        flow: first.context.flow,
        context: first.context,
      }
      const { wanted } = JSON.parse(asked) as { wanted: Wanted }
      const done = extendAll(run, [...waiting], wanted)
      if (done instanceof Promise) done.catch(() => {})
    }
  }

  function append(run: ServiceRun, args: unknown): Answer<number> {
    const { domain, uri, contact } = fieldsOf(args)
    const key = keyOf(textOf(uri, 1024))
    if (key === undefined) return -1
    const wanted = { domain: textOf(domain, 64), uri: textOf(uri, 1024), contact: textOf(contact, 1024) }
    const text = JSON.stringify({ number: host.ids.branch(), wanted })
    seen.set(key, text)
    host.store.set(ASKED, key, text, TOLD_SECONDS)
    const waiting = byKey.get(key)
    if (waiting === undefined) {
      seen.delete(key)
      return -1
    }
    return extendAll(run, [...waiting], wanted)
  }

  return {
    module: 'tsilo',
    operations: {
      store(run, args) {
        const { context } = run
        const { uri, edits, onReply, onFailure } = fieldsOf(args)
        const key = keyOf(textOf(uri, 1024))
        if (context === undefined || key === undefined || byContext.size >= MOST_WAITING) return -1
        if (context.newTransaction() !== 1 || context.keepOpen() !== 1) return -1
        const waiting: Waiting = {
          context,
          key,
          request: context.request,
          edits: readEdits(edits),
          onReply: textOf(onReply, 256),
          onFailure: textOf(onFailure, 256),
        }
        const before = byContext.get(context)
        if (before !== undefined) forget(before)
        const others = byKey.get(key)
        if (others === undefined) {
          byKey.set(key, new Set([waiting]))
          totals.ruris++
          // What was asked before this one waited is not for it.
          const asked = host.store.get(ASKED, key)
          if (asked !== undefined) seen.set(key, asked)
        } else others.add(waiting)
        byContext.set(context, waiting)
        totals.transactions++
        timer ??= host.clock.setTimer(LOOK_MILLIS, look)
        return 1
      },
      append,
      appendTo(run, args) {
        const { index, label, domain, uri } = fieldsOf(args)
        const id = wholeOf(index, -1)
        const waiting = [...byContext.values()].find(({ context }) => context.id === id)
        if (waiting === undefined || wholeOf(label) !== 0) return -1
        const address = textOf(uri, 1024) || waiting.request.requestUri
        return extendAll(run, [waiting], { domain: textOf(domain, 64), uri: address, contact: '' })
      },
    },
    commands: {
      'ts.dump': () => ({
        R_URIs: [...byKey].map(([key, waiting]) => ({ R_URI: key, Transactions: [...waiting].map(told) })),
        Stats: { RURIs: byKey.size, Transactions: byContext.size },
      }),
      'ts.lookup': ([uri]) => {
        const waiting = byKey.get(keyOf(textOf(uri, 1024)) ?? '')
        if (waiting === undefined) throw new RpcFault(404, 'RURI not found')
        return [...waiting].map(told)
      },
      'ts.totals': () => ({ ...totals }),
    },
    configure(list) {
      parameters = new Parameters(list)
    },
    requestEnded(context) {
      const waiting = byContext.size === 0 ? undefined : byContext.get(context)
      if (waiting !== undefined) forget(waiting)
    },
    close() {
      timer?.cancel()
    },
  }
}

const told = ({ context }: Waiting) => ({ Tindex: context.id, Tlabel: 0 })

/** Edits as a script's run has recorded them; whatever is none is left out. */
function readEdits(value: unknown): MessageEdit[] {
  const edits = Array.isArray(value) ? value.slice(0, MOST_EDITS).filter(isMessageEdit) : []
  return edits.reduce((sum, { text }) => sum + text.length, 0) > LONGEST_EDITS ? [] : edits
}
