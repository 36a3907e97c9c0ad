// Owns t_relay: the targets that a request goes to, the branch route run over each, and the hand-over to the host.
import type { MessageEdit } from '../src/sip/index.ts'
import type { BranchArguments, RelayArguments } from './contract.ts'
import { defineWaiting } from './define.ts'
import { routeOf } from './program-table.ts'
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
  within,
} from './runtime.ts'
import { requestView } from './views.ts'

const NOTHING_TO_SEND = -1

/** What a branch route made of its target; undefined when it dropped it. */
type Prepared = BranchArguments | undefined

function branchArguments(target: Target, edits: MessageEdit[]): BranchArguments {
  const { state } = currentRun()
  const branch: BranchArguments = { uri: target.uri, edits, flags: state.flags }
  if (target.nextHop !== '') branch.nextHop = target.nextHop
  if (target.listener !== undefined) branch.listener = target.listener
  if (target.branchFlags !== 0) branch.branchFlags = target.branchFlags
  if (target.q !== undefined) branch.q = target.q
  if (state.onReply !== '') branch.onReply = state.onReply
  if (state.onBranchFailure !== '') branch.onBranchFailure = state.onBranchFailure
  return branch
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
    const prepared = prepare(parent, name, targets[i]!, parent.state.sentBranches + i)
    if (prepared instanceof Pending) {
      return prepared.chain((branch) => prepareAll(parent, name, targets, [...done, branch]))
    }
    done.push(prepared)
  }
  return done
}

/** Sends the request to its targets; Kamailio's return code of t_relay. */
function relay(nextHop: string, stateless: boolean): number | Pending<number> {
  const run = currentRun()
  const { state } = run
  const targets: Target[] = []
  if (!state.consumed) targets.push(state.target)
  targets.push(...state.branches)
  if (targets.length === 0) return NOTHING_TO_SEND
  if (nextHop !== '') for (const target of targets) target.nextHop = nextHop
  state.consumed = true
  state.branches = []
  if (run.kind === 'request' && state.requestEdits.length === 0) state.requestEdits = run.edits
  const { onBranch } = state
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
    state.failureArmed = state.onFailure !== ''
    state.onFailure = ''
    state.created = state.created || !stateless
    state.sentBranches += branches.length
    return op('relay', spec)
  })
}

/** `host`, `port` and `transport` as a destination, `$du`'s form. */
function destination(host: string | undefined, port: number | string | undefined, transport = ''): string {
  if (host === undefined || host === '') return ''
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  const where = port === undefined || Number(port) === 0 ? name : `${name}:${Number(port)}`
  return `sip:${where}${transport === '' ? '' : `;transport=${transport}`}`
}

const HOST_AND_PORT = [
  { name: 'host', kind: 'string', constant: true, optional: true },
  { name: 'port', kind: 'int', constant: true, optional: true },
] as const

export const tRelay = defineWaiting(
  {
    name: 'tRelay',
    kamailio: 't_relay',
    module: 'tm',
    parameters: HOST_AND_PORT,
    routes: ['request', 'failure'],
    doc: 'Sends the request on to its targets: the R-URI unless it was sent already, and the branches added. A CANCEL cancels, an ACK follows its INVITE. False if nothing could be sent.',
    example: 'if (!t_relay()) sl_reply_error();',
  },
  (host?: string, port?: number | string) => relay(destination(host, port), false),
)

function relayBy(name: string, kamailio: string, transport: string) {
  return defineWaiting(
    {
      name,
      kamailio,
      module: 'tm',
      parameters: HOST_AND_PORT,
      routes: ['request', 'failure'],
      doc: `As t_relay, to the host and port given by ${transport.toUpperCase()}.`,
      example: `${kamailio}("10.0.0.7", "5060");`,
    },
    (host?: string, port?: number | string) => relay(destination(host, port, transport), false),
  )
}

export const tRelayToUdp = relayBy('tRelayToUdp', 't_relay_to_udp', 'udp')
export const tRelayToTcp = relayBy('tRelayToTcp', 't_relay_to_tcp', 'tcp')
export const tRelayToTls = relayBy('tRelayToTls', 't_relay_to_tls', 'tls')

export const forward = defineWaiting(
  {
    name: 'forward',
    kamailio: 'forward',
    module: 'core',
    parameters: HOST_AND_PORT,
    routes: ['request'],
    doc: 'Sends the request on without a transaction.',
    example: 'forward();',
  },
  (host?: string, port?: number | string) => relay(destination(host, port), true),
)
