// Owns t_relay: the targets that a request goes to, the branch route run over each, and the hand-over to the host.
import type { MessageEdit, SipRequest } from '../src/sip/index.ts'
import { announceTransaction } from './accounting-hook.ts'
import type { BranchArguments, RelayArguments, RouteKind } from './contract.ts'
import { defineWaiting } from './define.ts'
import { routeOf } from './program-table.ts'
import { cutUri } from './request-uri.ts'
import { withRecordRouteParams } from './rr.ts'
import {
  after,
  currentRun,
  DROP,
  drive,
  EndOfScript,
  op,
  Pending,
  Run,
  resumeRun,
  type Target,
  type TransactionState,
  within,
} from './runtime.ts'
import { requestView } from './views.ts'

const NOTHING_TO_SEND = -1
/** Kamailio's E_BAD_URI. */
const BAD_URI = -400
/** Kamailio's E_BAD_VIA: lines are missing of which a transaction is made. */
export const UNTRACEABLE = -9

/** What a branch route made of its target; undefined when it dropped it. */
type Prepared = BranchArguments | undefined

function branchArguments(target: Target, edits: MessageEdit[]): BranchArguments {
  const { state } = currentRun()
  const branch: BranchArguments = { uri: target.uri, edits: withPath(target, edits), flags: state.flags }
  if (target.nextHop !== '') branch.nextHop = target.nextHop
  if (target.listener !== undefined) branch.listener = target.listener
  if (target.branchFlags !== 0) branch.branchFlags = target.branchFlags
  if (target.q !== undefined) branch.q = target.q
  if (target.noConnect) branch.noConnect = true
  if (state.advertised !== undefined || state.localRport)
    branch.via = { ...state.advertised, ...(state.localRport ? { rport: true } : {}) }
  if (state.onReply !== '') branch.onReply = state.onReply
  if (state.onBranchFailure !== '') branch.onBranchFailure = state.onBranchFailure
  return branch
}

/** RFC 3327 5.3: the Path of a contact becomes the Route of what is sent to it. */
function withPath(target: Target, given: MessageEdit[]): MessageEdit[] {
  const { recordRouteParams } = target
  const edits = recordRouteParams === '' ? given : withRecordRouteParams(given, recordRouteParams)
  // What the script changes after this leaves with nothing that is sent now.
  if (target.path === '') return edits.slice()
  return [...edits, { at: currentRun().message.firstLineEnd, remove: 0, text: `Route: ${target.path}\r\n` }]
}

/** Runs the branch route over one target; its edits are the branch's own. */
function prepare(parent: Run, name: string, target: Target, index: number): Prepared | Pending<Prepared> {
  const route = routeOf('branch', name)
  if (route === undefined) return branchArguments(target, parent.edits)
  const own = target.copy()
  const run = new Run(parent.id, 'branch', name, parent.raw, 0, parent.meta, { parent, target: own, branch: index })
  const finished = (): Prepared => branchArguments(own, [...parent.edits, ...run.edits])
  const thrown = (error: unknown): Prepared => {
    if (!(error instanceof EndOfScript)) throw error
    return error === DROP ? undefined : finished()
  }
  let result: unknown | Pending<unknown>
  try {
    result = within(run, () => drive(route(requestView)))
  } catch (error) {
    return thrown(error)
  }
  if (!(result instanceof Pending)) return finished()
  const prepared = new Pending<Prepared>()
  result.when(
    () => {
      resumeRun(parent)
      prepared.settle(finished())
    },
    (error) => {
      resumeRun(parent)
      try {
        prepared.settle(thrown(error))
      } catch (failure) {
        prepared.fail(failure)
      }
    },
  )
  return prepared
}

function prepareAll(
  parent: Run,
  name: string,
  targets: readonly Target[],
  done: Prepared[],
): Prepared[] | Pending<Prepared[]> {
  for (let i = done.length; i < targets.length; i++) {
    // A branch that is dropped leaves its number to the next one.
    const kept = done.reduce((count, branch) => (branch === undefined ? count : count + 1), 0)
    const prepared = prepare(parent, name, targets[i]!, parent.state.sentBranches + kept)
    if (prepared instanceof Pending) {
      return prepared.chain((branch) => prepareAll(parent, name, targets, [...done, branch]))
    }
    done.push(prepared)
  }
  return done
}

/** What is noted of the branches that leave, for later runs of the transaction. */
function noteSent(state: TransactionState, branches: readonly BranchArguments[]): void {
  state.sentUri ??= state.target.uri
  for (const [i, { branchFlags, uri }] of branches.entries()) {
    if (branchFlags !== undefined) {
      state.sentFlags ??= []
      state.sentFlags[state.sentBranches + i] = branchFlags
    }
    if (uri !== state.sentUri) {
      state.sentUris ??= []
      state.sentUris[state.sentBranches + i] = uri
    }
  }
  state.sentBranches += branches.length
}

/** A destination that is reached by that transport, whatever the URI says. */
function byTransport(uri: string, transport: string): string {
  const seams = cutUri(uri)
  return seams === undefined ? uri : `sip:${seams.hostport};transport=${transport}`
}

/** In the failure of a branch: its target, if the script has given it another place to go. */
function changedBranch(run: Run): Target[] {
  const { branchTarget, meta } = run
  if (branchTarget === undefined) return []
  const changed = branchTarget.uri !== meta.branchUri || branchTarget.nextHop !== (meta.branchNextHop ?? '')
  return changed ? [branchTarget] : []
}

/** A request of which nothing was sent yet: where nothing is left to send to, that is what its sender is told. */
function unanswered(run: Run, mode: 'transaction' | 'stateless'): boolean {
  const { method } = run.message as SipRequest
  return (
    mode === 'transaction' &&
    run.kind === 'request' &&
    run.state.sentBranches === 0 &&
    method !== 'ACK' &&
    method !== 'CANCEL'
  )
}

/** Sends the request to its targets; Kamailio's return code of t_relay. */
function relay(nextHop: string, mode: 'transaction' | 'stateless', transport = ''): number | Pending<number> {
  const run = currentRun()
  const { state } = run
  const targets: Target[] = []
  if (state.untraceable && !state.created && mode === 'transaction') return UNTRACEABLE
  if (run.kind === 'event') targets.push(...changedBranch(run))
  else if (!state.consumed) targets.push(state.target)
  targets.push(...state.branches)
  if (targets.length === 0 && !unanswered(run, mode)) return NOTHING_TO_SEND
  // The caller has given up: nothing new begins.
  if (run.kind === 'failure' && run.meta.canceled === true) return NOTHING_TO_SEND
  if (targets.some((target) => target.parsed === undefined && !/^(?:urn|tel):/i.test(target.uri))) return BAD_URI
  for (const target of targets) {
    if (nextHop !== '') target.nextHop = nextHop
    if (transport !== '') target.nextHop = byTransport(target.nextHop || target.uri, transport)
  }
  announceTransaction()
  state.consumed = true
  state.branches = []
  if (run.kind === 'request' && state.requestEdits.length === 0) state.requestEdits = run.edits
  const stateless = mode === 'stateless'
  // What makes no transaction of its own has no branches either: an ACK, a CANCEL of an INVITE that is known.
  const branching = !stateless && (run.message as SipRequest).method !== 'ACK' && run.meta.transactionMatch === 0
  const onBranch = branching ? state.onBranch : ''
  state.onBranch = ''
  return after(prepareAll(run, onBranch, targets, []), (prepared) => {
    const branches = prepared.filter((branch) => branch !== undefined)
    const spec: RelayArguments = { branches }
    if (state.onFailure !== '') spec.onFailure = state.onFailure
    if (state.onReply !== '') spec.onReply = state.onReply
    if (state.frTimer !== undefined) spec.frTimer = state.frTimer
    if (state.frInvTimer !== undefined) spec.frInvTimer = state.frInvTimer
    if (state.replyHeaders !== '') spec.replyAppend = state.replyHeaders
    if (branches.length < prepared.length) spec.dropped = prepared.length - branches.length
    if (state.noInternalReply) spec.noInternalReply = true
    if (stateless) spec.stateless = true
    if (state.noTrying) spec.noTrying = true
    state.failureArmed = state.onFailure !== ''
    state.onFailure = ''
    state.created = state.created || !stateless
    noteSent(state, branches)
    return op('relay', spec)
  })
}

/** `host` and `port` as a destination, `$du`'s form. */
function destination(host: string | undefined, port: number | string | undefined): string {
  if (host === undefined || host === '') return ''
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  return `sip:${port === undefined || Number(port) === 0 ? name : `${name}:${Number(port)}`}`
}

/** The event is the failure of one branch (t_on_branch_failure). */
const RELAYING: readonly RouteKind[] = ['request', 'failure', 'event']

const HOST_AND_PORT = [
  { name: 'host', kind: 'string', constant: true },
  { name: 'port', kind: 'int', constant: true },
] as const

export const tRelay = defineWaiting(
  {
    name: 'tRelay',
    kamailio: 't_relay',
    module: 'tm',
    parameters: HOST_AND_PORT,
    overloads: [[]],
    routes: RELAYING,
    doc: 'Sends the request on to its targets: the R-URI unless it was sent already, and the branches added. A CANCEL cancels, an ACK follows its INVITE. False if nothing could be sent.',
    example: 'if (!t_relay()) sl_reply_error();',
  },
  (host?: string, port?: number | string) => relay(destination(host, port), 'transaction'),
)

function relayBy(name: string, kamailio: string, transport: string) {
  return defineWaiting(
    {
      name,
      kamailio,
      module: 'tm',
      parameters: HOST_AND_PORT,
      overloads: [[]],
      routes: RELAYING,
      doc: `As t_relay, to the host and port given by ${transport.toUpperCase()}.`,
      example: `${kamailio}("10.0.0.7", "5060");`,
    },
    (host?: string, port?: number | string) => relay(destination(host, port), 'transaction', transport),
  )
}

export const tRelayToUdp = relayBy('tRelayToUdp', 't_relay_to_udp', 'udp')
export const tRelayToTcp = relayBy('tRelayToTcp', 't_relay_to_tcp', 'tcp')
export const tRelayToTls = relayBy('tRelayToTls', 't_relay_to_tls', 'tls')

const NO_TRYING = 1
const NO_INTERNAL_REPLY = 2
const FLAGS = /^\s*(?:0[xX][0-9a-fA-F]+|\d+)\s*$/

export const tRelayTo = defineWaiting(
  {
    name: 'tRelayTo',
    kamailio: 't_relay_to',
    module: 'tm',
    parameters: [
      { name: 'proxy', kind: 'string', constant: true, optional: true },
      { name: 'flags', kind: 'string', constant: true, optional: true },
    ],
    routes: RELAYING,
    doc: 'As t_relay, to `[transport:]host[:port]` where that is given. Flags, beside an address: 1 no 100, 2 no reply of our own where it fails. Names are tried address by address, also with flag 4.',
    example: 't_relay_to("tcp:1.2.3.4:5060", "0x01");',
  },
  (first?: string, second?: string) => {
    // Kamailio 5.6: flags that stand alone change nothing.
    const proxy = FLAGS.test(`${first ?? ''}`) ? '' : (first ?? '')
    const flags = Number(second ?? 0)
    const { state } = currentRun()
    if ((flags & NO_TRYING) !== 0) state.noTrying = true
    if ((flags & NO_INTERNAL_REPLY) !== 0) state.noInternalReply = true
    const [, transport = '', place = ''] = /^(?:(udp|tcp|tls|ws|wss):)?(.*)$/i.exec(proxy.trim()) ?? []
    if (place !== '')
      return relay(`sip:${place}${transport === '' ? '' : `;transport=${transport.toLowerCase()}`}`, 'transaction')
    return relay('', 'transaction', transport.toLowerCase())
  },
)

export const forward = defineWaiting(
  {
    name: 'forward',
    kamailio: 'forward',
    module: 'core',
    parameters: HOST_AND_PORT,
    overloads: [[], [HOST_AND_PORT[0]]],
    routes: ['request'],
    doc: 'Sends the request on without a transaction.',
    example: 'forward();',
  },
  (host?: string, port?: number | string) => relay(destination(host, port), 'stateless'),
)
