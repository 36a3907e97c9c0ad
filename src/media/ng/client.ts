// Owns the driving of relays elsewhere over NG: a call kept on its node, a new one moved to the next where a node does not answer.
import { type Clock, systemClock, type Timer } from '../../clock.ts'
import { SignalboxError } from '../../errors.ts'
import { type Log, silentLog } from '../../log.ts'
import { createDtmfListener } from '../dtmf-listener.ts'
import type { MediaAnswer, MediaCommand, MediaRelay, MediaRequest, MediaStats } from '../relay.ts'
import { dictionary, type NgDictionary } from './bencode.ts'
import { controlled } from './controlled.ts'
import { type HostLookup, type NgNode, NgNodes, systemLookup } from './nodes.ts'
import { ngRequest } from './request.ts'
import { NgRequester } from './requester.ts'
import { statsFromNg } from './stats.ts'

export interface NgClientOptions {
  /** Nodes by set: `udp:HOST:PORT`, or `udp:HOST:PORT=WEIGHT` as Kamailio's rtpengine_sock. */
  readonly sets: ReadonlyMap<number, readonly string[]>
  /** Milliseconds until a request is sent again (rtpengine_tout_ms); default 1000. */
  readonly retryMillis?: number
  /** How often it is sent again (rtpengine_retr) to the last node that is left; default 5. Before that, once. */
  readonly retries?: number
  /**
   * Longest time in milliseconds between two looks at a node that does not answer (rtpengine_disable_tout); default 60000.
   * The first look comes after a second, the next after twice the time, and so on; it gets calls again when it answers.
   */
  readonly disabledMillis?: number
  /** Milliseconds without a word of a node after which it is pinged; default 10000, 0: never. */
  readonly pingMillis?: number
  /** Where the nodes tell of keys (rtpengine's --dtmf-log-dest): `ADDRESS:PORT`. */
  readonly dtmfEvents?: string | undefined
  readonly log?: Log
  readonly clock?: Clock
  readonly lookup?: HostLookup
}

export interface NgNodeView {
  readonly set: number
  /** Numeric, or the name as long as its address is not known. */
  readonly address: string
  readonly port: number
  readonly disabled: boolean
}

export interface NgClient extends MediaRelay {
  readonly nodes: readonly NgNodeView[]
}

/** Calls whose node is remembered. */
const AFFINITY_CALLS = 100_000
/** Attempts at a node while others are left. */
const QUICK_ATTEMPTS = 2

/**
 * Makes a relay that asks others. A call stays on its node; a new call goes to a node by weight and Call-ID, the next
 * one where that does not answer.
 * @throws SignalboxError ERR_CONFIG
 */
export function createNgClient(options: NgClientOptions): NgClient {
  const { log = silentLog, clock = systemClock, retries = 5, disabledMillis = 60_000, pingMillis = 10_000 } = options
  const nodes = new NgNodes(options.sets, clock, options.lookup ?? systemLookup, disabledMillis)
  const requester = new NgRequester(clock, log, options.retryMillis ?? 1_000)
  const affinity = new Map<string, NgNode>()
  const looks = new Map<NgNode, Timer>()
  let closed = false

  /** @returns undefined where the node did not answer, and is left aside now */
  async function ask(node: NgNode, message: NgDictionary, attempts: number): Promise<NgDictionary | undefined> {
    const address = await nodes.addressOf(node)
    const reply = address === undefined ? undefined : await requester.ask(address, node.port, message, attempts)
    if (closed) return reply
    if (reply) {
      if (node.down) log.info({ node: node.text }, 'a media relay answers again')
      nodes.answered(node)
      look(node, pingMillis)
    } else {
      if (!node.down) leave(node)
      look(node, nodes.silent(node))
    }
    return reply
  }

  function leave(node: NgNode): void {
    const callIds = [...affinity].flatMap(([callId, on]) => (on === node ? [callId] : []))
    log.error({ node: node.text, calls: callIds.length }, 'a media relay does not answer and is left aside')
    // Whom it concerns shall find it left aside.
    if (callIds.length > 0) queueMicrotask(() => client.onLost?.(callIds))
  }

  /** Pings the node after that time, unless it is heard before. */
  function look(node: NgNode, millis: number): void {
    looks.get(node)?.cancel()
    looks.delete(node)
    if (closed || millis <= 0 || (pingMillis === 0 && !node.down)) return
    looks.set(
      node,
      clock.setTimer(millis, () => void ask(node, dictionary({ command: 'ping' }), node.down ? 1 : QUICK_ATTEMPTS)),
    )
  }

  async function send(command: Exclude<MediaCommand, 'ping'>, request: MediaRequest): Promise<NgDictionary> {
    if (closed) throw new SignalboxError('ERR_MEDIA_UNREACHABLE', 'the NG client has been closed')
    const { message, warnings } = ngRequest(command, request)
    const set = request.set ?? 0
    const kept = affinity.get(request.callId)
    const all = nodes.candidates(set, request.callId, kept)
    // Only an offer may begin anew elsewhere; the rest means something to the node that has the call.
    const candidates = command === 'offer' || !kept ? all : [kept]
    for (const [index, node] of candidates.entries()) {
      const last = index === candidates.length - 1
      const reply = await ask(node, message, last ? retries + 1 : Math.min(retries + 1, QUICK_ATTEMPTS))
      if (closed) throw new SignalboxError('ERR_MEDIA_UNREACHABLE', 'the NG client has been closed')
      if (!reply) continue
      // A node that has no room says so (rtpengine's --max-sessions, --max-load).
      if (reply.result === 'load limit' && !last) continue
      if (reply.result !== 'ok')
        throw new SignalboxError(
          'ERR_MEDIA',
          `media relay ${node.text} refused ${command}: ${String(reply['error-reason'] ?? reply.message ?? reply.result)}`,
        )
      remember(request.callId, command === 'delete' ? undefined : node)
      if (warnings.length > 0) reply.warning = [reply.warning, ...warnings].filter(Boolean).join('; ')
      return reply
    }
    throw new SignalboxError('ERR_MEDIA_UNREACHABLE', `no media relay of set ${set} answers`)
  }

  function remember(callId: string, node: NgNode | undefined): void {
    affinity.delete(callId)
    if (!node) return
    affinity.set(callId, node)
    if (affinity.size > AFFINITY_CALLS) affinity.delete(affinity.keys().next().value!)
  }

  async function exchange(command: 'offer' | 'answer', request: MediaRequest): Promise<MediaAnswer> {
    const reply = await send(command, request)
    // What a fragment tells is only noted.
    const none = /(?:^|\s)fragment(?:\s|$)/.test(request.flags) ? '' : undefined
    const sdp = typeof reply.sdp === 'string' ? reply.sdp : none
    if (sdp === undefined) throw new SignalboxError('ERR_MEDIA', `the media relay answered ${command} without SDP`)
    return { sdp, ...(typeof reply.warning === 'string' ? { warnings: [reply.warning] } : {}) }
  }

  async function counters(command: 'delete' | 'query', request: MediaRequest): Promise<MediaStats> {
    const reply = await send(command, request)
    if (reply.tags === undefined)
      throw new SignalboxError('ERR_MEDIA', `the media relay has no session ${request.callId}`)
    return statsFromNg(request.callId, reply)
  }

  const keys =
    options.dtmfEvents === undefined
      ? undefined
      : createDtmfListener(
          options.dtmfEvents,
          (event) => client.onDtmf?.(event),
          (error) => log.error({ error: error.message }, 'nobody can be told of keys'),
        )
  for (const node of nodes.all) look(node, pingMillis)

  const client: NgClient = {
    get nodes() {
      return [...nodes.sets].flatMap(([set, members]) =>
        members.map(({ address, host, port, down }) => ({ set, address: address ?? host, port, disabled: down })),
      )
    },
    offer: (request) => exchange('offer', request),
    answer: (request) => exchange('answer', request),
    delete: (request) => counters('delete', request),
    query: (request) => counters('query', request),
    async control(request) {
      return controlled(await send('control', request), [])
    },
    async ping() {
      const replies = await Promise.all(
        nodes.all.map((node) => ask(node, dictionary({ command: 'ping' }), retries + 1)),
      )
      if (!replies.some((reply) => reply?.result === 'pong'))
        throw new SignalboxError('ERR_MEDIA_UNREACHABLE', 'no media relay answers a ping')
    },
    async close() {
      closed = true
      for (const timer of looks.values()) timer.cancel()
      looks.clear()
      keys?.close()
      await requester.close()
    },
  }
  return client
}
