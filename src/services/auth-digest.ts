// Owns the arithmetic of digests: RFC 2617, RFC 7616 with SHA-256, RFC 8760 for SIP.
import { createHash, timingSafeEqual } from 'node:crypto'

export type DigestAlgorithm = 'MD5' | 'MD5-sess' | 'SHA-256' | 'SHA-256-sess'

const HASHES: Readonly<Record<DigestAlgorithm, 'md5' | 'sha256'>> = {
  MD5: 'md5',
  'MD5-sess': 'md5',
  'SHA-256': 'sha256',
  'SHA-256-sess': 'sha256',
}

/** The algorithm of that name, in any case; '' is MD5. Undefined for one that is not spoken here. */
export function digestAlgorithm(name: string): DigestAlgorithm | undefined {
  if (name === '') return 'MD5'
  return (Object.keys(HASHES) as DigestAlgorithm[]).find((known) => known.toLowerCase() === name.toLowerCase())
}

function hash(algorithm: DigestAlgorithm, text: string): string {
  return createHash(HASHES[algorithm]).update(text, 'latin1').digest('hex')
}

/** H(user:realm:password). */
export function ha1(algorithm: DigestAlgorithm, user: string, realm: string, password: string): string {
  return hash(algorithm, `${user}:${realm}:${password}`)
}

/** What a response is worked out from. */
export interface DigestInput {
  readonly algorithm: DigestAlgorithm
  /** H(user:realm:password), not of the session. */
  readonly ha1: string
  readonly nonce: string
  readonly method: string
  readonly uri: string
  /** '', 'auth' or 'auth-int'. */
  readonly qop: string
  readonly nc: string
  readonly cnonce: string
  /** Of the message, for auth-int. */
  readonly body: string
}

/** RFC 7616 3.4.1. */
export function digestResponse(input: DigestInput): string {
  const { algorithm, nonce, method, uri, qop, nc, cnonce, body } = input
  const session = algorithm.endsWith('-sess')
  const a1 = session ? hash(algorithm, `${input.ha1}:${nonce}:${cnonce}`) : input.ha1
  const a2 = hash(algorithm, qop === 'auth-int' ? `${method}:${uri}:${hash(algorithm, body)}` : `${method}:${uri}`)
  return hash(algorithm, qop === '' ? `${a1}:${nonce}:${a2}` : `${a1}:${nonce}:${nc}:${cnonce}:${qop}:${a2}`)
}

/** Compares without telling by time how much of it is right. */
export function sameText(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1')]
  return one.length === other.length && timingSafeEqual(one, other)
}
