// Owns what storms over the sanitized sip_sockets addon share: the connections that they write to, and what they report.
import { connect, createServer, type Socket } from 'node:net'

/** What happened in a storm, counted; all but what was wrong has to have happened. */
export type StormCounts = { wrong: number } & Record<string, number>

/** For the kernel and the addon's own turns. */
export const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

/** A plain message of that number. */
const message = (n: number, length: number): string =>
  `OPTIONS sip:a SIP/2.0\r\nCall-ID: ${n}\r\nContent-Length: ${length}\r\n\r\n${'b'.repeat(length)}`

/** Connections to a server of our own, each told by its place and descriptor when it is accepted. Each third client does not read. */
export async function connections(accepted: (flow: number, fd: number) => void) {
  const sockets: Socket[] = []
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => {})
    const { fd } = (socket as unknown as { _handle: { fd: number } })._handle
    accepted(sockets.push(socket) - 1, fd)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const clients: Socket[] = []
  return {
    /** How many were accepted. */
    accepted: (): number => sockets.length,
    open(n: number): Socket {
      const client = connect(port, '127.0.0.1').on('error', () => {})
      clients.push(client)
      return n % 3 === 0 ? client.pause() : client.resume()
    },
    close(): void {
      server.close()
      for (const socket of [...clients, ...sockets]) socket.destroy()
    },
  }
}

/** Writes any bytes, or messages whole or cut, as the dice say: a long one where they show 1, any bytes where 0. */
export function stir(client: Socket, kind: number, n: number, roll: (sides: number) => number, cut: number): void {
  if (kind === 0) client.write(Buffer.from(Array.from({ length: roll(200) }, () => roll(256))))
  else if (kind === 1) client.write(message(n, roll(70_000)))
  else
    client.write(
      message(n, roll(300))
        .repeat(1 + roll(30))
        .slice(roll(cut)),
    )
}

/** Runs a storm twice and reports. The second one's handles are open still: leaving must release them. */
export async function report(storm: () => Promise<{ close(): void }>, counts: StormCounts): Promise<never> {
  const first = await storm()
  first.close()
  await storm()
  const { wrong, ...rest } = counts
  const missing = Object.entries(rest).flatMap(([name, n]) => (n === 0 ? [name] : []))
  process.stdout.write(JSON.stringify({ wrong, missing }))
  process.exit(0)
}
