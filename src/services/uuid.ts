// Owns the service of module uuid: identifiers by chance and with the time in them (RFC 9562).
import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import type { Service, ServiceHost } from './service.ts'

/** 100 ns steps from the Gregorian calendar's beginning to 1970. */
const GREGORIAN = 122_192_928_000_000_000n

export function createUuid(host: ServiceHost): Service {
  // RFC 9562 5.1, 6.10: a node of chance says so by its multicast bit, and tells nothing of the machine.
  const node = randomBytes(6)
  node[0]! |= 1
  const sequence = randomInt(0x4000)
  let last = 0n

  function timed(): string {
    const now = BigInt(Math.floor(host.clock.wallclock() * 10_000)) + GREGORIAN
    last = now > last ? now : last + 1n
    const hex = last.toString(16).padStart(15, '0')
    const clock = (0x8000 | sequence).toString(16)
    return `${hex.slice(7)}-${hex.slice(3, 7)}-1${hex.slice(0, 3)}-${clock}-${node.toString('hex')}`
  }

  return { module: 'uuid', operations: { random: () => randomUUID(), timed } }
}
