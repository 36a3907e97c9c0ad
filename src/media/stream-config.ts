// Owns how an agreed dialogue becomes the configuration of native streams: where to send, how, and from whom to take.
import { addressFamily, type CryptoAttribute, profileOf, receives } from '../sdp/index.ts'
import { isHeldMedia, type Party, type PartyMedia } from './call.ts'
import type { LocalCrypto } from './crypto-negotiation.ts'
import { dtlsConfig } from './dtls-negotiation.ts'
import { iceConfig } from './ice-negotiation.ts'
import type { NativeRelay, SrtpKey, StreamConfig } from './native-relay.ts'

/** What holds for all streams of a call. */
export interface CallSettings {
  /** Seconds; 0: never. */
  readonly timeout: number
  readonly silentTimeout: number
  /** Of the window in which a better match of the signalled address is still waited for. */
  readonly learningMillis?: number | undefined
  /** RTCP of either side ends at the relay, which makes its own. */
  readonly ownReports: boolean
  /** RTP of either side goes nowhere. */
  readonly dropsTraffic: boolean
}

/** Links the streams of both parties, m-line by m-line, and configures each as its party said. */
export function applyDialogue(native: NativeRelay, a: Party, b: Party, settings: CallSettings): void {
  for (const [index, mine] of a.media.entries()) {
    const theirs = b.media[index]
    if (!mine.stream || !theirs?.stream || !mine.stated || !theirs.stated) continue
    native.link(mine.stream.id, theirs.stream.id)
    native.configure(mine.stream.id, streamConfig(mine, theirs, a, settings))
    native.configure(theirs.stream.id, streamConfig(theirs, mine, b, settings))
  }
}

/**
 * Has the streams towards a party that was offered ICE, and has never answered, answer checks already: they may come before
 * its answer does (RFC 8445 7.3). No media passes yet.
 */
export function expectChecks(native: NativeRelay, party: Party): void {
  for (const { stream, stated, iceOffer, mux } of party.media) {
    const ice = iceOffer?.own
    if (!stream || stated || !ice) continue
    const { local, lite } = ice
    const role = lite ? 'controlled' : 'controlling'
    native.configure(stream.id, {
      latching: 'strict',
      send: false,
      receive: false,
      rtcpMux: mux,
      ice: { local, lite, remoteLite: false, role, candidates: [] },
    })
  }
}

/** Silences the streams of a branch that lost to another, except those that the other one shares. */
export function muteParty(native: NativeRelay, party: Party, winner: Party): void {
  const shared = new Set(winner.media.map((media) => media.stream?.id))
  for (const media of party.media) {
    if (media.stream && !shared.has(media.stream.id))
      native.configure(media.stream.id, { latching: 'strict', send: false, receive: false })
  }
}

/**
 * How the stream that faces a party is to be.
 * @param other the m-line on the far side, where its packets go
 */
function streamConfig(
  media: PartyMedia,
  other: PartyMedia,
  { blocking }: Party,
  { timeout, silentTimeout, learningMillis, ownReports, dropsTraffic }: CallSettings,
): StreamConfig {
  const stated = media.stated!
  // T.38 over UDPTL and whatever else is no RTP goes through as it is; RTP that met something else is not passed as such.
  const passthrough = ![media, other].some((each) => profileOf(each.stated?.protocol ?? '').rtp)
  const dtls = passthrough ? undefined : dtlsConfig(media)
  const keyed = passthrough || dtls ? undefined : media.agreed
  // A party whose address is of another family than the socket that faces it cannot be sent to, only listened to.
  const reachable =
    stated.address !== undefined &&
    stated.port > 0 &&
    addressFamily(stated.address) === addressFamily(media.stream!.local.address)
  // RFC 8445 5.1.2: the parties check the way through the relay with one another; media may go past it.
  const passStun = media.iceAdded !== undefined && other.iceAdded !== undefined
  const silent = isHeldMedia(stated) || passStun
  return {
    remote: reachable ? { address: stated.address!, rtpPort: stated.port, rtcpPort: stated.rtcpPort } : undefined,
    latching: stated.latching,
    learningMillis,
    rtcpMux: media.mux,
    passStun,
    ice: passthrough ? null : (iceConfig(media) ?? null),
    dtls: dtls ?? null,
    srtpIn: keyed ? { ...srtpKey(keyed.remote), mki: keyed.remote.mki } : null,
    srtpInFurther: (keyed?.remote.further ?? []).map(({ key, mki }) => ({ suite: keyed!.remote.suite, key, mki })),
    // Our own lines name no master key identifier.
    srtpOut: keyed ? srtpKey(keyed.local) : null,
    passthrough,
    ownReports: ownReports && !passthrough,
    media: dropsTraffic || blocking.media ? 'block' : blocking.silence ? 'silence' : 'pass',
    conversion: passthrough ? null : (media.conversion ?? null),
    blockDtmf: dropsTraffic || blocking.dtmf,
    // A party sends events by the number that the other one gave them, or by its own.
    dtmfPayloadTypes: [...new Set([...stated.eventPayloads, ...(other.stated?.eventPayloads ?? [])])],
    // Who asked not to be sent media gets none; what a party sends is taken, and goes where it is wanted.
    send: receives(stated.direction),
    receive: true,
    timeoutMillis: 1000 * (silent ? silentTimeout : timeout),
    silentTimeoutMillis: 1000 * silentTimeout,
    clockRate: stated.clockRate,
  }
}

function srtpKey({ suite, key }: CryptoAttribute | LocalCrypto): SrtpKey {
  return { suite, key }
}
