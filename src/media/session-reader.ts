// Owns the reading of requests whose words are said over and over: what they mean is remembered, and only what is of one call is read anew.
import { dictionary, type NgDictionary } from './ng/bencode.ts'
import type { NgOwn } from './ng/request.ts'
import {
  CALL_KEYS,
  canonicalKey,
  canonicalRequest,
  readCall,
  readSessionOptions,
  readSource,
  type SessionCall,
  type SessionDefaults,
  type SessionOptions,
} from './session-options.ts'

/** Kinds of requests that are remembered; a route has a few. */
const MOST = 200
/** Chars of what is remembered of one. */
const LONGEST = 8_000
/** Stands where the address of a message would. */
const SOMEWHERE = '?'

/** What a request asks for. */
export interface ReadRequest {
  readonly session: SessionOptions
  /** What it says besides what is of one call, its keys in one spelling; shared by all that say the same. */
  readonly words: NgDictionary
}

export class SessionReader {
  readonly #defaults: SessionDefaults
  readonly #known = new Map<string, ReadRequest>()
  /** The same by the flags that said the words, command by command. */
  readonly #flags = new WeakMap<NgDictionary, Map<string, ReadRequest>>()

  constructor(defaults: SessionDefaults) {
    this.#defaults = defaults
  }

  read(raw: NgDictionary): ReadRequest {
    const { said, own } = parted(raw)
    const known = this.#knownAs(said)
    if (known) return ofCall(known, readCall(own), readSource(own))
    const words = canonicalRequest(raw)
    return { words, session: readSessionOptions(words, this.#defaults) }
  }

  /** Reads the request `raw()` of a command, all words of which are those of `flags`, but for what is of one message. */
  readOwn(command: string, flags: NgDictionary, own: NgOwn, raw: () => NgDictionary): ReadRequest {
    const before = this.#flags.get(flags)?.get(command)
    if (before) {
      const { callId, fromTag, toTag = '', viaBranch = '', sdp, receivedFrom } = own
      return ofCall(before, { callId, fromTag, toTag, viaBranch, sdp }, receivedFrom?.[1])
    }
    const request = raw()
    const known = Object.keys(flags).some(isOfCall) ? undefined : this.#knownAs(parted(request).said)
    if (known) {
      const commands = this.#flags.get(flags) ?? new Map<string, ReadRequest>()
      this.#flags.set(flags, commands.set(command, known))
    }
    return this.read(request)
  }

  /** Undefined where the words themselves speak of one call. */
  #knownAs(said: NgDictionary): ReadRequest | undefined {
    const text = JSON.stringify(said)
    const before = this.#known.get(text)
    if (before || text.length > LONGEST) return before
    const words = canonicalRequest(said)
    if (Object.keys(words).some(isOfCall)) return undefined
    const session = readSessionOptions({ ...words, 'received-from': ['', SOMEWHERE] }, this.#defaults)
    if (this.#known.size >= MOST) this.#known.clear()
    const read = { words, session }
    this.#known.set(text, read)
    return read
  }
}

function isOfCall(key: string): boolean {
  return CALL_KEYS.has(canonicalKey(key))
}

/** A request in two: its words, and what is of one call, in the one spelling. */
function parted(raw: NgDictionary): { said: NgDictionary; own: NgDictionary } {
  const said = dictionary()
  const own = dictionary()
  for (const [key, value] of Object.entries(raw)) {
    if (isOfCall(key)) own[canonicalKey(key)] = value
    else said[key] = value
  }
  return { said, own }
}

/** The same words said of one call, by a message from `source`. */
function ofCall({ words, session }: ReadRequest, call: SessionCall, source: string | undefined): ReadRequest {
  // Copied as it is and written over: a literal that spreads two objects has V8 add the second one name by name.
  const own: { -readonly [Name in keyof SessionOptions]: SessionOptions[Name] } = { ...session }
  own.callId = call.callId
  own.fromTag = call.fromTag
  own.toTag = call.toTag
  own.viaBranch = call.viaBranch
  own.sdp = call.sdp
  // What the words want of the message, whatever that is.
  if (session.sourceAddress === SOMEWHERE) own.sourceAddress = source
  return { words, session: own }
}
