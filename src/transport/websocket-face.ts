// Owns which listeners carry WebSocket (RFC 7118): TCP carries ws, TLS carries wss, and what such a listener is called then.
import type { Listener, Transport } from './types.ts'

/** The transport that a connection of this one speaks once it was upgraded. */
export function webTransport(transport: Transport): Transport {
  return transport === 'tls' || transport === 'wss' ? 'wss' : 'ws'
}

/** What listens for a transport. */
export function carrierOf(transport: Transport): Transport {
  return transport === 'ws' ? 'tcp' : transport === 'wss' ? 'tls' : transport
}

export function isWeb(transport: Transport): boolean {
  return transport === 'ws' || transport === 'wss'
}

const faces = new WeakMap<Listener, Listener>()

/** The same listener, with the transport that Via and Record-Route of its WebSockets name. */
export function webFace(listener: Listener): Listener {
  if (isWeb(listener.transport)) return listener
  let face = faces.get(listener)
  if (face === undefined || face.port !== listener.port) {
    face = { ...listener, transport: webTransport(listener.transport) }
    faces.set(listener, face)
  }
  return face
}
