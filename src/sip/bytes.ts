// Owns the texts under reading as bytes: code that looks at characters of a string has to tell five kinds of strings apart at each, an array has one.

/** Texts up to this length are parts of messages: they have a place of their own, so that reading one does not put out its message. */
const PART = 256
/** What is kept behind a text: a zero, so that no reader runs on, and room for a look ahead. */
const BEHIND = 16

/** Writes a text into the beginning of an array, one byte a char; of what is above 255 the lower eight bits, as on the way to the wire. */
export type ByteWriter = (text: string) => void

let writerInto = (bytes: Uint8Array): ByteWriter => {
  return (text) => {
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  }
}

/** The array of the text that was asked for last. */
class Place {
  text = ''
  bytes!: Uint8Array
  words!: DataView
  #write!: ByteWriter

  constructor(size: number) {
    this.renew(size)
  }

  /** Takes another array, and the writer of today. */
  renew(size: number): void {
    this.bytes = new Uint8Array(size + BEHIND)
    this.words = new DataView(this.bytes.buffer)
    this.#write = writerInto(this.bytes)
    this.text = ''
  }

  load(text: string): void {
    const { length } = text
    if (length + BEHIND > this.bytes.length) this.renew(2 * length)
    this.#write(text)
    this.bytes[length] = 0
    this.text = text
  }
}

const part = new Place(PART)
const message = new Place(65_536)

/**
 * The bytes of `text`, one a char, with a zero behind them. They are good until the bytes of another text are asked for:
 * who calls something that may do so asks again.
 */
export function bytesOf(text: string): Uint8Array {
  const place = text.length > PART ? message : part
  if (text !== place.text) place.load(text)
  return place.bytes
}

/** The same bytes, for who looks at several at once. */
export function wordsOf(bytes: Uint8Array): DataView {
  return bytes === message.bytes ? message.words : part.words
}

/** Lets texts be written by what `maker` gives for an array, where something is at hand that is faster than a loop. */
export function writeBytesBy(maker: (bytes: Uint8Array) => ByteWriter): void {
  writerInto = maker
  part.renew(PART)
  message.renew(65_536)
}
