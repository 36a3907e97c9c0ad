// Owns what a TLS far end proved: its certificate's names (RFC 5922 7.1) and whether a profile accepts it.
import { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { SignalboxError } from '../errors.ts'
import { namesInclude } from './tls-profiles.ts'
import type { FlowPeer, TlsProfile } from './types.ts'

/** The SIP domain names of a certificate. */
export function certificateNames(certificate: X509Certificate): string[] {
  const { subjectAltName } = certificate
  const names: string[] = []
  for (const entry of splitAltNames(subjectAltName ?? '')) {
    if (entry.startsWith('DNS:')) names.push(unquote(entry.slice(4)).toLowerCase())
    // RFC 5922 7.1: a URI counts when its scheme is sip and it has no user part.
    else if (entry.startsWith('URI:')) {
      const uri = /^sips?:([^@;?]+)$/i.exec(unquote(entry.slice(4)))
      if (uri) names.push(uri[1]!.replace(/:\d+$/, '').toLowerCase())
    }
  }
  // RFC 5922 7.1: the common name counts only where there is no subjectAltName at all.
  if (subjectAltName !== undefined) return names
  const common = /(?:^|\n)CN=([^\n]+)/.exec(certificate.subject)
  return common ? [common[1]!.toLowerCase()] : []
}

// Entries are divided by ', '; one that holds such characters itself is written as a JSON string.
function splitAltNames(text: string): string[] {
  return text.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g)?.map((entry) => entry.trim()) ?? []
}

function unquote(text: string): string {
  if (!text.startsWith('"')) return text
  try {
    return String(JSON.parse(text))
  } catch {
    return ''
  }
}

interface Shown {
  readonly peer: FlowPeer
  readonly certificate: X509Certificate
}

function peerOf(socket: TLSSocket): Shown | undefined {
  const raw = socket.getPeerX509Certificate()
  if (!raw) return undefined
  const certificate = new X509Certificate(raw.raw)
  return { peer: { names: certificateNames(certificate), verified: socket.authorized }, certificate }
}

const UNTRUSTED = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
])

function chainRemedy(code: string, certificate: X509Certificate, profile: string): string {
  if (UNTRUSTED.has(code)) {
    return `its issuer (${oneLine(certificate.issuer)}) is not trusted; add the issuer's certificate to ca of TLS profile '${profile}', or let the far end send its intermediates`
  }
  if (code === 'CERT_HAS_EXPIRED')
    return `it, or one above it, expired (it says ${certificate.validTo}); the far end needs a new one`
  if (code === 'CERT_NOT_YET_VALID')
    return `it is valid from ${certificate.validFrom} on; check the clocks of both machines`
  if (code === 'INVALID_PURPOSE')
    return 'its extended key usage does not allow this use (clientAuth for clients, serverAuth for servers)'
  return `it does not verify (${code})`
}

function oneLine(subject: string): string {
  return subject.replaceAll('\n', ', ')
}

/** What the side of a handshake asks of the other. */
export interface PeerDemand {
  readonly role: 'client' | 'server'
  readonly profileName: string
  readonly profile: TlsProfile
  /** As a client: the name that was dialled. */
  readonly serverName?: string
}

/** What came of looking at the far end: what it proved (nothing, for a client without a certificate), or why it is refused. */
export interface Verdict {
  readonly peer?: FlowPeer
  readonly refused?: SignalboxError
}

/** Judges the far end of a finished handshake. Called once a socket: Node hands out a server's certificate once only. */
export function judge(socket: TLSSocket, demand: PeerDemand): Verdict {
  const shown = peerOf(socket)
  const refused = refusal(socket, demand, shown)
  return { ...(shown && { peer: shown.peer }), ...(refused && { refused }) }
}

function refusal(socket: TLSSocket, demand: PeerDemand, shown: Shown | undefined): SignalboxError | undefined {
  const { profile, profileName, role, serverName } = demand
  const who = `TLS ${role === 'client' ? 'server' : 'client'} ${serverName ?? socket.remoteAddress}`
  const refused = (why: string): SignalboxError => new SignalboxError('ERR_TLS', `${who} refused: ${why}`)
  if (!shown) {
    // A server always shows one; a client only where it must (Kamailio's require_certificate).
    if (role === 'server' && !profile.requireClientCert && !profile.peerNames?.length) return undefined
    return refused(`it showed no certificate, and TLS profile '${profileName}' requires one`)
  }
  const { peer, certificate } = shown
  if (profile.verifyPeer !== false && !peer.verified) {
    const code = String(socket.authorizationError ?? 'unverified')
    return refused(`certificate ${oneLine(certificate.subject)}: ${chainRemedy(code, certificate, profileName)}`)
  }
  const names = peer.names.join(', ') || 'no name'
  if (role === 'client') {
    if (serverName === undefined || profile.verifyName === false || namesInclude(peer.names, serverName))
      return undefined
    return refused(
      `its certificate is for ${names}, not for the name that was dialled; dial a name it carries, or set verifyName: false in TLS profile '${profileName}'`,
    )
  }
  const wanted = profile.peerNames ?? []
  if (wanted.length === 0 || wanted.some((name) => namesInclude(peer.names, name))) return undefined
  return refused(`its certificate is for ${names}, and TLS profile '${profileName}' admits ${wanted.join(', ')}`)
}
