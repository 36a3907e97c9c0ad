// Owns what of a configuration concerns transport, transactions and proxy.
import type { ParseLimits } from '../sip/index.ts'
import { DEFAULT_PARSE_LIMITS } from '../sip/index.ts'
import type { ReloadableTransport, TransportLimits } from '../transport/index.ts'
import type { EngineConfig } from './config.ts'

/** What the transport of a worker, and the front of its streams, are given at the start and at every reload. */
export function transportSettings(config: EngineConfig): ReloadableTransport {
  const { limits } = config
  const parseLimits: Partial<ParseLimits> = {
    messageBytes: limits.messageBytes,
    bodyBytes: Math.min(DEFAULT_PARSE_LIMITS.bodyBytes, limits.messageBytes),
  }
  const transportLimits: Partial<TransportLimits> = {
    connections: limits.connections,
    connectionsPerSource: limits.connectionsPerSource,
    ...(limits.idleMillis === undefined ? {} : { idleMillis: limits.idleMillis }),
    ...(limits.connectMillis === undefined ? {} : { connectMillis: limits.connectMillis }),
  }
  return { alias: config.alias, hosts: config.hosts, tls: config.tls, limits: transportLimits, parseLimits }
}

/** What of it concerns transactions. */
export function transactionSettings(config: EngineConfig) {
  const { transactions, transactionsPerSource } = config.limits
  return {
    timers: { fr: config.timers.fr, frInv: config.timers.frInv },
    limits: { transactions, transactionsPerSource },
  }
}

/** What of it concerns the proxy. */
export function proxySettings(config: EngineConfig) {
  return {
    limits: { calls: config.limits.transactions, queueMillis: config.limits.queueMillis, udpMtu: config.limits.udpMtu },
    options: {
      maxCallMillis: config.timers.maxCall * 1000,
      server: config.serverHeader ?? '',
      userAgent: config.userAgent ?? '',
      forceRport: config.forceRport === true ? ('on' as const) : ('off' as const),
      udpMtuTransport: config.udpMtuTransport ?? ('tcp' as const),
    },
  }
}
