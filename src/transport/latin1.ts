// Owns the change of received bytes into latin1 text, one character a byte.

/** The text of a buffer. Node's own method, without the checks of `toString`: it runs for every datagram and chunk. */
export function latin1(bytes: Buffer): string {
  return (bytes as Buffer & { latin1Slice(start: number, end: number): string }).latin1Slice(0, bytes.length)
}
