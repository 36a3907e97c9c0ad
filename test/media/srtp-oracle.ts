// Owns an SRTP of the tests' own, over node:crypto, written from RFC 3711 and RFC 7714 alone: it judges the native one.
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'

function aesCounter(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Buffer {
  const cipher = createCipheriv(`aes-${key.length * 8}-ctr`, key, iv)
  return Buffer.concat([cipher.update(data), cipher.final()])
}

function derive(master: Uint8Array, label: number, bytes: number, saltBytes = 14): Buffer {
  const iv = Buffer.alloc(16)
  iv.set(master.subarray(master.length - saltBytes))
  iv[7]! ^= label
  return aesCounter(master.subarray(0, master.length - saltBytes), iv, Buffer.alloc(bytes))
}

/** One direction under one master key, with the tag length of its suite. */
export class SrtpOracle {
  readonly #tagBytes: number
  readonly #keys: { cipher: Buffer; auth: Buffer; salt: Buffer }[]

  constructor(master: Uint8Array, tagBytes = 10) {
    this.#tagBytes = tagBytes
    const keyBytes = master.length - 14
    this.#keys = [0, 3].map((label) => ({
      cipher: derive(master, label, keyBytes),
      auth: derive(master, label + 1, 20),
      salt: derive(master, label + 2, 14),
    }))
  }

  #crypt(rtcp: 0 | 1, ssrc: number, index: bigint, data: Uint8Array): Buffer {
    const keys = this.#keys[rtcp]!
    const salt = BigInt(`0x${keys.salt.toString('hex')}`) << 16n
    const iv = salt ^ (BigInt(ssrc) << 64n) ^ (index << 16n)
    return aesCounter(keys.cipher, Buffer.from(iv.toString(16).padStart(32, '0'), 'hex'), data)
  }

  #tag(rtcp: 0 | 1, data: Uint8Array, trailer: Uint8Array, bytes: number): Buffer {
    return createHmac('sha1', this.#keys[rtcp]!.auth).update(data).update(trailer).digest().subarray(0, bytes)
  }

  protectRtp(packet: Buffer, roc = 0): Buffer {
    const index = (BigInt(roc) << 16n) | BigInt(packet.readUInt16BE(2))
    const trailer = Buffer.alloc(4)
    trailer.writeUInt32BE(roc)
    const body = Buffer.concat([
      packet.subarray(0, 12),
      this.#crypt(0, packet.readUInt32BE(8), index, packet.subarray(12)),
    ])
    return Buffer.concat([body, this.#tag(0, body, trailer, this.#tagBytes)])
  }

  /** undefined where the tag is wrong. */
  unprotectRtp(packet: Buffer, roc = 0): Buffer | undefined {
    const body = packet.subarray(0, packet.length - this.#tagBytes)
    const trailer = Buffer.alloc(4)
    trailer.writeUInt32BE(roc)
    if (!this.#tag(0, body, trailer, this.#tagBytes).equals(packet.subarray(body.length))) return undefined
    const index = (BigInt(roc) << 16n) | BigInt(body.readUInt16BE(2))
    return Buffer.concat([body.subarray(0, 12), this.#crypt(0, body.readUInt32BE(8), index, body.subarray(12))])
  }

  protectRtcp(packet: Buffer, index: number): Buffer {
    const word = Buffer.alloc(4)
    word.writeUInt32BE(0x80000000 + index)
    const body = Buffer.concat([
      packet.subarray(0, 8),
      this.#crypt(1, packet.readUInt32BE(4), BigInt(index), packet.subarray(8)),
      word,
    ])
    return Buffer.concat([body, this.#tag(1, body, Buffer.alloc(0), 10)])
  }

  unprotectRtcp(packet: Buffer): { packet: Buffer; index: number } | undefined {
    const body = packet.subarray(0, packet.length - 10)
    if (!this.#tag(1, body, Buffer.alloc(0), 10).equals(packet.subarray(body.length))) return undefined
    const index = body.readUInt32BE(body.length - 4) - 0x80000000
    const clear = this.#crypt(1, body.readUInt32BE(4), BigInt(index), body.subarray(8, body.length - 4))
    return { packet: Buffer.concat([body.subarray(0, 8), clear]), index }
  }
}

/** The same for AES-GCM (RFC 7714), with a master key identifier if one is given. */
export class GcmOracle {
  readonly #keys: { cipher: Buffer; salt: Buffer }[]
  readonly #mki: Buffer

  constructor(master: Uint8Array, mki: Buffer = Buffer.alloc(0)) {
    this.#mki = mki
    this.#keys = [0, 3].map((label) => ({
      cipher: derive(master, label, master.length - 12, 12),
      salt: derive(master, label + 2, 12, 12),
    }))
  }

  #iv(rtcp: 0 | 1, ssrc: number, index: number): Buffer {
    const iv = Buffer.alloc(12)
    iv.writeUInt32BE(ssrc, 2)
    iv.writeUIntBE(index, 6, 6)
    return iv.map((byte, i) => byte ^ this.#keys[rtcp]!.salt[i]!) as Buffer
  }

  #seal(rtcp: 0 | 1, iv: Buffer, associated: Uint8Array, plain: Uint8Array): Buffer {
    const { cipher: key } = this.#keys[rtcp]!
    const cipher = createCipheriv(`aes-${key.length * 8}-gcm` as 'aes-128-gcm', key, iv).setAAD(associated)
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  }

  #open(rtcp: 0 | 1, iv: Buffer, associated: Uint8Array, sealed: Uint8Array): Buffer {
    const { cipher: key } = this.#keys[rtcp]!
    const cipher = createDecipheriv(`aes-${key.length * 8}-gcm` as 'aes-128-gcm', key, iv).setAAD(associated)
    cipher.setAuthTag(sealed.subarray(-16))
    return Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()])
  }

  protectRtp(packet: Buffer, roc = 0): Buffer {
    const iv = this.#iv(0, packet.readUInt32BE(8), roc * 65536 + packet.readUInt16BE(2))
    const header = packet.subarray(0, 12)
    return Buffer.concat([header, this.#seal(0, iv, header, packet.subarray(12)), this.#mki])
  }

  /** Throws where the tag is wrong. */
  unprotectRtp(packet: Buffer, roc = 0): Buffer {
    const body = packet.subarray(0, packet.length - this.#mki.length)
    const iv = this.#iv(0, body.readUInt32BE(8), roc * 65536 + body.readUInt16BE(2))
    return Buffer.concat([body.subarray(0, 12), this.#open(0, iv, body.subarray(0, 12), body.subarray(12))])
  }

  protectRtcp(packet: Buffer, index: number): Buffer {
    const word = Buffer.alloc(4)
    word.writeUInt32BE(0x80000000 + index)
    const iv = this.#iv(1, packet.readUInt32BE(4), index)
    const header = packet.subarray(0, 8)
    const sealed = this.#seal(1, iv, Buffer.concat([header, word]), packet.subarray(8))
    return Buffer.concat([header, sealed, word, this.#mki])
  }

  unprotectRtcp(packet: Buffer): Buffer {
    const body = packet.subarray(0, packet.length - this.#mki.length)
    const word = body.subarray(-4)
    const iv = this.#iv(1, body.readUInt32BE(4), word.readUInt32BE() - 0x80000000)
    const associated = Buffer.concat([body.subarray(0, 8), word])
    return Buffer.concat([body.subarray(0, 8), this.#open(1, iv, associated, body.subarray(8, -4))])
  }
}
