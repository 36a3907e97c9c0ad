// Owns the masking of texts for topoh: the same text gives the same mask under one key, and nobody without the key makes or reads one.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'

const IV_BYTES = 16
/** Bytes of the authenticating code that also is the initialisation vector: SIV, as in RFC 5297, from a truncated HMAC. */
const TAG_BYTES = 12
const LONGEST = 4096

/** The key of a shared secret. Several servers with one secret read one another's masks. */
export class TopologyCipher {
  readonly #cipherKey: Buffer
  readonly #tagKey: Buffer

  constructor(secret: string) {
    const derived = Buffer.from(hkdfSync('sha256', secret, 'signalbox topoh', 'mask', 64))
    this.#cipherKey = derived.subarray(0, 32)
    this.#tagKey = derived.subarray(32)
  }

  /** Letters, digits, `-` and `_`: they may stand in a branch, in a parameter and in a Call-ID. */
  mask(text: string): string {
    const plain = Buffer.from(text, 'latin1')
    const tag = this.#tag(plain)
    const cipher = createCipheriv('aes-256-ctr', this.#cipherKey, vector(tag))
    return Buffer.concat([tag, cipher.update(plain), cipher.final()]).toString('base64url')
  }

  /** Undefined where it is no mask of this key. */
  unmask(masked: string): string | undefined {
    if (masked.length > LONGEST || !/^[A-Za-z0-9_-]+$/.test(masked)) return undefined
    const bytes = Buffer.from(masked, 'base64url')
    if (bytes.length <= TAG_BYTES) return undefined
    const tag = bytes.subarray(0, TAG_BYTES)
    const cipher = createDecipheriv('aes-256-ctr', this.#cipherKey, vector(tag))
    const plain = Buffer.concat([cipher.update(bytes.subarray(TAG_BYTES)), cipher.final()])
    return this.#tag(plain).equals(tag) ? plain.toString('latin1') : undefined
  }

  #tag(plain: Buffer): Buffer {
    return createHmac('sha256', this.#tagKey).update(plain).digest().subarray(0, TAG_BYTES)
  }
}

function vector(tag: Buffer): Buffer {
  const iv = Buffer.alloc(IV_BYTES)
  tag.copy(iv)
  return iv
}
