// Owns the client's side of digest authentication (RFC 3261 22.2, RFC 7616): the answer to a challenge.
import { createHash, randomBytes } from 'node:crypto'

export interface Challenge {
  /** The header that answers it. */
  readonly header: 'Authorization' | 'Proxy-Authorization'
  readonly realm: string
  readonly nonce: string
  readonly opaque: string | undefined
  readonly algorithm: string
  readonly qop: string | undefined
}

export interface Credentials {
  readonly user: string
  /** Or the HA1 in hexadecimal, where `isHa1`. */
  readonly password: string
  readonly isHa1?: true
}

const HASHES: Readonly<Record<string, string>> = {
  MD5: 'md5',
  'MD5-SESS': 'md5',
  'SHA-256': 'sha256',
  'SHA-256-SESS': 'sha256',
}

/** Reads the value of WWW-Authenticate or Proxy-Authenticate; undefined where it is no digest that can be answered. */
export function readChallenge(header: string, value: string): Challenge | undefined {
  if (!/^\s*digest\s/i.test(value)) return undefined
  const fields = new Map<string, string>()
  for (const [, name, quoted, plain] of value.matchAll(/(?<![\w-])([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^,\s]+))/g))
    fields.set(name!.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '')
  const algorithm = (fields.get('algorithm') ?? 'MD5').toUpperCase()
  const [realm, nonce] = [fields.get('realm'), fields.get('nonce')]
  if (realm === undefined || nonce === undefined || HASHES[algorithm] === undefined) return undefined
  return {
    header: /^proxy-/i.test(header) ? 'Proxy-Authorization' : 'Authorization',
    realm,
    nonce,
    opaque: fields.get('opaque'),
    algorithm,
    qop: fields
      .get('qop')
      ?.split(',')
      .map((each) => each.trim())
      .find((each) => each === 'auth'),
  }
}

const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`

/** The whole header line, with its CRLF. */
export function answerChallenge(challenge: Challenge, credentials: Credentials, method: string, uri: string): string {
  const { realm, nonce, opaque, algorithm, qop, header } = challenge
  const hash = (text: string) => createHash(HASHES[algorithm]!).update(text, 'latin1').digest('hex')
  const cnonce = randomBytes(8).toString('hex')
  const given = credentials.isHa1 ? credentials.password : hash(`${credentials.user}:${realm}:${credentials.password}`)
  const ha1 = algorithm.endsWith('-SESS') ? hash(`${given}:${nonce}:${cnonce}`) : given
  const ha2 = hash(`${method}:${uri}`)
  const response = hash(
    qop === undefined ? `${ha1}:${nonce}:${ha2}` : `${ha1}:${nonce}:00000001:${cnonce}:${qop}:${ha2}`,
  )
  const parts = [
    `username=${quoted(credentials.user)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(uri)}`,
    ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
    ...(qop === undefined ? [] : [`qop=${qop}`, 'nc=00000001', `cnonce=${quoted(cnonce)}`]),
    `response=${quoted(response)}`,
    `algorithm=${algorithm}`,
  ]
  return `${header}: Digest ${parts.join(', ')}\r\n`
}
