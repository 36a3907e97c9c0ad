// Owns the names that our own addresses have: what auto_aliases adds to the aliases.
import { lookupService } from 'node:dns/promises'

/** More sockets than any configuration has. */
const MOST = 100

/** Names of these addresses, as the hosts file and the DNS know them; an address without one adds none. Never rejects. */
export async function hostNamesOf(addresses: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    [...new Set(addresses)].slice(0, MOST).map(async (address) => {
      try {
        return (await lookupService(address, 5060)).hostname
      } catch {
        return ''
      }
    }),
  )
  // An address that has no name comes back as itself.
  return [...new Set(found.filter((name) => name !== '' && !/^[\d.]+$|:/.test(name)))]
}
