// Owns what scripts ask about our sockets: which one a text names, and how one is written ($fs, force_send_socket).
import { bracketHost } from '../sip/index.ts'
import { type TransportLayer, transportNamed } from '../transport/index.ts'

/** `[proto:]address[:port]` or the name of a socket: its id, -1 when there is none. */
export function socketNamed(transport: TransportLayer, text: string): number {
  const named = transport.listeners.find((listener) => listener.name !== undefined && listener.name === text)
  if (named !== undefined) return named.id
  const parts = /^(?:([a-z]+):)?(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+)(?::(\d{1,5}))?$/i.exec(text.trim())
  if (parts === null) return -1
  const [, proto, host = '', port] = parts
  const wanted = proto === undefined ? undefined : transportNamed(proto.toLowerCase())
  if (proto !== undefined && wanted === undefined) return -1
  const address = host.replace(/^\[|\]$/g, '').toLowerCase()
  const found = transport.listeners.find(
    (listener) =>
      (wanted === undefined || listener.transport === wanted) &&
      listener.address.toLowerCase() === address &&
      (port === undefined || listener.port === Number(port)),
  )
  return found?.id ?? -1
}

/** A listener as `proto:address:port`, and its name. */
export function socketText(transport: TransportLayer, id: number): { text: string; name: string | null } | null {
  const listener = transport.listeners.find((one) => one.id === id)
  if (listener === undefined) return null
  const { transport: proto, address, port, name } = listener
  return { text: `${proto}:${bracketHost(address)}:${port}`, name: name ?? null }
}
