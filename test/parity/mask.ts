// Owns what cannot be the same in two proxies: generated branches, tags and Call-IDs. They become stars.

const OURS = /^(?:from|to|uas)\d/

/** Parameters of a Via in the order of the alphabet: RFC 3261 gives them none, and each proxy adds its own elsewhere. */
function sortVia(line: string): string {
  const [first = '', ...parameters] = line.split(';')
  return [first, ...parameters.sort()].join(';')
}

/** RFC 3581 4: beside a filled rport stands received, also where it says what the Via says; 5.6.3 leaves it out there. */
function withoutOwnReceived(line: string): string {
  const sentBy = /^Via: SIP\/2\.0\/\w+ ([^:;\s]+)/.exec(line)?.[1]
  return sentBy !== undefined && /;rport=\d/.test(line) ? line.replace(`;received=${sentBy}`, '') : line
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
    .replace(/^Via: [^,\r]*(?=\r)/gm, (line) => sortVia(withoutOwnReceived(line)))
    .replace(/branch=(z9hG4bK)?([^;,\s]*)/gi, (whole, _magic, value: string) =>
      value.startsWith('our') ? whole : 'branch=*',
    )
    .replace(/\bnonce="[^"]*"/g, 'nonce=*')
    .replace(/^Date: .*$/gm, 'Date: *')
    .replace(/;tag=([^;>\s,]*)/gi, (whole, tag: string) => (OURS.test(tag) ? whole : ';tag=*'))
  if (!/^(?:ACK|CANCEL) /.test(masked)) return masked
  // RFC 3326: why a branch lost is told in some CANCELs and not in others.
  return sortLines(masked.replace(/^Reason: SIP;cause=[26]\d\d.*\r\n/m, ''))
}

/** Retransmissions come when they like: what came already is not kept again. */
export function once(messages: readonly string[]): string[] {
  return [...new Set(messages.map(maskMessage))]
}

/** What is left of the time of a contact: cases whose times are all whole tens may take some seconds. */
export const wholeTens = (text: string): string => text.replace(/;expires=(\d+)/g, nextTen)

/** The same where a second or two have passed: other times are compared as they are. */
export const nearTens = (text: string): string => text.replace(/;expires=(\d+[89])(?!\d)/g, nextTen)

const nextTen = (_: string, seconds: string): string => `;expires=${Math.ceil(Number(seconds) / 10) * 10}`
