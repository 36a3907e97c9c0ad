// Owns who speaks to whom in a call: the parties that an offer, an answer or a delete means, by tags and Via branch.
import { type Call, type Party, partyByTag } from './call.ts'
import type { SessionOptions } from './session-options.ts'

export interface Dialogue {
  /** Who the SDP is from. */
  readonly speaker: Party
  /** Who it goes to. */
  readonly listener: Party
}

/** Adds a party to the call. */
export type NewParty = (tag: string, viaBranch: string, interfaceName: string | undefined) => Party

/** Pairs the parties of an offer, making those that are not there yet. The parties are not yet each other's peers. */
export function pairForOffer(call: Call, options: SessionOptions, make: NewParty): Dialogue {
  const [from, to] = options.direction
  const speaker = partyByTag(call, options.fromTag) ?? make(options.fromTag, '', from)
  const named = partyByTag(call, options.toTag)
  if (named && named !== speaker) return { speaker, listener: named }
  const branch = options.viaBranch
  // A further branch of a fork gets ports of its own only where its Via branch tells it apart.
  const known = call.parties.find((party) => branch !== '' && party.viaBranch === branch && party !== speaker)
  if (known) return { speaker, listener: known }
  const peer = speaker.peer
  if (peer && (branch === '' || peer.viaBranch === '')) {
    if (peer.tag === '' && options.toTag !== '') peer.tag = options.toTag
    return { speaker, listener: peer }
  }
  return { speaker, listener: make(options.toTag, branch, to) }
}

/** Pairs the parties of an answer; undefined where nobody with that From tag offered. */
export function pairForAnswer(call: Call, options: SessionOptions, make: NewParty): Dialogue | undefined {
  const offerer = partyByTag(call, options.fromTag)
  if (!offerer) return undefined
  const named = partyByTag(call, options.toTag)
  if (named && named !== offerer) return { speaker: named, listener: offerer }
  const branch = options.viaBranch
  const open = call.parties.find(
    (party) => party.tag === '' && party !== offerer && branch !== '' && party.viaBranch === branch,
  )
  const asked = open ?? offerer.peer
  if (!asked) return undefined
  if (asked.tag === '') {
    asked.tag = options.toTag
    return { speaker: asked, listener: offerer }
  }
  if (options.toTag === '') return { speaker: asked, listener: offerer }
  // RFC 3261 12.1.2: another To tag is another early dialog of the same offer. It was given the same ports and keys.
  const fork = make(options.toTag, asked.viaBranch, asked.interfaceName)
  fork.hidden = new Map(asked.hidden)
  for (const media of asked.media) {
    if (media.stream) media.stream.users++
    fork.media.push({
      ...media,
      keys: new Map(media.keys),
      stated: undefined,
      pending: undefined,
      agreed: undefined,
      dtls: { ...media.dtls, agreed: undefined },
      mux: false,
    })
  }
  return { speaker: fork, listener: offerer }
}

/** What a delete ends: the whole call, one branch of a fork, or nothing. */
export function partiesToDelete(call: Call, options: SessionOptions): readonly Party[] {
  const { fromTag, toTag, viaBranch } = options
  if (viaBranch !== '') {
    const branch = call.parties.find((party) => party.viaBranch === viaBranch)
    if (branch) return isSpare(branch, call) ? [branch] : call.parties
  }
  if (fromTag === '') return call.parties
  const from = partyByTag(call, fromTag)
  if (!from) return []
  if (toTag === '') return call.parties
  const to = partyByTag(call, toTag)
  if (to) return isSpare(to, call) ? [to] : call.parties
  // A tag that never answered: what is meant is the branch without a tag, if that is what there is.
  return from.peer?.tag === '' ? call.parties : []
}

/** Whether the call goes on without that party: nobody talks to it now, or another branch of the same offer is left. */
function isSpare(party: Party, call: Call): boolean {
  const others = call.parties.filter((other) => other !== party)
  return (
    others.every(({ peer }) => peer !== party) ||
    others.some((other) => other !== party.peer && other.peer === party.peer)
  )
}

/** Who talked to a party that is gone may talk to another branch of the same offer. */
export function partFrom(gone: Party, call: Call): void {
  for (const party of call.parties)
    if (party.peer === gone) party.peer = call.parties.findLast((other) => other !== party && other.peer === party)
}
