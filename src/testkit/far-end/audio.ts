// Owns one end of an audio stream: sends a tone as PCMU over RTP or SRTP, and measures the tone that it hears.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { SrtpDirection } from './srtp.ts'

const RATE = 8000
const SAMPLES = 160
/** Tones that the two sides send and look for, in Hz. */
export const TONES = [440, 1000] as const

/** What an audio end has sent and heard. */
export interface AudioReport {
  readonly sent: number
  readonly received: number
  /** Packets that were not RTP, or whose SRTP tag was wrong. */
  readonly refused: number
  /** The tone that carries most of what was heard, in Hz; undefined where nothing was. */
  readonly tone: number | undefined
}

export interface AudioTarget {
  readonly address: string
  readonly port: number
  /** Keys of a=crypto (30 bytes): what we send with, what we read with; both absent for plain RTP. */
  readonly sendKey?: Buffer
  readonly receiveKey?: Buffer
}

export class AudioEnd {
  readonly #socket: Socket
  readonly #frequency: number
  #send: SrtpDirection | undefined
  #receive: SrtpDirection | undefined
  #timer: NodeJS.Timeout | undefined
  #sequence = 65_500
  #timestamp = 0
  #sent = 0
  #received = 0
  #refused = 0
  #closed = false
  readonly #heard: number[] = []

  private constructor(socket: Socket, frequency: number) {
    this.#socket = socket
    this.#frequency = frequency
    socket.on('message', (packet) => this.#onPacket(packet))
  }

  /** Binds an even or any free port of `address`; `frequency` is the tone it will send, in Hz. */
  static async open(address: string, frequency: number): Promise<AudioEnd> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    socket.bind(0, address)
    await once(socket, 'listening')
    return new AudioEnd(socket, frequency)
  }

  get port(): number {
    return this.#socket.address().port
  }

  /** Starts to send to `target`, a packet every 20 ms. */
  start(target: AudioTarget): void {
    this.stop()
    this.#send = target.sendKey && new SrtpDirection(target.sendKey)
    this.#receive = target.receiveKey && new SrtpDirection(target.receiveKey)
    const began = performance.now()
    let due = 0
    this.#timer = setInterval(() => {
      for (; due * 20 <= performance.now() - began; due++) {
        const packet = this.#packet()
        this.#socket.send(this.#send ? this.#send.protect(packet) : packet, target.port, target.address)
        this.#sent++
      }
    }, 20)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Stops, and gives the port back; a second call does nothing. */
  close(): void {
    this.stop()
    if (this.#closed) return
    this.#closed = true
    this.#socket.close()
  }

  report(): AudioReport {
    return { sent: this.#sent, received: this.#received, refused: this.#refused, tone: dominant(this.#heard) }
  }

  #packet(): Buffer {
    const packet = Buffer.alloc(12 + SAMPLES)
    packet[0] = 0x80
    packet.writeUInt16BE(this.#sequence, 2)
    packet.writeUInt32BE(this.#timestamp, 4)
    packet.writeUInt32BE(0x51_67_6e_00 + this.#frequency, 8)
    for (let i = 0; i < SAMPLES; i++) {
      const angle = (2 * Math.PI * this.#frequency * (this.#timestamp + i)) / RATE
      packet[12 + i] = encodeMuLaw(Math.round(Math.sin(angle) * 12_000))
    }
    this.#sequence = (this.#sequence + 1) & 0xffff
    this.#timestamp += SAMPLES
    return packet
  }

  #onPacket(received: Buffer): void {
    const packet = this.#receive ? this.#receive.unprotect(received) : received
    if (!packet || packet.length < 13 || packet[0]! >> 6 !== 2 || (packet[1]! & 0x7f) !== 0) {
      this.#refused++
      return
    }
    this.#received++
    if (this.#heard.length > RATE * 10) this.#heard.splice(0, RATE * 5)
    for (const byte of packet.subarray(12)) this.#heard.push(decodeMuLaw(byte))
  }
}

/** ITU-T G.711 mu-law. */
function encodeMuLaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0
  const magnitude = Math.min(Math.abs(sample), 32_635) + 132
  const exponent = Math.floor(Math.log2(magnitude)) - 7
  return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0f)) & 0xff
}

function decodeMuLaw(byte: number): number {
  const value = ~byte & 0xff
  const magnitude = ((((value & 0x0f) << 3) + 132) << ((value >> 4) & 7)) - 132
  return value & 0x80 ? -magnitude : magnitude
}

/** The one of TONES that holds at least half of the energy of the last second heard (Goertzel). */
function dominant(samples: readonly number[]): number | undefined {
  const window = samples.slice(-RATE)
  if (window.length < RATE / 4) return undefined
  const energy = window.reduce((sum, sample) => sum + sample * sample, 0)
  return TONES.find((tone) => {
    const coefficient = 2 * Math.cos((2 * Math.PI * tone) / RATE)
    let a = 0
    let b = 0
    for (const sample of window) [a, b] = [sample + coefficient * a - b, a]
    const power = a * a + b * b - coefficient * a * b
    return energy > 0 && (2 * power) / window.length / energy > 0.5
  })
}
