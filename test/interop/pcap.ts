// Owns the little that tests need of capture files: a tone as RTP for sipp to play, and the tone heard in a capture.
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'

const RATE = 8000
const SAMPLES = 160

export function encodeMuLaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0
  const magnitude = Math.min(Math.abs(sample), 32_635) + 132
  const exponent = Math.floor(Math.log2(magnitude)) - 7
  return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0f)) & 0xff
}

export function decodeMuLaw(byte: number): number {
  const value = ~byte & 0xff
  const magnitude = ((((value & 0x0f) << 3) + 132) << ((value >> 4) & 7)) - 132
  return value & 0x80 ? -magnitude : magnitude
}

/** Share of the energy of `samples` (8 kHz) at `frequency`, 0 to 1 (Goertzel). */
export function toneShare(samples: readonly number[], frequency: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / RATE)
  let [a, b, energy] = [0, 0, 0]
  for (const sample of samples) {
    energy += sample * sample
    ;[a, b] = [sample + coefficient * a - b, a]
  }
  return energy === 0 ? 0 : (2 * (a * a + b * b - coefficient * a * b)) / samples.length / energy
}

/** Writes a capture of `seconds` of a tone as PCMU over RTP/UDP/IPv4, as sipp's play_pcap_audio reads it. */
export function writeTonePcap(path: string, frequency: number, seconds: number): void {
  const file = openSync(path, 'w')
  const head = Buffer.alloc(24)
  head.writeUInt32LE(0xa1b2c3d4, 0)
  head.writeUInt16LE(2, 4)
  head.writeUInt16LE(4, 6)
  head.writeUInt32LE(65_535, 16)
  head.writeUInt32LE(1, 20)
  writeSync(file, head)
  for (let n = 0; n < seconds * 50; n++) {
    const packet = Buffer.alloc(14 + 20 + 8 + 12 + SAMPLES)
    packet.writeUInt16BE(0x0800, 12)
    packet[14] = 0x45
    packet.writeUInt16BE(packet.length - 14, 16)
    packet[22] = 64
    packet[23] = 17
    packet.set([127, 0, 0, 1, 127, 0, 0, 1], 26)
    packet.writeUInt16BE(6000, 34)
    packet.writeUInt16BE(6000, 36)
    packet.writeUInt16BE(8 + 12 + SAMPLES, 38)
    packet[42] = 0x80
    packet.writeUInt16BE(n & 0xffff, 44)
    packet.writeUInt32BE(n * SAMPLES, 46)
    packet.writeUInt32BE(0x516e616c, 50)
    for (let i = 0; i < SAMPLES; i++) {
      packet[54 + i] = encodeMuLaw(Math.round(12_000 * Math.sin((2 * Math.PI * frequency * (n * SAMPLES + i)) / RATE)))
    }
    const record = Buffer.alloc(16)
    record.writeUInt32LE(Math.floor(n / 50), 0)
    record.writeUInt32LE((n % 50) * 20_000, 4)
    record.writeUInt32LE(packet.length, 8)
    record.writeUInt32LE(packet.length, 12)
    writeSync(file, Buffer.concat([record, packet]))
  }
  closeSync(file)
}

export interface CapturedPacket {
  readonly source: string
  readonly sourcePort: number
  readonly target: string
  readonly targetPort: number
  readonly payload: Buffer
}

/** UDP packets over IPv4 of an Ethernet capture (pcap, little-endian). */
export function readPcap(path: string): CapturedPacket[] {
  const file = readFileSync(path)
  const packets: CapturedPacket[] = []
  for (let at = 24; at + 16 <= file.length; ) {
    const length = file.readUInt32LE(at + 8)
    const frame = file.subarray(at + 16, at + 16 + length)
    at += 16 + length
    if (frame.length < 42 || frame.readUInt16BE(12) !== 0x0800 || frame[23] !== 17) continue
    const header = 14 + (frame[14]! & 0x0f) * 4
    packets.push({
      source: frame.subarray(26, 30).join('.'),
      target: frame.subarray(30, 34).join('.'),
      sourcePort: frame.readUInt16BE(header),
      targetPort: frame.readUInt16BE(header + 2),
      payload: frame.subarray(header + 8),
    })
  }
  return packets
}

/** PCMU samples of the RTP packets (payload type 0) among `packets`. */
export function muLawSamples(packets: readonly CapturedPacket[]): number[] {
  return packets
    .filter(({ payload }) => payload.length > 12 && payload[0] === 0x80 && (payload[1]! & 0x7f) === 0)
    .flatMap(({ payload }) => [...payload.subarray(12)].map(decodeMuLaw))
}
