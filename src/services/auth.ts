// Owns the service of module auth: challenges, and the checking of credentials against a password.
import { type DigestAlgorithm, digestAlgorithm, digestResponse, ha1, sameText } from './auth-digest.ts'
import { type NonceRules, Nonces } from './auth-nonce.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import type { Service, ServiceHost } from './service.ts'

/** Kamailio's codes. */
export const AUTH = {
  ok: 1,
  error: -1,
  wrongPassword: -2,
  noUser: -3,
  expired: -4,
  noCredentials: -5,
  reused: -6,
} as const

/** Credentials as a script hands them over: texts, not believed. */
export interface Credentials {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly uri: string
  readonly response: string
  readonly algorithm: string
  readonly qop: string
  readonly nc: string
  readonly cnonce: string
  readonly method: string
  readonly body: string
}

/** What the credentials are compared with: a password, or H(user:realm:password). */
export interface Secret {
  readonly kind: 'password' | 'ha1'
  readonly value: string
}

/** What auth_db uses of auth. */
export interface Authentication {
  check(credentials: Credentials, secret: Secret): number
}

const FIELDS = [
  'username',
  'realm',
  'nonce',
  'uri',
  'response',
  'algorithm',
  'qop',
  'nc',
  'cnonce',
  'method',
  'body',
] as const

/** Reads what came from a script. */
export function credentialsOf(value: unknown): Credentials {
  const given = fieldsOf(value)
  return Object.fromEntries(FIELDS.map((name) => [name, textOf(given[name])])) as unknown as Credentials
}

export function createAuth(host: ServiceHost): Service & { readonly authentication: Authentication } {
  let rules: NonceRules = { seconds: 300, secret: '', once: false, counted: false }
  let algorithm: DigestAlgorithm = 'MD5'
  const nonces = new Nonces(host.store, () => Math.floor(host.clock.wallclock() / 1000))

  const authentication: Authentication = {
    check(credentials, secret) {
      // Who has no password (an empty column, a variable never set) has none that anybody could know.
      if (secret.value === '') return AUTH.error
      const { nonce, qop, nc, cnonce } = credentials
      const used = digestAlgorithm(credentials.algorithm)
      // A weaker algorithm than the one asked for is no answer to our challenge.
      if (used === undefined || used.replace('-sess', '') !== algorithm) return AUTH.error
      if (qop !== '' && (nc === '' || cnonce === '' || !/^[0-9a-f]{1,8}$/i.test(nc))) return AUTH.error
      const counter = qop === '' ? '' : nc
      const fault = nonces.check(nonce, rules)
      if (fault === 'unknown') return AUTH.error
      const key =
        secret.kind === 'ha1'
          ? secret.value.toLowerCase()
          : ha1(used, credentials.username, credentials.realm, secret.value)
      const wanted = digestResponse({ ...credentials, algorithm: used, ha1: key })
      if (!sameText(wanted, credentials.response.toLowerCase())) return AUTH.wrongPassword
      if (fault === 'expired') return AUTH.expired
      return nonces.use(nonce, counter, rules) === undefined ? AUTH.ok : AUTH.reused
    },
  }

  return {
    module: 'auth',
    authentication,
    operations: {
      /** The value of WWW-Authenticate or Proxy-Authenticate. */
      challenge(_run, args) {
        const { realm, qop, stale } = fieldsOf(args)
        const parts = [`realm="${textOf(realm, 256).replace(/["\\\r\n]/g, '')}"`, `nonce="${nonces.make(rules)}"`]
        if (qop === 'auth' || qop === 'auth-int') parts.push(`qop="${qop}"`)
        if (stale === true) parts.push('stale=true')
        if (algorithm !== 'MD5') parts.push(`algorithm=${algorithm}`)
        return `Digest ${parts.join(', ')}`
      },
      check(_run, args) {
        const { credentials, password, kind } = fieldsOf(args)
        return authentication.check(credentialsOf(credentials), {
          kind: kind === 'ha1' ? 'ha1' : 'password',
          value: textOf(password, 1024),
        })
      },
    },
    configure(list) {
      const parameters = new Parameters(list)
      rules = {
        seconds: Math.max(1, parameters.number('nonce_expire', 300)),
        secret: parameters.text('secret'),
        once: parameters.on('one_time_nonce'),
        counted: parameters.on('nonce_count'),
      }
      algorithm = digestAlgorithm(parameters.text('algorithm')) ?? 'MD5'
    },
  }
}
