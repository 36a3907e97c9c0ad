// Owns the harness of route tests: the engine that serves calls, on a network, a clock and a relay that exist in
// memory only, and the parties that talk to it.
import { ManualClock } from '../clock.ts'
import { createEngine, type Engine } from '../engine/index.ts'
import type { LogFields } from '../log.ts'
import { createFakeRelay, type FakeRelay } from '../media/index.ts'
import { buildReply, createIds, type SipMessage, SipReply, SipRequest } from '../sip/index.ts'
import {
  createMemoryNetwork,
  type MemoryEndpoint,
  type MemoryNetwork,
  type MemoryReceived,
  type Transport,
} from '../transport/index.ts'

/** A message that a party received, and where: `tls:207.46.198.124:5061`. */
export interface Arrived {
  readonly message: SipMessage
  readonly at: string
  readonly received: MemoryReceived
}

export interface LoggedLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: LogFields
  readonly message: string
}

export interface RouteOptions {
  /** Environment that the script's env() reads; nothing else is visible to it. */
  readonly env?: Record<string, string>
  /** Defines, as -A on the command line. */
  readonly defines?: Record<string, string>
  /** Listeners in place of the file's. */
  readonly listen?: readonly string[]
  /** Static names, before those of the file. */
  readonly hosts?: Readonly<Record<string, readonly string[]>>
  /** As --interface, for the fake relay. */
  readonly interfaces?: readonly string[]
  /**
   * How many milliseconds of real time a party waits for a message, where something real is asked, a database server for
   * example. 0 unless given: all else happens in memory, and at once.
   */
  readonly patience?: number
}

export interface ReplyOptions {
  readonly reason?: string
  readonly toTag?: string
  /** Whole header lines, `Name: value\r\n`. */
  readonly headers?: string
  readonly body?: string
  readonly contentType?: string
}

/** A far end of a test: a phone, a PBX, a carrier. */
export class Party {
  readonly at: string
  readonly endpoint: MemoryEndpoint
  readonly #route: RouteUnderTest
  readonly #unread: Arrived[] = []
  /** Everything received, in order. */
  readonly history: Arrived[] = []

  constructor(route: RouteUnderTest, endpoint: MemoryEndpoint) {
    this.#route = route
    this.endpoint = endpoint
    this.at = `${endpoint.transport}:${endpoint.address}:${endpoint.port}`
    endpoint.onMessage = (received) => {
      if (!received.message) return
      const arrived = { message: received.message, at: this.at, received }
      this.#unread.push(arrived)
      this.history.push(arrived)
    }
  }

  /** Sends a message to the border's listener of this party's transport. */
  async send(wire: string): Promise<void> {
    this.endpoint.send(wire, this.#route.listener(this.endpoint.transport))
    await this.#route.settle()
  }

  /** The oldest request of this method not yet taken; an error names what came instead. */
  async request(method: string): Promise<Arrived> {
    return this.#take((message) => message instanceof SipRequest && message.method === method, `a ${method}`)
  }

  /** The oldest reply not yet taken with this status, or with any final status. */
  async reply(status?: number): Promise<Arrived> {
    return this.#take(
      (message) =>
        message instanceof SipReply && (status === undefined ? message.status >= 200 : message.status === status),
      status === undefined ? 'a final reply' : `a ${status}`,
    )
  }

  /** What has come and was not taken. */
  async unread(): Promise<readonly Arrived[]> {
    await this.#route.settle()
    return [...this.#unread]
  }

  /** Answers a request. */
  async answer(request: Arrived, status: number, options: ReplyOptions = {}): Promise<void> {
    if (!(request.message instanceof SipRequest)) throw new TypeError('only a request can be answered')
    const { reason, ...rest } = options
    const wire = buildReply(request.message, status, reason ?? '', rest)
    this.endpoint.answer(request.received, wire)
    await this.#route.settle()
  }

  async #take(wanted: (message: SipMessage) => boolean, what: string): Promise<Arrived> {
    const index = () => this.#unread.findIndex((arrived) => wanted(arrived.message))
    const until = performance.now() + this.#route.patience
    for (let turn = 0; index() < 0 && (turn < 200 || performance.now() < until); turn++) await this.#route.settle()
    const at = index()
    if (at >= 0) return this.#unread.splice(at, 1)[0]!
    const seen = this.#unread.map((arrived) => arrived.message.raw.split('\r\n', 1)[0]).join(', ')
    const complaints = this.#route.lines.filter((line) => line.level === 'error' || line.level === 'warn').slice(-5)
    throw new Error(
      `${what} did not reach ${this.at}; unread there: ${seen || 'nothing'}${complaints.map((line) => `\n${line.level}: ${line.message} ${JSON.stringify(line.fields)}`).join('')}`,
    )
  }
}

export class RouteUnderTest {
  readonly clock: ManualClock
  readonly network: MemoryNetwork
  readonly relay: FakeRelay
  /** What the engine logged, oldest first. */
  readonly lines: LoggedLine[] = []
  /** {@link RouteOptions.patience}. */
  readonly patience: number
  #engine: Engine | undefined

  private constructor(options: RouteOptions) {
    this.patience = options.patience ?? 0
    this.clock = new ManualClock()
    this.network = createMemoryNetwork(this.clock)
    this.relay = createFakeRelay(options.interfaces ? { interfaces: options.interfaces } : {})
  }

  /** Loads a routing script and starts the engine on it. */
  static async load(file: string, options: RouteOptions = {}): Promise<RouteUnderTest> {
    const route = new RouteUnderTest(options)
    let serial = 0
    const log = (level: LoggedLine['level']) => (fields: LogFields, message: string) => {
      route.lines.push({ level, fields, message })
    }
    route.#engine = await createEngine({
      file,
      clock: route.clock,
      relay: route.relay,
      log: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
      ids: createIds((bytes) => (++serial).toString(16).padStart(bytes * 2, '0')),
      transport: (transportOptions) =>
        route.network.transport({ ...transportOptions, hosts: { ...transportOptions.hosts, ...options.hosts } }),
      env: options.env ?? {},
      defines: new Map(Object.entries(options.defines ?? {})),
      ...(options.listen ? { listen: [...options.listen] } : {}),
    })
    await route.#engine.start()
    return route
  }

  get engine(): Engine {
    if (!this.#engine) throw new Error('the engine was not started')
    return this.#engine
  }

  /** A far end at `tls:207.46.198.124:5061`; `names` are those of its certificate. */
  party(at: string, options: { names?: readonly string[]; verified?: boolean } = {}): Party {
    const [, transport, address, port] = /^(udp|tcp|tls):\[?(.+?)\]?:(\d+)$/.exec(at) ?? []
    if (!transport || !address || !port) throw new TypeError(`"${at}" is not transport:address:port`)
    return new Party(this, this.network.endpoint(transport as Transport, address, Number(port), options))
  }

  /** The border's own listener of a transport. */
  listener(transport: Transport): { address: string; port: number } {
    const listener = this.engine.view.listeners.find((each) => each.transport === transport)
    if (!listener) throw new Error(`the script listens on no ${transport}`)
    return listener
  }

  /** Moves the clock on, and lets everything happen that falls due. */
  async advance(milliseconds: number): Promise<void> {
    this.clock.advance(milliseconds)
    await this.settle()
  }

  /** Lets everything happen that does not wait for the clock. */
  async settle(): Promise<void> {
    await this.network.settle()
  }

  async close(): Promise<void> {
    await this.#engine?.close()
  }
}
