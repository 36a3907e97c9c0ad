// Owns changes to the R-URI and the destination of the run's target. They take effect at once, unlike edits of headers.
import { currentRun, type Target } from './runtime.ts'
import { made } from './text-bounds.ts'

/** A URI cut at its seams, every byte kept: `scheme:` + userinfo `@` + host:port + `;params?headers`. */
export interface UriSeams {
  scheme: string
  /** user[:password], undefined when there is no `@`. */
  userinfo: string | undefined
  hostport: string
  /** From the first `;` or `?` after the host. */
  tail: string
}

export function cutUri(uri: string): UriSeams | undefined {
  const colon = uri.indexOf(':')
  if (colon < 1) return undefined
  const at = uri.indexOf('@', colon)
  const hostStart = at < 0 ? colon + 1 : at + 1
  let hostEnd = hostStart
  while (hostEnd < uri.length) {
    const char = uri.charCodeAt(hostEnd)
    if (char === 0x3b || char === 0x3f) break
    hostEnd++
  }
  return {
    scheme: uri.slice(0, colon),
    userinfo: at < 0 ? undefined : uri.slice(colon + 1, at),
    hostport: uri.slice(hostStart, hostEnd),
    tail: uri.slice(hostEnd),
  }
}

export function joinUri(seams: UriSeams): string {
  const user = seams.userinfo === undefined ? '' : `${seams.userinfo}@`
  return `${seams.scheme}:${user}${seams.hostport}${seams.tail}`
}

/** The port part of `host:port` or `[v6]:port`, '' when there is none. */
export function portOf(hostport: string): string {
  const bracket = hostport.lastIndexOf(']')
  const colon = hostport.indexOf(':', bracket < 0 ? 0 : bracket)
  return colon < 0 ? '' : hostport.slice(colon + 1)
}

export function hostOf(hostport: string): string {
  const port = portOf(hostport)
  return port === '' ? hostport.replace(/:$/, '') : hostport.slice(0, hostport.length - port.length - 1)
}

/** Removes one `;name[=value]` from the parameters, leaving the others and the headers as they are. */
export function withoutParam(tail: string, name: string): string {
  if (tail.indexOf(';') < 0) return tail
  const headers = tail.indexOf('?')
  const params = headers < 0 ? tail : tail.slice(0, headers)
  const kept = params.split(';').filter((param, index) => {
    if (index === 0) return true
    const equals = param.indexOf('=')
    return (equals < 0 ? param : param.slice(0, equals)).trim().toLowerCase() !== name
  })
  return kept.join(';') + (headers < 0 ? '' : tail.slice(headers))
}

/** The target of the run; builtins that change it are illegal in reply routes. */
export function runTarget(): Target {
  const target = currentRun().target
  if (target === undefined) throw new Error('A reply route has no R-URI to change.')
  return target
}

/** `$ru = `: the R-URI counts as new from now on, so that t_relay sends to it. */
export function setRequestUri(uri: string): void {
  const target = runTarget()
  target.uri = made(uri)
  target.rewritten = true
  markNew()
}

/** `$du = `; null clears it, which makes no R-URI new. */
export function setDestination(uri: string | null): void {
  runTarget().nextHop = uri ?? ''
  if (uri !== null) markNew()
}

function markNew(): void {
  const run = currentRun()
  if (run.branchTarget === undefined) run.state.consumed = false
}

/** Changes parts of the R-URI; -1 when it is no URI. */
export function rewriteUri(change: (seams: UriSeams) => void): number {
  const seams = cutUri(runTarget().uri)
  if (seams === undefined) return -1
  const tel = seams.scheme.toLowerCase() === 'tel'
  if (tel) fromTel(seams)
  change(seams)
  // Only a host makes a SIP URI of it.
  const still = tel && hostOf(seams.hostport) === ''
  setRequestUri(still ? `tel:${seams.userinfo ?? ''}` : joinUri(seams))
  return 1
}

/** A tel URI that gets a host becomes a SIP URI with its number and the number's parameters as user (RFC 3261 19.1.6). */
function fromTel(seams: UriSeams): void {
  seams.scheme = 'sip'
  seams.userinfo = seams.hostport + seams.tail
  seams.hostport = ''
  seams.tail = ';user=phone'
}

/**
 * Changes the user alone: a password stays, and of a telephone number (`user=phone`) its parameters, as 5.6.3 has it.
 * Where no user is left, they go with it.
 */
export function changeUser(seams: UriSeams, change: (user: string) => string): void {
  const whole = seams.userinfo ?? ''
  const end = whole.search(/;user=phone(?=[;?]|$)/.test(seams.tail) ? /[;:]/ : /:/)
  const user = change(end < 0 ? whole : whole.slice(0, end))
  seams.userinfo = user === '' ? undefined : user + (end < 0 ? '' : whole.slice(end))
}
