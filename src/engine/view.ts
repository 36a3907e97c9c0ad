// Owns what administration and the command line may see of a running engine.
import type { RouteLanguage } from '../proxy/index.ts'
import type { Listener } from '../transport/index.ts'

/** A reading of a running engine. */
export interface EngineStatus {
  readonly file: string
  readonly language: RouteLanguage
  /** Version of the program that new requests get. */
  readonly program: number
  readonly listen: readonly string[]
  readonly calls: number
  readonly transactions: number
  readonly runs: number
  readonly mediaCalls: number
  readonly connections: number
  readonly received: number
  readonly sent: number
  readonly draining: boolean
}

/** Read-only access to an engine. */
export interface EngineView {
  status(): EngineStatus
  /** Sockets with their real ports, once the engine has started. */
  readonly listeners: readonly Listener[]
}

/** A listener as the configuration spells it. */
export function shownListener(listener: Listener): string {
  const host = listener.address.includes(':') ? `[${listener.address}]` : listener.address
  return `${listener.transport}:${host}:${listener.port}`
}
