// Owns what cannot be the same in two proxies: generated branches, tags and Call-IDs. They become stars.

const OURS = /^(?:from|to|uas)\d/

/** Parameters of a Via in the order of the alphabet: RFC 3261 gives them none, and each proxy adds its own elsewhere. */
function sortVia(line: string): string {
  const [first = '', ...parameters] = line.split(';')
  return [first, ...parameters.sort()].join(';')
}

/** Lines of a request that the proxy makes itself, in the order of the alphabet: RFC 3261 7.3.1 gives them none. */
function sortLines(text: string): string {
  const [first = '', ...lines] = text.split('\r\n')
  return [first, ...lines.sort()].join('\r\n')
}

/** One message, its lines as they came. */
export function maskMessage(text: string): string {
  const masked = text
    .replace(/^Max-Forwards:\s+/gm, 'Max-Forwards: ')
    .replace(/^Via: [^,\r]*(?=\r)/gm, sortVia)
    .replace(/branch=(z9hG4bK)?([^;,\s]*)/gi, (whole, _magic, value: string) =>
      value.startsWith('our') ? whole : 'branch=*',
    )
    .replace(/\bnonce="[^"]*"/g, 'nonce=*')
    .replace(/^Date: .*$/gm, 'Date: *')
    .replace(/;tag=([^;>\s,]*)/gi, (whole, tag: string) => (OURS.test(tag) ? whole : ';tag=*'))
  return /^(?:ACK|CANCEL) /.test(masked) ? sortLines(masked) : masked
}

/** Retransmissions come when they like: what came already is not kept again. */
export function once(messages: readonly string[]): string[] {
  return [...new Set(messages.map(maskMessage))]
}
