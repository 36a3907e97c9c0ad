// Owns the calls: INVITEs and the dialogs they make, from the first message to the BYE, so that each call ends exactly once.

import { detach, type SipRequest } from '../sip/index.ts'
import { Deadline, type Expiring, type TimerQueue } from '../transaction/index.ts'
import type { Flow } from '../transport/index.ts'
import type { CallEndReason, CallSummary } from './router.ts'

/** What the call table needs around it. */
export interface CallTableOptions {
  timers: TimerQueue
  wallclock: () => number
  limit: number
  /** Milliseconds without a request of the dialog. */
  idleMillis: number
  ended: (summary: CallSummary) => void
}

/** One call: the INVITEs with its Call-ID and From tag that wait for an answer, and the dialogs that came of them. */
export class Call {
  readonly callId: string
  readonly fromTag: string
  readonly from: string
  readonly to: string
  readonly requestUri: string
  readonly source: string
  readonly startedAt: number
  /** Another call with the same Call-ID. */
  next: Call | undefined
  /** INVITEs without a final reply. */
  pending = 0
  /** To tags of the dialogs that are up. */
  readonly dialogs: string[] = []
  destination = ''
  hops = 0
  label: string | undefined
  /** Monotonic moments, -1 before they came. */
  readonly invitedAt: number
  rangAt = -1
  answeredAt = -1
  finalAt = -1
  seenAt: number
  status = 0
  statusReason = ''
  toTag = ''
  over = false

  constructor(invite: SipRequest, flow: Flow, now: number, wallclock: number) {
    // A call outlives its INVITE by hours: copies, lest each holds the whole message.
    this.callId = detach(invite.callId)
    this.fromTag = detach(invite.fromTag)
    this.from = detach(invite.from?.uri ?? '')
    this.to = detach(invite.to?.uri ?? '')
    this.requestUri = detach(invite.requestUri)
    this.source = `${flow.transport}:${endpoint(flow.remoteAddress, flow.remotePort)}`
    this.invitedAt = now
    this.seenAt = now
    this.startedAt = wallclock
  }
}

/** Calls that may share a Call-ID: looking one up walks through them, so strangers must not make that walk long. */
const SAME_CALL_ID = 32

/** The calls by Call-ID, oldest activity first. */
export class CallTable implements Expiring {
  readonly #deadline = new Deadline(this)
  readonly #options: CallTableOptions
  readonly #calls = new Map<string, Call>()
  #count = 0
  idleMillis: number
  limit: number

  constructor(options: CallTableOptions) {
    this.#options = options
    this.idleMillis = options.idleMillis
    this.limit = options.limit
  }

  /** Calls that are not over. */
  get size(): number {
    return this.#count
  }

  /** Dialogs that are up. */
  get dialogs(): number {
    let sum = 0
    for (const first of this.#calls.values())
      for (let call: Call | undefined = first; call !== undefined; call = call.next) sum += call.dialogs.length
    return sum
  }

  /** An INVITE without a To tag came in. Undefined when the table is full. */
  invite(request: SipRequest, flow: Flow): Call | undefined {
    let call = this.begunBy(request)
    if (call === undefined) {
      if (this.#count >= this.limit || this.#chainLength(request.callId) >= SAME_CALL_ID) return undefined
      call = new Call(request, flow, this.#options.timers.now(), this.#options.wallclock())
      this.#add(call)
    }
    call.pending++
    this.#touch(call)
    return call
  }

  /** The call that this INVITE has begun. Undefined when it is over. */
  begunBy(invite: SipRequest): Call | undefined {
    return this.#find(invite.callId, (call) => call.fromTag === invite.fromTag)
  }

  /** A request with a To tag: its call, if it is one of ours. Counts as a sign of life. */
  inDialog(request: SipRequest): Call | undefined {
    const { fromTag, toTag } = request
    const call = this.#find(
      request.callId,
      (c) =>
        (c.fromTag === fromTag && c.dialogs.includes(toTag)) || (c.fromTag === toTag && c.dialogs.includes(fromTag)),
    )
    if (call !== undefined) this.#touch(call)
    return call
  }

  /** Whether an ACK belongs to a call that is up here. */
  awaitsAck(request: SipRequest): boolean {
    return this.#find(request.callId, (c) => c.fromTag === request.fromTag || c.fromTag === request.toTag) !== undefined
  }

  /** A provisional reply to the INVITE went upstream. */
  rang(call: Call, status: number): void {
    if (status >= 180 && call.rangAt < 0) call.rangAt = this.#options.timers.now()
  }

  /** A 2xx to the INVITE went upstream: a dialog is up. */
  answered(call: Call, tag: string, status: number, reason: string): void {
    if (call.over) return
    const toTag = detach(tag)
    if (call.answeredAt < 0) {
      const now = this.#options.timers.now()
      call.answeredAt = now
      call.finalAt = now
      call.status = status
      call.statusReason = detach(reason)
      call.toTag = toTag
    }
    if (!call.dialogs.includes(toTag)) call.dialogs.push(toTag)
  }

  /** A failure to the INVITE went upstream. */
  refused(call: Call, status: number, reason: string): void {
    if (call.over || call.answeredAt >= 0) return
    call.status = status
    call.statusReason = detach(reason)
    call.finalAt = this.#options.timers.now()
  }

  /** An INVITE has its final reply, or will never get one. The call ends unless a dialog or another INVITE holds it. */
  settled(call: Call, reason: CallEndReason): void {
    if (call.pending > 0) call.pending--
    if (!call.over && call.pending === 0 && call.dialogs.length === 0)
      this.#end(call, reason, reason === 'canceled' ? 'caller' : 'callee')
  }

  /** The dialog of this request is over: BYE was answered, or the far end knows it no more. */
  dialogOver(call: Call, request: SipRequest, reason: CallEndReason): void {
    const byCaller = request.fromTag === call.fromTag
    const tag = byCaller ? request.toTag : request.fromTag
    const at = call.dialogs.indexOf(tag)
    if (at >= 0) call.dialogs.splice(at, 1)
    if (call.over || call.dialogs.length > 0 || call.pending > 0) return
    call.toTag = tag
    this.#end(call, reason, byCaller ? 'caller' : 'callee')
  }

  /** Answered, and nothing of it will be seen here any more. */
  untracked(call: Call): void {
    call.dialogs.length = 0
    if (!call.over && call.pending === 0) this.#end(call, 'untracked', 'proxy')
  }

  /** Ends every call. */
  close(): void {
    for (const first of [...this.#calls.values()])
      for (let call: Call | undefined = first; call !== undefined; ) {
        const next: Call | undefined = call.next
        this.#end(call, 'shutdown', 'proxy')
        call = next
      }
    this.#options.timers.clear(this.#deadline)
  }

  /** Forgets calls that nothing was heard of for the idle time. */
  expire(now: number): void {
    for (const first of this.#calls.values()) {
      let oldest = now
      for (let call: Call | undefined = first; call !== undefined; ) {
        const next: Call | undefined = call.next
        // An INVITE under way has its own timers.
        if (call.pending === 0 && call.seenAt + this.idleMillis <= now) this.#end(call, 'idle', 'proxy')
        else oldest = Math.min(oldest, call.pending > 0 ? now : call.seenAt)
        call = next
      }
      // Calls stand in the order of their last sign of life.
      if (oldest + this.idleMillis > now) break
    }
    this.#arm(now)
  }

  #arm(now: number): void {
    const first = this.#calls.values().next().value
    if (first === undefined) {
      this.#options.timers.clear(this.#deadline)
      return
    }
    const wait = first.seenAt + this.idleMillis - now
    this.#options.timers.set(this.#deadline, Math.max(wait, 1000))
  }

  #find(callId: string, matches: (call: Call) => boolean): Call | undefined {
    for (let call = this.#calls.get(callId); call !== undefined; call = call.next) if (matches(call)) return call
    return undefined
  }

  #chainLength(callId: string): number {
    let length = 0
    for (let call = this.#calls.get(callId); call !== undefined; call = call.next) length++
    return length
  }

  #add(call: Call): void {
    call.next = this.#calls.get(call.callId)
    this.#calls.delete(call.callId)
    this.#calls.set(call.callId, call)
    this.#count++
    if (this.#deadline.place < 0) this.#options.timers.set(this.#deadline, this.idleMillis)
  }

  #touch(call: Call): void {
    const now = this.#options.timers.now()
    if (call.seenAt === now) return
    call.seenAt = now
    const first = this.#calls.get(call.callId)
    if (first === undefined) return
    this.#calls.delete(call.callId)
    this.#calls.set(call.callId, first)
  }

  #end(call: Call, reason: CallEndReason, endedBy: CallSummary['endedBy']): void {
    if (call.over) return
    call.over = true
    this.#remove(call)
    const now = this.#options.timers.now()
    const finalAt = call.finalAt < 0 ? now : call.finalAt
    this.#options.ended({
      callId: call.callId,
      fromTag: call.fromTag,
      toTag: call.toTag,
      reason,
      status: call.status,
      statusReason: call.statusReason,
      from: call.from,
      to: call.to,
      requestUri: call.requestUri,
      source: call.source,
      destination: call.destination,
      hops: call.hops,
      endedBy,
      startedAt: call.startedAt,
      setupMillis: finalAt - call.invitedAt,
      ringMillis: call.rangAt < 0 ? 0 : finalAt - call.rangAt,
      talkMillis: call.answeredAt < 0 ? 0 : now - call.answeredAt,
      label: call.label,
    })
  }

  #remove(call: Call): void {
    const first = this.#calls.get(call.callId)
    if (first === call) {
      if (call.next === undefined) this.#calls.delete(call.callId)
      else this.#calls.set(call.callId, call.next)
    } else {
      let before = first
      while (before !== undefined && before.next !== call) before = before.next
      if (before === undefined) return
      before.next = call.next
    }
    call.next = undefined
    this.#count--
    if (this.#count === 0) this.#options.timers.clear(this.#deadline)
  }
}

/** `address:port`, IPv6 in brackets. */
export function endpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
