// Owns what one request means for its call: an INVITE that begins it, a request in its dialog that may end it.

import type { SipRequest } from '../sip/index.ts'
import type { Hop } from '../transport/index.ts'
import { type Call, type CallTable, endpoint } from './calls.ts'
import type { BranchSpec, CallEndReason } from './router.ts'

/** The request that has a share in a call. */
export interface CallPart {
  readonly method: string
  /** The request as it came. */
  readonly received: SipRequest
}

export class CallShare {
  /** What the summary of the call repeats. */
  label: string | undefined
  /** How the call ends if its INVITE fails now. */
  failure: CallEndReason = 'failed'
  readonly #calls: CallTable
  readonly #part: CallPart
  #call: Call | undefined
  #begins: 'call' | 'nothing' = 'nothing'
  #recordRouted = false
  #settled = false

  constructor(calls: CallTable, part: CallPart) {
    this.#calls = calls
    this.#part = part
  }

  /** The request is an INVITE that begins this call. */
  begin(call: Call): void {
    this.#call = call
    this.#begins = 'call'
  }

  /** The request belongs to this call. */
  join(call: Call | undefined): void {
    this.#call = call
  }

  /** A branch was sent. */
  branchSent(hop: Hop, spec: BranchSpec): void {
    const call = this.#call
    if (call === undefined || this.#begins === 'nothing') return
    call.hops++
    if (call.answeredAt < 0) call.destination = `${hop.transport}:${endpoint(hop.address, hop.port)}`
    this.#recordRouted ||= spec.edits.some(
      (edit) => edit.recordRoute !== undefined || /(?:^|\n)record-route[ \t]*:/i.test(edit.text),
    )
  }

  /** A reply of a branch went upstream. */
  answeredByBranch(status: number, reason: string, toTag: string): void {
    this.#answered(status, reason, toTag)
    // Nothing of the dialog will be seen here.
    if (status >= 200 && status < 300 && !this.#recordRouted && this.#call !== undefined && this.#begins === 'call')
      this.#calls.untracked(this.#call)
  }

  /** A reply of the proxy itself went upstream. */
  answeredHere(status: number, reason: string, toTag: string): void {
    this.#answered(status, reason, toTag)
  }

  /** The request went on without a transaction: its answer passes unseen. */
  forwarded(): void {
    this.failure = 'untracked'
    if (this.#part.method === 'BYE' && this.#call !== undefined && this.#begins === 'nothing')
      this.#calls.dialogOver(this.#call, this.#part.received, 'bye')
  }

  /** The INVITE is answered. The call may be over long before the INVITE is forgotten, and is not kept for it. */
  rest(): void {
    if (this.#settled || this.#begins === 'nothing') this.#call = undefined
  }

  /** Nothing more comes of the request. */
  ended(): void {
    this.#settle(this.failure)
  }

  #answered(status: number, reason: string, toTag: string): void {
    if (this.#begins === 'call') this.#call ??= this.#calls.begunBy(this.#part.received)
    const call = this.#call
    if (call === undefined) return
    if (this.#begins === 'nothing') {
      this.#answeredInDialog(call, status)
      return
    }
    call.label = this.label
    if (status < 200) this.#calls.rang(call, status)
    else if (status < 300) {
      this.#calls.answered(call, toTag, status, reason)
      this.#settle('failed')
    } else {
      this.#calls.refused(call, status, reason)
      this.#settle(this.failure)
    }
  }

  #answeredInDialog(call: Call, status: number): void {
    if (status < 200) return
    const { method, received } = this.#part
    // 15.1.1: whatever answers a BYE, the dialog is over, unless the BYE was challenged and comes again.
    if (method === 'BYE' && status !== 401 && status !== 407) this.#calls.dialogOver(call, received, 'bye')
    // 12.2.1.2
    else if (status === 481 && (method === 'INVITE' || method === 'UPDATE'))
      this.#calls.dialogOver(call, received, 'gone')
  }

  #settle(reason: CallEndReason): void {
    if (this.#call === undefined || this.#settled || this.#begins === 'nothing') return
    this.#settled = true
    this.#calls.settled(this.#call, reason)
  }
}
