// Owns the branches of a request and the choice of the best answer among them (RFC 3261 16.7).

import type { SipReply } from '../sip/index.ts'
import type { Branch } from './branch.ts'

/** 4xx that tell the caller how to try again; preferred within their class (16.7 step 6). */
const HELPFUL: readonly number[] = [401, 407, 415, 420, 484]

export class ResponseContext {
  branches: Branch[] = []
  /** Client transactions that may still tell something. */
  clients = 0
  /** Where the last leg begins: a new leg makes the answers of earlier ones void (failure_reply_mode 3). */
  legStart = 0
  /** The branch whose outcome came last. */
  lastDone: Branch | undefined
  /** What a failure route is told: the branch that won, and whether it had answered before. */
  winner: Branch | undefined
  winnerReplied = false
  /** t_drop_replies: answers up to here no longer count. */
  #dropped = 0

  /** The request is answered. */
  rest(): void {
    for (const branch of this.branches) branch.rest()
    // An array that has grown has room for many.
    this.branches = this.branches.slice()
  }

  drop(which: 'all' | 'last'): void {
    if (which === 'all') this.#dropped = this.branches.length
    else for (let i = this.legStart; i < this.branches.length; i++) this.#dropped = i + 1
  }

  /** Some branch, of whatever leg, has no outcome. */
  get open(): boolean {
    for (const branch of this.branches) if (branch.status === 0) return true
    return false
  }

  /** t_any_replied: a branch has rung, or had its final reply before that which came last. */
  get anyReplied(): boolean {
    return this.branches.some((branch) => branch.rang || (branch !== this.lastDone && branch.isRefused))
  }

  /** Final status of each branch, 0 while it is open. */
  statuses(): number[] {
    // As in 5.6.3: the reply that a failure route runs for is not counted yet, if it was the first of its branch.
    const uncounted = (branch: Branch) => branch === this.lastDone && branch.isRefused && !branch.rang
    return this.branches.map((branch) => (uncounted(branch) ? 0 : branch.status))
  }

  /** t_any_timeout. */
  get anyTimedOut(): boolean {
    return this.branches.some(({ timedOut }) => timedOut)
  }

  /** The branch of the last leg whose outcome goes upstream. Undefined without any. */
  best(): Branch | undefined {
    let best: Branch | undefined
    for (let i = Math.max(this.legStart, this.#dropped); i < this.branches.length; i++) {
      const branch = this.branches[i]!
      if (branch.status >= 300 && (best === undefined || rank(branch.status) < rank(best.status))) best = branch
    }
    return best
  }

  /** Challenges of the last leg besides that of `chosen` (16.7 step 7). */
  otherChallenges(chosen: Branch): SipReply[] {
    const replies: SipReply[] = []
    for (let i = this.legStart; i < this.branches.length; i++) {
      const { reply, status } = this.branches[i]!
      if (this.branches[i] !== chosen && reply !== undefined && (status === 401 || status === 407)) replies.push(reply)
    }
    return replies
  }
}

/** Lower is better: a 6xx, else the lowest class; within it what helps the caller, then the lowest status. */
function rank(status: number): number {
  if (status >= 600) return status - 600
  const base = Math.floor(status / 100) * 1000
  const helpful = HELPFUL.indexOf(status)
  if (helpful >= 0) return base + helpful
  return base + 10 + (status % 100)
}
