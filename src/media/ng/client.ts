// Owns the driving of relays elsewhere over NG: sets of nodes, retransmission, a node that does not answer left aside.

import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { isIP } from 'node:net'
import { type Clock, systemClock, type Timer } from '../../clock.ts'
import { SignalboxError } from '../../errors.ts'
import { type Log, silentLog } from '../../log.ts'
import type { MediaAnswer, MediaCommand, MediaRelay, MediaRequest, MediaStats } from '../relay.ts'
import { dictionary, type NgDictionary } from './bencode.ts'
import { decodeBody, encodeBody, splitFrame } from './message.ts'
import { ngRequest } from './request.ts'
import { statsFromNg } from './stats.ts'

export interface NgClientOptions {
  /** Nodes by set: `udp:ADDRESS:PORT`, or `udp:ADDRESS:PORT=WEIGHT` as Kamailio's rtpengine_sock. */
  readonly sets: ReadonlyMap<number, readonly string[]>
  /** Milliseconds until a request is sent again (rtpengine_tout_ms); default 1000. */
  readonly retryMillis?: number
  /** How often it is sent again (rtpengine_retr); default 5. */
  readonly retries?: number
  /** Milliseconds that a node which does not answer is left aside (rtpengine_disable_tout); default 60000. */
  readonly disabledMillis?: number
  readonly log?: Log
  readonly clock?: Clock
}

export interface NgNodeView {
  readonly set: number
  readonly address: string
  readonly port: number
  readonly disabled: boolean
}

export interface NgClient extends MediaRelay {
  readonly nodes: readonly NgNodeView[]
}

interface Node {
  readonly name: string
  readonly address: string
  readonly port: number
  readonly weight: number
  disabledUntil: number
}

interface Waiting {
  readonly resolve: (reply: NgDictionary) => void
  readonly node: Node
}

/** Longest that a call's node is remembered without a request for it. */
const AFFINITY_CALLS = 100_000

/** @throws SignalboxError ERR_CONFIG */
function parseNode(text: string): Node {
  const match = /^(?:udp6?:)?(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})(?:=(\d{1,4}))?$/.exec(text.trim())
  const address = match?.[1] ?? (match?.[2] === 'localhost' ? '127.0.0.1' : match?.[2]) ?? ''
  const port = Number(match?.[3])
  if (!match || isIP(address) === 0 || port < 1 || port > 65_535)
    throw new SignalboxError(
      'ERR_CONFIG',
      `media relay ${JSON.stringify(text)}: it must be udp:ADDRESS:PORT with a numeric address`,
    )
  return { name: text.trim(), address, port, weight: match[4] === undefined ? 1 : Number(match[4]), disabledUntil: 0 }
}

/**
 * Makes a relay that asks others. A call stays on its node; a new call goes to a node by weight and Call-ID, the next
 * one where that does not answer.
 * @throws SignalboxError ERR_CONFIG
 */
export function createNgClient(options: NgClientOptions): NgClient {
  const { log = silentLog, clock = systemClock, retryMillis = 1_000, retries = 5, disabledMillis = 60_000 } = options
  const sets = new Map<number, readonly Node[]>()
  for (const [set, texts] of options.sets) sets.set(set, texts.map(parseNode))
  const sockets = new Map<4 | 6, Socket>()
  const waiting = new Map<string, Waiting>()
  const affinity = new Map<string, Node>()
  const prefix = randomBytes(6).toString('hex')
  let count = 0
  let closed = false

  function socketFor(address: string): Socket {
    const family = isIP(address) === 6 ? 6 : 4
    let socket = sockets.get(family)
    if (socket) return socket
    socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4' })
    // Whether a node is reachable is told by its silence.
    socket.on('error', (error) => log.debug({ error: error.message }, 'the NG socket failed'))
    socket.on('message', (bytes, peer) => {
      const frame = splitFrame(bytes.toString('latin1'))
      const asked = frame && waiting.get(frame.cookie)
      // Only the node that was asked may answer.
      if (!asked || asked.node.address !== peer.address || asked.node.port !== peer.port) return
      try {
        asked.resolve(decodeBody(frame.body))
      } catch (error) {
        log.warn({ node: asked.node.name, error: String(error) }, 'an NG reply does not parse')
      }
    })
    socket.unref()
    sockets.set(family, socket)
    return socket
  }

  /** @returns undefined where the node never answered */
  function ask(node: Node, message: NgDictionary, attempts: number): Promise<NgDictionary | undefined> {
    const cookie = `${prefix}_${++count}`
    const bytes = Buffer.from(`${cookie} ${encodeBody(message, 'bencode')}`, 'latin1')
    return new Promise((resolve) => {
      let timer: Timer | undefined
      const finish = (reply: NgDictionary | undefined): void => {
        timer?.cancel()
        waiting.delete(cookie)
        resolve(reply)
      }
      waiting.set(cookie, { node, resolve: finish })
      let left = attempts
      const transmit = (): void => {
        if (closed || left-- === 0) {
          finish(undefined)
          return
        }
        socketFor(node.address).send(bytes, node.port, node.address, () => undefined)
        timer = clock.setTimer(retryMillis, transmit)
      }
      transmit()
    })
  }

  /** Nodes of a set in the order in which they are tried for that call. */
  function candidates(set: number, callId: string): Node[] {
    const nodes = sets.get(set)
    if (!nodes || nodes.length === 0)
      throw new SignalboxError(
        'ERR_MEDIA_UNREACHABLE',
        `media relay set ${set} has no nodes; name them in media.sets or rtpengine_sock`,
      )
    const now = clock.now()
    const alive = nodes.filter((node) => node.disabledUntil <= now && node.weight > 0)
    const total = alive.reduce((sum, node) => sum + node.weight, 0)
    let point = total === 0 ? 0 : hash(callId) % total
    let first = alive.findIndex((node) => (point -= node.weight) < 0)
    if (first < 0) first = 0
    const ordered = [...alive.slice(first), ...alive.slice(0, first)]
    const kept = affinity.get(callId)
    return kept && nodes.includes(kept) && kept.disabledUntil <= now
      ? [kept, ...ordered.filter((node) => node !== kept)]
      : ordered
  }

  async function send(command: Exclude<MediaCommand, 'ping'>, request: MediaRequest): Promise<NgDictionary> {
    if (closed) throw new SignalboxError('ERR_MEDIA_UNREACHABLE', 'the NG client has been closed')
    const { message, warnings } = ngRequest(command, request)
    const set = request.set ?? 0
    // Only an offer may begin anew elsewhere; the rest means something to the node that has the call.
    const all = candidates(set, request.callId)
    const nodes = command === 'offer' || !affinity.has(request.callId) ? all : all.slice(0, 1)
    for (const node of nodes) {
      const reply = await ask(node, message, retries + 1)
      if (!reply) {
        node.disabledUntil = clock.now() + disabledMillis
        log.error({ node: node.name, set, callId: request.callId }, 'a media relay does not answer and is left aside')
        continue
      }
      if (reply.result !== 'ok')
        throw new SignalboxError(
          'ERR_MEDIA',
          `media relay ${node.name} refused ${command}: ${String(reply['error-reason'] ?? reply.result)}`,
        )
      remember(request.callId, command === 'delete' ? undefined : node)
      if (warnings.length > 0) reply.warning = [reply.warning, ...warnings].filter(Boolean).join('; ')
      return reply
    }
    throw new SignalboxError('ERR_MEDIA_UNREACHABLE', `no media relay of set ${set} answers`)
  }

  function remember(callId: string, node: Node | undefined): void {
    affinity.delete(callId)
    if (!node) return
    affinity.set(callId, node)
    if (affinity.size > AFFINITY_CALLS) affinity.delete(affinity.keys().next().value!)
  }

  async function exchange(command: 'offer' | 'answer', request: MediaRequest): Promise<MediaAnswer> {
    const reply = await send(command, request)
    if (typeof reply.sdp !== 'string')
      throw new SignalboxError('ERR_MEDIA', `the media relay answered ${command} without SDP`)
    return { sdp: reply.sdp, ...(typeof reply.warning === 'string' ? { warnings: [reply.warning] } : {}) }
  }

  async function counters(command: 'delete' | 'query', request: MediaRequest): Promise<MediaStats> {
    const reply = await send(command, request)
    if (reply.tags === undefined)
      throw new SignalboxError('ERR_MEDIA', `the media relay has no session ${request.callId}`)
    return statsFromNg(request.callId, reply)
  }

  return {
    get nodes() {
      const now = clock.now()
      return [...sets].flatMap(([set, nodes]) =>
        nodes.map(({ address, port, disabledUntil }) => ({ set, address, port, disabled: disabledUntil > now })),
      )
    },
    offer: (request) => exchange('offer', request),
    answer: (request) => exchange('answer', request),
    delete: (request) => counters('delete', request),
    query: (request) => counters('query', request),
    async ping() {
      const nodes = [...sets.values()].flat()
      const replies = await Promise.all(nodes.map((node) => ask(node, dictionary({ command: 'ping' }), retries + 1)))
      for (const [index, reply] of replies.entries())
        nodes[index]!.disabledUntil = reply?.result === 'pong' ? 0 : clock.now() + disabledMillis
      if (!replies.some((reply) => reply?.result === 'pong'))
        throw new SignalboxError('ERR_MEDIA_UNREACHABLE', 'no media relay answers a ping')
    },
    async close() {
      closed = true
      for (const [cookie, { resolve }] of [...waiting]) {
        waiting.delete(cookie)
        resolve(dictionary({ result: 'error', 'error-reason': 'the NG client has been closed' }))
      }
      await Promise.all([...sockets.values()].map((socket) => new Promise<void>((done) => socket.close(() => done()))))
      sockets.clear()
    },
  }
}

/** FNV-1a over the characters, unsigned. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value >>> 0
}
