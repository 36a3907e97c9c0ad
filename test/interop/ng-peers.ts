// Owns the two relays of the differential test: rtpengine as a process, ours in this one, asked the same over UDP.
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { setTimeout as pause } from 'node:timers/promises'
import { dictionary, encodeBencode, type NgDictionary, type NgValue } from '../../src/media/ng/bencode.ts'
import { decodeBody, splitFrame } from '../../src/media/ng/message.ts'

/** A client of one NG port that keeps nothing between requests. */
export class NgAsker {
  readonly #socket: Socket = createSocket('udp4')
  readonly #waiting = new Map<string, (reply: NgDictionary) => void>()
  readonly #port: number
  #count = 0

  constructor(port: number) {
    this.#port = port
    this.#socket.on('message', (bytes) => {
      const frame = splitFrame(bytes.toString('latin1'))
      if (frame) this.#waiting.get(frame.cookie)?.(decodeBody(frame.body))
    })
  }

  ask(request: Record<string, NgValue>): Promise<NgDictionary> {
    return this.askRaw(encodeBencode(dictionary(request)))
  }

  async askRaw(body: string): Promise<NgDictionary> {
    const cookie = `${process.pid}_${++this.#count}`
    const reply = new Promise<NgDictionary>((resolve) => this.#waiting.set(cookie, resolve))
    for (let attempt = 0; attempt < 20; attempt++) {
      this.#socket.send(Buffer.from(`${cookie} ${body}`, 'latin1'), this.#port, '127.0.0.1')
      const got = await Promise.race([reply, pause(500, undefined)])
      if (got) return got
    }
    throw new Error(`nothing answers NG on port ${this.#port}`)
  }

  close(): void {
    this.#socket.close()
  }
}

/** Starts rtpengine in userspace; resolves when it answers. */
export async function startRtpengine(port: number, interfaces: readonly string[], ports: [number, number]) {
  const child: ChildProcess = spawn(
    'rtpengine',
    [
      '--config-file=none',
      ...interfaces.map((text) => `--interface=${text}`),
      `--listen-ng=127.0.0.1:${port}`,
      '--foreground',
      '--table=-1',
      '--log-level=2',
      '--log-stderr',
      `--port-min=${ports[0]}`,
      `--port-max=${ports[1]}`,
      '--num-threads=1',
      `--pidfile=/tmp/rtpengine-${process.pid}-${port}.pid`,
    ],
    { stdio: 'ignore' },
  )
  const asker = new NgAsker(port)
  await asker.ask({ command: 'ping' })
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    asker.close()
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await ended
  }
  return {
    asker,
    stop: () => end('SIGTERM'),
    /** As when its machine fails. */
    kill: () => end('SIGKILL'),
  }
}
