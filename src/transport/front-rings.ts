// Owns what front and shards say to each other: the rings of a shard, and the kinds of records in them.
import { RING_HEADER } from './shared-ring.ts'

/** Bytes of records in a ring: some thousand messages, and many of the longest. */
export const RING_CAPACITY = 1 << 22
/**
 * The same of the ring of datagrams, whose senders nothing holds back: as much as waits until overload control has its effect. What is never
 * used of it takes no memory.
 */
export const DATAGRAMS_CAPACITY = 1 << 24
/** Before the records of a ring; each begins with a page. */
const HEADER_BYTES = 4096
if (RING_HEADER > HEADER_BYTES) throw new Error('the header of a ring is longer than its place')
const RING_BYTES = HEADER_BYTES + RING_CAPACITY
/**
 * Where the rings lie in a shard's memory: datagrams and stream messages come in, what goes to streams goes out, and what the
 * worker read of connections that are lent to it waits for itself, or for the next.
 */
export const DATAGRAMS_AT = 0
export const STREAMS_AT = HEADER_BYTES + DATAGRAMS_CAPACITY
export const OUT_AT = STREAMS_AT + RING_BYTES
export const LOANED_AT = OUT_AT + RING_BYTES
/** Bytes of the memory of one shard. */
export const SHARD_BYTES = LOANED_AT + RING_BYTES

/** Kinds of records. `a`, `b`, `c`, prefix and text of each are named beside it. The native side is native/record_kinds.h. */
export const Kind = {
  /** In: listener, source port, -; source address; the message. Written by native/udp_spread.cc. */
  datagram: 1,
  /** In: flow, source port, listener; transport, source address and, where there is one, what the peer proved as JSON; the message. */
  message: 2,
  /** In: flow; error code; error message: why what was sent over it and not heard of is lost, if it is. The connection is gone. */
  flowClosed: 3,
  /** In: number of the send; error code; error message. */
  sendFailed: 4,
  /**
   * Out: number of the send, port, listener * 4 + 2 where only an open connection is used + 1 where the sender chose the listener;
   * `transport address name`; the message.
   */
  send: 5,
  /** Out: number of the send, flow; the message. */
  reply: 6,
  /** Out: -, flow, code; reason; -. The connection is to end. */
  finish: 7,
  /** In: -. A front begins that has lent nothing: whoever serves says so again. */
  begun: 8,
  /** In: flow, source port, listener; transport, source address; who it is lent to, place in the ring out, limits. See loans.ts. */
  lent: 9,
  /** In: flow. It is wanted back. */
  recalled: 10,
  /** In: number of a `send`, flow; its key; the message. Sends of that key go over that flow, which is lent. */
  carry: 11,
  /** In: -. What was told by `carry` of where sends go holds no longer. */
  unrouted: 12,
  /** Out: worker, serial. It serves from now on, and has nothing that was lent before; worker 0: nobody serves. */
  attached: 13,
  /** Out: -, flow, a code of {@link Returned}; numbers of sends; what the kernel did not take of them. */
  returned: 14,
} as const

/** Why a flow was returned; above these, the error of the system that reading met. */
export const Returned = { fine: 0, later: -1, noRoom: -2 } as const

/** A shard's memory, and the eventfd that wakes who reads it. */
export interface ShardLink {
  readonly memory: ArrayBuffer
  readonly event: number
}
