// Owns the relay's end of the channel: performs what workers ask, and remembers which calls have media when a worker is gone.
import { SignalboxError } from '../errors.ts'
import type { MediaAnswer, MediaCommand, MediaRelay, MediaRequest, MediaStats } from '../media/index.ts'

/** A relay that outlives workers. */
export class RelayService {
  readonly #relay: MediaRelay
  readonly #calls = new Set<string>()
  /** Told of calls that the relay ended by itself. */
  onTimeout: ((callId: string, reason: string) => void) | undefined

  constructor(relay: MediaRelay) {
    this.#relay = relay
    relay.onTimeout = (callId, reason) => {
      // Sessions of others, who drive the relay over NG, are none of the worker's.
      if (this.#calls.delete(callId)) this.onTimeout?.(callId, reason)
    }
  }

  /** Call-IDs whose sessions workers opened and did not delete. */
  get calls(): string[] {
    return [...this.#calls]
  }

  get callCount(): number {
    return this.#calls.size
  }

  async perform(command: MediaCommand, request: MediaRequest): Promise<MediaAnswer | MediaStats | undefined> {
    switch (command) {
      case 'offer': {
        const answer = await this.#relay.offer(request)
        this.#calls.add(request.callId)
        return answer
      }
      case 'answer':
        return this.#relay.answer(request)
      case 'delete':
        this.#calls.delete(request.callId)
        return this.#relay.delete(request)
      case 'query':
        return this.#relay.query(request)
      case 'ping':
        await this.#relay.ping()
        return undefined
      default:
        throw new SignalboxError('ERR_MEDIA', `the relay knows no ${String(command)}`)
    }
  }

  async close(): Promise<void> {
    await this.#relay.close()
  }
}
