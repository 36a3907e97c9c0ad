// Owns what the answers of a request's branches come to (RFC 3261 16.7): which go upstream, which route decides, which one is the best.

import type { MessageEdit, SipReply } from '../sip/index.ts'
import type { Flow } from '../transport/index.ts'
import { type Branch, TIMED_OUT, UNREACHABLE } from './branch.ts'
import type { CallShare } from './call-share.ts'
import { challengeEdits, forwardReply, statusEdit } from './forwarding.ts'
import type { ProxyHost } from './proxy-host.ts'
import type { Relaying } from './relaying.ts'
import { ReplySequence } from './reply-sequence.ts'
import type { ResponseContext } from './response-context.ts'
import { afterRoute } from './route-end.ts'
import type { FailureContext, ReplyOutcome } from './router.ts'
import type { Upstream } from './upstream.ts'

/** The request whose branches these are. */
export interface Answered extends FailureContext {
  readonly method: string
  readonly call: CallShare
  /** Final reply of the proxy itself; nothing happens when there is one already. */
  refuse(status: number, reason: string): void
  /** Something has come to its end: it may have been the last. */
  endIfDone(): void
}

export class Outcomes {
  /** The route that decides when all branches have failed. */
  onFailure: string | undefined
  readonly #host: ProxyHost
  readonly #request: Answered
  readonly #responses: ResponseContext
  readonly #relaying: Relaying
  readonly #upstream: Upstream
  #replies: ReplySequence | undefined
  #isFailing = false
  /** Routes for the failure of one branch that are at work. */
  #branchesFailing = 0

  constructor(
    host: ProxyHost,
    request: Answered,
    parts: { responses: ResponseContext; relaying: Relaying; upstream: Upstream },
  ) {
    this.#host = host
    this.#request = request
    this.#responses = parts.responses
    this.#relaying = parts.relaying
    this.#upstream = parts.upstream
  }

  /** A failure route is at work. */
  get isFailing(): boolean {
    return this.#isFailing
  }

  /** A relay, or the route for the failure of a branch, is at work: more branches may come. */
  get isGrowing(): boolean {
    return this.#relaying.isBusy || this.#branchesFailing > 0
  }

  /** Some route or relay has not come to its end. */
  get isBusy(): boolean {
    return this.#isFailing || this.isGrowing || this.#replies?.busy === true
  }

  reply(branch: Branch, reply: SipReply, flow: Flow): void {
    this.#replies ??= new ReplySequence(this.#host, this.#request, this)
    this.#replies.push(branch, reply, flow)
  }

  /** A branch has its outcome without a reply: 408 or 503. */
  failed(branch: Branch, status: number): void {
    branch.settle(status, undefined, NO_EDITS)
    if (status === UNREACHABLE) this.#host.counters.unreachable++
    else this.#host.counters.timeouts++
    this.#branchDone(branch)
  }

  takeReply(branch: Branch, received: SipReply, outcome: ReplyOutcome): void {
    const { status } = received
    const reply = outcome.message ?? received
    if (status < 200 && !outcome.drop) branch.rang = true
    // 16.7 step 2: a 100 is for this hop.
    if (status === 100) return
    if (status < 200) {
      // 16.7 step 5: every other provisional reply goes on at once.
      if (!outcome.drop && !this.#request.replied)
        this.#upstream.pass(forwardReply(reply, outcome.edits), status, reply.reason, reply)
      return
    }
    if (outcome.drop) {
      const { timers, times } = this.#host.transactions
      branch.waitInVain(timers, times.fr)
      return
    }
    if (status < 300) {
      this.#takeSuccess(branch, reply, outcome.edits)
      return
    }
    // What Timer C has given up already.
    if (branch.status !== 0) return
    branch.settle(status, reply, outcome.edits)
    // 16.7 step 5: after a 6xx the others are cancelled.
    if (status >= 600) this.cancelOpen(`Reason: SIP;cause=${status}\r\n`)
    this.#branchDone(branch)
  }

  /** A branch has failed: its own route may send it elsewhere before the others are looked at. */
  #branchDone(branch: Branch): void {
    this.#responses.lastDone = branch
    const route = branch.spec.onBranchFailure
    if (route === undefined || this.#request.replied) {
      this.check()
      return
    }
    this.#branchesFailing++
    const done = (): void => {
      this.#branchesFailing--
      this.check()
      this.#request.endIfDone()
    }
    const { reply, status, timedOut, rang, index, spec } = branch
    const failure = { reply, status, timedOut, branchReplied: rang, branch: index, uri: spec.uri }
    afterRoute(
      () => this.#host.router.branchFailure(this.#request, { ...failure, nextHop: spec.nextHop }, route),
      done,
      (error) => this.#host.routeFailed('branch failure', this.#request, error),
    )
  }

  #takeSuccess(branch: Branch, reply: SipReply, edits: readonly MessageEdit[]): void {
    branch.settle(reply.status, undefined, NO_EDITS)
    if (this.#request.replied && this.#request.method !== 'INVITE') return
    // 16.7 step 5: a 2xx goes on at once, and for INVITE each of them, whatever went upstream before.
    this.#upstream.pass(forwardReply(reply, edits), reply.status, reply.reason, reply)
    // 16.7 step 10.
    this.cancelOpen('Reason: SIP;cause=200;text="Call completed elsewhere"\r\n')
  }

  /** Cancels branches without an outcome; `extraHeaders` are whole lines. */
  cancelOpen(extraHeaders: string): void {
    for (const branch of this.#responses.branches) if (branch.status === 0) branch.cancel(extraHeaders)
  }

  /** Goes on when every branch has its outcome. */
  check(): void {
    if (this.#request.replied || this.#isFailing || this.isGrowing || this.#responses.open) return
    const best = this.#responses.best()
    if (best === undefined) return
    this.#responses.winner = best
    // What came only now is not counted yet.
    this.#responses.winnerReplied = best.rang || (best !== this.#responses.lastDone && best.isRefused)
    const route = this.onFailure
    this.onFailure = undefined
    if (route === undefined) this.#sendBest(best)
    else this.#runFailure(route, best)
  }

  #runFailure(route: string, best: Branch): void {
    this.#isFailing = true
    const count = this.#responses.branches.length
    const done = (): void => {
      this.#isFailing = false
      if (this.#responses.branches.length > count) this.check()
      // t_drop_replies has left none.
      else if (this.#responses.best() === undefined)
        this.#request.refuse(500, "I'm terribly sorry, server error occurred (1/TM)")
      else this.#sendBest(best)
      this.#request.endIfDone()
    }
    afterRoute(
      () => this.#host.router.failure(this.#request, route),
      done,
      (error) => this.#host.routeFailed('failure', this.#request, error),
    )
  }

  #sendBest(best: Branch): void {
    if (this.#request.replied) return
    const { reply, status } = best
    if (!this.#request.canceled && best.timedOut) this.#request.call.failure = 'timeout'
    if (reply === undefined) {
      // A branch that was given up on behalf of the caller.
      if (this.#request.canceled) this.#request.refuse(487, 'Request Terminated')
      else if (status === TIMED_OUT) this.#request.refuse(TIMED_OUT, 'Request Timeout')
      // 16.9 counts a hop that cannot be reached as 503. It is told as such: nothing behind this proxy can serve the call.
      else this.#request.refuse(UNREACHABLE, 'Service Unavailable')
      return
    }
    const edits = [...best.edits]
    if (status === 401 || status === 407) edits.push(...challengeEdits(reply, this.#responses.otherChallenges(best)))
    if (status === 503 && this.#host.options.translate503 === 'on') {
      // 16.7 step 6: another element's overload is not this proxy's.
      edits.push(statusEdit(reply, 500, 'Server Internal Error'))
      this.#upstream.pass(forwardReply(reply, edits), 500, 'Server Internal Error', reply)
      return
    }
    this.#upstream.pass(forwardReply(reply, edits), status, reply.reason, reply)
  }
}

const NO_EDITS: readonly MessageEdit[] = []
