// Owns `signalbox relay`: rtpengine's options read, a relay and its NG server started, stopped together.
import type { Clock } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import type { Log } from '../log.ts'
import { createEmbeddedRelay, type EmbeddedRelay } from './embedded-relay.ts'
import { createNgServer, type NgServer, parseListenNg } from './ng/server.ts'
import { createNgTcpServer } from './ng/tcp-server.ts'
import type { EndpointLearning } from './session-options.ts'

/** Options by rtpengine's names; numbers may come as text, as a command line gives them. */
export interface RunRelayOptions {
  /** `[NAME/]ADDRESS[!ADVERTISED]`, at least one. */
  readonly interface: readonly string[]
  /** `[ADDRESS:]PORT`, one or more. */
  readonly listenNg: string | readonly string[]
  /** The same protocol over TCP. */
  readonly listenTcpNg?: string | readonly string[] | undefined
  readonly portMin?: number | string | undefined
  readonly portMax?: number | string | undefined
  readonly timeout?: number | string | undefined
  readonly silentTimeout?: number | string | undefined
  readonly finalTimeout?: number | string | undefined
  readonly offerTimeout?: number | string | undefined
  /** Default 30, as rtpengine's. */
  readonly deleteDelay?: number | string | undefined
  readonly maxSessions?: number | string | undefined
  readonly tos?: number | string | undefined
  readonly numThreads?: number | string | undefined
  /** `heuristic`, `immediate` or `off`; `delayed` is done as `heuristic`. */
  readonly endpointLearning?: string | undefined
  readonly sipSource?: boolean | undefined
  readonly dtlsPassive?: boolean | undefined
  /** Folders whose files may be played. */
  readonly mediaDir?: readonly string[] | undefined
  readonly recordingDir?: string | undefined
  readonly recordingMethod?: string | undefined
  readonly recordingFormat?: string | undefined
  readonly dtmfLogDest?: string | undefined
  readonly log?: Log | undefined
  readonly clock?: Clock | undefined
}

export interface RunningRelay {
  readonly relay: EmbeddedRelay
  readonly servers: readonly NgServer[]
  close(): Promise<void>
}

/** @throws SignalboxError ERR_USAGE */
function learning(text: string | undefined): EndpointLearning | undefined {
  if (text === undefined || text === 'immediate' || text === 'off') return text
  // Whose packets match what was signalled is waited for as long; the first of others is not preferred to them.
  if (text === 'heuristic' || text === 'delayed') return 'heuristic'
  throw new SignalboxError('ERR_USAGE', `--endpoint-learning=${text}: it must be heuristic, delayed, immediate or off`)
}

/**
 * Starts a relay that is driven over NG. It runs until `close`.
 * @throws SignalboxError ERR_USAGE, ERR_CONFIG, ERR_LISTEN, ERR_NATIVE
 */
export async function runRelay(options: RunRelayOptions): Promise<RunningRelay> {
  if (options.interface.length === 0)
    throw new SignalboxError('ERR_USAGE', 'a relay needs --interface=[NAME/]ADDRESS[!ADVERTISED]')
  const listen = [options.listenNg].flat()
  const listenTcp = [options.listenTcpNg ?? []].flat()
  if (listen.length + listenTcp.length === 0)
    throw new SignalboxError('ERR_USAGE', 'a relay needs --listen-ng=ADDRESS:PORT')
  for (const text of [...listen, ...listenTcp]) {
    const { address } = parseListenNg(text)
    if (!/^(127\.|::1$)/.test(address))
      options.log?.warn(
        { address },
        'the NG protocol has no authentication: whoever reaches this address drives the relay',
      )
  }
  const number = (name: string, value: number | string | undefined, low: number, high: number): number | undefined => {
    if (value === undefined || value === '') return undefined
    const read = Number(value)
    if (Number.isInteger(read) && read >= low && read <= high) return read
    throw new SignalboxError('ERR_USAGE', `--${name}=${value}: it must be a whole number from ${low} to ${high}`)
  }
  const week = 7 * 86_400
  const settings = {
    portMin: number('port-min', options.portMin, 1_024, 65_534),
    portMax: number('port-max', options.portMax, 1_025, 65_535),
    timeout: number('timeout', options.timeout, 0, week),
    silentTimeout: number('silent-timeout', options.silentTimeout, 0, week),
    finalTimeout: number('final-timeout', options.finalTimeout, 0, week),
    offerTimeout: number('offer-timeout', options.offerTimeout, 0, week),
    deleteDelay: number('delete-delay', options.deleteDelay, 0, 86_400) ?? 30,
    maxSessions: number('max-sessions', options.maxSessions, 1, 10_000_000),
    tos: number('tos', options.tos, 0, 255),
    threads: number('num-threads', options.numThreads, 1, 64),
    endpointLearning: learning(options.endpointLearning),
    sipSource: options.sipSource,
    dtlsPassive: options.dtlsPassive,
    mediaFolders: options.mediaDir,
    recordingDir: options.recordingDir,
    recordingMethod: options.recordingMethod,
    recordingFormat: options.recordingFormat,
    dtmfLogDest: options.dtmfLogDest,
    log: options.log,
    clock: options.clock,
  }
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
  const relay = createEmbeddedRelay({ interfaces: options.interface, ...given })
  const servers: NgServer[] = []
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.close()))
    await relay.close()
  }
  try {
    const shared = {
      relay,
      ...(options.log ? { log: options.log } : {}),
      ...(options.clock ? { clock: options.clock } : {}),
    }
    for (const text of listen) servers.push(await createNgServer({ ...shared, listen: text }))
    for (const text of listenTcp) servers.push(await createNgTcpServer({ ...shared, listen: text }))
  } catch (error) {
    await close()
    throw error
  }
  return { relay, servers, close }
}
