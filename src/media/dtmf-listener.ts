// Owns what other relays tell of keys: rtpengine's JSON (`dtmf-log-dest`), one datagram a key.
import { createSocket } from 'node:dgram'
import { isIP } from 'node:net'
import { SignalboxError } from '../errors.ts'
import { type DtmfEvent, socketAddress } from './dtmf-log.ts'
import { digitOf } from './playback.ts'

/** Longest datagram that is looked at, and tags that are told. */
const LONGEST = 16_384
const MOST_TAGS = 64

export interface DtmfListener {
  /** Where keys are told, once it is bound. */
  address(): { address: string; port: number }
  close(): void
}

/**
 * Listens at `text`, `[udp:]ADDRESS:PORT` with IPv6 in brackets; `failed` is told where that cannot be done.
 * @throws SignalboxError ERR_CONFIG
 */
export function createDtmfListener(
  text: string,
  heard: (event: DtmfEvent) => void,
  failed: (error: Error) => void,
): DtmfListener {
  const at = socketAddress(text.trim().replace(/^udp:/i, ''))
  if (!at)
    throw new SignalboxError(
      'ERR_CONFIG',
      `dtmf_events_sock ${JSON.stringify(text)}: it must be ADDRESS:PORT, for example 127.0.0.1:2223`,
    )
  // Where the configuration is replaced, its successor listens there before this one has ended.
  const socket = createSocket({ type: isIP(at.address) === 6 ? 'udp6' : 'udp4', reuseAddr: true })
  socket.on('error', failed)
  socket.on('message', (bytes) => {
    const event = bytes.length > LONGEST ? undefined : readDtmf(bytes.toString('latin1'))
    if (event) heard(event)
  })
  socket.bind(at.port, at.address)
  socket.unref()
  return { address: () => socket.address(), close: () => void socket.close() }
}

/** The key that a datagram tells of; undefined where it tells of none. */
export function readDtmf(json: string): DtmfEvent | undefined {
  let told: Record<string, unknown>
  try {
    told = Object(JSON.parse(json)) as Record<string, unknown>
  } catch {
    return undefined
  }
  const text = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 1024) : '')
  const number = (value: unknown): number => (Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : 0)
  const [callId, event] = [text(told.callid), told.event]
  if (callId === '' || typeof event !== 'number' || !digitOf(event)) return undefined
  return {
    callId,
    tag: text(told.source_tag),
    tags: Array.isArray(told.tags) ? told.tags.slice(0, MOST_TAGS).map(text) : [],
    address: text(told.source_ip),
    event,
    digit: digitOf(event),
    durationMillis: number(told.duration),
    volume: number(told.volume),
    timestamp: number(told.timestamp),
  }
}
