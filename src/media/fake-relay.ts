// Owns the relay of tests: the production path over a native relay without sockets, with ports and keys that never vary,
// every operation kept, failure on demand.
import { type Clock, systemClock } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import { createEmbeddedRelay } from './embedded-relay.ts'
import { createFakeNative, type FakeNative } from './fake-native.ts'
import type { MediaAnswer, MediaCommand, MediaControlled, MediaRelay, MediaRequest, MediaStats } from './relay.ts'

export interface FakeRelayOptions {
  /** As `--interface`; default `internal/10.0.0.5` and `external/10.0.0.5!25.25.25.5`. */
  readonly interfaces?: readonly string[]
  /** Even port that the first stream gets; default 30000. */
  readonly portMin?: number
  readonly portMax?: number
  readonly clock?: Clock
}

/** One operation that the relay was asked for. */
export interface FakeOperation {
  readonly command: MediaCommand
  readonly request: MediaRequest
  /** What it answered; absent when it failed. */
  readonly sdp?: string
  readonly error?: Error
}

export interface FakeRelay extends MediaRelay {
  readonly operations: readonly FakeOperation[]
  /** Call-IDs that have a session. */
  readonly sessions: ReadonlySet<string>
  /** The streams, with what was configured. */
  readonly native: FakeNative
  /** Makes the next operation (of that command) reject with `error`, default ERR_MEDIA. */
  failNext(error?: Error, command?: MediaCommand): void
  /** While true every operation rejects with ERR_MEDIA_UNREACHABLE. */
  down: boolean
  /** Ends a session as a media time-out does. */
  timeOut(callId: string, reason?: string): void
}

/** Makes a relay that opens no socket. Keys are 1, 2, 3, ... in all bytes, in the order in which they are made. */
export function createFakeRelay(options: FakeRelayOptions = {}): FakeRelay {
  const operations: FakeOperation[] = []
  const sessions = new Set<string>()
  const failures: { error: Error; command: MediaCommand | undefined }[] = []
  let keys = 0
  let native!: FakeNative
  const embedded = createEmbeddedRelay({
    interfaces: options.interfaces ?? ['internal/10.0.0.5', 'external/10.0.0.5!25.25.25.5'],
    portMin: options.portMin ?? 30_000,
    portMax: options.portMax ?? 40_000,
    clock: options.clock ?? systemClock,
    // Without time-outs nothing of a test is left waiting.
    offerTimeout: 0,
    randomKey: (bytes) => new Uint8Array(bytes).fill(++keys),
    native: (callbacks) => (native = createFakeNative(callbacks)),
  })

  async function perform<T extends MediaAnswer | MediaStats | MediaControlled | undefined>(
    command: MediaCommand,
    request: MediaRequest,
    body: () => Promise<T>,
  ): Promise<T> {
    const index = failures.findIndex((failure) => failure.command === undefined || failure.command === command)
    const planned = index < 0 ? undefined : failures.splice(index, 1)[0]?.error
    try {
      if (relay.down) throw new SignalboxError('ERR_MEDIA_UNREACHABLE', 'the fake relay is down')
      if (planned) throw planned
      const result = await body()
      operations.push({ command, request, ...(result && 'sdp' in result ? { sdp: result.sdp } : {}) })
      if (command === 'offer') sessions.add(request.callId)
      if (command === 'delete') sessions.delete(request.callId)
      return result
    } catch (error) {
      operations.push({ command, request, error: error as Error })
      throw error
    }
  }

  const relay: FakeRelay = {
    operations,
    sessions,
    native,
    down: false,
    offer: (request) => perform('offer', request, () => embedded.offer(request)),
    answer: (request) => perform('answer', request, () => embedded.answer(request)),
    delete: (request) => perform('delete', request, () => embedded.delete(request)),
    query: (request) => perform('query', request, () => embedded.query(request)),
    control: (request) => perform('control', request, () => embedded.control(request)),
    async ping() {
      await perform('ping', { callId: '', fromTag: '', flags: '' }, async () => undefined)
    },
    async close() {
      sessions.clear()
      await embedded.close()
    },
    failNext(error = new SignalboxError('ERR_MEDIA', 'the fake relay was told to fail'), command) {
      failures.push({ error, command })
    },
    timeOut(callId, reason = 'media timeout') {
      if (!sessions.delete(callId)) return
      void embedded.delete({ callId, fromTag: '', flags: '' }).catch(() => undefined)
      relay.onTimeout?.(callId, reason)
    },
  }
  return relay
}
