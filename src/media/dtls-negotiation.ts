// Owns what is agreed of DTLS-SRTP with one party: which certificate it was told, who begins, whose certificate must come.
import type { PartyMedia } from './call.ts'
import type { DtlsConfig, DtlsIdentity, FingerprintHash } from './connection-settings.ts'
import type { PartyDtls } from './connection-state.ts'
import { type DtlsStatement, formatFingerprint, sameFingerprint } from './dtls-statement.ts'
import type { SessionOptions } from './session-options.ts'

/** How long a certificate is shown to new calls, milliseconds. */
const ROTATION = 24 * 3_600_000

/** The relay's certificates: one for all calls of a day, so that none of them ties days of calls together. */
export class DtlsIdentities {
  readonly #make: () => DtlsIdentity
  readonly #now: () => number
  #current: DtlsIdentity
  #since: number

  /** @throws SignalboxError ERR_NATIVE */
  constructor(make: () => DtlsIdentity, now: () => number) {
    this.#make = make
    this.#now = now
    this.#current = make()
    this.#since = now()
  }

  /** For a call that has none yet. */
  current(): DtlsIdentity {
    if (this.#now() - this.#since >= ROTATION) {
      this.#current = this.#make()
      this.#since = this.#now()
    }
    return this.#current
  }
}

/** What an offer tells the other side of DTLS: either role, as RFC 5763 5 wants it. */
export function offerDtls(
  other: PartyMedia,
  options: SessionOptions,
  identities: DtlsIdentities,
): { next: PartyDtls; lines: string[] } {
  const identity = (options.reset ? undefined : other.dtls.identity) ?? identities.current()
  const hash = options.dtlsFingerprint ?? other.dtls.hash
  return { next: { ...other.dtls, identity, hash, offered: true }, lines: dtlsLines('actpass', identity, hash) }
}

/** What an answer tells the side that offered `statement`. */
export function answerDtls(
  statement: DtlsStatement,
  other: PartyMedia,
  options: SessionOptions,
  identities: DtlsIdentities,
): { next: PartyDtls; lines: string[] } {
  const before = other.dtls.agreed
  const identity = other.dtls.identity ?? identities.current()
  const hash = options.dtlsFingerprint ?? other.dtls.hash
  const goesOn = before !== undefined && sameFingerprint(before.theirs, statement.fingerprint)
  // RFC 5763 5: active is the better answer; RFC 8842 5.3: an association that goes on keeps its roles.
  const free = options.dtls === 'passive' ? 'passive' : (other.dtls.wanted ?? (goesOn ? before.role : 'active'))
  const role = statement.setup === 'actpass' ? free : statement.setup === 'active' ? 'passive' : 'active'
  const agreed = { identity, role, theirs: statement.fingerprint } as const
  return { next: { ...other.dtls, identity, hash, agreed }, lines: dtlsLines(role, identity, hash) }
}

/** What holds with the side whose answer to our offer says `statement`. */
export function acceptDtls(own: PartyMedia, statement: DtlsStatement): PartyDtls {
  const identity = own.dtls.identity!
  // RFC 5763 5: an answer is active or passive; one that leaves it open waits for us.
  const role = statement.setup === 'active' ? 'passive' : 'active'
  return { ...own.dtls, agreed: { identity, role, theirs: statement.fingerprint } }
}

function dtlsLines(setup: string, identity: DtlsIdentity, hash: FingerprintHash): string[] {
  return [`setup:${setup}`, `fingerprint:${formatFingerprint({ hash, digest: identity.fingerprints[hash] })}`]
}

/** DTLS of the stream that faces a party; undefined where it was not agreed. */
export function dtlsConfig({ dtls }: PartyMedia): DtlsConfig | undefined {
  return dtls.agreed && { identity: dtls.agreed.identity, role: dtls.agreed.role, fingerprint: dtls.agreed.theirs }
}
