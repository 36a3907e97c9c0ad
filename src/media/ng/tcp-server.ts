// Owns the TCP side of the NG protocol: requests one after the other on a connection, answered in that order.
import { createServer, type Socket } from 'node:net'
import { SignalboxError } from '../../errors.ts'
import { silentLog } from '../../log.ts'
import { answerFrame } from './answers.ts'
import { splitFrame } from './message.ts'
import { type NgServer, type NgServerOptions, parseListenNg } from './server.ts'
import { NgStreamFrames } from './stream-frames.ts'

const MAX_CONNECTIONS = 128
/** Replies that a peer has not read; beyond it the connection is closed. */
const UNREAD_BYTES = 1_048_576

/**
 * Starts to answer requests over TCP (rtpengine's `--listen-tcp-ng`).
 * @throws SignalboxError ERR_CONFIG, ERR_LISTEN
 */
export async function createNgTcpServer(options: NgServerOptions): Promise<NgServer> {
  const { relay, log = silentLog } = options
  const { address, port } = parseListenNg(options.listen)
  const connections = new Set<Socket>()
  const server = createServer((socket) => {
    const peer = `${socket.remoteAddress} ${socket.remotePort}`
    const frames = new NgStreamFrames()
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
    socket.on('error', (error) => log.debug({ peer, error: error.message }, 'an NG connection failed'))
    socket.on('data', (bytes) => {
      try {
        for (const text of frames.push(bytes.toString('latin1'))) {
          const frame = splitFrame(text)
          if (frame) socket.write(answerFrame(frame, relay), 'latin1')
        }
      } catch (error) {
        log.warn({ peer, error: String(error) }, 'an NG connection is closed')
        socket.destroy()
      }
      if (socket.writableLength > UNREAD_BYTES) socket.destroy()
    })
  })
  server.maxConnections = MAX_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new SignalboxError('ERR_LISTEN', `NG protocol on TCP ${options.listen}: ${cause.message}`, { cause })),
    )
    server.listen(port, address, resolve)
  })
  server.removeAllListeners('error')
  server.on('error', (error) => log.warn({ error: error.message }, 'the NG listener failed'))
  const bound = server.address()
  const at = typeof bound === 'object' && bound ? bound : { address, port }
  log.info({ address: at.address, port: at.port }, 'NG protocol is answered over TCP')
  return {
    address: at.address,
    port: at.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of connections) socket.destroy()
      }),
  }
}
