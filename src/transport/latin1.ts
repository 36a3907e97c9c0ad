// Owns the change between bytes and latin1 text, one character a byte.

/** The text of a part of a buffer. Node's own method, without the checks of `toString`: it runs for every datagram and chunk. */
export function latin1(bytes: Buffer, start = 0, end = bytes.length): string {
  return (bytes as Buffer & { latin1Slice(start: number, end: number): string }).latin1Slice(start, end)
}

/** Names of a certificate and messages of errors may hold any character; records hold bytes. */
export function latin1Only(text: string): string {
  return text.replace(/[^\u0000-\u00ff]/g, '?')
}
