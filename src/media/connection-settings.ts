// Owns how ICE and DTLS of a stream are configured: what may be said, every check of it, and the form in which the addon reads it.
import { isIP } from 'node:net'
import { SignalboxError } from '../errors.ts'

/** A pair of `ice-ufrag` and `ice-pwd` (RFC 8839 5.4). */
export interface IceCredentials {
  readonly ufrag: string
  readonly password: string
}

/** A candidate of the far end that the relay can reach: host, reflexive or relayed, over UDP (RFC 8839 5.1). */
export interface RemoteCandidate {
  /** 1 is RTP's component, 2 RTCP's. */
  readonly component: 1 | 2
  readonly priority: number
  /** Numeric. */
  readonly address: string
  readonly port: number
}

export interface IceConfig {
  readonly local: IceCredentials
  /** Absent until the far end has told: its checks are answered, none are made. */
  readonly remote?: IceCredentials | undefined
  /** RFC 8445 2.5: whether this side, and the far end, only answer checks. */
  readonly lite: boolean
  readonly remoteLite: boolean
  readonly role: 'controlling' | 'controlled'
  /** At most 32. */
  readonly candidates: readonly RemoteCandidate[]
}

/** Hashes of `a=fingerprint` (RFC 8122 5), with the length of each in bytes. */
export const FINGERPRINT_BYTES = { 'sha-1': 20, 'sha-224': 28, 'sha-256': 32, 'sha-384': 48, 'sha-512': 64 } as const

export type FingerprintHash = keyof typeof FINGERPRINT_BYTES

export interface Fingerprint {
  readonly hash: FingerprintHash
  readonly digest: Uint8Array
}

/** A certificate of the relay: what its SDP tells of it, and the addon's own hold on it. */
export interface DtlsIdentity {
  readonly handle: unknown
  readonly fingerprints: Readonly<Record<FingerprintHash, Uint8Array>>
}

export interface DtlsConfig {
  readonly identity: DtlsIdentity
  /** RFC 5763 5: the active side begins. */
  readonly role: 'active' | 'passive'
  /** What the far end's certificate must be; with another, no media passes. */
  readonly fingerprint: Fingerprint
}

interface IceForm {
  localUfrag: string
  localPassword: string
  remoteUfrag: string
  remotePassword: string
  lite: boolean
  remoteLite: boolean
  controlling: boolean
  candidates: Uint8Array
}

interface DtlsForm {
  identity: unknown
  active: boolean
  hash: string
  fingerprint: Uint8Array
}

/** As the addon reads them. */
export interface ConnectionForm {
  ice: IceForm | null
  dtls: DtlsForm | null
}

const MOST_CANDIDATES = 32
/** What the addon reads of one candidate: component, family, port, priority, address. */
const CANDIDATE_BYTES = 24

/**
 * Checks and packs both.
 * @throws SignalboxError ERR_MEDIA
 */
export function connectionForm(
  family: number | undefined,
  ice: IceConfig | null | undefined,
  dtls: DtlsConfig | null | undefined,
): ConnectionForm {
  return { ice: ice ? iceForm(family, ice) : null, dtls: dtls ? dtlsForm(dtls) : null }
}

function iceForm(family: number | undefined, ice: IceConfig): IceForm {
  const remote = ice.remote ?? { ufrag: '', password: '' }
  for (const [text, least, what] of [
    [ice.local.ufrag, 4, 'ufrag'],
    [ice.local.password, 22, 'password'],
    [remote.ufrag, ice.remote ? 4 : 0, 'remote ufrag'],
    [remote.password, ice.remote ? 22 : 0, 'remote password'],
  ] as const) {
    // RFC 8839 5.4
    if (text.length < least || text.length > 256 || !/^[A-Za-z0-9+/]*$/.test(text))
      throw new SignalboxError('ERR_MEDIA', `The ${what} of ICE must be ${least} to 256 letters, digits, + and /.`)
  }
  // A socket reaches candidates of its own family alone.
  const reachable = ice.candidates.filter(({ address }) => isIP(address) === family).slice(0, MOST_CANDIDATES)
  const candidates = new Uint8Array(reachable.length * CANDIDATE_BYTES)
  const view = new DataView(candidates.buffer)
  for (const [index, { component, priority, address, port }] of reachable.entries()) {
    const at = index * CANDIDATE_BYTES
    candidates[at] = component - 1
    candidates[at + 1] = family === 6 ? 6 : 4
    view.setUint16(at + 2, port)
    view.setUint32(at + 4, priority)
    candidates.set(addressBytes(address), at + 8)
  }
  return {
    localUfrag: ice.local.ufrag,
    localPassword: ice.local.password,
    remoteUfrag: remote.ufrag,
    remotePassword: remote.password,
    lite: ice.lite,
    remoteLite: ice.remoteLite,
    controlling: ice.role === 'controlling',
    candidates,
  }
}

/** The bytes of a numeric address in network order. */
function addressBytes(address: string): Uint8Array {
  if (isIP(address) === 4) return Uint8Array.from(address.split('.').map(Number))
  // The URL parser writes an IPv4 tail as groups.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
  const front = groups(head)
  const back = tail === undefined ? [] : groups(tail)
  const all = [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back]
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 255]))
}

function dtlsForm({ identity, role, fingerprint }: DtlsConfig): DtlsForm {
  const { hash, digest } = fingerprint
  if (!Object.hasOwn(FINGERPRINT_BYTES, hash) || digest.length !== FINGERPRINT_BYTES[hash])
    throw new SignalboxError(
      'ERR_MEDIA',
      `A fingerprint of ${JSON.stringify(hash)} cannot have ${digest.length} bytes.`,
    )
  return { identity: identity.handle, active: role === 'active', hash, fingerprint: digest }
}
