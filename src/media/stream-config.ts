// Owns how an agreed dialogue becomes the configuration of native streams: where to send, how, and from whom to take.
import { addressFamily, type CryptoAttribute, receives, sends } from '../sdp/index.ts'
import type { Party, PartyMedia } from './call.ts'
import type { LocalCrypto } from './crypto-negotiation.ts'
import type { NativeRelay, SrtpKey, StreamConfig } from './native-relay.ts'

export interface Timeouts {
  /** Seconds; 0: never. */
  readonly timeout: number
  readonly silentTimeout: number
}

/** Links the streams of both parties, m-line by m-line, and configures each as its party said. */
export function applyDialogue(native: NativeRelay, a: Party, b: Party, timeouts: Timeouts): void {
  for (const [index, mine] of a.media.entries()) {
    const theirs = b.media[index]
    if (!mine.stream || !theirs?.stream) continue
    native.link(mine.stream.id, theirs.stream.id)
    native.configure(mine.stream.id, streamConfig(mine, timeouts))
    native.configure(theirs.stream.id, streamConfig(theirs, timeouts))
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

function streamConfig(media: PartyMedia, { timeout, silentTimeout }: Timeouts): StreamConfig {
  const stated = media.stated!
  const keyed = media.agreed
  // A party whose address is of another family than the socket that faces it cannot be sent to, only listened to.
  const reachable =
    stated.address !== undefined &&
    stated.port > 0 &&
    addressFamily(stated.address) === addressFamily(media.stream!.local.address)
  const silent = !sends(stated.direction) || !receives(stated.direction) || stated.address === undefined
  return {
    ...(reachable ? { remote: { address: stated.address!, rtpPort: stated.port, rtcpPort: stated.rtcpPort } } : {}),
    latching: stated.latching,
    rtcpMux: media.mux,
    srtpIn: keyed ? srtpKey(keyed.remote) : null,
    srtpOut: keyed ? srtpKey(keyed.local) : null,
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
