// Owns the state of one call: the parties by tag, what each said of its media, and the streams that face it.
import type { CryptoAttribute, Direction } from '../sdp/index.ts'
import type { Conversion } from './audio-settings.ts'
import type { CodecOffer } from './codec-negotiation.ts'
import type { Payload } from './codec-policy.ts'
import { type AddedCandidate, type IceOffer, NO_DTLS, type PartyDtls, type PartyIce } from './connection-state.ts'
import type { LocalCrypto, LocalKeys } from './crypto-negotiation.ts'
import type { DtlsStatement } from './dtls-statement.ts'
import type { IceStatement } from './ice-statement.ts'
import type { MediaInterface } from './interfaces.ts'
import type { OriginMemory } from './session-origin.ts'

/** A pair of local ports that faces one party, or several branches of a fork that were given the same ports. */
export interface RelayStream {
  readonly id: number
  readonly local: MediaInterface
  readonly rtpPort: number
  readonly rtcpPort: number
  /** How many party media use it; closed at 0. */
  users: number
}

/** What a party's SDP said of one m-line. */
export interface MediaStatement {
  readonly kind: string
  /** 0: refused or removed. */
  readonly port: number
  readonly rtcpPort: number
  /** Numeric; undefined where the party cannot receive. */
  readonly address: string | undefined
  readonly protocol: string
  readonly direction: Direction
  readonly rtcpMux: boolean
  readonly crypto: readonly CryptoAttribute[]
  /** Undefined: the keys cannot be had by DTLS. */
  readonly dtls: DtlsStatement | undefined
  /** Undefined: the address is that of the description. */
  readonly ice: IceStatement | undefined
  readonly mid: string | undefined
  readonly ptime: string | undefined
  readonly clockRate: number
  /** Payload types of telephone events (RFC 4733). */
  readonly eventPayloads: readonly number[]
  /** What it named, in order; empty where the media is no RTP. */
  readonly payloads: readonly Payload[]
  readonly latching: 'learn' | 'strict' | 'off' | 'move'
}

/** One m-line as one party sees it. */
export interface PartyMedia {
  stream: RelayStream | undefined
  /** What holds now. */
  stated: MediaStatement | undefined
  /** What an offer of this party said, until it is answered. */
  pending: MediaStatement | undefined
  /** Identification (RFC 5888) that this party was told in an offer. */
  midTold: string | undefined
  /** Profile in the last SDP that this party was sent. */
  protocol: string
  /** Keys of ours that this party was told. */
  readonly keys: LocalKeys
  /** Lines of the last offer that this party was sent. */
  offered: readonly LocalCrypto[]
  /** Ours and theirs, once agreed; undefined for plain RTP. */
  agreed: { readonly local: LocalCrypto; readonly remote: CryptoAttribute } | undefined
  dtls: PartyDtls
  /** ICE that was agreed; undefined: none. */
  ice: PartyIce | undefined
  /** Agreed too: it has the candidates of the other side, and the relay as one more. */
  iceAdded: AddedCandidate | undefined
  /** ICE in the last offer that this party was sent. It may be refused: what was agreed goes on until it is answered. */
  iceOffer: IceOffer | undefined
  /** Whether the relay is to be lite towards it. */
  iceLite: boolean
  /** Whether the last offer that this party was sent had rtcp-mux. */
  muxOffered: boolean
  /** Whether RTCP shares the RTP port on this side. */
  mux: boolean
  /** What the flags of this party's offer said of answering rtcp-mux. */
  muxAnswer: 'as-other' | 'accept' | 'reject'
  /** Codecs that this party was offered last. */
  codecOffer: CodecOffer | undefined
  /** What may be sent to this party, by its own numbers, the preferred first. */
  sendable: readonly Payload[]
  /** What becomes of payloads that this party sends. */
  conversion: Conversion | undefined
  /** Packet time to tell this party in the answer to its offer. */
  ptimeAnswer: string | undefined
}

/** M-lines as they are told to be refused (RFC 3264 6), by their place among all m-lines of the call. */
export type HiddenMedia = Map<number, string>

export interface Blocking {
  media: boolean
  /** Speech becomes silence. */
  silence: boolean
  dtmf: boolean
}

/** A monologue in rtpengine's words: one SIP tag, or a branch whose tag is not known yet. */
export interface Party {
  /** '' until an answer names it. */
  tag: string
  readonly viaBranch: string
  interfaceName: string | undefined
  label: string
  /** What is withheld of what it sends. */
  readonly blocking: Blocking
  origin: OriginMemory | undefined
  /** Lines o= and s= of its last description. */
  heading: string
  readonly created: number
  readonly media: PartyMedia[]
  /** M-lines that it is not shown. */
  hidden: HiddenMedia
  /** The party that it talks to now. */
  peer: Party | undefined
}

export interface Call {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly created: number
  lastSignal: number
  readonly parties: Party[]
  /** What holds for all parties, those to come included. */
  readonly blocking: Blocking
  /** RTCP of either side ends at the relay, which makes its own. */
  ownReports: boolean
  /** RTP of either side goes nowhere. */
  dropsTraffic: boolean
  answered: boolean
}

export function newPartyMedia(): PartyMedia {
  return {
    stream: undefined,
    stated: undefined,
    pending: undefined,
    midTold: undefined,
    protocol: '',
    keys: new Map(),
    offered: [],
    agreed: undefined,
    dtls: NO_DTLS,
    ice: undefined,
    iceAdded: undefined,
    iceOffer: undefined,
    iceLite: false,
    muxOffered: false,
    mux: false,
    muxAnswer: 'as-other',
    codecOffer: undefined,
    sendable: [],
    conversion: undefined,
    ptimeAnswer: undefined,
  }
}

/** Whether media towards or from who said it rests (RFC 3264 8.4). */
export function isHeldMedia({ direction, address, ice }: MediaStatement): boolean {
  return direction !== 'sendrecv' || (address === undefined && ice === undefined)
}

export function partyByTag(call: Call, tag: string): Party | undefined {
  return tag === '' ? undefined : call.parties.find((party) => party.tag === tag)
}
