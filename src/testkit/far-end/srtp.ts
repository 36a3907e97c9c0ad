// Owns the far ends' own SRTP (RFC 3711, AES_CM_128_HMAC_SHA1_80 only) over node:crypto, so that what the relay
// sends is read by an implementation that shares nothing with it.
import { createCipheriv, createHmac, timingSafeEqual } from 'node:crypto'

const TAG_BYTES = 10

/** One direction of an SRTP stream; `key` is the 30 bytes of a=crypto: master key and salt. */
export class SrtpDirection {
  readonly #cipherKey: Buffer
  readonly #authKey: Buffer
  readonly #salt: Buffer
  #highest = -1
  #rollover = 0

  constructor(key: Buffer) {
    if (key.length !== 30) throw new RangeError(`an SDES key of AES_CM_128 has 30 bytes, this one has ${key.length}`)
    // RFC 3711 4.3.1, labels 0x00, 0x01, 0x02
    this.#cipherKey = derive(key, 0, 16)
    this.#authKey = derive(key, 1, 20)
    this.#salt = derive(key, 2, 14)
  }

  /** Encrypts and tags one RTP packet. */
  protect(packet: Buffer): Buffer {
    const sequence = packet.readUInt16BE(2)
    if (this.#highest >= 0 && sequence < this.#highest && this.#highest - sequence > 0x8000) this.#rollover++
    this.#highest = sequence
    const encrypted = this.#crypt(packet, this.#rollover)
    return Buffer.concat([encrypted, this.#tag(encrypted, this.#rollover)])
  }

  /** The RTP packet inside an SRTP packet, or undefined if its tag is wrong. */
  unprotect(packet: Buffer): Buffer | undefined {
    if (packet.length < 12 + TAG_BYTES) return undefined
    const body = packet.subarray(0, packet.length - TAG_BYTES)
    const sequence = body.readUInt16BE(2)
    const rollover = this.#guess(sequence)
    if (rollover < 0 || !timingSafeEqual(this.#tag(body, rollover), packet.subarray(packet.length - TAG_BYTES)))
      return undefined
    if (rollover > this.#rollover || sequence > this.#highest) {
      this.#rollover = rollover
      this.#highest = sequence
    }
    return this.#crypt(body, rollover)
  }

  /** RFC 3711 3.3.1: the roll-over counter that puts this sequence number nearest to the highest seen. */
  #guess(sequence: number): number {
    if (this.#highest < 0) return 0
    if (this.#highest < 0x8000) return sequence - this.#highest > 0x8000 ? this.#rollover - 1 : this.#rollover
    return this.#highest - 0x8000 > sequence ? this.#rollover + 1 : this.#rollover
  }

  #crypt(packet: Buffer, rollover: number): Buffer {
    const header = 12 + 4 * (packet[0]! & 0x0f)
    const iv = Buffer.alloc(16)
    this.#salt.copy(iv)
    const ssrc = packet.readUInt32BE(8)
    iv.writeUInt32BE((iv.readUInt32BE(4) ^ ssrc) >>> 0, 4)
    iv.writeUInt32BE((iv.readUInt32BE(8) ^ rollover) >>> 0, 8)
    iv.writeUInt16BE(iv.readUInt16BE(12) ^ packet.readUInt16BE(2), 12)
    const cipher = createCipheriv('aes-128-ctr', this.#cipherKey, iv)
    return Buffer.concat([packet.subarray(0, header), cipher.update(packet.subarray(header))])
  }

  #tag(packet: Buffer, rollover: number): Buffer {
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(rollover)
    return createHmac('sha1', this.#authKey).update(packet).update(counter).digest().subarray(0, TAG_BYTES)
  }
}

function derive(key: Buffer, label: number, length: number): Buffer {
  const iv = Buffer.alloc(16)
  key.copy(iv, 0, 16, 30)
  iv[7] = iv[7]! ^ label
  return createCipheriv('aes-128-ctr', key.subarray(0, 16), iv).update(Buffer.alloc(length))
}
