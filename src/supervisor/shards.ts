// Owns the memory and events that tie front and workers together; they outlive both, so that nothing under way is lost with a worker.
import type { EngineConfig } from '../engine/index.ts'
import { nativeSockets, SHARD_BYTES, type ShardLink } from '../transport/index.ts'

/** The descriptors of one shard. */
export interface ShardDescriptors {
  readonly memory: number
  readonly event: number
}

/** Numbers that the descriptors have in a process. */
export interface ShardSeats {
  readonly frontEvent: number
  readonly shards: readonly ShardDescriptors[]
  /** Who reads the UDP sockets: the one worker, or the front for all. */
  readonly datagrams: 'read' | 'spread'
}

export interface Shards {
  /** As this process sees them. */
  readonly seats: ShardSeats
  readonly links: readonly ShardLink[]
  /** What a worker inherits: it may come to sit anywhere. */
  readonly descriptors: readonly number[]
  /** The same for a worker whose first inherited one has this number. */
  seatsFrom(first: number): ShardSeats
  close(): void
}

/** Connections live in the front; datagrams go through it where several workers share the sockets. */
export function needsFront(config: EngineConfig, workers: number): boolean {
  return workers > 1 || config.listen.some((spec) => spec.transport !== 'udp')
}

export function createShards(count: number): Shards {
  const native = nativeSockets()
  const datagrams = count > 1 ? 'spread' : 'read'
  const frontEvent = native.createEvent()
  const shards: ShardDescriptors[] = []
  const links: ShardLink[] = []
  for (let n = 0; n < count; n++) {
    const memory = native.createSharedMemory(SHARD_BYTES)
    const event = native.createEvent()
    shards.push({ memory, event })
    links.push({ memory: native.mapSharedMemory(memory, SHARD_BYTES), event })
  }
  const descriptors = [frontEvent, ...shards.flatMap(({ memory, event }) => [memory, event])]
  return {
    seats: { frontEvent, shards, datagrams },
    links,
    descriptors,
    seatsFrom: (first) => ({
      frontEvent: first,
      shards: shards.map((_, n) => ({ memory: first + 1 + 2 * n, event: first + 2 + 2 * n })),
      datagrams,
    }),
    close() {
      for (const fd of descriptors) native.close(fd)
    },
  }
}
