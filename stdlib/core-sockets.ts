// Owns what decides by which socket and connection a message leaves: forced sockets, advertised addresses, no new connections.
import type { BuiltinMeta, Parameter, RouteKind } from './contract.ts'
import { ANY_ROUTE, define } from './define.ts'
import { currentRun, opNow } from './runtime.ts'

const SENDING: readonly RouteKind[] = ['request', 'failure', 'branch', 'event', 'reply']
const text = (name: string): Parameter => ({ name, kind: 'string' })
const literal = (name: string): Parameter => ({ name, kind: 'string', constant: true })

function command(
  name: string,
  kamailio: string,
  module: string,
  parameters: readonly Parameter[],
  doc: string,
  example: string,
): Omit<BuiltinMeta, 'waits'> {
  return { name, kamailio, module, parameters, routes: SENDING, doc, example }
}

/** Id of the socket that a text means; -1 when it is none of ours. */
export function socketId(name: string): number {
  return opNow('socket', { text: name })
}

/** The socket forced for sending, as `proto:address:port` and by name; null when none is. */
export function forcedSocket(): { text: string; name: string | null } | null {
  const id = currentRun().target?.listener
  return id === undefined ? null : opNow('socketText', { id })
}

/** Forces a socket; one that is not ours changes nothing. */
export function forceSocket(name: string): number {
  const { target } = currentRun()
  const id = socketId(name)
  if (target !== undefined && id >= 0) target.listener = id
  return id < 0 ? -1 : 1
}

export const forceSendSocket = define(
  {
    ...command(
      'forceSendSocket',
      'force_send_socket',
      'core',
      [literal('socket')],
      'Sends the message from that socket of ours: proto:address:port, or its name.',
      'force_send_socket(udp:10.0.0.5:5060);',
    ),
    literal: true,
  },
  (socket: string) => forceSocket(socket),
)

export const setSendSocket = define(
  command(
    'setSendSocket',
    'set_send_socket',
    'corex',
    [text('socket')],
    'As force_send_socket, with variables in the text.',
    'set_send_socket("udp:10.0.0.5:5060");',
  ),
  (socket: string) => {
    forceSocket(socket)
    return 1
  },
)

export const setSendSocketName = define(
  command(
    'setSendSocketName',
    'set_send_socket_name',
    'corex',
    [text('name')],
    'Sends the message from the socket of that name.',
    'set_send_socket_name("inside");',
  ),
  (name: string) => {
    forceSocket(name)
    return 1
  },
)

/** Makes the run believe that its message came in on another socket of ours. */
function receivedOn(name: string): void {
  const run = currentRun()
  const id = socketId(name)
  const found = id < 0 ? null : opNow('socketText', { id })
  const parts = /^(\w+):(.*):(\d+)$/.exec(found?.text ?? '')
  if (parts === null) return
  const [address, port] = [parts[2]!.replace(/^\[|\]$/g, ''), Number(parts[3])]
  const listener = { id, address, port, ...(found?.name ? { name: found.name } : {}) }
  run.overrideMeta({ dstIp: address, dstPort: port, listener })
}

export const setRecvSocket = define(
  command(
    'setRecvSocket',
    'set_recv_socket',
    'corex',
    [text('socket')],
    'Takes the message as if it had come in on that socket of ours.',
    'set_recv_socket("udp:10.0.0.5:5060");',
  ),
  (name: string) => {
    receivedOn(name)
    return 1
  },
)

export const setRecvSocketName = define(
  command(
    'setRecvSocketName',
    'set_recv_socket_name',
    'corex',
    [text('name')],
    'Takes the message as if it had come in on the socket of that name.',
    'set_recv_socket_name("inside");',
  ),
  (name: string) => {
    receivedOn(name)
    return 1
  },
)

export const setSourceAddress = define(
  command(
    'setSourceAddress',
    'set_source_address',
    'corex',
    [text('address')],
    'Takes the message as if it had come from that address: proto:address:port. Replies still go where it came from.',
    'set_source_address("udp:192.0.2.9:5060");',
  ),
  (address: string) => {
    const parts = /^(?:(\w+):)?(\[[0-9a-f:.]+\]|[0-9.]+)(?::(\d{1,5}))?$/i.exec(address.trim())
    if (parts === null) return -1
    currentRun().overrideMeta({ srcIp: parts[2]!.replace(/^\[|\]$/g, ''), srcPort: Number(parts[3] ?? 5060) })
    return 1
  },
)

export const isSocketName = define(
  {
    ...command(
      'isSocketName',
      'is_socket_name',
      'corex',
      [text('name')],
      'True if a socket of ours has that name.',
      'is_socket_name("inside")',
    ),
    routes: ANY_ROUTE,
  },
  (name: string) => {
    const id = socketId(name)
    return id >= 0 && opNow('socketText', { id })?.name === name ? 1 : -1
  },
)

/** What is done for the connection of a message has no effect on another one: these answer 1 and say so in their text. */
function connection(name: string, kamailio: string, doc: string) {
  return define(command(name, kamailio, 'core', [], doc, `${kamailio}();`), () => 1)
}

export const setForwardNoConnect = define(
  command(
    'setForwardNoConnect',
    'set_forward_no_connect',
    'core',
    [],
    'Sends the message on over a connection that is open only: none is made.',
    'set_forward_no_connect();',
  ),
  () => {
    const { target } = currentRun()
    if (target !== undefined) target.noConnect = true
    return 1
  },
)
export const setReplyNoConnect = connection(
  'setReplyNoConnect',
  'set_reply_no_connect',
  'Sends replies over the connection of the request only. They always go so here (RFC 3261 18.2.2), and none is made while it is open.',
)
export const setForwardClose = connection(
  'setForwardClose',
  'set_forward_close',
  'Asks that the connection be closed once the message is sent. Connections close here when they are idle.',
)
export const setReplyClose = connection(
  'setReplyClose',
  'set_reply_close',
  'Asks that the connection be closed once the reply is sent. Connections close here when they are idle.',
)
export const forceTcpAlias = connection(
  'forceTcpAlias',
  'force_tcp_alias',
  'Lets requests to the port of the Via use this connection. Here a connection is used for both directions anyway (RFC 5923).',
)

export const addLocalRport = define(
  command(
    'addLocalRport',
    'add_local_rport',
    'core',
    [],
    'Asks the next hop for rport: our own Via gets the parameter (RFC 3581).',
    'add_local_rport();',
  ),
  () => {
    currentRun().state.localRport = true
    return 1
  },
)

export const setAdvertisedAddress = define(
  {
    ...command(
      'setAdvertisedAddress',
      'set_advertised_address',
      'core',
      [literal('address')],
      'The address in our Via of this message.',
      'set_advertised_address("192.0.2.5");',
    ),
    literal: true,
  },
  (address: string) => {
    currentRun().state.advertised = { ...currentRun().state.advertised, host: address }
    return 1
  },
)

export const setAdvertisedPort = define(
  {
    ...command(
      'setAdvertisedPort',
      'set_advertised_port',
      'core',
      [{ name: 'port', kind: 'int', constant: true }],
      'The port in our Via of this message.',
      'set_advertised_port(5080);',
    ),
    literal: true,
  },
  (port: number | string) => {
    const number = Number(port)
    if (!(number > 0 && number < 65_536)) return -1
    currentRun().state.advertised = { ...currentRun().state.advertised, port: number }
    return 1
  },
)
