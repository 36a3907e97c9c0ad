// Owns UDP sockets by node:dgram, the portable way; bytes go in and out as latin1 text.
import { createSocket, type Socket } from 'node:dgram'
import type { Log } from '../log.ts'
import { addressFamily } from './ip-address.ts'
import { latin1 } from './latin1.ts'
import { listenError } from './socket-errors.ts'
import type { DatagramBuffers, DatagramSocket } from './sockets.ts'
import type { ListenSpec } from './types.ts'

// Targets are numeric: asking the resolver about each would cost a turn of the event loop a datagram.
const numericLookup = (
  host: string,
  options: unknown,
  callback?: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void => {
  const done = (callback ?? options) as (error: null, address: string, family: number) => void
  done(null, host, addressFamily(host))
}

/** Opens a UDP socket, on an inherited descriptor where the spec has one. */
export async function openUdp(
  spec: ListenSpec,
  options: { buffers: DatagramBuffers },
  received: (wire: string, address: string, port: number) => void,
  log: Log,
): Promise<DatagramSocket> {
  const six = addressFamily(spec.address) === 6
  const socket = createSocket({
    type: six ? 'udp6' : 'udp4',
    ...(six && { ipv6Only: true }),
    lookup: numericLookup as NonNullable<Parameters<typeof createSocket>[0] & object> extends { lookup?: infer L }
      ? L
      : never,
  })
  await bind(socket, spec)
  widen(socket, options.buffers, log, spec)
  socket.on('error', (error) => log.warn({ address: spec.address, err: error }, 'UDP socket reported an error'))
  socket.on('message', (bytes, remote) => received(latin1(bytes), remote.address, remote.port))
  const { address, port } = socket.address()
  return {
    address,
    port,
    send(wire, to, toPort, failed) {
      socket.send(Buffer.from(wire, 'latin1'), toPort, to, (error) => {
        if (error) failed(error)
      })
    },
    close() {
      socket.close()
    },
  }
}

function bind(socket: Socket, spec: ListenSpec): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => reject(listenError('udp', spec.address, spec.port, error)))
    const where = spec.fd === undefined ? { address: spec.address, port: spec.port, exclusive: true } : { fd: spec.fd }
    socket.bind(where, () => {
      socket.removeAllListeners('error')
      resolve()
    })
  })
}

// A burst that comes while JavaScript is busy waits in the kernel. What the system does not grant is not an error.
function widen(socket: Socket, { receive, send }: DatagramBuffers, log: Log, spec: ListenSpec): void {
  try {
    if (receive > 0) socket.setRecvBufferSize(receive)
    if (send > 0) socket.setSendBufferSize(send)
  } catch (error) {
    log.debug({ address: spec.address, err: error }, 'UDP buffers stay as the system gives them')
  }
}
