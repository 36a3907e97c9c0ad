// Owns the worker's way to the relay, which lives in the supervisor: a MediaRelay over what lies between the processes.
import { ERROR_CODES, type ErrorCode, SignalboxError } from '../errors.ts'
import type {
  MediaAnswer,
  MediaCommand,
  MediaControlled,
  MediaRelay,
  MediaRequest,
  MediaStats,
} from '../media/index.ts'
import type { ToWorker } from './messages.ts'
import type { RelayAsked } from './relay-rings.ts'

/** Milliseconds after which an operation is given up: longer than any relay's own tries. */
const OPERATION_MILLIS = 10_000

interface Waiting {
  readonly resolve: (value: MediaAnswer | MediaStats | MediaControlled | undefined) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

export interface RelayClient extends MediaRelay {
  /** Takes what the supervisor sent; false when it is nothing of the relay's. */
  receive(message: ToWorker): boolean
}

/** Makes the relay; `send` takes a message to the supervisor. */
export function createRelayClient(send: (message: RelayAsked) => void): RelayClient {
  const waiting = new Map<number, Waiting>()
  let last = 0

  function ask(
    command: MediaCommand,
    request: MediaRequest,
  ): Promise<MediaAnswer | MediaStats | MediaControlled | undefined> {
    return new Promise((resolve, reject) => {
      const id = ++last
      const timer = setTimeout(() => {
        waiting.delete(id)
        reject(
          new SignalboxError(
            'ERR_MEDIA_UNREACHABLE',
            `the media relay did not answer ${command} in ${OPERATION_MILLIS / 1000} s`,
          ),
        )
      }, OPERATION_MILLIS)
      waiting.set(id, { resolve, reject, timer })
      send({ type: 'media', id, command, request })
    })
  }

  const client: RelayClient = {
    offer: (request) => ask('offer', request) as Promise<MediaAnswer>,
    answer: (request) => ask('answer', request) as Promise<MediaAnswer>,
    delete: (request) => ask('delete', request) as Promise<MediaStats>,
    query: (request) => ask('query', request) as Promise<MediaStats>,
    control: (request) => ask('control', request) as Promise<MediaControlled>,
    async ping() {
      await ask('ping', { callId: '', fromTag: '', flags: '' })
    },
    async close() {},
    receive(message) {
      if (message.type === 'media-timeout') {
        client.onTimeout?.(message.callId, message.reason, message.stats)
        return true
      }
      if (message.type === 'media-lost') {
        client.onLost?.([message.callId])
        return true
      }
      if (message.type === 'media-dtmf') {
        client.onDtmf?.(message.event)
        return true
      }
      if (message.type !== 'media-result') return false
      const entry = waiting.get(message.id)
      if (!entry) return true
      waiting.delete(message.id)
      clearTimeout(entry.timer)
      if (message.error) entry.reject(new SignalboxError(knownCode(message.error.code), message.error.message))
      else entry.resolve(message.result)
      return true
    },
  }
  return client
}

/** An error code that came as text. */
export function knownCode(code: string, otherwise: ErrorCode = 'ERR_MEDIA'): ErrorCode {
  return code in ERROR_CODES ? (code as ErrorCode) : otherwise
}
