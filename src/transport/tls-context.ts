// Owns TLS profiles at work: their files, their contexts, and taking new certificates while traffic runs.
import { constants, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { Clock, Timer } from '../clock.ts'
import { SignalboxError } from '../errors.ts'
import type { Log } from '../log.ts'
import { nameMatches } from './tls-profiles.ts'
import type { FileWatch, TlsOptions, TlsProfile } from './types.ts'

/** A profile ready for handshakes. */
export interface TlsContext {
  readonly name: string
  readonly profile: TlsProfile
  readonly secure: SecureContext
  /** What `secure` was made from. */
  readonly options: SecureContextOptions
  readonly hasCertificate: boolean
  /** Tells an unchanged identity from a new one. */
  readonly fingerprint: string
}

/** Polls modification times: it sees renames, symbolic links and network file systems alike. */
export const pollFiles: FileWatch = (paths, changed) => {
  for (const path of paths) watchFile(path, { interval: 1000, persistent: false }, changed)
  return {
    close() {
      for (const path of paths) unwatchFile(path, changed)
    },
  }
}

/** Certificate and key are often replaced one after the other: wait for both. */
const SETTLE_MILLIS = 300
const DAY = 86_400_000
const WARN_DAYS = 14

export interface TlsContextsOptions {
  readonly tls: TlsOptions
  readonly clock: Clock
  readonly log: Log
  readonly readFile?: (path: string) => string
  readonly watch?: FileWatch
  /** A profile has a new certificate. */
  readonly changed: (profile: string) => void
}

/** The contexts of all profiles. */
export class TlsContexts {
  readonly #options: TlsContextsOptions
  #contexts: Map<string, TlsContext>
  #tls: TlsOptions
  #watching: { close(): void } | undefined
  #settling: Timer | undefined

  /** @throws SignalboxError ERR_TLS that names profile, file and remedy. */
  constructor(options: TlsContextsOptions) {
    this.#options = options
    this.#tls = options.tls
    this.#contexts = this.#loadAll(options.tls)
    this.#watch()
  }

  /** @throws SignalboxError ERR_TLS for a profile that does not exist. */
  get(name: string): TlsContext {
    const context = this.#contexts.get(name)
    if (context) return context
    // Dialling needs no configuration: the public roots verify the far end, and we show no certificate.
    if (name === 'default') return this.#bare()
    const known = [...this.#contexts.keys()].join(', ') || 'none'
    throw new SignalboxError(
      'ERR_TLS',
      `TLS profile '${name}' is not configured (there are: ${known}); add it to tls.profiles`,
    )
  }

  #bare(): TlsContext {
    const context = this.#load('default', {})
    this.#contexts.set('default', context)
    return context
  }

  get profiles(): Readonly<Record<string, TlsProfile>> {
    return this.#tls.profiles
  }

  /** Takes new profiles; throws and changes nothing when one of them is wrong. */
  update(tls: TlsOptions): void {
    const contexts = this.#loadAll(tls)
    const before = this.#contexts
    this.#tls = tls
    this.#contexts = contexts
    this.#watch()
    this.#announce(before, contexts)
  }

  close(): void {
    this.#watching?.close()
    this.#settling?.cancel()
  }

  #announce(before: ReadonlyMap<string, TlsContext>, after: ReadonlyMap<string, TlsContext>): void {
    for (const [name, { fingerprint }] of after) {
      const old = before.get(name)
      if (old && old.fingerprint !== fingerprint) this.#options.changed(name)
    }
  }

  #watch(): void {
    this.#watching?.close()
    const paths = new Set<string>()
    for (const { key, cert, ca } of Object.values(this.#tls.profiles)) {
      for (const source of [key, cert, ...(typeof ca === 'string' ? [ca] : (ca ?? []))]) {
        if (source !== undefined && !isPem(source)) paths.add(source)
      }
    }
    if (paths.size === 0) {
      this.#watching = undefined
      return
    }
    this.#watching = (this.#options.watch ?? pollFiles)([...paths], () => {
      this.#settling?.cancel()
      this.#settling = this.#options.clock.setTimer(SETTLE_MILLIS, () => this.#reread())
    })
  }

  // A file that is wrong never replaces one that works: calls go on with the old certificate.
  #reread(): void {
    const { log, changed } = this.#options
    for (const [name, profile] of Object.entries(this.#tls.profiles)) {
      const old = this.#contexts.get(name)
      try {
        const context = this.#load(name, profile)
        if (old?.fingerprint === context.fingerprint) continue
        this.#contexts.set(name, context)
        log.info({ event: 'certificates', profile: name }, `TLS profile '${name}' took new certificates`)
        changed(name)
      } catch (error) {
        log.error(
          { profile: name, err: error },
          `TLS profile '${name}' keeps its old certificates: ${(error as Error).message}`,
        )
      }
    }
  }

  #loadAll(tls: TlsOptions): Map<string, TlsContext> {
    return new Map(Object.entries(tls.profiles).map(([name, profile]) => [name, this.#load(name, profile)]))
  }

  #load(name: string, profile: TlsProfile): TlsContext {
    const { readFile = (path) => readFileSync(path, 'utf8'), log } = this.#options
    const { secure, options, leaf } = secureContextOf(
      profile,
      readFile,
      (_part, why, cause) => new SignalboxError('ERR_TLS', `TLS profile '${name}': ${why}`, { cause }),
    )
    if (leaf) this.#noteDates(name, leaf, label(profile.cert!))
    for (const pattern of profile.serverNames ?? []) {
      if (leaf && !covers(leaf, pattern)) {
        log.warn({ profile: name }, `TLS profile '${name}' serves ${pattern}, which its certificate does not carry`)
      }
    }
    const fingerprint = JSON.stringify([options.cert, options.key, options.ca, options.minVersion, options.ciphers])
    return { name, profile, secure, options, hasCertificate: leaf !== undefined, fingerprint }
  }

  #noteDates(name: string, leaf: X509Certificate, file: string): void {
    const now = this.#options.clock.wallclock()
    const { log } = this.#options
    const from = Date.parse(leaf.validFrom)
    const to = Date.parse(leaf.validTo)
    if (now < from) log.warn({ profile: name }, `TLS profile '${name}': ${file} is not valid before ${leaf.validFrom}`)
    else if (now > to)
      log.warn({ profile: name }, `TLS profile '${name}': ${file} expired on ${leaf.validTo}; peers will refuse it`)
    else if (to - now < WARN_DAYS * DAY)
      log.warn({ profile: name }, `TLS profile '${name}': ${file} expires on ${leaf.validTo}`)
  }
}

function isPem(source: string): boolean {
  return source.trimStart().startsWith('-----BEGIN')
}

/** A source as messages name it; never its text, which may be a key. */
function label(source: string): string {
  return isPem(source) ? '(inline PEM)' : source
}

function covers(leaf: X509Certificate, pattern: string): boolean {
  if (!pattern.startsWith('*.')) return leaf.checkHost(pattern) !== undefined
  return (leaf.subjectAltName ?? '').split(', ').some((entry) => nameMatches(entry.replace(/^DNS:/, ''), pattern))
}

/** What makes a profile unfit for handshakes: the part of it that is to blame, if one is, and why, with the way out. */
export interface ProfileFault {
  readonly part: 'key' | 'cert' | 'ca' | undefined
  readonly why: string
}

/** Tries a profile before it is taken. `readFile` throws for a file that it cannot read. */
export function profileFault(profile: TlsProfile, readFile: (path: string) => string): ProfileFault | undefined {
  let fault: ProfileFault | undefined
  try {
    secureContextOf(profile, readFile, (part, why, cause) => {
      fault = { part, why }
      return new SignalboxError('ERR_TLS', why, { cause })
    })
  } catch (error) {
    if (!fault) throw error
  }
  return fault
}

type Wrong = (part: ProfileFault['part'], why: string, cause?: unknown) => SignalboxError

function secureContextOf(
  profile: TlsProfile,
  readFile: (path: string) => string,
  wrong: Wrong,
): { secure: SecureContext; options: SecureContextOptions; leaf: X509Certificate | undefined } {
  const read = (part: 'key' | 'cert' | 'ca', source: string): string => {
    if (isPem(source)) return source
    try {
      return readFile(source)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw wrong(
        part,
        `${part} file ${source} cannot be read (${code ?? (error as Error).message}); check the path and its permissions`,
        error,
      )
    }
  }
  if (profile.key === undefined && profile.cert !== undefined)
    throw wrong('cert', 'it has a cert and no key; give both or neither')
  if (profile.key !== undefined && profile.cert === undefined)
    throw wrong('key', 'it has a key and no cert; give both or neither')
  const options: SecureContextOptions = {
    minVersion: profile.minVersion ?? 'TLSv1.2',
    // A resumed session would carry over what another profile or an older trust store had verified.
    secureOptions: constants.SSL_OP_NO_TICKET,
    ...(profile.ciphers !== undefined && { ciphers: profile.ciphers }),
  }
  let leaf: X509Certificate | undefined
  if (profile.cert !== undefined && profile.key !== undefined) {
    options.cert = read('cert', profile.cert)
    options.key = read('key', profile.key)
    leaf = parseCertificate(options.cert, 'cert', profile.cert, wrong)
    if (!leaf.checkPrivateKey(parseKey(options.key, profile.key, wrong))) {
      throw wrong(
        'key',
        `key ${label(profile.key)} does not belong to cert ${label(profile.cert)}; the cert file must begin with the leaf certificate of that key`,
      )
    }
  }
  const authorities = typeof profile.ca === 'string' ? [profile.ca] : profile.ca
  if (authorities) {
    options.ca = authorities.map((source) => {
      const pem = read('ca', source)
      parseCertificate(pem, 'ca', source, wrong)
      return pem
    })
  }
  try {
    return { secure: createSecureContext(options), options, leaf }
  } catch (error) {
    throw wrong(undefined, `OpenSSL refuses it: ${(error as Error).message}`, error)
  }
}

function parseCertificate(pem: string, part: 'cert' | 'ca', source: string, wrong: Wrong): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (error) {
    const why = `${part} ${label(source)} is not a PEM certificate (it must hold a -----BEGIN CERTIFICATE----- block)`
    throw wrong(part, why, error)
  }
}

function parseKey(pem: string, source: string, wrong: Wrong): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (error) {
    const why = /ENCRYPTED/.test(pem)
      ? 'is encrypted; remove its passphrase (openssl pkey -in KEY -out PLAIN)'
      : 'is not a PEM private key (it must hold a -----BEGIN PRIVATE KEY----- block)'
    throw wrong('key', `key ${label(source)} ${why}`, error)
  }
}
