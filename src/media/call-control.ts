// Owns what NG withholds of a party's media: block, silence and DTMF, of one party or of the whole call.
import { SignalboxError } from '../errors.ts'
import { type Blocking, type Call, type Party, partyByTag } from './call.ts'
import type { SessionOptions } from './session-options.ts'

interface Control {
  readonly what: keyof Blocking
  readonly on: boolean
}

const CONTROLS: ReadonlyMap<string, Control> = new Map([
  ['block media', { what: 'media', on: true }],
  ['unblock media', { what: 'media', on: false }],
  ['silence media', { what: 'silence', on: true }],
  ['unsilence media', { what: 'silence', on: false }],
  ['block dtmf', { what: 'dtmf', on: true }],
  ['unblock dtmf', { what: 'dtmf', on: false }],
])

/** What a command withholds or gives back; undefined for another command. Spaces, dashes and underscores are one. */
export function controlOf(command: string): Control | undefined {
  return CONTROLS.get(command.replace(/[-_]/g, ' ').toLowerCase())
}

/**
 * Notes it for the party that the request names by tag, label or address, else for all.
 * @throws SignalboxError ERR_MEDIA, in rtpengine's words
 */
export function controlCall(call: Call, { what, on }: Control, options: SessionOptions): void {
  const party = namedParty(call, options)
  if (party) {
    party.blocking[what] = on
    return
  }
  call.blocking[what] = on
  for (const each of call.parties) each.blocking[what] = on
}

/**
 * The party that a request points at by tag, label or address; undefined where it points at none.
 * @throws SignalboxError ERR_MEDIA, in rtpengine's words
 */
export function namedParty(call: Call, { fromTag, label, address, allParties }: SessionOptions): Party | undefined {
  if (allParties) return undefined
  if (label !== '') {
    const party = call.parties.find((each) => each.label === label)
    if (party) return party
    throw new SignalboxError('ERR_MEDIA', 'No monologue matching the given label')
  }
  if (address !== '') {
    const party = call.parties.find((each) =>
      each.media.some(({ stated, pending }) => (stated ?? pending)?.address === address),
    )
    if (party) return party
    throw new SignalboxError('ERR_MEDIA', 'Failed to match address to any tag')
  }
  if (fromTag === '') return undefined
  const party = partyByTag(call, fromTag)
  if (party) return party
  throw new SignalboxError('ERR_MEDIA', 'From-tag given, but no such tag exists')
}
