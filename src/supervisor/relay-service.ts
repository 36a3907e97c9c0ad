// Owns the relay's end of the channel: performs what workers ask, and remembers which calls have media when a worker is gone.
import { SignalboxError } from '../errors.ts'
import type {
  MediaAnswer,
  MediaCommand,
  MediaControlled,
  MediaRelay,
  MediaRequest,
  MediaStats,
} from '../media/index.ts'

/** Relays that outlive workers, and are replaced when the configuration names others. */
export class RelayService {
  #relay: MediaRelay | undefined
  /** Calls whose sessions workers opened and did not delete, with the relay that has them. */
  readonly #calls = new Map<string, MediaRelay>()
  readonly #replaced = new Set<MediaRelay>()
  /** Told of calls that the relay ended by itself. */
  onTimeout: MediaRelay['onTimeout']
  /** Told of keys that parties of workers' calls released. */
  onDtmf: MediaRelay['onDtmf']
  onLost: MediaRelay['onLost']

  constructor(relay: MediaRelay | undefined) {
    this.#use(relay)
  }

  /** Call-IDs whose sessions workers opened and did not delete. */
  get calls(): string[] {
    return [...this.#calls.keys()]
  }

  /** Whether there is a relay for new calls. */
  get isSetUp(): boolean {
    return this.#relay !== undefined
  }

  get callCount(): number {
    return this.#calls.size
  }

  /** New calls go to this relay; the one before ends when its last call does. */
  replace(relay: MediaRelay | undefined): void {
    const before = this.#relay
    this.#use(relay)
    if (before) {
      this.#replaced.add(before)
      this.#closeUnused()
    }
  }

  async perform(
    command: MediaCommand,
    request: MediaRequest,
  ): Promise<MediaAnswer | MediaStats | MediaControlled | undefined> {
    const relay = this.#calls.get(request.callId) ?? this.#relay
    if (!relay)
      throw new SignalboxError(
        'ERR_MEDIA_UNREACHABLE',
        'no media relay is set up: start one by --interface or config.media, or name one by rtpengine_sock',
      )
    switch (command) {
      case 'offer': {
        const answer = await relay.offer(request)
        this.#calls.set(request.callId, relay)
        return answer
      }
      case 'answer':
        return relay.answer(request)
      case 'delete':
        this.#calls.delete(request.callId)
        return relay.delete(request).finally(() => this.#closeUnused())
      case 'query':
        return relay.query(request)
      case 'control':
        return relay.control(request)
      case 'ping':
        await relay.ping()
        return undefined
      default:
        throw new SignalboxError('ERR_MEDIA', `the relay knows no ${String(command)}`)
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#relay, ...this.#replaced].map((relay) => relay?.close()))
  }

  #use(relay: MediaRelay | undefined): void {
    this.#relay = relay
    if (!relay) return
    relay.onTimeout = (callId, reason, stats) => {
      // Sessions of others, who drive the relay over NG, are none of the worker's.
      if (this.#calls.delete(callId)) this.onTimeout?.(callId, reason, stats)
    }
    relay.onLost = (callIds) => this.onLost?.(callIds.filter((callId) => this.#calls.has(callId)))
    relay.onDtmf = (event) => {
      if (this.#calls.has(event.callId)) this.onDtmf?.(event)
    }
  }

  #closeUnused(): void {
    for (const relay of this.#replaced) {
      if ([...this.#calls.values()].includes(relay)) continue
      this.#replaced.delete(relay)
      void relay.close()
    }
  }
}
