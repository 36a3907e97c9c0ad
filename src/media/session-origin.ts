// Owns what a party's session is called towards the other side: o= username, s= and the version, kept over its descriptions.
import type { SdpDocument } from '../sdp/index.ts'
import type { SessionOptions } from './session-options.ts'

/** What the descriptions of one party have said so far. */
export interface OriginMemory {
  readonly username: string
  readonly sessionName: string
  /** Version that was sent last; up to 64 bits (RFC 8866 5.2). */
  readonly version: bigint
  /** The last description sent on, without its o= line. */
  readonly text: string
}

export interface NamedSession {
  readonly sdp: string
  /** What is to be remembered once the description goes out. */
  readonly memory: OriginMemory | undefined
}

/** Writes names and version as the flags ask; `sdp` is the description as it would go out without them. */
export function nameSession(
  sdp: string,
  document: SdpDocument,
  before: OriginMemory | undefined,
  { replaceUsername, replaceSessionName, replaceVersion }: SessionOptions,
): NamedSession {
  const origin = document.origin
  if (!origin) return { sdp, memory: before }
  const sessionName = document.session.lines.find((line) => line.type === 's')?.value ?? '-'
  const first = { username: before?.username ?? origin.username, sessionName: before?.sessionName ?? sessionName }
  let named = sdp
  if (replaceSessionName && first.sessionName !== sessionName)
    named = named.replace(/^s=.*$/m, () => `s=${first.sessionName}`)
  const text = named.replace(/^o=.*$/m, 'o=')
  const given = readVersion(origin.version)
  // RFC 8866 5.2: the version grows whenever the description changes, and only then.
  const kept = before === undefined ? given : before.text === text ? before.version : before.version + 1n
  const version = replaceVersion ? kept : given
  const username = replaceUsername ? first.username : origin.username
  named = named.replace(
    /^o=\S+ (\S+) \S+/m,
    (_, id: string) => `o=${username} ${id} ${replaceVersion ? version : origin.version}`,
  )
  return { sdp: named, memory: { ...first, version, text } }
}

function readVersion(text: string): bigint {
  return /^\d{1,20}$/.test(text) ? BigInt(text) : 0n
}
