// Owns the reading of requests whose words are said over and over: what they mean is remembered, and only what is of one call is read anew.
import { dictionary, type NgDictionary, type NgValue } from './ng/bencode.ts'
import {
  CALL_KEYS,
  canonicalKey,
  canonicalRequest,
  readCall,
  readSessionOptions,
  readSource,
  type SessionDefaults,
  type SessionOptions,
} from './session-options.ts'

/** Kinds of requests that are remembered; a route has a few. */
const MOST = 200
/** Chars of what is remembered of one. */
const LONGEST = 8_000
/** Stands where the address of a message would. */
const SOMEWHERE = '?'

/** A request with its keys in one spelling, and what it asks for. */
export interface ReadRequest {
  readonly message: NgDictionary
  readonly session: SessionOptions
}

export class SessionReader {
  readonly #defaults: SessionDefaults
  readonly #known = new Map<string, ReadRequest>()
  /** The same by the flags that said the words, command by command. */
  readonly #flags = new WeakMap<NgDictionary, Map<NgValue | undefined, ReadRequest>>()

  constructor(defaults: SessionDefaults) {
    this.#defaults = defaults
  }

  /** `flags`, where they are given, say all words of the request but its command and those that are of one call. */
  read(raw: NgDictionary, flags?: NgDictionary): ReadRequest {
    const before = flags && this.#flags.get(flags)?.get(raw.command)
    if (before) return ofCall(before, raw)
    const own = dictionary()
    const said = dictionary()
    for (const [key, value] of Object.entries(raw)) {
      const canonical = canonicalKey(key)
      if (CALL_KEYS.has(canonical)) own[canonical] = value
      else said[key] = value
    }
    const words = JSON.stringify(said)
    const known = this.#known.get(words) ?? this.#learn(words, said)
    if (known === undefined) {
      const message = canonicalRequest(raw)
      return { message, session: readSessionOptions(message, this.#defaults) }
    }
    if (flags && !Object.keys(flags).some((key) => CALL_KEYS.has(canonicalKey(key)))) {
      const commands = this.#flags.get(flags) ?? new Map<NgValue | undefined, ReadRequest>()
      this.#flags.set(flags, commands.set(raw.command, known))
    }
    return ofCall(known, own)
  }

  /** Undefined where the words themselves speak of one call. */
  #learn(words: string, said: NgDictionary): ReadRequest | undefined {
    if (words.length > LONGEST) return undefined
    const message = canonicalRequest(said)
    if (Object.keys(message).some((key) => CALL_KEYS.has(key))) return undefined
    const session = readSessionOptions({ ...message, 'received-from': ['', SOMEWHERE] }, this.#defaults)
    if (this.#known.size >= MOST) this.#known.clear()
    const read = { message, session }
    this.#known.set(words, read)
    return read
  }
}

/** `own` has what is of one call in the one spelling. */
function ofCall({ message, session }: ReadRequest, own: NgDictionary): ReadRequest {
  // What the words want of the message, whatever that is.
  const sourceAddress = session.sourceAddress === SOMEWHERE ? readSource(own) : session.sourceAddress
  const whole = dictionary(message)
  for (const key of CALL_KEYS) if (own[key] !== undefined) whole[key] = own[key]
  return { message: whole, session: { ...session, ...readCall(own), sourceAddress } }
}
