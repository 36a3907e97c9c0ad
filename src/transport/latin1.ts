// Owns the change of received bytes into latin1 text, one character a byte.

/** The text of a part of a buffer. Node's own method, without the checks of `toString`: it runs for every datagram and chunk. */
export function latin1(bytes: Buffer, start = 0, end = bytes.length): string {
  return (bytes as Buffer & { latin1Slice(start: number, end: number): string }).latin1Slice(start, end)
}
