// Owns one stream connection: its time-outs, its write queue and what becomes of unsent messages.
import type { Clock, Timer } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import type { Awaited, ParseLimits } from '../sip/index.ts'
import { type CloseReason, type ConnectionEnd, PONG_MILLIS, REMEDY } from './close-reason.ts'
import { nextFlowId } from './flow-table.ts'
import { endpointText } from './ip-address.ts'
import type {
  ConnectionIdentity,
  FramingError,
  Lane,
  LaneFlow,
  LaneSeat,
  StreamEvents,
  StreamFlow,
  StreamSocket,
} from './sockets.ts'
import { type DialectItem, type StreamDialect, sipDialect, webDialect } from './stream-dialect.ts'
import type { FlowPeer, Listener, SendFailed, Transport, TransportLimits } from './types.ts'
import { isWeb, webFace } from './websocket-face.ts'

/** What a connection needs of its surroundings. */
export interface ConnectionOwner {
  readonly clock: Clock
  readonly limits: TransportLimits
  readonly parseLimits: ParseLimits
  /** Where plain messages pass by. */
  readonly lane: Lane | undefined
  message(raw: string, connection: Connection): void
  /** How long a connection stays after bytes that are not SIP, for the answers to what came before them. */
  readonly framingGraceMillis: number
  /** The bytes are not SIP; the connection closes once what this writes is out. */
  framingError(error: FramingError, connection: Connection): void
  keepAlive(): void
  opened(connection: Connection): void
  /** It speaks WebSocket from now on, under another transport. */
  upgraded(connection: Connection, before: Transport): void
  closed(connection: Connection, end: ConnectionEnd): void
  /** Bytes written and not yet taken by the kernel changed by `delta`; false when the total bound is crossed. */
  account(delta: number): boolean
}

/** What the answer begins with that makes a connection a WebSocket (RFC 6455 4.2.2). */
const UPGRADE = 'HTTP/1.1 101 '
/** Enough for the messages that can be under way when a connection breaks; older ones have a timer of their own. */
const UNPROVEN = 32

/** A connection is itself the flow of what arrives on it. */
export class Connection implements StreamFlow, StreamEvents, LaneFlow {
  readonly id = nextFlowId()
  readonly reliable = true
  transport: Transport
  listener: Listener
  readonly remoteAddress: string
  readonly remotePort: number
  readonly dialled: boolean
  readonly serverName: string | undefined
  readonly profile: string | undefined
  peer?: FlowPeer
  /** Set when its certificate was replaced: it lives on but takes no new requests. */
  retired = false

  readonly #owner: ConnectionOwner
  #dialect: StreamDialect
  #socket: StreamSocket | undefined
  #seat: LaneSeat | undefined
  #state: 'opening' | 'open' | 'closed' = 'opening'
  #queue: { readonly wire: string; readonly failed: SendFailed }[] = []
  /** Sends that left since the far end was last heard. */
  #unproven: SendFailed[] = []
  /** Why it was closed. */
  #why: string | undefined
  #unwritten = 0
  readonly #created: number
  #lastActivity: number
  #lastProgress = 0
  #partialSince = -1
  #pingAt = -1
  #wasHeard = false
  #doomed = false
  #timer: Timer | undefined
  #timerAt = Number.POSITIVE_INFINITY

  constructor(identity: ConnectionIdentity, owner: ConnectionOwner) {
    this.transport = identity.transport
    this.listener = identity.listener
    this.remoteAddress = identity.remoteAddress
    this.remotePort = identity.remotePort
    this.dialled = identity.dialled
    this.serverName = identity.serverName
    this.profile = identity.profile
    this.#owner = owner
    this.#dialect = sipDialect(owner.parseLimits, identity.dialled)
    this.#created = this.#lastActivity = owner.clock.now()
    this.#wakeAfter(owner.limits.connectMillis, this.#created)
  }

  /** Gives the connection its socket; called once, by whoever dialled or admitted it. */
  attach(socket: StreamSocket): void {
    this.#socket = socket
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  get parseLimits(): ParseLimits {
    return this.#owner.parseLimits
  }

  get awaited(): Awaited {
    return this.#doomed ? 'all' : this.#dialect.awaited
  }

  resend(rest: string, failed: SendFailed): void {
    this.#send(rest, failed)
  }

  send(message: string, failed: SendFailed): void {
    this.#send(this.#dialect.wire(message), failed)
    if (!this.dialled && message.startsWith(UPGRADE) && !isWeb(this.transport)) this.#upgrade()
  }

  finish(code: number, reason: string): void {
    this.#say(this.#dialect.leave(code, reason))
    this.end('asked')
  }

  /** What is of the connection itself; whoever is gone does not miss it. */
  #say(wire: string): void {
    if (wire !== '') this.#send(wire, () => {})
  }

  #upgrade(): void {
    const before = this.transport
    this.#notePassed()
    this.#unproven.push(...(this.#seat?.unproven() ?? []))
    this.#seat = undefined
    this.#socket?.reclaim?.()
    this.listener = webFace(this.listener)
    this.transport = this.listener.transport
    this.#dialect = webDialect(this.#owner.parseLimits.messageBytes)
    this.#owner.upgraded(this, before)
    this.#rearm(this.#owner.clock.now())
  }

  #send(wire: string, failed: SendFailed): void {
    if (this.#state === 'closed') {
      failed(this.#error('the connection is closed; send again to open a new one'))
      return
    }
    if (
      this.#unwritten + wire.length > this.#owner.limits.writeBytesPerConnection ||
      !this.#owner.account(wire.length)
    ) {
      failed(
        this.#error(
          'its write buffer is full: the far end does not read. See limits.writeBytesPerConnection and limits.writeBytes',
        ),
      )
      this.close('overflow')
      return
    }
    if (this.#unwritten === 0) this.#lastProgress = this.#owner.clock.now()
    this.#unwritten += wire.length
    if (this.#state === 'opening') this.#queue.push({ wire, failed })
    else this.#write(wire, failed)
  }

  #write(wire: string, failed: SendFailed): void {
    const { limits, clock } = this.#owner
    const now = clock.now()
    this.#lastActivity = now
    this.#wakeAfter(limits.stallMillis, now)
    this.#socket!.write(wire, (error) => {
      this.#settle(wire.length)
      if (error) failed(this.#error(this.#why ?? error.message, error))
      else if (this.#state === 'open') {
        this.#notePassed()
        if (this.#unproven.length === UNPROVEN) this.#unproven.shift()
        this.#unproven.push(failed)
      }
    })
  }

  // What was reported lost on closing is settled there; late callbacks of the socket change nothing.
  #settle(bytes: number): void {
    if (this.#state === 'closed') return
    this.#unwritten -= bytes
    this.#owner.account(-bytes)
    this.#lastProgress = this.#owner.clock.now()
  }

  open(): void {
    if (this.#state !== 'opening') return
    this.#state = 'open'
    const peer = this.#socket?.peer
    if (peer) this.peer = peer
    const now = this.#owner.clock.now()
    this.#lastActivity = this.#lastProgress = now
    this.#owner.opened(this)
    const { lane } = this.#owner
    if (lane && this.transport === 'tcp') this.#seat = this.#socket?.divert?.(lane, this)
    this.#rearm(now)
    const queue = this.#queue
    this.#queue = []
    for (const { wire, failed } of queue) this.#write(wire, failed)
  }

  data(chunk: string): void {
    if (this.#state === 'closed' || this.#doomed) return
    const now = this.#owner.clock.now()
    this.#heard(now)
    const dialect = this.#dialect
    let whole = false
    for (const item of dialect.push(chunk)) {
      if (this.#isEnded) return
      if (item.kind === 'message') {
        whole = true
        this.#owner.message(item.raw, this)
      } else if (!this.#obey(item)) return
    }
    if (!this.#isEnded) this.#watchPartial(dialect.partial, whole, now)
  }

  /** Whatever comes shows that the far end lives, the answer to our keep-alive above all. */
  #heard(at: number): void {
    this.#lastActivity = Math.max(this.#lastActivity, at)
    this.#pingAt = -1
    this.#wasHeard = true
    if (this.#unproven.length > 0) this.#unproven = []
  }

  /** What passed by the lane counts as if it had passed here. */
  #notePassed(): void {
    const passed = this.#seat?.passed()
    if (!passed) return
    const now = this.#owner.clock.now()
    if (passed.heard >= 0) this.#heard(now - passed.heard)
    if (passed.sent >= 0) this.#lastActivity = Math.max(this.#lastActivity, now - passed.sent)
  }

  /** Whether what comes next is looked at. */
  #obey(item: Exclude<DialectItem, { kind: 'message' }>): boolean {
    switch (item.kind) {
      case 'ping':
        this.#owner.keepAlive()
        this.#say(item.answer)
        return true
      case 'pong':
        this.#owner.keepAlive()
        return true
      case 'close':
        this.#say(item.answer)
        this.end('remote')
        return false
      case 'error':
        if ('answer' in item) {
          this.#say(item.answer)
          this.end('framing')
        } else this.#fail(item)
        return false
    }
  }

  /** The clock of a partial message starts with its first byte and is not set back by the bytes that trickle in. */
  #watchPartial(partial: boolean, whole: boolean, now: number): void {
    if (!partial) this.#partialSince = -1
    else if (this.#partialSince < 0 || whole) {
      this.#partialSince = now
      this.#wakeAfter(this.#owner.limits.partialMillis, now)
    }
  }

  // RFC 3261 18.3: nothing after it can be trusted, and nothing more is read.
  #fail(error: FramingError): void {
    this.#doomed = true
    this.#owner.framingError(error, this)
    const { framingGraceMillis, clock } = this.#owner
    if (framingGraceMillis === 0) this.end('framing')
    else clock.setTimer(framingGraceMillis, () => this.end('framing'))
  }

  closed(error?: Error): void {
    const opening = this.#state === 'opening'
    this.#finish(opening ? 'connect' : 'remote', error ?? this.#silentEnd())
  }

  #silentEnd(): Error | undefined {
    if (this.#state === 'opening') return new Error('the far end closed the connection before it was set up')
    if (!this.dialled || this.transport !== 'tls' || this.#wasHeard) return undefined
    // In TLS 1.3 the client is done before the server has judged its certificate: a refusal looks like an end without a word.
    return new SignalboxError(
      'ERR_TLS',
      'it closed without a word after the handshake; check that it accepts our certificate',
    )
  }

  /** Closes at once; what is queued fails. */
  close(reason: CloseReason, error?: Error): void {
    this.#finish(reason, error)
  }

  /** Ends after what is queued was written; takes nothing more. */
  end(reason: CloseReason | 'remote'): void {
    if (this.#state === 'closed') return
    const socket = this.#socket
    this.#socket = undefined
    this.#finish(reason, undefined)
    socket?.end()
  }

  get #isEnded(): boolean {
    return this.#state === 'closed'
  }

  #finish(reason: CloseReason | 'remote', cause: Error | undefined): void {
    if (this.#state === 'closed') return
    this.#notePassed()
    const passed = this.#seat?.unproven() ?? []
    this.#state = 'closed'
    this.#timer?.cancel()
    this.#owner.account(-this.#unwritten)
    this.#unwritten = 0
    this.#why = REMEDY[reason](this.#owner.limits, cause)
    this.#socket?.destroy()
    const lost = this.#queue.map(({ failed }) => failed)
    // The kernel took these bytes, but the far end was gone when they came, or never listened (RFC 3261 18.4).
    const isUnheard = cause !== undefined || reason === 'stall' || reason === 'keepalive'
    if (isUnheard) lost.push(...passed, ...this.#unproven)
    this.#queue = []
    this.#unproven = []
    const error = this.#error(this.#why, cause)
    this.#owner.closed(this, { reason, error: cause, lost: isUnheard ? error : undefined })
    for (const failed of lost) failed(error)
  }

  #error(why: string, cause?: Error): SignalboxError {
    const name = this.serverName === undefined ? '' : ` (${this.serverName})`
    const to = `${this.transport} ${endpointText(this.remoteAddress, this.remotePort)}${name}`
    const code = cause instanceof SignalboxError ? cause.code : 'ERR_TRANSPORT'
    return new SignalboxError(code, `cannot send to ${to}: ${why}`, cause ? { cause } : undefined)
  }

  #wakeAfter(limit: number, since: number): void {
    if (limit <= 0) return
    const at = since + limit
    if (at >= this.#timerAt || this.#state === 'closed') return
    this.#timer?.cancel()
    this.#timerAt = at
    this.#timer = this.#owner.clock.setTimer(Math.max(0, at - this.#owner.clock.now()), () => this.#tick())
  }

  #rearm(now: number): void {
    const { limits } = this.#owner
    this.#timer?.cancel()
    this.#timerAt = Number.POSITIVE_INFINITY
    if (this.#state === 'opening') {
      this.#wakeAfter(limits.connectMillis, this.#created)
      return
    }
    this.#wakeAfter(limits.idleMillis, this.#lastActivity)
    if (this.#partialSince >= 0) this.#wakeAfter(limits.partialMillis, this.#partialSince)
    if (this.#unwritten > 0) this.#wakeAfter(limits.stallMillis, this.#lastProgress)
    const silence = this.#dialect.silence(limits)
    if (this.#pingAt >= 0) this.#wakeAfter(PONG_MILLIS, this.#pingAt)
    else if (silence > 0) this.#wakeAfter(Math.max(1, silence - (now - this.#lastActivity)), now)
  }

  #tick(): void {
    const { limits, clock } = this.#owner
    this.#notePassed()
    const now = clock.now()
    const expired = this.#expired(now)
    if (expired === 'idle') this.end(expired)
    else if (expired) this.close(expired)
    if (this.#isEnded) return
    const silence = this.#dialect.silence(limits)
    if (this.#state === 'open' && this.#pingAt < 0 && silence > 0 && now - this.#lastActivity >= silence) {
      this.#pingAt = now
      this.#say(this.#dialect.probe)
    }
    this.#rearm(now)
  }

  #expired(now: number): CloseReason | undefined {
    const { limits } = this.#owner
    const over = (limit: number, since: number): boolean => limit > 0 && since >= 0 && now - since >= limit
    if (this.#state === 'opening') return over(limits.connectMillis, this.#created) ? 'connect' : undefined
    if (over(limits.partialMillis, this.#partialSince)) return 'partial'
    if (this.#unwritten > 0 && over(limits.stallMillis, this.#lastProgress)) return 'stall'
    if (over(PONG_MILLIS, this.#pingAt)) return 'keepalive'
    return over(limits.idleMillis, this.#lastActivity) ? 'idle' : undefined
  }
}
