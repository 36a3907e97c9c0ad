// Owns throw-away certificates for tests and the demo: an authority and what it signs, as PEM text.
import { webcrypto as crypto, type webcrypto } from 'node:crypto'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY = 86_400_000

/** PEM texts of one certificate and its private key (PKCS #8). */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

export interface CertificateRequest {
  /** Common name of the subject. */
  readonly commonName: string
  /** DNS names and IP addresses of the subjectAltName; default: the common name alone. */
  readonly names?: readonly string[]
  /** Days from now at which it ends; negative for one that is over. Default 30. */
  readonly days?: number
}

export interface CertificateAuthority {
  /** PEM text of the authority's own certificate. */
  readonly cert: string
  issue(request: CertificateRequest): Promise<KeyPair>
}

function pem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/** Makes an authority that lives in memory only. */
export async function createAuthority(commonName = 'signalbox test authority'): Promise<CertificateAuthority> {
  const keys = (await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const notBefore = new Date(Date.now() - DAY)
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${commonName}`,
    notBefore,
    notAfter: new Date(Date.now() + 30 * DAY),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  })
  let serial = 1
  return {
    cert: `${root.toString('pem')}\n`,
    async issue(request) {
      const own = (await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
      const names = request.names ?? [request.commonName]
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: (++serial).toString(16).padStart(4, '0'),
        subject: `CN=${request.commonName}`,
        issuer: root.subject,
        notBefore: new Date(Date.now() - (request.days !== undefined && request.days < 0 ? 10 : 1) * DAY),
        notAfter: new Date(Date.now() + (request.days ?? 30) * DAY),
        signingAlgorithm: ALGORITHM,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        extensions: [
          new x509.BasicConstraintsExtension(false),
          new x509.SubjectAlternativeNameExtension(
            names.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? ('ip' as const) : ('dns' as const), value })),
          ),
        ],
      })
      return {
        cert: `${certificate.toString('pem')}\n`,
        key: pem('PRIVATE KEY', await crypto.subtle.exportKey('pkcs8', own.privateKey)),
      }
    },
  }
}
