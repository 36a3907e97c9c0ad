// Owns what is told of keys: rtpengine's JSON for whoever listens at `--dtmf-log-dest`.
import { createSocket, type Socket } from 'node:dgram'
import { isIP } from 'node:net'
import { SignalboxError } from '../errors.ts'

/** A key that a party released. */
export interface DtmfEvent {
  readonly callId: string
  /** Tag of who pressed it. */
  readonly tag: string
  readonly tags: readonly string[]
  /** Where its packets come from; '' where not known. */
  readonly address: string
  /** 0 to 15. */
  readonly event: number
  /** 0-9, *, #, A-D */
  readonly digit: string
  readonly durationMillis: number
  /** dBm0, without its sign. */
  readonly volume: number
  /** Seconds since 1970. */
  readonly timestamp: number
}

export interface DtmfDestination {
  send(event: DtmfEvent): void
  close(): void
}

/** rtpengine 10.5.3's keys, in its order. */
export function dtmfJson(event: DtmfEvent): string {
  return JSON.stringify({
    callid: event.callId,
    source_tag: event.tag,
    tags: event.tags,
    type: 'DTMF',
    timestamp: event.timestamp,
    source_ip: event.address,
    event: event.event,
    duration: event.durationMillis,
    volume: event.volume,
  })
}

/** `ADDRESS:PORT`, IPv6 in brackets; undefined for anything else. */
export function socketAddress(text: string): { readonly address: string; readonly port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  const address = match?.[1] ?? match?.[2] ?? ''
  const port = Number(match?.[3])
  return match && port >= 1 && port <= 65_535 && isIP(address) !== 0 ? { address, port } : undefined
}

/**
 * Sends each key as one datagram. `text` is `ADDRESS:PORT`, IPv6 in brackets.
 * @throws SignalboxError ERR_CONFIG
 */
export function createDtmfDestination(text: string): DtmfDestination {
  const at = socketAddress(text.trim())
  if (!at)
    throw new SignalboxError(
      'ERR_CONFIG',
      `--dtmf-log-dest=${text}: it must be ADDRESS:PORT, for example 127.0.0.1:5555`,
    )
  const { address, port } = at
  const socket: Socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4')
  // Nobody listens: that is theirs to know.
  socket.on('error', () => undefined)
  socket.unref()
  return {
    send: (event) => socket.send(Buffer.from(dtmfJson(event), 'latin1'), port, address, () => undefined),
    close: () => void socket.close(),
  }
}
