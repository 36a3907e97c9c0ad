// Owns the memory and events that tie front and workers together; they outlive both, so that nothing under way is lost with a worker.
import type { EngineConfig } from '../engine/index.ts'
import { nativeSockets, type Passage, SHARD_BYTES, type ShardLink } from '../transport/index.ts'

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
  /** Where descriptors of connections come from: they are lent to the one worker. */
  readonly taking?: number
}

export interface Shards {
  /** As this process sees them. */
  readonly seats: ShardSeats
  readonly links: readonly ShardLink[]
  /** The way of descriptors from the front to the one worker. */
  readonly passage: Passage | undefined
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
  // Several workers share each connection, by the calls of its messages: there the front must read.
  const passage = count === 1 ? passageOf(native.createPassage()) : undefined
  const shards: ShardDescriptors[] = []
  const links: ShardLink[] = []
  for (let n = 0; n < count; n++) {
    const memory = native.createSharedMemory(SHARD_BYTES)
    const event = native.createEvent()
    shards.push({ memory, event })
    links.push({ memory: native.mapSharedMemory(memory, SHARD_BYTES), event })
  }
  const descriptors = [frontEvent, ...shards.flatMap(({ memory, event }) => [memory, event])]
  if (passage) descriptors.push(passage.taking)
  return {
    seats: { frontEvent, shards, datagrams, ...(passage && { taking: passage.taking }) },
    links,
    passage,
    descriptors,
    seatsFrom: (first) => ({
      frontEvent: first,
      shards: shards.map((_, n) => ({ memory: first + 1 + 2 * n, event: first + 2 + 2 * n })),
      datagrams,
      ...(passage && { taking: first + 1 + 2 * count }),
    }),
    close() {
      for (const fd of descriptors) native.close(fd)
      if (passage) native.close(passage.giving)
    },
  }
}

function passageOf([giving, taking]: [number, number]): Passage {
  return { giving, taking }
}
