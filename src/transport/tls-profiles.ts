// Owns which TLS profile serves and dials, and how certificate names are compared (RFC 5922 7, RFC 6125).
import { endpointText } from './ip-address.ts'
import type { Hop, Listener, TlsOptions, TlsProfile } from './types.ts'

/** `one-label` lets `*.example.com` cover exactly one label on its left; `exact` compares whole names (RFC 5922 7.2). */
export type WildcardRule = 'one-label' | 'exact'

/** Whether a name of a certificate covers the name that was dialled. */
export function nameMatches(pattern: string, name: string, rule: WildcardRule = 'one-label'): boolean {
  const left = pattern.toLowerCase().replace(/\.$/, '')
  const right = name.toLowerCase().replace(/\.$/, '')
  if (left === right) return true
  // RFC 5922 7.2 refuses wildcards; certificates of carriers carry them all the same, so one whole label is accepted.
  if (rule === 'exact' || !left.startsWith('*.')) return false
  const dot = right.indexOf('.')
  return dot > 0 && right.slice(dot) === left.slice(1) && left.slice(2).includes('.')
}

export function namesInclude(names: readonly string[], name: string): boolean {
  return names.some((one) => nameMatches(one, name))
}

/** The profile that dials a hop: one whose `remotes` names it, the configured one, or the sending listener's. */
export function dialProfile(tls: TlsOptions, hop: Hop, listener: Listener): string {
  const endpoint = endpointText(hop.address, hop.port)
  for (const [name, profile] of Object.entries(tls.profiles)) {
    const named = profile.remotes?.some(
      (remote) =>
        remote === endpoint ||
        remote === hop.address ||
        (hop.serverName !== undefined && nameMatches(remote, hop.serverName)),
    )
    if (named) return name
  }
  return tls.dialProfile ?? listener.tlsProfile ?? 'default'
}

/** The profile that serves a client that asked for `serverName`: by exact name first, then by wildcard, else the listener's. */
export function servingProfile(
  profiles: Readonly<Record<string, TlsProfile>>,
  serverName: string | undefined,
  listenerProfile: string,
): string {
  if (!serverName) return listenerProfile
  for (const rule of ['exact', 'one-label'] as const) {
    // The listener's own profile wins over others that carry the same name.
    const names = [listenerProfile, ...Object.keys(profiles)]
    const found = names.find((name) => profiles[name]?.serverNames?.some((one) => nameMatches(one, serverName, rule)))
    if (found !== undefined) return found
  }
  return listenerProfile
}
