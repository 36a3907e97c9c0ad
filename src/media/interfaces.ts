// Owns the logical interfaces of the relay: named local addresses, and the address that SDP shows for each.
import { SignalboxError } from '../errors.ts'
import { type AddressFamily, addressFamily } from '../sdp/index.ts'

export interface MediaInterface {
  readonly name: string
  readonly family: AddressFamily
  /** Address that sockets are bound to. */
  readonly address: string
  /** Address written into SDP. */
  readonly advertised: string
}

/**
 * Reads `[NAME/]ADDRESS[!ADVERTISED]`, rtpengine's spelling.
 * @throws SignalboxError ERR_CONFIG
 */
export function parseMediaInterface(text: string): MediaInterface {
  const match = /^(?:([^/!\s]+)\/)?\[?([^!\s\]]+)\]?(?:!\[?([^!\s\]]+)\]?)?$/.exec(text.trim())
  const family = match ? addressFamily(match[2]!) : undefined
  if (!match || !family) throw wrong(text, 'it must be [NAME/]ADDRESS[!ADVERTISED] with a numeric address')
  const advertised = match[3] ?? match[2]!
  if (addressFamily(advertised) !== family)
    throw wrong(text, 'the advertised address must be numeric and of the same family')
  return { name: match[1] ?? 'default', family, address: match[2]!, advertised }
}

function wrong(text: string, why: string): SignalboxError {
  return new SignalboxError(
    'ERR_CONFIG',
    `media interface ${JSON.stringify(text)}: ${why}, for example external/10.0.0.5!25.25.25.5`,
  )
}

/** The interfaces of one relay; the first is the default. */
export class MediaInterfaces {
  readonly all: readonly MediaInterface[]

  constructor(texts: readonly string[]) {
    this.all = texts
      .flatMap((text) => text.split(';'))
      .filter((text) => text.trim() !== '')
      .map(parseMediaInterface)
    if (this.all.length === 0) throw new SignalboxError('ERR_CONFIG', 'the media relay needs at least one interface')
  }

  /** The interface of that name and family; where the name has none of the family, another that has; else the default. */
  pick(name: string | undefined, family: AddressFamily): MediaInterface {
    const named = this.all.filter((candidate) => candidate.name === name)
    const group = named.length > 0 ? named : this.all.filter((candidate) => candidate.name === this.all[0]!.name)
    const ofFamily = (candidate: MediaInterface): boolean => candidate.family === family
    return group.find(ofFamily) ?? this.all.find(ofFamily) ?? group[0]!
  }

  has(name: string): boolean {
    return this.all.some((candidate) => candidate.name === name)
  }
}
