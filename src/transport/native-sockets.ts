// Owns the loading of the sip_sockets addon, and checks what is handed to it.
import { createRequire } from 'node:module'
import { SignalboxError } from '../errors.ts'
import { addressFamily } from './ip-address.ts'
import { RING_HEADER } from './shared-ring.ts'

const ADDON = '../../build/Release/sip_sockets.node'

/**
 * Sockets below Node's own, for processes that hand them on. The supervisor binds, passes the descriptor to its workers
 * (`stdio: [..., fd]`) and names it there as `ListenSpec.fd`. Errors carry the system's `code`, as Node's do.
 */
export interface NativeSockets {
  /** A bound descriptor; `tcp` listens already, so that no connection is lost while no worker runs. */
  bind(protocol: 'udp' | 'tcp', address: string, port: number): number
  localPort(fd: number): number
  close(fd: number): void
  /** Another descriptor of the same socket, for an owner of its own. */
  duplicate(fd: number): number
  /** An eventfd: by it one thread or process wakes the event loop of another. */
  createEvent(): number
  signalEvent(fd: number): void
  /** Calls `woken` once for any number of signals. The descriptor stays the caller's. */
  watchEvent(fd: number, woken: () => void): { close(): void }
  /** A thread of its own reads the sockets and spreads datagrams over shards by Call-ID, each into a ring at `offset` of its memory. */
  startSpread(sockets: readonly SpreadSocket[], shards: readonly SpreadShard[], ring: SpreadRing): { close(): void }
  /** Sends one datagram; for what must leave while the worker that owns the socket is gone. */
  sendTo(fd: number, bytes: Uint8Array, address: string, port: number): void
  /** Our address on the way to `address`, undefined where there is none. Sends nothing. */
  routeTo(address: string): string | undefined
  /** A way for descriptors from one process to another; see native/passage.h. */
  createPassage(): [giving: number, taking: number]
  /** Closes what lies in a passage. */
  emptyPassage(taking: number): void
  /** Anonymous memory of that size, all zeros, to be inherited by descriptor. */
  createSharedMemory(bytes: number): number
  /** The memory of a descriptor. Both processes see each other's writes at once; use Atomics. The descriptor may be closed after. */
  mapSharedMemory(fd: number, bytes: number): ArrayBuffer
}

/** A UDP socket that is read for all shards, and the number of its listener. */
export interface SpreadSocket {
  readonly fd: number
  readonly listener: number
}

/** A shard's memory, and the eventfd that wakes it. */
export interface SpreadShard {
  readonly memory: ArrayBuffer
  readonly event: number
}

/** Where in each memory the ring lies. */
export interface SpreadRing {
  readonly offset: number
  readonly capacity: number
}

/** What batched UDP needs besides; see native/udp_batch.h for the layout of the arrays. */
export interface BatchSockets extends NativeSockets, LaneSockets, LoanSockets {
  /** Bytes of the kernel's buffers, as far as it grants them; 0 leaves one as it is. */
  setBuffers(fd: number, receive: number, send: number): void
  /** Takes the descriptor over. Without `received` nothing is read from it: another does. */
  openBatch(
    fd: number,
    received: ((count: number, waitedMicros: number, dropped: number) => void) | undefined,
    inBytes: Uint8Array,
    inMeta: Int32Array,
    outBytes: Uint8Array,
    outMeta: Int32Array,
  ): unknown
  sendBatch(handle: unknown, from: number, to: number): number
}

/** What is told of a stream connection's messages, and how long they may be; see native/stream_source.h. */
export type StreamSource = [
  flow: number,
  port: number,
  listener: number,
  from: string,
  messageBytes: number,
  bodyBytes: number,
]

/** What the lane of streams needs; see native/stream_lane.h. */
export interface LaneSockets {
  openLane(
    memories: ArrayBuffer[],
    inOffset: number,
    outOffset: number,
    capacity: number,
    events: number[],
    event: number,
    report: Int32Array,
    received: (flow: number, chunk: string) => number,
    unsent: (flow: number, rest: string) => void,
    ended: (flow: number, code: number) => void,
    woken: () => void,
  ): unknown
  /** Closes whatever has a handle: a batch, with its descriptor, or a lane. */
  closeHandle(handle: unknown): void
  laneAdd(handle: unknown, fd: number, ...source: StreamSource): boolean
  laneRemove(handle: unknown, flow: number): void
  laneHold(handle: unknown, flow: number, held: boolean): void
  laneLend(handle: unknown, flow: number, giving: number): boolean
  laneTakeBack(handle: unknown, flow: number): void
  laneReport(handle: unknown, flow: number): boolean
  laneRoute(handle: unknown, prefix: string, b: number, c: number, flow: number): void
  laneForget(handle: unknown): void
  laneDrain(handle: unknown, shard: number, limit: number): number
}

/** What a worker needs for the connections that are lent to it; see native/loans.h. */
export interface LoanSockets {
  openLoans(
    taking: number,
    memory: ArrayBuffer,
    offset: number,
    capacity: number,
    arrived: () => void,
    over: (flow: number, code: number) => void,
  ): unknown
  closeHandle(handle: unknown): void
  loanTake(handle: unknown, ...source: StreamSource): number
  loanWrite(handle: unknown, flow: number, text: string): number
  loanDrop(handle: unknown, flow: number): void
}

interface Addon extends Omit<BatchSockets, 'bind' | 'watchEvent' | 'startSpread'> {
  bind(stream: 0 | 1, address: string, port: number): number
  watchEvent(fd: number, woken: () => void): unknown
  startSpread(
    fds: number[],
    listeners: number[],
    memories: ArrayBuffer[],
    offset: number,
    capacity: number,
    events: number[],
  ): unknown
}

let loaded: BatchSockets | undefined
let missing = false

/**
 * The addon, loaded on first use.
 * @throws SignalboxError ERR_NATIVE when it was not built.
 */
export function nativeSockets(): NativeSockets & LaneSockets {
  return batchSockets()
}

function batchSockets(): BatchSockets {
  if (loaded) return loaded
  let addon: Addon
  try {
    addon = createRequire(import.meta.url)(ADDON) as Addon
  } catch (error) {
    throw new SignalboxError(
      'ERR_NATIVE',
      `the addon build/Release/sip_sockets.node does not load: ${(error as Error).message.split('\n')[0]}. Build it with npm run build:native`,
      { cause: error },
    )
  }
  loaded = {
    bind(protocol, address, port) {
      checkEndpoint(address, port)
      return addon.bind(protocol === 'tcp' ? 1 : 0, address, port)
    },
    localPort: (fd) => addon.localPort(descriptor(fd)),
    close: (fd) => addon.close(descriptor(fd)),
    duplicate: (fd) => addon.duplicate(descriptor(fd)),
    createEvent: () => addon.createEvent(),
    signalEvent: (fd) => addon.signalEvent(descriptor(fd)),
    watchEvent(fd, woken) {
      const handle = addon.watchEvent(descriptor(fd), woken)
      return { close: once(() => addon.closeHandle(handle)) }
    },
    startSpread(sockets, shards, ring) {
      for (const { memory } of shards)
        if (memory.byteLength < ring.offset + RING_HEADER + ring.capacity)
          throw new RangeError('a ring beyond its memory')
      const handle = addon.startSpread(
        sockets.map((socket) => descriptor(socket.fd)),
        sockets.map((socket) => socket.listener),
        shards.map((shard) => shard.memory),
        ring.offset,
        size(ring.capacity),
        shards.map((shard) => descriptor(shard.event)),
      )
      return { close: once(() => addon.closeHandle(handle)) }
    },
    sendTo(fd, bytes, address, port) {
      checkEndpoint(address, port)
      addon.sendTo(descriptor(fd), Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), address, port)
    },
    routeTo: (address) => (addressFamily(address) === 0 ? undefined : addon.routeTo(address)),
    createPassage: () => addon.createPassage(),
    emptyPassage: (taking) => addon.emptyPassage(descriptor(taking)),
    createSharedMemory: (bytes) => addon.createSharedMemory(size(bytes)),
    mapSharedMemory: (fd, bytes) => addon.mapSharedMemory(descriptor(fd), size(bytes)),
    setBuffers: (fd, receive, send) => addon.setBuffers(descriptor(fd), receive && size(receive), send && size(send)),
    openBatch: addon.openBatch,
    sendBatch: addon.sendBatch,
    openLane: addon.openLane,
    closeHandle: addon.closeHandle,
    laneAdd: addon.laneAdd,
    laneRemove: addon.laneRemove,
    laneHold: addon.laneHold,
    laneLend: addon.laneLend,
    laneTakeBack: addon.laneTakeBack,
    laneReport: addon.laneReport,
    laneRoute: addon.laneRoute,
    laneForget: addon.laneForget,
    laneDrain: addon.laneDrain,
    openLoans: addon.openLoans,
    loanTake: addon.loanTake,
    loanWrite: addon.loanWrite,
    loanDrop: addon.loanDrop,
  }
  return loaded
}

/** The addon where it was built, for what has a portable substitute. */
export function optionalNativeSockets(): BatchSockets | undefined {
  if (missing) return undefined
  try {
    return batchSockets()
  } catch {
    missing = true
    return undefined
  }
}

function once(close: () => void): () => void {
  let closed = false
  return () => {
    if (!closed) close()
    closed = true
  }
}

function checkEndpoint(address: string, port: number): void {
  if (addressFamily(address) === 0 || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw Object.assign(new Error(`not an endpoint: ${address} port ${port}`), { code: 'EINVAL' })
  }
}

function descriptor(fd: number): number {
  if (Number.isInteger(fd) && fd >= 0) return fd
  throw Object.assign(new Error(`not a descriptor: ${fd}`), { code: 'EBADF' })
}

function size(bytes: number): number {
  if (Number.isInteger(bytes) && bytes > 0 && bytes < 2 ** 31) return bytes
  throw Object.assign(new Error(`not a size: ${bytes}`), { code: 'EINVAL' })
}
