// Owns module path: the Path header of this hop, by which requests come back to a user who registers behind it (RFC 3327).
import type { BuiltinMeta, Parameter } from './contract.ts'
import { define } from './define.ts'
import { edit, endOfHeaders } from './message-edits.ts'
import { flowToken, isFirstHop } from './outbound.ts'
import { currentRun } from './runtime.ts'
import { numberParameter, textParameter } from './settings.ts'

const receivedName = textParameter('path', 'received_name', 'received')
const receivedFormat = numberParameter('path', 'received_format', 0)

const PARAMETERS: readonly Parameter[] = [
  { name: 'user', kind: 'string', optional: true },
  { name: 'parameters', kind: 'string', optional: true },
]

function path(name: string, kamailio: string, doc: string, example: string): Omit<BuiltinMeta, 'waits'> {
  return { name, kamailio, module: 'path', parameters: PARAMETERS, routes: ['request'], doc, example }
}

const TRANSPORT_NUMBERS: Readonly<Record<string, number>> = { udp: 1, tcp: 2, tls: 3, ws: 5, wss: 6 }

/** Where the REGISTER came from, as the parameter that path_use_received of the registrar reads. */
function receivedParam(): string {
  const { srcIp, srcPort, proto } = currentRun().meta
  const host = srcIp.includes(':') ? `[${srcIp}]` : srcIp
  if (receivedFormat() === 1) return `;${receivedName()}=${host}~${srcPort}~${TRANSPORT_NUMBERS[proto] ?? 1}`
  return `;${receivedName()}=sip:${host}:${srcPort}${proto === 'udp' ? '' : `%3Btransport%3D${proto}`}`
}

function add(user: string | undefined, parameters: string | undefined, received: string): number {
  const { message, meta } = currentRun()
  // Neither may end the header or its URI early.
  if (/[\r\n<>]/.test(`${user ?? ''}${parameters ?? ''}`)) return -1
  const host = meta.dstIp.includes(':') ? `[${meta.dstIp}]` : meta.dstIp
  const where = meta.dstPort === 5060 ? host : `${host}:${meta.dstPort}`
  const transport = meta.proto === 'udp' ? '' : `;transport=${meta.proto}`
  const more = parameters === undefined || parameters === '' ? '' : `;${parameters}`
  const token = user === undefined || user === '' ? flowToken() : user
  const name = token === undefined ? '' : `${token}@`
  // RFC 5626 5.1: the first hop says that it keeps the flow.
  const kept = token !== undefined && token !== user && isFirstHop() ? ';ob' : ''
  const first = message.find('Path')
  const at = first < 0 ? endOfHeaders(message) : message.headerStart(first)
  edit(at, 0, `Path: <sip:${name}${where}${transport};lr${received}${kept}${more}>\r\n`)
  return 1
}

export const addPath = define(
  path(
    'addPath',
    'add_path',
    'Adds a Path of this hop to a REGISTER; with a user part, and with parameters.',
    'add_path();',
  ),
  (user?: string, parameters?: string) => add(user, parameters, ''),
)

export const addPathReceived = define(
  path(
    'addPathReceived',
    'add_path_received',
    'As add_path, with the address that the REGISTER came from.',
    'add_path_received("edge");',
  ),
  (user?: string, parameters?: string) => add(user, parameters, receivedParam()),
)
