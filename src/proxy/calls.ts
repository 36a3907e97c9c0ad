// Owns the calls: INVITEs and the dialogs they make, from the first message to the BYE, so that each call ends exactly once.

import { detach, type SipRequest } from '../sip/index.ts'
import { Deadline, type Expiring, type TimerQueue } from '../transaction/index.ts'
import type { Flow } from '../transport/index.ts'
import { type Linked, LinkedList } from './linked-list.ts'
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
export class Call implements Linked<Call> {
  readonly callId: string
  readonly fromTag: string
  readonly from: string
  readonly to: string
  readonly requestUri: string
  readonly source: string
  readonly startedAt: number
  /** CSeq number of the INVITE that began it. */
  readonly cseq: number
  /** Another call with the same Call-ID. */
  next: Call | undefined
  older: Call | undefined
  newer: Call | undefined
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
    this.cseq = invite.cseqNumber
    this.source = `${flow.transport}:${endpoint(flow.remoteAddress, flow.remotePort)}`
    this.invitedAt = now
    this.seenAt = now
    this.startedAt = wallclock
  }
}

/** Calls that may share a Call-ID: looking one up walks through them, so strangers must not make that walk long. */
const SAME_CALL_ID = 32

/** The calls by Call-ID, and in the order of their last sign of life. */
export class CallTable implements Expiring {
  readonly #deadline = new Deadline(this)
  readonly #options: CallTableOptions
  readonly #calls = new Map<string, Call>()
  readonly #byActivity = new LinkedList<Call>()
  idleMillis: number
  limit: number

  constructor(options: CallTableOptions) {
    this.#options = options
    this.idleMillis = options.idleMillis
    this.limit = options.limit
  }

  /** Calls that are not over. */
  get size(): number {
    return this.#byActivity.size
  }

  /** Dialogs that are up. */
  get dialogs(): number {
    let sum = 0
    for (let call = this.#byActivity.oldest; call !== undefined; call = call.newer) sum += call.dialogs.length
    return sum
  }

  /** An INVITE without a To tag came in. Undefined when the table is full. */
  invite(request: SipRequest, flow: Flow): Call | undefined {
    const first = this.#calls.get(request.callId)
    let call = find(first, (c) => c.fromTag === request.fromTag)
    if (call !== undefined) this.#touch(call)
    else {
      if (this.size >= this.limit || chainLength(first) >= SAME_CALL_ID) return undefined
      call = new Call(request, flow, this.#options.timers.now(), this.#options.wallclock())
      this.#add(call, first)
    }
    call.pending++
    return call
  }

  /** The call that this INVITE has begun or joined. Undefined when it is over, though a later INVITE may have begun another. */
  begunBy({ callId, fromTag, cseqNumber }: SipRequest): Call | undefined {
    return find(this.#calls.get(callId), (call) => call.fromTag === fromTag && call.cseq <= cseqNumber)
  }

  /** A request with a To tag: its call, if it is one of ours. Counts as a sign of life. */
  inDialog(request: SipRequest): Call | undefined {
    const { fromTag, toTag } = request
    const call = find(
      this.#calls.get(request.callId),
      (c) =>
        (c.fromTag === fromTag && c.dialogs.includes(toTag)) || (c.fromTag === toTag && c.dialogs.includes(fromTag)),
    )
    if (call !== undefined) this.#touch(call)
    return call
  }

  /** Whether an ACK belongs to a call that is up here. */
  awaitsAck(request: SipRequest): boolean {
    const first = this.#calls.get(request.callId)
    return find(first, (c) => c.fromTag === request.fromTag || c.fromTag === request.toTag) !== undefined
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
    if (call.over) return
    if (call.pending === 0 && call.dialogs.length === 0)
      this.#end(call, reason, reason === 'canceled' ? 'caller' : 'callee')
    else this.#touch(call)
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
    for (let call = this.#byActivity.oldest; call !== undefined; call = this.#byActivity.oldest)
      this.#end(call, 'shutdown', 'proxy')
  }

  /** Forgets calls that nothing was heard of for the idle time. */
  expire(now: number): void {
    for (let call = this.#byActivity.oldest; call !== undefined && call.seenAt + this.idleMillis <= now; ) {
      const next: Call | undefined = call.newer
      // An INVITE under way has its own timers.
      if (call.pending > 0) this.#touch(call)
      else this.#end(call, 'idle', 'proxy')
      call = next
    }
    const { oldest } = this.#byActivity
    if (oldest === undefined) return
    this.#options.timers.set(this.#deadline, Math.max(oldest.seenAt + this.idleMillis - now, 1000))
  }

  #add(call: Call, first: Call | undefined): void {
    call.next = first
    this.#calls.set(call.callId, call)
    this.#byActivity.add(call)
    if (this.#deadline.place < 0) this.#options.timers.set(this.#deadline, this.idleMillis)
  }

  #touch(call: Call): void {
    const now = this.#options.timers.now()
    if (call.seenAt === now) return
    call.seenAt = now
    this.#byActivity.remove(call)
    this.#byActivity.add(call)
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
    if (first !== call) {
      let before = first
      while (before !== undefined && before.next !== call) before = before.next
      if (before !== undefined) before.next = call.next
    } else if (call.next !== undefined) this.#calls.set(call.callId, call.next)
    else this.#calls.delete(call.callId)
    call.next = undefined
    this.#byActivity.remove(call)
    if (this.size === 0) this.#options.timers.clear(this.#deadline)
  }
}

/** The first of a chain of calls with one Call-ID that matches. */
function find(first: Call | undefined, matches: (call: Call) => boolean): Call | undefined {
  for (let call = first; call !== undefined; call = call.next) if (matches(call)) return call
  return undefined
}

function chainLength(first: Call | undefined): number {
  let length = 0
  for (let call = first; call !== undefined; call = call.next) length++
  return length
}

/** `address:port`, IPv6 in brackets. */
export function endpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
