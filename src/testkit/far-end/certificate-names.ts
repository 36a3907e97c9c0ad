// Owns which names the certificate of a TLS peer carries.
import type { TLSSocket } from 'node:tls'

/** Common name and subjectAltNames, each once. */
export function certificateNames(socket: TLSSocket): string[] {
  const certificate = socket.getPeerCertificate()
  const common = certificate.subject?.CN
  const names = (certificate.subjectaltname ?? '').split(', ').map((name) => name.replace(/^(DNS|IP Address):/, ''))
  return [...new Set([...(Array.isArray(common) ? common : [common ?? '']), ...names])].filter(Boolean)
}
