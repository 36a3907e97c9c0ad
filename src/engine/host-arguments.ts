// Owns the check of what comes out of a script: shapes, sizes and ranges of the arguments of host operations.
import type { BranchSpec, RelaySpec, ReplySpec } from '../proxy/index.ts'
import type { MessageEdit, RecordRouteSpec, Transport } from '../sip/index.ts'

const BRANCHES = 32
const EDITS = 10_000
const HEADERS = 65_535
const TRANSPORTS: readonly string[] = ['udp', 'tcp', 'tls', 'ws', 'wss'] satisfies Transport[]
const DOUBLE: readonly string[] = ['protocol', 'interface', 'always', 'never'] satisfies RecordRouteSpec['double'][]

/** What a script is told when it calls a host operation in a way that no builtin does. */
export function wrongArguments(what: string): Error {
  return new TypeError(`wrong arguments: ${what}`)
}

/** A text of at most `limit` bytes. */
export function text(value: unknown, what: string, limit: number): string {
  if (typeof value !== 'string') throw wrongArguments(`${what} is not a text`)
  if (value.length > limit) throw wrongArguments(`${what} is longer than ${limit} bytes`)
  return value
}

/** A whole number from `low` to `high`. */
export function wholeNumber(value: unknown, what: string, low: number, high: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high)
    throw wrongArguments(`${what} is not a whole number from ${low} to ${high}`)
  return value
}

/** As {@link text}; undefined when it is absent or empty. */
export function optionalText(value: unknown, what: string, limit: number): string | undefined {
  return value === undefined || value === '' ? undefined : text(value, what, limit)
}

function list(value: unknown, what: string, limit: number): unknown[] {
  if (!Array.isArray(value)) throw wrongArguments(`${what} is not a list`)
  if (value.length > limit) throw wrongArguments(`${what} has more than ${limit} entries`)
  return value
}

function edit(value: unknown): MessageEdit {
  const given = (value ?? {}) as Partial<MessageEdit>
  const at = wholeNumber(given.at, 'edit offset', 0, 0x3fffffff)
  const remove = wholeNumber(given.remove, 'edit length', 0, 0x3fffffff)
  const inserted = text(given.text, 'edit text', 0xffff)
  const recordRoute = given.recordRoute
  return recordRoute === undefined
    ? { at, remove, text: inserted }
    : { at, remove, text: inserted, recordRoute: recordRouteSpec(recordRoute) }
}

function recordRouteSpec(value: unknown): RecordRouteSpec {
  const given = (value ?? {}) as Partial<RecordRouteSpec>
  const user = optionalText(given.user, 'Record-Route user', 1024)
  const outbound = optionalText(given.outbound, 'Record-Route host', 1024)
  const [inboundTransport, double] = [String(given.inboundTransport), String(given.double)]
  if (!TRANSPORTS.includes(inboundTransport)) throw wrongArguments('Record-Route transport')
  if (!DOUBLE.includes(double)) throw wrongArguments('Record-Route double')
  const spec: { -readonly [K in keyof RecordRouteSpec]: RecordRouteSpec[K] } = {
    inbound: text(given.inbound, 'Record-Route host', 1024),
    inboundTransport: inboundTransport as Transport,
    params: text(given.params, 'Record-Route parameters', 4096),
    double: double as RecordRouteSpec['double'],
  }
  if (user !== undefined) spec.user = user
  if (outbound !== undefined) spec.outbound = outbound
  return spec
}

function viaSpec(value: unknown): NonNullable<BranchSpec['via']> {
  const { host, port, rport } = (value ?? {}) as { host?: unknown; port?: unknown; rport?: unknown }
  const name = optionalText(host, 'Via host', 256)
  if (name !== undefined && !/^[\w.:[\]-]+$/.test(name)) throw wrongArguments('Via host')
  return {
    ...(name === undefined ? {} : { host: name }),
    ...(port === undefined ? {} : { port: wholeNumber(port, 'Via port', 1, 65_535) }),
    ...(rport === true ? { rport: true } : {}),
  }
}

function branch(value: unknown): BranchSpec {
  const given = (value ?? {}) as Partial<BranchSpec>
  const spec: BranchSpec = {
    uri: text(given.uri, 'branch uri', 4096),
    edits: list(given.edits ?? [], 'edits', EDITS).map(edit),
    flags: flags(given.flags),
  }
  const nextHop = optionalText(given.nextHop, 'next hop', 4096)
  if (nextHop !== undefined) spec.nextHop = nextHop
  if (given.listener !== undefined) spec.listener = wholeNumber(given.listener, 'listener', 0, 65_535)
  if (given.branchFlags !== undefined) spec.branchFlags = flags(given.branchFlags)
  const onReply = optionalText(given.onReply, 'reply route', 256)
  if (onReply !== undefined) spec.onReply = onReply
  const onBranchFailure = optionalText(given.onBranchFailure, 'branch failure route', 256)
  if (onBranchFailure !== undefined) spec.onBranchFailure = onBranchFailure
  if (given.noConnect === true) spec.noConnect = true
  if (given.via !== undefined) spec.via = viaSpec(given.via)
  if (typeof given.q === 'number' && given.q >= 0 && given.q <= 1000) spec.q = given.q
  return spec
}

function flags(value: unknown): number {
  return wholeNumber(value ?? 0, 'flags', -0x80000000, 0xffffffff)
}

/** Arguments of `relay`. */
export function relaySpec(value: unknown): RelaySpec {
  const given = (value ?? {}) as Partial<RelaySpec>
  const spec: RelaySpec = { branches: list(given.branches, 'branches', BRANCHES).map(branch) }
  const onFailure = optionalText(given.onFailure, 'failure route', 256)
  if (onFailure !== undefined) spec.onFailure = onFailure
  const onReply = optionalText(given.onReply, 'reply route', 256)
  if (onReply !== undefined) spec.onReply = onReply
  if (given.frTimer !== undefined) spec.frTimer = wholeNumber(given.frTimer, 'fr timer', 0, 86_400_000)
  if (given.frInvTimer !== undefined) spec.frInvTimer = wholeNumber(given.frInvTimer, 'fr_inv timer', 0, 86_400_000)
  if (given.stateless === true) spec.stateless = true
  if (given.noTrying === true) spec.noTrying = true
  if (given.noInternalReply === true) spec.noInternalReply = true
  if (given.dropped !== undefined) spec.dropped = wholeNumber(given.dropped, 'dropped', 0, BRANCHES)
  const append = optionalText(given.replyAppend, 'reply headers', HEADERS)
  if (append !== undefined) spec.replyAppend = append
  return spec
}

/** The same from the library itself, which made it in this heap: its shape is right, while lengths and ranges are what a file or a message said. */
export function librarySpec(given: RelaySpec): RelaySpec {
  list(given.branches, 'branches', BRANCHES)
  for (const branch of given.branches) {
    text(branch.uri, 'branch uri', 4096)
    optionalText(branch.nextHop, 'next hop', 4096)
    list(branch.edits, 'edits', EDITS)
    for (const change of branch.edits) {
      text(change.text, 'edit text', 0xffff)
      if (change.recordRoute !== undefined) recordRouteSpec(change.recordRoute)
    }
    if (branch.via !== undefined) viaSpec(branch.via)
  }
  if (given.frTimer !== undefined) wholeNumber(given.frTimer, 'fr timer', 0, 86_400_000)
  if (given.frInvTimer !== undefined) wholeNumber(given.frInvTimer, 'fr_inv timer', 0, 86_400_000)
  optionalText(given.replyAppend, 'reply headers', HEADERS)
  return given
}

/** Arguments of `reply`. */
export function replySpec(value: unknown): ReplySpec {
  const given = (value ?? {}) as Partial<ReplySpec>
  const mode = given.mode ?? 'auto'
  if (mode !== 'auto' && mode !== 'stateless' && mode !== 'transaction') throw wrongArguments('reply mode')
  const spec: ReplySpec = {
    status: wholeNumber(given.status, 'status', 100, 699),
    // A line break here would end the status line and start headers.
    reason: text(given.reason, 'reason', 1024).replace(/[\r\n]+/g, ' '),
    headers: text(given.headers ?? '', 'headers', HEADERS),
    body: text(given.body ?? '', 'body', HEADERS),
    mode,
  }
  const contentType = optionalText(given.contentType, 'content type', 1024)
  if (contentType !== undefined) spec.contentType = contentType
  const toTag = optionalText(given.toTag, 'tag', 256)
  if (toTag !== undefined) spec.toTag = toTag
  return spec
}
