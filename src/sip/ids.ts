// Owns the making of branches, tags and Call-IDs. Randomness is a parameter: nobody outside may guess them (RFC 3261 19.3).

/** Where new identifiers come from; tests pass one that counts. */
export interface IdSource {
  /** What follows `z9hG4bK` in a branch. */
  branch(): string
  tag(): string
  callId(): string
  /** Whether messages of that Call-ID come to this process. */
  serves(callId: string): boolean
}

/** Identifiers from `randomHex`, which gives `bytes` random bytes as hexadecimal digits. */
export function createIds(randomHex: (bytes: number) => string): IdSource {
  return {
    branch: () => randomHex(12),
    // RFC 3261 19.3 asks for 32 bits at least.
    tag: () => randomHex(8),
    callId: () => randomHex(16),
    serves: () => true,
  }
}
