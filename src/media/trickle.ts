// Owns the candidates that a party tells after its description: parts of one, under the flag `fragment` (RFC 8838, RFC 8840 9).
import { SignalboxError } from '../errors.ts'
import { rawLines } from '../sdp/index.ts'
import { type Call, type MediaStatement, type Party, type PartyMedia, partyByTag } from './call.ts'
import type { IceCredentials, RemoteCandidate } from './connection-settings.ts'
import { credentialsOf, readCandidates, sameCredentials } from './ice-statement.ts'
import type { SessionOptions } from './session-options.ts'

/** One m-line of a fragment, or what stands before the first, which is for all of them. */
interface Part {
  readonly mid: string | undefined
  readonly credentials: IceCredentials | undefined
  readonly candidates: readonly RemoteCandidate[]
}

/** Candidates of one media in all, those of its description included. */
const MOST_CANDIDATES = 32

/**
 * Adds what the fragment tells to what its party has said; the streams are configured anew by the caller.
 * @returns warnings
 * @throws SignalboxError ERR_MEDIA where the party is not known
 */
export function takeFragment(call: Call, command: 'offer' | 'answer', options: SessionOptions): string[] {
  const party = speakerOf(call, command, options)
  if (!party) throw new SignalboxError('ERR_MEDIA', 'No media to trickle to: the tag is not known')
  const { session, media } = partsOf(options.sdp ?? '')
  const warnings: string[] = []
  for (const [index, part] of media.entries()) {
    const place = party.media.findIndex(
      (each) => part.mid !== undefined && (each.pending ?? each.stated)?.mid === part.mid,
    )
    const target = party.media[place < 0 ? index : place]
    const credentials = part.credentials ?? session.credentials
    if (!target || !addCandidates(target, credentials, part.candidates))
      warnings.push(`a fragment of media ${index + 1} belongs to no ICE session that is known; it was ignored`)
  }
  return warnings
}

function speakerOf(call: Call, command: 'offer' | 'answer', { fromTag, toTag }: SessionOptions): Party | undefined {
  const from = partyByTag(call, fromTag)
  return command === 'offer' ? from : (partyByTag(call, toTag) ?? from?.peer)
}

/** Adds to the statement that has these credentials: the one that holds, or the one that is offered. */
function addCandidates(media: PartyMedia, credentials: IceCredentials | undefined, more: Part['candidates']): boolean {
  let known = false
  const grown = (statement: MediaStatement | undefined): MediaStatement | undefined => {
    if (!statement?.ice || (credentials && !sameCredentials(statement.ice.remote, credentials))) return statement
    known = true
    const candidates = [...statement.ice.candidates, ...more].slice(0, MOST_CANDIDATES)
    return { ...statement, ice: { ...statement.ice, candidates } }
  }
  media.pending = grown(media.pending)
  media.stated = grown(media.stated)
  return known
}

function partsOf(text: string): { session: Part; media: Part[] } {
  const sections: string[][] = [[]]
  for (const { text: line } of rawLines(text)) {
    if (line.startsWith('m=')) sections.push([])
    else if (line.startsWith('a=')) sections.at(-1)!.push(line.slice(2))
  }
  const [session, ...media] = sections.map((attributes): Part => {
    const values = (name: string): string[] =>
      attributes.filter((each) => each.startsWith(`${name}:`)).map((each) => each.slice(name.length + 1))
    return {
      mid: values('mid')[0],
      credentials: credentialsOf(values('ice-ufrag')[0], values('ice-pwd')[0]),
      candidates: readCandidates(values('candidate')),
    }
  })
  return { session: session!, media }
}
