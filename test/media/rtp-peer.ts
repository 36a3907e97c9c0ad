// Owns a far end for relay tests: a UDP socket that keeps what it hears, and the packets it says.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'

export interface Heard {
  data: Buffer
  from: RemoteInfo
}

export class RtpPeer {
  readonly address: string
  readonly heard: Heard[] = []
  readonly #socket: Socket
  #waiting: (() => void) | undefined

  private constructor(address: string, socket: Socket) {
    this.address = address
    this.#socket = socket
    socket.on('message', (data, from) => {
      this.heard.push({ data, from })
      this.#waiting?.()
    })
  }

  static async open(address = '127.0.0.1', port = 0): Promise<RtpPeer> {
    const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', recvBufferSize: 1 << 21 })
    socket.bind(port, address)
    await once(socket, 'listening')
    return new RtpPeer(address, socket)
  }

  get port(): number {
    return this.#socket.address().port
  }

  /** Resolves when the kernel has taken the packet, which on loopback means that the relay's socket holds it. */
  send(data: Buffer, port: number, address = this.address): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(data, port, address, (error) => (error ? reject(error) : resolve()))
    })
  }

  /** Waits until `count` packets were heard in all. */
  async hear(count: number, millis = 3000): Promise<Buffer[]> {
    const until = performance.now() + millis
    while (this.heard.length < count) {
      const left = until - performance.now()
      if (left <= 0) throw new Error(`heard ${this.heard.length} packets of ${count}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#waiting = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    return this.heard.map((each) => each.data)
  }

  close(): void {
    this.#socket.close()
  }
}

export function rtp(sequence: number, options: { ssrc?: number; payload?: Buffer; type?: number } = {}): Buffer {
  const header = Buffer.alloc(12)
  header[0] = 0x80
  header[1] = options.type ?? 0
  header.writeUInt16BE(sequence & 0xffff, 2)
  header.writeUInt32BE((sequence * 160) >>> 0, 4)
  header.writeUInt32BE(options.ssrc ?? 0xcafe, 8)
  return Buffer.concat([header, options.payload ?? Buffer.alloc(160, sequence & 0xff)])
}

/** A sender report without report blocks, and an SDES chunk. */
export function rtcp(ssrc = 0xcafe): Buffer {
  const packet = Buffer.alloc(28 + 12)
  packet.writeUInt32BE(0x80c80006, 0)
  packet.writeUInt32BE(ssrc, 4)
  packet.writeUInt32BE(0x81ca0002, 28)
  packet.writeUInt32BE(ssrc, 32)
  return packet
}
