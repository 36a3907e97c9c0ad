// Owns identifiers of a shard: a Call-ID that it makes leads the replies back to it.
import { randomHex } from '../engine/index.ts'
import { createIds, type IdSource } from '../sip/index.ts'
import { shardOf } from '../transport/index.ts'

/** Identifiers of the shard that `shard` tells, one of `shards`. */
export function shardIds(shards: number, shard: () => number): IdSource {
  const ids = createIds(randomHex)
  if (shards === 1) return ids
  return {
    ...ids,
    callId() {
      for (;;) {
        const made = ids.callId()
        if (shardOf(made, shards) === shard()) return made
      }
    },
    serves: (callId) => shardOf(callId, shards) === shard(),
  }
}
