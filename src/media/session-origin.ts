// Owns what a party's session is called towards the other side: o= username, s= and the version, kept over its descriptions.
import type { SdpDocument } from '../sdp/index.ts'
import type { SessionOptions } from './session-options.ts'

/** What the descriptions of one party have said so far. */
export interface OriginMemory {
  readonly username: string
  readonly sessionName: string
  /** Version that was sent last, in digits: up to 64 bits (RFC 8866 5.2). */
  readonly version: string
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
  const at = named.indexOf('\no=') + 1
  const text = `${named.slice(0, at)}o=${named.slice(named.indexOf('\r\n', at))}`
  // RFC 8866 5.2: the version grows whenever the description changes, and only then.
  const version =
    before === undefined ? digitsOf(origin.version) : before.text === text ? before.version : next(before.version)
  const username = replaceUsername ? first.username : origin.username
  if (username !== origin.username || (replaceVersion && version !== origin.version)) {
    const { sessionId } = origin
    const rest = named.slice(at + `o=${origin.username} ${sessionId} ${origin.version}`.length)
    named = `${named.slice(0, at)}o=${username} ${sessionId} ${replaceVersion ? version : origin.version}${rest}`
  }
  return { sdp: named, memory: { username: first.username, sessionName: first.sessionName, version, text } }
}

/** A version without zeros before it; what is none counts as 0. */
function digitsOf(version: string): string {
  return /^\d{1,20}$/.test(version) ? version.replace(/^0+(?=\d)/, '') : '0'
}

function next(version: string): string {
  return String(BigInt(version) + 1n)
}
