// Owns module rr, the recording side: Record-Route of this hop (RFC 3261 16.6, RFC 5658).
import type { MessageEdit, RecordRouteSpec } from '../src/sip/index.ts'
import type { BuiltinMeta, Parameter, RouteKind } from './contract.ts'
import { define } from './define.ts'
import './loose-route.ts'
import { edit, topOfHeaders } from './message-edits.ts'
import { flowToken } from './outbound.ts'
import { currentRun } from './runtime.ts'
import { numberParameter } from './settings.ts'
import { toBytes } from './text.ts'
import { made } from './text-bounds.ts'

const fullLr = numberParameter('rr', 'enable_full_lr', 0)
const appendFromTag = numberParameter('rr', 'append_fromtag', 1)
const addUsername = numberParameter('rr', 'add_username', 0)
const doubleRecord = numberParameter('rr', 'enable_double_rr', 1)

const RECORDING: readonly RouteKind[] = ['request', 'branch', 'failure']

function rr(
  name: string,
  kamailio: string,
  parameters: Parameter[],
  doc: string,
  example: string,
): Omit<BuiltinMeta, 'waits'> {
  return { name, kamailio, module: 'rr', parameters, routes: RECORDING, doc, example }
}

/** `host:port;transport=x` of the listener that the message came in on; default port and UDP stay unwritten. */
function inboundAddress(host: string, port: number): string {
  const { proto } = currentRun().meta
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  const where = port === 5060 || port === 0 ? name : `${name}:${port}`
  return proto === 'udp' ? where : `${where};transport=${proto}`
}

function lrParam(): string {
  return fullLr() ? ';lr=on' : ';lr'
}

function fromTagParam(): string {
  if (!appendFromTag()) return ''
  const tag = currentRun().message.fromTag
  return tag === '' ? '' : `;ftag=${tag}`
}

function userPart(token: string | undefined): { user: string } | undefined {
  if (token !== undefined) return { user: token }
  if (!addUsername()) return undefined
  const user = currentRun().request?.uri?.user
  return user === undefined ? undefined : { user }
}

/** Records one Record-Route; a second attempt in the same transaction is refused. */
function record(write: (at: number) => void): number {
  const run = currentRun()
  if (run.state.recordRouted) return -1
  run.state.recordRouted = true
  write(topOfHeaders(run.message))
  return 1
}

function pushSpec(at: number, spec: RecordRouteSpec): void {
  currentRun().addEdit({ at, remove: 0, text: '', recordRoute: spec })
}

export const recordRoute = define(
  rr(
    'recordRoute',
    'record_route',
    [{ name: 'params', kind: 'string', constant: true, optional: true }],
    'Stays in the path of the dialog: writes Record-Route, two of them where the message leaves by another transport or address.',
    'record_route();',
  ),
  (params?: string) =>
    record((at) => {
      const { meta, state } = currentRun()
      const { listener, proto } = meta
      const double = doubleRecord()
      const token = flowToken()
      pushSpec(at, {
        ...userPart(token),
        inbound: inboundAddress(listener.advertisedHost ?? listener.address, listener.advertisedPort ?? listener.port),
        inboundTransport: proto,
        params: `${lrParam()}${fromTagParam()}${token === undefined ? '' : ';ob'}${toBytes(params ?? '')}${state.recordRouteParams}`,
        double: double === 0 ? 'never' : double === 2 ? 'always' : 'interface',
      })
    }),
)

export const recordRouteAdvertised = define(
  rr(
    'recordRouteAdvertised',
    'record_route_advertised_address',
    [{ name: 'address', kind: 'string', constant: true }],
    'As record_route, with the address given in place of the listener’s; two of them where the transport changes.',
    'record_route_advertised_address("25.25.25.5");',
  ),
  (address: string) =>
    record((at) => {
      const { proto } = currentRun().meta
      const text = toBytes(address)
      const transport = /;transport=/i.test(text)
      pushSpec(at, {
        ...userPart(flowToken()),
        inbound: transport || proto === 'udp' ? text : `${text};transport=${proto}`,
        inboundTransport: proto,
        outbound: text,
        params: fromTagParam() + currentRun().state.recordRouteParams + lrParam(),
        double: 'protocol',
      })
    }),
)

export const recordRoutePreset = define(
  rr(
    'recordRoutePreset',
    'record_route_preset',
    [
      { name: 'address', kind: 'string', constant: true },
      { name: 'inbound', kind: 'string', constant: true, optional: true },
    ],
    'Writes Record-Route with exactly the address given; a second address is that of the side the message came in on.',
    'record_route_preset("25.25.25.5:5061;transport=tls", "10.0.0.5:5060");',
  ),
  (address: string, inbound?: string) =>
    record((at) => {
      const user = userPart(flowToken())
      const params = fromTagParam() + currentRun().state.recordRouteParams + lrParam()
      const pair = inbound !== undefined && inbound !== ''
      // Without r2=on, as Kamailio 5.6 writes it.
      const line = (host: string) => `Record-Route: <sip:${user ? `${user.user}@` : ''}${toBytes(host)}${params}>\r\n`
      edit(at, 0, line(address) + (pair ? line(inbound) : ''))
    }),
)

/** The edits, with more parameters on the Record-Route that they write. */
export function withRecordRouteParams(edits: readonly MessageEdit[], text: string): MessageEdit[] {
  return edits.map((change) =>
    change.recordRoute === undefined
      ? change
      : { ...change, recordRoute: { ...change.recordRoute, params: change.recordRoute.params + text } },
  )
}

export const addRrParam = define(
  rr(
    'addRrParam',
    'add_rr_param',
    [{ name: 'params', kind: 'string', constant: true }],
    'Adds parameters to the Record-Route of this hop, written already or not.',
    'add_rr_param(";nat=yes");',
  ),
  (params: string) => {
    const run = currentRun()
    const text = toBytes(params)
    // What a branch route adds is this branch's own.
    const { branchTarget: owner = run.state } = run
    owner.recordRouteParams = made(owner.recordRouteParams + text)
    run.edits = withRecordRouteParams(run.edits, text)
    return 1
  },
)

export const removeRecordRoute = define(
  {
    ...rr(
      'removeRecordRoute',
      'remove_record_route',
      [],
      'Takes the Record-Route of this hop back.',
      'remove_record_route();',
    ),
    routes: ['request', 'failure'],
  },
  () => {
    const run = currentRun()
    const before = run.edits.length
    run.edits = run.edits.filter((change) => change.recordRoute === undefined && !/^Record-Route: /.test(change.text))
    run.state.recordRouted = false
    return run.edits.length < before ? 1 : -1
  },
)
