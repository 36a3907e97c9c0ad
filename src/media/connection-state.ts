// Owns what is remembered of ICE and DTLS towards one party, on one m-line.
import type { DtlsConfig, DtlsIdentity, Fingerprint, FingerprintHash, IceCredentials } from './connection-settings.ts'

/** ICE towards one party, on one m-line. Replaced as a whole, never changed. */
export interface PartyIce {
  readonly local: IceCredentials
  /** Whether this relay only answers checks there. */
  readonly lite: boolean
  /** RFC 8445 6.1.1: who offered is controlling, where both are full. */
  readonly offered: 'by-us' | 'by-them'
  /** Theirs that ours were used with; others are a restart (RFC 8839 4.4.1.1.1). */
  readonly metWith: IceCredentials | undefined
}

/** How the relay may add itself to candidates that go on as they are: as one more host, or in the place of other relays. */
export type AddedCandidate = 'host' | 'relay'

/** ICE in an offer that a party was sent: the relay's own, or the other side's with the relay among its candidates. */
export interface IceOffer {
  readonly own: PartyIce | undefined
  readonly added: AddedCandidate | undefined
}

/** Which side is told that the relay is lite; undefined: as before. */
export type IceLite = 'off' | 'forward' | 'backward' | 'both' | undefined

/** DTLS towards one party, on one m-line. Replaced as a whole, never changed. */
export interface PartyDtls {
  /** What the party was told last; kept over re-offers, so that an association goes on (RFC 8842 5.1). */
  readonly identity: DtlsIdentity | undefined
  readonly hash: FingerprintHash
  /** Whether the last offer that this party was sent can be answered with DTLS. */
  readonly offered: boolean
  /** The role that the flags of its own offer want for the relay in the answer. */
  readonly wanted: 'active' | 'passive' | undefined
  /** What holds now; undefined: its keys, if any, are of SDES. */
  readonly agreed:
    | { readonly identity: DtlsIdentity; readonly role: DtlsConfig['role']; readonly theirs: Fingerprint }
    | undefined
}

export const NO_DTLS: PartyDtls = {
  identity: undefined,
  hash: 'sha-256',
  offered: false,
  wanted: undefined,
  agreed: undefined,
}
