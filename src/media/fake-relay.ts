// Owns the relay of tests: ports and keys that never vary, every operation kept, failure on demand.
import { SignalboxError } from '../errors.ts'
import type { MediaAnswer, MediaCommand, MediaRelay, MediaRequest, MediaStats } from './relay.ts'

export interface FakeRelayOptions {
  /** As `--interface`; default `internal/10.0.0.5` and `external/10.0.0.5!25.25.25.5`. */
  readonly interfaces?: readonly string[]
  /** Even port that the first stream gets; default 30000. */
  readonly portMin?: number
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
  /** Makes the next operation (of that command) reject with `error`, default ERR_MEDIA. */
  failNext(error?: Error, command?: MediaCommand): void
  /** While true every operation rejects with ERR_MEDIA_UNREACHABLE. */
  down: boolean
  /** Ends a session as a media time-out does. */
  timeOut(callId: string, reason?: string): void
}

/** Makes a relay that opens no socket. */
export function createFakeRelay(options: FakeRelayOptions = {}): FakeRelay {
  const interfaces = (options.interfaces ?? ['internal/10.0.0.5', 'external/10.0.0.5!25.25.25.5']).map((text) => {
    const [name, address] = text.includes('/') ? (text.split('/') as [string, string]) : ['default', text]
    return { name, advertised: address.split('!')[1] ?? address }
  })
  const operations: FakeOperation[] = []
  const sessions = new Map<string, { directions: [string, string]; offerer: string }>()
  const failures: { error: Error; command: MediaCommand | undefined }[] = []
  let port = options.portMin ?? 30000

  const addressOf = (name: string | undefined): string =>
    (interfaces.find((candidate) => candidate.name === name) ?? interfaces[0])?.advertised ?? '127.0.0.1'

  function rewrite(request: MediaRequest, command: 'offer' | 'answer'): string {
    const words = request.flags.split(/\s+/)
    const directions = words.filter((word) => word.startsWith('direction=')).map((word) => word.slice(10))
    let session = sessions.get(request.callId)
    if (!session) {
      if (command === 'answer') throw new SignalboxError('ERR_MEDIA', `Unknown call-id: ${request.callId}`)
      session = { directions: [directions[0] ?? '', directions[1] ?? ''], offerer: request.fromTag }
      sessions.set(request.callId, session)
    }
    const speaker = command === 'offer' ? request.fromTag : (request.toTag ?? '')
    const address = addressOf(session.directions[speaker === session.offerer ? 1 : 0])
    const secure = words.some((word) => /^(SRTP|RTP\/SAVP)$/.test(word))
    const plain = words.some((word) => /^(RTP|RTP\/AVP)$/.test(word))
    return (request.sdp ?? '')
      .split('\r\n')
      .flatMap((line) => {
        if (line.startsWith('c=') && /replace-session-connection/.test(request.flags)) return [`c=IN IP4 ${address}`]
        if (/^a=(ice-|candidate:|rtcp-mux|rtcp:|fingerprint:|setup:)/.test(line)) return []
        if (line.startsWith('a=crypto:') && plain) return []
        const media = /^m=(\S+) (\d+) (\S+)(.*)$/.exec(line)
        if (!media) return [line]
        const mine = port
        port += 2
        const profile = secure ? 'RTP/SAVP' : plain ? 'RTP/AVP' : media[3]
        return [
          `m=${media[1]} ${mine} ${profile}${media[4]}`,
          `a=rtcp:${mine + 1}`,
          ...(secure ? [`a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${'A'.repeat(39)}B`] : []),
        ]
      })
      .join('\r\n')
  }

  function stats(request: MediaRequest): MediaStats {
    if (!sessions.has(request.callId)) throw new SignalboxError('ERR_MEDIA', `Unknown call-id: ${request.callId}`)
    return { callId: request.callId, created: 0, streams: [] }
  }

  async function perform<T extends MediaAnswer | MediaStats | undefined>(
    command: MediaCommand,
    request: MediaRequest,
    body: () => T,
  ): Promise<T> {
    const index = failures.findIndex((failure) => failure.command === undefined || failure.command === command)
    const planned = index < 0 ? undefined : failures.splice(index, 1)[0]?.error
    try {
      if (relay.down) throw new SignalboxError('ERR_MEDIA_UNREACHABLE', 'the fake relay is down')
      if (planned) throw planned
      const result = body()
      operations.push({ command, request, ...(result && 'sdp' in result ? { sdp: result.sdp } : {}) })
      return result
    } catch (error) {
      operations.push({ command, request, error: error as Error })
      throw error
    }
  }

  const relay: FakeRelay = {
    operations,
    get sessions() {
      return new Set(sessions.keys())
    },
    down: false,
    offer: (request) => perform('offer', request, () => ({ sdp: rewrite(request, 'offer') })),
    answer: (request) => perform('answer', request, () => ({ sdp: rewrite(request, 'answer') })),
    delete: (request) =>
      perform('delete', request, () => {
        const result = stats(request)
        sessions.delete(request.callId)
        return result
      }),
    query: (request) => perform('query', request, () => stats(request)),
    async ping() {
      await perform('ping', { callId: '', fromTag: '', flags: '' }, () => undefined)
    },
    async close() {
      sessions.clear()
    },
    failNext(error = new SignalboxError('ERR_MEDIA', 'the fake relay was told to fail'), command) {
      failures.push({ error, command })
    },
    timeOut(callId, reason = 'media timeout') {
      if (sessions.delete(callId)) relay.onTimeout?.(callId, reason)
    },
  }
  return relay
}
