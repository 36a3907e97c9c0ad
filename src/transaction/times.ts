// Owns the timer values of RFC 3261 (17, table 4) and RFC 6026, all derived from T1, T2, T4 and the two of tm.

/** All in milliseconds. */
export interface TransactionTimes {
  /** Round-trip estimate: timers A, E, G start here; H, J, L, M and the wait for a cancelled branch are 64 of it. */
  t1: number
  /** Longest retransmission interval of E and G. */
  t2: number
  /** How long a message may stay in the network: I and K. */
  t4: number
  /** Timers B and F: no answer at all (INVITE), no final answer (others). tm's fr_timer. */
  fr: number
  /** Timer C: an INVITE that got a provisional reply, but no final one. tm's fr_inv_timer. */
  frInv: number
  /** Timer D: how long retransmitted failures are acknowledged; at least 32 s by RFC 3261 17.1.1.2. */
  timerD: number
}

export const DEFAULT_TIMES: TransactionTimes = {
  t1: 500,
  t2: 4000,
  t4: 5000,
  fr: 30_000,
  frInv: 120_000,
  timerD: 32_000,
}
