// Owns certificates that tests make for themselves.
import { webcrypto as crypto, type webcrypto } from 'node:crypto'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** A key and certificate as PEM. */
export interface Identity {
  readonly cert: string
  readonly key: string
}

async function pem(keys: webcrypto.CryptoKeyPair, certificate: x509.X509Certificate): Promise<Identity> {
  const der = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { cert: certificate.toString('pem'), key: x509.PemConverter.encode(der, 'PRIVATE KEY') }
}

/** An authority that signs test certificates. */
export class Authority {
  readonly identity: Identity
  readonly #keys: webcrypto.CryptoKeyPair
  readonly #certificate: x509.X509Certificate
  #serial = 1

  private constructor(keys: webcrypto.CryptoKeyPair, certificate: x509.X509Certificate, identity: Identity) {
    this.#keys = keys
    this.#certificate = certificate
    this.identity = identity
  }

  static async create(name: string): Promise<Authority> {
    const keys = (await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: '01',
      name: `CN=${name}`,
      notBefore: new Date(Date.now() - 86_400_000),
      notAfter: new Date(Date.now() + 86_400_000 * 365),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 2, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      ],
    })
    return new Authority(keys, certificate, await pem(keys, certificate))
  }

  /** Issues a certificate; days are relative to now. Names may be `sip:` URIs; with none there is no subjectAltName. */
  async issue(options: { common?: string; names?: string[]; fromDays?: number; toDays?: number }): Promise<Identity> {
    const keys = (await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
    const names = (options.names ?? []).map((value) =>
      value.startsWith('sip:') ? ({ type: 'url', value } as const) : ({ type: 'dns', value } as const),
    )
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: (++this.#serial).toString(16).padStart(2, '0'),
      subject: `CN=${options.common ?? 'test'}`,
      issuer: this.#certificate.subject,
      notBefore: new Date(Date.now() + 86_400_000 * (options.fromDays ?? -1)),
      notAfter: new Date(Date.now() + 86_400_000 * (options.toDays ?? 90)),
      signingKey: this.#keys.privateKey,
      publicKey: keys.publicKey,
      signingAlgorithm: ALGORITHM,
      extensions: names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [],
    })
    return await pem(keys, certificate)
  }
}
