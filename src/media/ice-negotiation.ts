// Owns what is agreed of ICE with one party: credentials of ours, who is lite, the lines of the description, the stream's configuration.
import { addressFamily, encodeBase64, profileOf } from '../sdp/index.ts'
import type { MediaStatement, PartyMedia, RelayStream } from './call.ts'
import type { IceConfig, IceCredentials } from './connection-settings.ts'
import type { AddedCandidate, IceLite, PartyIce } from './connection-state.ts'
import type { RandomKey } from './crypto-negotiation.ts'
import { sameCredentials } from './ice-statement.ts'
import type { MediaInterface } from './interfaces.ts'
import type { SessionOptions } from './session-options.ts'

/** Whether the relay is lite towards the receiver of an offer (`forward`), or towards the offerer (`backward`). */
export function liteTowards(side: 'forward' | 'backward', asked: IceLite, before: boolean): boolean {
  return asked === undefined ? before : asked === 'both' || asked === side
}

/** RFC 8839 5.4: at least 24 bits in the fragment, 128 in the password; these are 48 and 156. */
function newCredentials(randomKey: RandomKey): IceCredentials {
  return { ufrag: encodeBase64(randomKey(6)), password: encodeBase64(randomKey(21)).slice(0, 26) }
}

/** ICE in the offer to `other`, who gets what `statement` says; undefined: none. */
export function offerIce(
  statement: MediaStatement,
  other: PartyMedia,
  options: SessionOptions,
  randomKey: RandomKey,
): PartyIce | undefined {
  const { ice: flag } = options
  if (flag === 'remove' || !profileOf(statement.protocol).rtp) return undefined
  // By default ICE is passed on to who may know it, and goes on with who speaks it already.
  const speaks = statement.ice !== undefined || (other.ice !== undefined && other.stated?.ice !== undefined)
  if (flag === 'default' && !speaks) return undefined
  const lite = liteTowards('forward', options.iceLite, other.iceLite)
  const before = other.ice ?? other.iceOffer?.own
  if (before && !options.reset && before.lite === lite) return { ...before, offered: 'by-us' }
  return { local: newCredentials(randomKey), lite, offered: 'by-us', metWith: undefined }
}

/** ICE in the answer to what `other` offered (RFC 8839 4.2.2: only where it did); undefined: none. */
export function answerIce(
  offer: MediaStatement,
  other: PartyMedia,
  options: SessionOptions,
  randomKey: RandomKey,
): PartyIce | undefined {
  if (!offer.ice || options.ice === 'remove' || !profileOf(offer.protocol).rtp) return undefined
  const { remote } = offer.ice
  const lite = liteTowards('backward', options.iceLite, other.iceLite)
  const goesOn = other.ice && other.ice.lite === lite && sameCredentials(other.ice.metWith, remote)
  if (goesOn) return { ...other.ice!, offered: 'by-them' }
  return { local: newCredentials(randomKey), lite, offered: 'by-them', metWith: remote }
}

/**
 * Whether the parties do ICE with one another, the relay being one way among theirs. Only of media in the clear: keys and
 * fingerprints are the relay's own on each side, and would not fit where media goes past it.
 */
export function addedCandidate(
  statement: MediaStatement,
  profiles: readonly string[],
  { ice }: SessionOptions,
): AddedCandidate | undefined {
  const asked = ice === 'optional' ? 'host' : ice === 'force-relay' ? 'relay' : undefined
  return statement.ice && profiles.every((each) => profileOf(each).rtp && !profileOf(each).secure) ? asked : undefined
}

/** RFC 8445 5.1.2.1: below all that the parties have themselves. */
const lowPriority = (component: number): number => 256 - component

/** Attributes of the media as its party wrote them, and the relay's own candidates, which are taken last. */
export function addedLines(
  statement: MediaStatement,
  added: AddedCandidate,
  stream: RelayStream,
  components: 1 | 2,
  randomKey: RandomKey,
): string[] {
  const { remote, told, trickle } = statement.ice!
  const { address, advertised } = stream.local
  const theirs = told.filter((value) => added === 'host' || !/ typ relay( |$)/i.test(value))
  const ours = [stream.rtpPort, stream.rtcpPort].slice(0, components).map((port, index) => {
    const related = added === 'relay' ? ` raddr ${address} rport ${port}` : ''
    const place = `${lowPriority(index + 1)} ${advertised} ${port} typ ${added}${related}`
    return `candidate:${foundationOf(stream.local, randomKey)} ${index + 1} UDP ${place}`
  })
  return [
    `ice-ufrag:${remote.ufrag}`,
    `ice-pwd:${remote.password}`,
    ...(trickle ? ['ice-options:trickle'] : []),
    ...theirs.map((value) => `candidate:${value}`),
    ...ours,
  ]
}

/** Foundations (RFC 8445 5.1.1.3): one for each address, the same for all its candidates. */
const foundations = new WeakMap<MediaInterface, string>()

function foundationOf(local: MediaInterface, randomKey: RandomKey): string {
  let foundation = foundations.get(local)
  if (!foundation) foundations.set(local, (foundation = encodeBase64(randomKey(12))))
  return foundation
}

/** RFC 8445 5.1.2.1: a host candidate, the only one of its component. */
const hostPriority = (component: number): number => 126 * 2 ** 24 + 65_535 * 2 ** 8 + (256 - component)

/** Attributes of the media, without `a=`. `theirs` is what the receiver has said of ICE. */
export function iceLines(
  ice: PartyIce,
  stream: RelayStream,
  described: { readonly components: 1 | 2; readonly trickle: boolean },
  options: SessionOptions,
  randomKey: RandomKey,
): string[] {
  const address = options.mediaAddress && addressFamily(options.mediaAddress) === stream.local.family
  const shown = address ? options.mediaAddress! : stream.local.advertised
  const foundation = foundationOf(stream.local, randomKey)
  const candidates = [stream.rtpPort, stream.rtcpPort]
    .slice(0, described.components)
    .map(
      (port, index) => `candidate:${foundation} ${index + 1} UDP ${hostPriority(index + 1)} ${shown} ${port} typ host`,
    )
  return [
    `ice-ufrag:${ice.local.ufrag}`,
    `ice-pwd:${ice.local.password}`,
    ...(described.trickle ? ['ice-options:trickle'] : []),
    ...candidates,
    // RFC 8838 8.2: none will follow.
    ...(described.trickle ? ['end-of-candidates'] : []),
  ]
}

/** ICE of the stream that faces a party; undefined where one of both does not speak it. */
export function iceConfig(media: PartyMedia): IceConfig | undefined {
  const { ice } = media
  const theirs = media.stated?.ice
  if (!ice || !theirs) return undefined
  const { remote, lite: remoteLite, candidates } = theirs
  // RFC 8445 6.1.1: of a full and a lite side the full one controls; else the one that offered.
  const controlling = ice.lite === remoteLite ? ice.offered === 'by-us' : remoteLite
  return {
    local: ice.local,
    remote,
    lite: ice.lite,
    remoteLite,
    role: controlling ? 'controlling' : 'controlled',
    candidates,
  }
}
