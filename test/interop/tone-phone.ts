// Owns a phone of PCMU over plain RTP: it sends a tone, and tells what it heard.
import { RtpPeer, rtp } from '../media/rtp-peer.ts'
import { decodeMuLaw, encodeMuLaw, toneShare } from './pcap.ts'

const SAMPLES = 160

export class TonePhone {
  readonly peer: RtpPeer
  readonly #frequency: number
  #timer: NodeJS.Timeout | undefined
  #sent = 0

  private constructor(peer: RtpPeer, frequency: number) {
    this.peer = peer
    this.#frequency = frequency
  }

  static async open(frequency: number, address = '127.0.0.1'): Promise<TonePhone> {
    return new TonePhone(await RtpPeer.open(address), frequency)
  }

  get description(): string {
    const { address, port } = this.peer
    return `v=0\r\no=- 1 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n`
  }

  /** Sends 50 packets a second to the place that this description names, until close(). */
  talk(description: string): void {
    const address = /^c=IN IP4 (\S+)/m.exec(description)![1]!
    const port = Number(/^m=audio (\d+)/m.exec(description)![1])
    this.#timer = setInterval(() => {
      const payload = Buffer.alloc(SAMPLES)
      for (let i = 0; i < SAMPLES; i++) {
        const phase = (2 * Math.PI * this.#frequency * (this.#sent * SAMPLES + i)) / 8000
        payload[i] = encodeMuLaw(Math.round(12_000 * Math.sin(phase)))
      }
      void this.peer.send(rtp(++this.#sent, { payload }), port, address)
    }, 20)
  }

  /** The share of the last half second that lies at `frequency` hertz; 0 before so much was heard. */
  hears(frequency: number): number {
    const packets = this.peer.heard
      .filter(({ data }) => data.length === 12 + SAMPLES && (data[1]! & 0x7f) === 0)
      .slice(-25)
    if (packets.length < 25) return 0
    return toneShare(
      packets.flatMap(({ data }) => Array.from(data.subarray(12), decodeMuLaw)),
      frequency,
    )
  }

  close(): void {
    clearInterval(this.#timer)
    this.peer.close()
  }
}
