// Owns the numeric addresses of session descriptions (RFC 8866 9, IP4-address and IP6-address).

export type AddressFamily = 'IP4' | 'IP6'

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const IP4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`)

/** The family of a numeric address without brackets or zone; undefined for anything else. */
export function addressFamily(address: string): AddressFamily | undefined {
  if (IP4.test(address)) return 'IP4'
  return isIp6(address) ? 'IP6' : undefined
}

function isIp6(address: string): boolean {
  if (address.length < 2 || address.length > 45 || !/^[0-9a-fA-F:.]+$/.test(address)) return false
  const halves = address.split('::')
  if (halves.length > 2) return false
  let groups = 0
  for (const [index, half] of halves.entries()) {
    if (half === '') continue
    const parts = half.split(':')
    for (const [position, part] of parts.entries()) {
      const last = index === halves.length - 1 && position === parts.length - 1
      if (last && part.includes('.')) {
        if (!IP4.test(part)) return false
        groups += 2
      } else {
        if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return false
        groups++
      }
    }
  }
  return halves.length === 2 ? groups <= 7 : groups === 8
}

/** Whether it is the address of old-style hold (RFC 3264 8.4): 0.0.0.0 or ::. */
export function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || (addressFamily(address) === 'IP6' && /^[0:.]+$/.test(address))
}

/** Whether it is an address of many (RFC 5771, RFC 4291 2.7) or the broadcast address: SDP of a stranger must not send media there. */
export function isGroup(address: string): boolean {
  return /^(22[4-9]|23\d)\./.test(address) || address === '255.255.255.255' || /^ff/i.test(address)
}
