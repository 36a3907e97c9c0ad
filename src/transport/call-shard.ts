// Owns the choice of a shard for a message: a hash of its Call-ID. The native side of the same rule is native/call_shard.h.

const NAME = /(?:^|\n)(?:call-id|i)[ \t]*:/i

/** The Call-ID of a message as it lies on the wire, without blanks around it; empty when there is none. */
export function callIdOf(wire: string): string {
  let from = 0
  while (wire.charCodeAt(from) === 13 || wire.charCodeAt(from) === 10) from++
  for (let at = from; at < wire.length; ) {
    const lineFeed = wire.indexOf('\n', at)
    if (lineFeed < 0) return ''
    if (lineFeed === at || (lineFeed === at + 1 && wire.charCodeAt(at) === 13)) return ''
    const first = wire.charCodeAt(at) | 0x20
    if (first === 0x63 || first === 0x69) {
      const name = NAME.exec(wire.slice(at, lineFeed))
      if (name?.index === 0) {
        let end = lineFeed + 1
        // RFC 3261 7.3.1: a value may go on after a line break that a blank follows.
        while (wire.charCodeAt(end) === 32 || wire.charCodeAt(end) === 9) {
          const more = wire.indexOf('\n', end)
          end = more < 0 ? wire.length : more + 1
        }
        return trimmed(wire, at + name[0].length, end)
      }
    }
    at = lineFeed + 1
  }
  return ''
}

function trimmed(text: string, from: number, to: number): string {
  let start = from
  let end = to
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 13 || code === 10
}

/** FNV-1a with a last mix, so that names that differ in one digit spread over few shards. */
export function callIdHash(callId: string): number {
  let hash = 2_166_136_261
  for (let i = 0; i < callId.length; i++) hash = Math.imul(hash ^ callId.charCodeAt(i), 16_777_619)
  hash ^= hash >>> 15
  hash = Math.imul(hash, 2_246_822_519)
  hash ^= hash >>> 13
  return hash >>> 0
}

/** The shard, from 0 on, that a call belongs to. */
export function shardOf(callId: string, shards: number): number {
  return shards === 1 ? 0 : callIdHash(callId) % shards
}
