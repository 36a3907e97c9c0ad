// Owns the frames of the NG protocol on a byte stream: where one request ends and the next begins, each byte looked at once.
import { SignalboxError } from '../../errors.ts'
import { DEFAULT_BENCODE_LIMITS } from './bencode.ts'
import { COOKIE_BYTES } from './message.ts'

const BODY_BYTES = DEFAULT_BENCODE_LIMITS.bytes

/** Cuts what arrives into `cookie body` texts (latin1). */
export class NgStreamFrames {
  #buffer = ''
  /** Where the body starts; -1 until the cookie is there. */
  #body = -1
  /** The next character to look at; beyond the buffer where a string has yet to arrive. */
  #at = 0
  #depth = 0
  #inText = false

  /**
   * @returns the frames that are complete now
   * @throws SignalboxError ERR_PARSE; the stream can then not be read on
   */
  push(chunk: string): string[] {
    this.#buffer += chunk
    const frames: string[] = []
    for (;;) {
      const end = this.#end()
      if (end === undefined) break
      frames.push(this.#buffer.slice(0, end))
      this.#buffer = this.#buffer.slice(end)
      this.#body = -1
    }
    if (this.#buffer.length > COOKIE_BYTES + 1 + BODY_BYTES) throw wrong('a request that is too long')
    return frames
  }

  /** Offset after the frame that the buffer starts with; undefined while it is incomplete. */
  #end(): number | undefined {
    if (this.#body < 0) {
      this.#buffer = this.#buffer.replace(/^\s+/, '')
      const space = this.#buffer.indexOf(' ')
      if (space > COOKIE_BYTES || (space < 0 && this.#buffer.length > COOKIE_BYTES)) throw wrong('no cookie')
      if (space < 1 || this.#buffer.length < space + 2) return undefined
      this.#body = this.#at = space + 1
      this.#depth = 0
      this.#inText = false
      if (!/[d{]/.test(this.#buffer[this.#body]!)) throw wrong('a body that is neither bencode nor JSON')
    }
    return this.#buffer[this.#body] === 'd' ? this.#bencodeEnd() : this.#jsonEnd()
  }

  #bencodeEnd(): number | undefined {
    while (this.#at < this.#buffer.length) {
      const letter = this.#buffer[this.#at]!
      if (letter === 'd' || letter === 'l') {
        this.#depth++
        this.#at++
      } else if (letter === 'e') {
        this.#at++
        if (--this.#depth === 0) return this.#at
      } else {
        const stop = this.#buffer.indexOf(letter === 'i' ? 'e' : ':', this.#at)
        if (stop > this.#at + 21 || (stop < 0 && this.#buffer.length > this.#at + 21)) throw wrong('bad bencode')
        if (stop < 0) return undefined
        const digits = this.#buffer.slice(this.#at, stop)
        if (letter !== 'i' && !/^\d{1,6}$/.test(digits)) throw wrong('bad bencode')
        this.#at = stop + 1 + (letter === 'i' ? 0 : Number(digits))
      }
    }
    return undefined
  }

  #jsonEnd(): number | undefined {
    for (; this.#at < this.#buffer.length; this.#at++) {
      const letter = this.#buffer[this.#at]!
      if (this.#inText) {
        if (letter === '\\') this.#at++
        else if (letter === '"') this.#inText = false
      } else if (letter === '"') this.#inText = true
      else if (letter === '{') this.#depth++
      else if (letter === '}' && --this.#depth === 0) return this.#at + 1
    }
    return undefined
  }
}

function wrong(what: string): SignalboxError {
  return new SignalboxError('ERR_PARSE', `NG stream: ${what}`)
}
