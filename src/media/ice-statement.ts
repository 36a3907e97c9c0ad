// Owns the reading of what a description says of ICE (RFC 8839 5), media by media: credentials, candidates, lite and trickle.
import {
  addressFamily,
  attributes,
  hasAttribute,
  isGroup,
  isUnspecified,
  type SdpDocument,
  type SdpMedia,
} from '../sdp/index.ts'
import type { IceCredentials, RemoteCandidate } from './connection-settings.ts'

export interface IceStatement {
  readonly remote: IceCredentials
  readonly lite: boolean
  /** More candidates may follow (RFC 8838). */
  readonly trickle: boolean
  readonly candidates: readonly RemoteCandidate[]
  /** Those that go on as they are where the relay only adds itself to them: values of `a=candidate`. */
  readonly told: readonly string[]
}

/** Candidates read of one media; what comes after is not looked at. */
const MOST_CANDIDATES = 32

/** What the media says, or the session for all media; undefined where ICE is not spoken, or not as RFC 8839 5.4 wants it. */
export function readIce(document: SdpDocument, media: SdpMedia): IceStatement | undefined {
  const said = (name: string): string | undefined => attributes(media, name)[0] ?? attributes(document.session, name)[0]
  const remote = credentialsOf(said('ice-ufrag'), said('ice-pwd'))
  if (!remote) return undefined
  const told = attributes(media, 'candidate').slice(0, MOST_CANDIDATES)
  return {
    remote,
    told,
    lite: hasAttribute(document.session, 'ice-lite'),
    trickle: /(^| )trickle( |$)/.test(said('ice-options') ?? ''),
    candidates: readCandidates(told),
  }
}

/** A pair of attributes, where both are what they must be. */
export function credentialsOf(ufrag: string | undefined, password: string | undefined): IceCredentials | undefined {
  const good = /^[A-Za-z0-9+/]{4,256}$/.test(ufrag ?? '') && /^[A-Za-z0-9+/]{22,256}$/.test(password ?? '')
  return good ? { ufrag: ufrag!, password: password! } : undefined
}

/** Candidates that the relay can send to: numeric, UDP, of one host. Names (RFC 8839 4.1, mDNS) are met by their checks. */
export function readCandidates(values: readonly string[]): RemoteCandidate[] {
  const candidates: RemoteCandidate[] = []
  for (const value of values.slice(0, MOST_CANDIDATES)) {
    const match = /^\S{1,32} ([12]) udp (\d{1,10}) (\S{1,45}) (\d{1,5}) typ (?:host|srflx|prflx|relay)( |$)/i.exec(
      value,
    )
    if (!match) continue
    const [, component, priority, address, port] = match as unknown as [string, string, string, string, string]
    const usable =
      addressFamily(address) !== undefined && !isGroup(address) && !isUnspecified(address) && !address.includes('%')
    if (!usable || !(Number(port) > 0 && Number(port) <= 65_535) || Number(priority) > 0x7fff_ffff) continue
    candidates.push({
      component: component === '2' ? 2 : 1,
      priority: Number(priority),
      address,
      port: Number(port),
    })
  }
  return candidates
}

export function sameCredentials(a: IceCredentials | undefined, b: IceCredentials | undefined): boolean {
  return a?.ufrag === b?.ufrag && a?.password === b?.password
}
