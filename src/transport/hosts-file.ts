// Owns the names of the system's hosts file.
import { readFileSync, statSync } from 'node:fs'
import { numericAddress } from './ip-address.ts'

const HOSTS_FILE = '/etc/hosts'

let hosts = new Map<string, string[]>()
let stamp = -1

/** The numeric addresses that the hosts file has for a name; read again when the file changes. */
export function hostsFileAddresses(name: string): string[] {
  try {
    const { mtimeMs } = statSync(HOSTS_FILE)
    if (mtimeMs !== stamp) {
      hosts = parseHostsFile(readFileSync(HOSTS_FILE, 'utf8'))
      stamp = mtimeMs
    }
  } catch {
    return []
  }
  return hosts.get(name.toLowerCase()) ?? []
}

/** The names of a hosts file, lower case, with their numeric addresses. */
export function parseHostsFile(text: string): Map<string, string[]> {
  const names = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [address, ...hosts] = line.replace(/#.*/, '').trim().split(/\s+/)
    const numeric = address ? numericAddress(address) : undefined
    if (numeric === undefined) continue
    for (const host of hosts) {
      const key = host.toLowerCase()
      names.set(key, [...(names.get(key) ?? []), numeric])
    }
  }
  return names
}
