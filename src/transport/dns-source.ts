// Owns DNS as the system gives it: the hosts file, then the resolver's servers.
import { Resolver } from 'node:dns/promises'
import { hostsFileAddresses } from './hosts-file.ts'
import { addressFamily } from './ip-address.ts'
import type { AddressRecord, DnsSource } from './types.ts'

const HOSTS_TTL_SECONDS = 5
/** Answers that mean "there is no such record", as against "the server did not answer". */
const NO_RECORD = new Set(['ENOTFOUND', 'ENODATA', 'NXDOMAIN', 'NODATA'])

async function orNone<T>(records: Promise<T[]>): Promise<T[]> {
  try {
    return await records
  } catch (error) {
    if (NO_RECORD.has((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}

/** The system's DNS: two tries of two seconds a server. */
export function createSystemDns(): DnsSource {
  const resolver = new Resolver({ timeout: 2000, tries: 2 })
  return {
    async naptr(name) {
      return await orNone(resolver.resolveNaptr(name))
    },
    async srv(name) {
      return await orNone(resolver.resolveSrv(name))
    },
    async addresses(name, family) {
      const wanted = (address: string): boolean => family === undefined || addressFamily(address) === family
      const local = hostsFileAddresses(name).filter(wanted)
      if (local.length > 0) return local.map((address) => ({ address, ttl: HOSTS_TTL_SECONDS }))
      const asked: Promise<AddressRecord[]>[] = []
      if (family !== 6) asked.push(orNone(resolver.resolve4(name, { ttl: true })))
      if (family !== 4) asked.push(orNone(resolver.resolve6(name, { ttl: true })))
      const answers = await Promise.allSettled(asked)
      const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
      const failure = answers.find((answer) => answer.status === 'rejected')
      // One family answering is enough; only when neither does is a failing server an error.
      if (found.length === 0 && failure) throw failure.reason
      return found
    },
  }
}
