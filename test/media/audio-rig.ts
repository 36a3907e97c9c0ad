// Owns calls with real packets through the embedded relay, for tests of audio: two far ends, what they hear, files.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createEmbeddedRelay, type EmbeddedRelay, type EmbeddedRelayOptions } from '../../src/media/index.ts'
import { dictionary, type NgDictionary, type NgValue } from '../../src/media/ng/bencode.ts'
import { decodeMuLaw } from '../interop/pcap.ts'
import { RtpPeer } from './rtp-peer.ts'

export const EVENTS = 'a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n'

export function sdp(port: number, formats: string, more = '', profile = 'RTP/AVP'): string {
  const events = formats.split(' ').includes('101') ? EVENTS : ''
  return `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${port} ${profile} ${formats}\r\n${events}${more}`
}

export function portOf(text: unknown): number {
  return Number(/m=audio (\d+)/.exec(String(text))?.[1])
}

export interface Rtp {
  readonly type: number
  readonly marker: boolean
  readonly sequence: number
  readonly timestamp: number
  readonly ssrc: number
  readonly payload: Buffer
}

export function readRtp(data: Buffer): Rtp {
  return {
    type: data[1]! & 0x7f,
    marker: data[1]! > 0x7f,
    sequence: data.readUInt16BE(2),
    timestamp: data.readUInt32BE(4),
    ssrc: data.readUInt32BE(8),
    payload: data.subarray(12),
  }
}

/** A far end that speaks: numbers and timestamps go on by themselves. */
export class Speaker {
  readonly peer: RtpPeer
  #sequence = 1000
  #timestamp = 16_000
  readonly ssrc: number
  /** Where the relay wants its packets. */
  to = 0

  constructor(peer: RtpPeer, ssrc: number) {
    this.peer = peer
    this.ssrc = ssrc
  }

  get heard(): Rtp[] {
    return this.peer.heard.map(({ data }) => readRtp(data))
  }

  async say(type: number, payload: Buffer, samples = payload.length): Promise<void> {
    await this.#send(type, payload)
    this.#timestamp += samples
  }

  async #send(type: number, payload: Buffer, marker = false): Promise<void> {
    const header = Buffer.alloc(12)
    header[0] = 0x80
    header[1] = type | (marker ? 0x80 : 0)
    header.writeUInt16BE(this.#sequence++ & 0xffff, 2)
    header.writeUInt32BE(this.#timestamp >>> 0, 4)
    header.writeUInt32BE(this.ssrc, 8)
    await this.peer.send(Buffer.concat([header, payload]), this.to)
  }

  /** A key as RFC 4733 sends it: three packets while it lasts, its end three times. */
  async press(event: number, type = 101): Promise<void> {
    for (let i = 1; i <= 6; i++) {
      const duration = 160 * Math.min(i, 4)
      await this.#send(type, Buffer.from([event, i > 3 ? 0x8a : 0x0a, duration >> 8, duration & 0xff]), i === 1)
    }
    this.#timestamp += 640
  }
}

export interface AudioCall {
  readonly id: string
  readonly a: Speaker
  readonly b: Speaker
}

export class AudioRig {
  readonly relay: EmbeddedRelay
  readonly folder = mkdtempSync(join(tmpdir(), 'audio-'))
  readonly #peers: RtpPeer[] = []
  #calls = 0

  constructor(options: Partial<EmbeddedRelayOptions> = {}) {
    this.relay = createEmbeddedRelay({
      interfaces: ['127.0.0.1'],
      portMin: 42_000,
      portMax: 42_400,
      ...options,
      ...(options.recordingMethod ? { recordingDir: this.folder } : {}),
    })
  }

  ask(command: string, keys: Record<string, NgValue>): NgDictionary {
    return this.relay.perform(dictionary({ command, ...keys }))
  }

  async peer(): Promise<RtpPeer> {
    const peer = await RtpPeer.open()
    this.#peers.push(peer)
    return peer
  }

  /** A call that is answered; the far ends' descriptions as their formats, flags as NG keys of the offer. */
  async call(
    offered: string,
    answered: string,
    keys: Record<string, NgValue> = {},
    more: readonly [string, string] = ['', ''],
  ): Promise<AudioCall> {
    const id = `audio-${++this.#calls}`
    const [a, b] = [new Speaker(await this.peer(), 0xaaaa), new Speaker(await this.peer(), 0xbbbb)]
    const base = { 'call-id': id, 'from-tag': 'A' }
    const offer = this.ask('offer', { ...base, sdp: sdp(a.peer.port, offered, more[0]), ...keys })
    b.to = portOf(offer.sdp)
    const answer = this.ask('answer', { ...base, 'to-tag': 'B', sdp: sdp(b.peer.port, answered, more[1]) })
    a.to = portOf(answer.sdp)
    if (!(a.to > 0 && b.to > 0)) throw new Error(String(offer['error-reason'] ?? answer['error-reason']))
    return { id, a, b }
  }

  async close(): Promise<void> {
    await this.relay.close()
    for (const peer of this.#peers) peer.close()
    // The recorder's thread may still be writing.
    await pause(1)
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Linear samples of G.711, from the standard's formulas. */
export function expand(payload: Buffer, law: 'PCMU' | 'PCMA'): number[] {
  return [...payload].map(law === 'PCMU' ? decodeMuLaw : decodeALaw)
}

function decodeALaw(byte: number): number {
  const code = byte ^ 0x55
  const segment = (code >> 4) & 7
  const magnitude = ((code & 15) << 4) + 8
  const sample = segment === 0 ? magnitude : (magnitude + 256) << (segment - 1)
  return code & 0x80 ? sample : -sample
}

/** A WAV file of 16 bits with a sine. */
export function toneWav(
  frequency: number,
  millis: number,
  header: Partial<{ rate: number; bits: number }> = {},
): Buffer {
  const count = millis * 8
  const file = Buffer.alloc(44 + 2 * count)
  file.write('RIFF', 0)
  file.writeUInt32LE(36 + 2 * count, 4)
  file.write('WAVEfmt ', 8)
  file.writeUInt32LE(16, 16)
  file.writeUInt16LE(1, 20)
  file.writeUInt16LE(1, 22)
  file.writeUInt32LE(header.rate ?? 8000, 24)
  file.writeUInt32LE(2 * (header.rate ?? 8000), 28)
  file.writeUInt16LE(2, 32)
  file.writeUInt16LE(header.bits ?? 16, 34)
  file.write('data', 36)
  file.writeUInt32LE(2 * count, 40)
  for (let i = 0; i < count; i++)
    file.writeInt16LE(Math.round(16_000 * Math.sin((2 * Math.PI * frequency * i) / 8000)), 44 + 2 * i)
  return file
}
