// Owns what the engine lends to services: time, log, shared tables, requests of our own, event routes.
import { isIP } from 'node:net'
import type { Clock } from '../clock.ts'
import type { ProxyCore } from '../proxy/index.ts'
import type { ProgramStore } from '../script/index.ts'
import type { ServiceHost } from '../services/index.ts'
import { bareHost, type IdSource } from '../sip/index.ts'
import type { Store } from '../store/index.ts'
import { callIdHash, type Flow, type TransportLayer } from '../transport/index.ts'
import type { EngineLog } from './logger.ts'
import type { ScriptRouter } from './script-router.ts'

export interface ServiceHostParts {
  readonly clock: Clock
  readonly log: EngineLog
  readonly ids: IdSource
  readonly folder: string
  readonly store: Store
  readonly transport: TransportLayer
  readonly proxy: ProxyCore
  readonly router: ScriptRouter
  readonly programs: ProgramStore
  command(name: string, parameters: readonly unknown[]): Promise<unknown>
}

export function serviceHost(parts: ServiceHostParts): ServiceHost {
  const { clock, log, ids, folder, store, transport, proxy, router, programs, command } = parts
  const hasEvent = (name: string) => programs.current?.has('event', name) === true
  return {
    clock,
    log,
    ids,
    folder,
    store,
    listeners: () => transport.listeners,
    isLocal: (host, port, kind) => transport.isLocal(host, port, kind),
    respond: (flow, request, wire) => transport.reply(flow, transport.replyTarget(flow, request), wire, () => {}),
    callHash: callIdHash,
    finish: (flow, code, reason) => transport.finish(flow, code, reason),
    command,
    send: (request) =>
      proxy.send(
        hasEvent('tm:local-request')
          ? { ...request, rewrite: (sent) => router.localRequest(sent, ownFlow(transport)) }
          : request,
      ),
    datagram({ address, port, listener }, bytes) {
      const numeric = bareHost(address)
      const from = listener === undefined ? undefined : transport.listeners[listener]
      if (isIP(numeric) === 0) return
      const hop = {
        transport: 'udp',
        address: numeric,
        port,
        ...(from === undefined ? {} : { listener: from }),
      } as const
      transport.send(hop, bytes, () => {})
    },
    // A service may be in the middle of an operation of another run: routes do not nest.
    async event(event) {
      await new Promise((resolve) => setImmediate(resolve))
      return (
        (event.route !== undefined || hasEvent(event.name)) && router.event(event, event.flow ?? ownFlow(transport))
      )
    },
    async dropped(event, { transport: proto, address: toIp, port: toPort, listener }) {
      await new Promise((resolve) => setImmediate(resolve))
      const send = { toIp, toPort, fromIp: listener?.address ?? '', fromPort: listener?.port ?? 0, proto }
      return hasEvent(event.name) && router.dropped(event, event.flow ?? ownFlow(transport), send)
    },
    hasEvent,
    continue: (context, route) => router.continue(context, route),
  }
}

/** Where a message that nobody sent seems to come from. */
function ownFlow(transport: TransportLayer): Flow {
  const listener = transport.listeners[0]
  if (listener === undefined) throw new Error('an engine has a listener')
  const { transport: kind, address, port } = listener
  return { id: 0, transport: kind, listener, remoteAddress: address, remotePort: port, reliable: kind !== 'udp' }
}
