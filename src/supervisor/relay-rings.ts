// Owns the way of relay operations between a worker and the supervisor: a ring each way, in memory that both share.
import { SignalboxError } from '../errors.ts'
import type { MediaAnswer, MediaCommand, MediaControlled, MediaRequest, MediaStats } from '../media/index.ts'
import { type NativeSockets, RingReader, type RingRecord, TurnReader, WakingWriter } from '../transport/index.ts'

/** Bytes of records in each ring: three of the longest descriptions, some hundred of the usual ones. */
const CAPACITY = 1 << 18
const RING_BYTES = 4096 + CAPACITY
const ASKED_AT = 0
const TOLD_AT = RING_BYTES
/** Bytes of the memory of one worker. */
export const RELAY_RINGS_BYTES = 2 * RING_BYTES

/** Records that are read before others have their turn. */
const TURN = 64

/** Kinds of records. `a` is the operation's number. */
const Kind = {
  /** `b` is the command's place in COMMANDS, `c` whether there is a description; the other fields as JSON; the description. */
  asked: 1,
  /** An offer or answer: warnings as JSON; the description. */
  described: 2,
  /** Any other result, as JSON. */
  told: 3,
  /** The error's code; its message. */
  failed: 4,
} as const

const COMMANDS: readonly MediaCommand[] = ['offer', 'answer', 'delete', 'query', 'control', 'ping']
/** Fields of a request beside its description, in the order in which they are written. */
const FIELDS = ['callId', 'fromTag', 'flags', 'toTag', 'message', 'viaBranch', 'receivedFrom', 'control'] as const

/** What a worker asks. */
export interface RelayAsked {
  readonly type: 'media'
  readonly id: number
  readonly command: MediaCommand
  readonly request: MediaRequest
}

/** What it is answered. */
export interface RelayTold {
  readonly type: 'media-result'
  readonly id: number
  readonly result?: MediaAnswer | MediaStats | MediaControlled
  readonly error?: { readonly code: string; readonly message: string }
}

/** Descriptors of a worker's rings, as a process has them. */
export interface RelayRingsSeat {
  readonly memory: number
  /** Wakes the supervisor, and the worker. */
  readonly asked: number
  readonly told: number
}

/** One end of the rings. */
export interface RelayRings<Said> {
  /** False where the message has to go another way: there is no room for it, or a character is no byte. */
  say(message: Said): boolean
  /** Hears what was said before, and nothing after. */
  close(): void
}

/** How many descriptors {@link inheritedRelayRings} finds. */
export const RELAY_RINGS_DESCRIPTORS = 3

/** The rings of one worker, made by the supervisor. The descriptors stay open until `close`. */
export function createRelayRings(native: NativeSockets): {
  readonly seat: RelayRingsSeat
  /** In the order of {@link inheritedRelayRings}. */
  readonly descriptors: readonly number[]
  close(): void
} {
  const descriptors: number[] = []
  const kept = (fd: number): number => {
    descriptors.push(fd)
    return fd
  }
  const close = (): void => {
    for (const fd of descriptors) native.close(fd)
  }
  try {
    const seat = {
      memory: kept(native.createSharedMemory(RELAY_RINGS_BYTES)),
      asked: kept(native.createEvent()),
      told: kept(native.createEvent()),
    }
    return { seat, descriptors, close }
  } catch (error) {
    close()
    throw error
  }
}

/** The same in a worker, whose first descriptor of them has this number. */
export function inheritedRelayRings(first: number): RelayRingsSeat {
  return { memory: first, asked: first + 1, told: first + 2 }
}

/** The supervisor's end. `broken` is told once something comes that no worker writes. */
export function openSupervisorRings(
  native: NativeSockets,
  seat: RelayRingsSeat,
  heard: (message: RelayAsked) => void,
  broken: () => void,
): RelayRings<RelayTold> {
  const rings = new Rings(native, seat, TOLD_AT, ASKED_AT, (record) => {
    const message = readAsked(record)
    if (message) heard(message)
    else broken()
  })
  return { say: (message) => rings.push(...writtenResult(message)), close: () => rings.close() }
}

/** The worker's end. */
export function openWorkerRings(
  native: NativeSockets,
  seat: RelayRingsSeat,
  heard: (message: RelayTold) => void,
): RelayRings<RelayAsked> {
  const rings = new Rings(native, seat, ASKED_AT, TOLD_AT, (record) => heard(readResult(record)))
  return { say: (message) => rings.push(...writtenAsked(message)), close: () => rings.close() }
}

type Written = [kind: number, id: number, b: number, c: number, prefix: string, text: string]

class Rings {
  readonly #out: WakingWriter
  readonly #in: RingReader
  readonly #reader: TurnReader
  readonly #watch: { close(): void }
  readonly #take: (record: RingRecord) => void

  constructor(
    native: NativeSockets,
    { memory: fd, asked, told }: RelayRingsSeat,
    out: number,
    into: number,
    take: (record: RingRecord) => void,
  ) {
    const memory = native.mapSharedMemory(fd, RELAY_RINGS_BYTES)
    const [mine, others] = out === ASKED_AT ? [told, asked] : [asked, told]
    this.#take = take
    this.#out = new WakingWriter(memory, out, others, native, CAPACITY)
    this.#in = new RingReader(memory, into, CAPACITY)
    this.#reader = new TurnReader([this.#in], () => this.#in.drain(TURN, take))
    this.#watch = native.watchEvent(mine, () => this.#reader.woken())
    this.#reader.woken()
  }

  push(kind: number, id: number, b: number, c: number, prefix: string, text: string): boolean {
    return isLatin1(prefix) && isLatin1(text) && this.#out.push(kind, id, b, c, prefix, text)
  }

  close(): void {
    this.#watch.close()
    this.#reader.close()
    while (this.#in.drain(TURN, this.#take) > 0);
  }
}

function isLatin1(text: string): boolean {
  return !/[^\u0000-\u00ff]/.test(text)
}

function writtenAsked({ id, command, request }: RelayAsked): Written {
  const { sdp, set = 0 } = request
  const fields = FIELDS.map((name) => request[name] ?? 0)
  const prefix = JSON.stringify([set, ...fields])
  return [Kind.asked, id, COMMANDS.indexOf(command), sdp === undefined ? 0 : 1, prefix, sdp ?? '']
}

function readAsked({ kind, a, b, c, prefix, text }: RingRecord): RelayAsked | undefined {
  const command = COMMANDS[b]
  const fields = kind === Kind.asked ? parsed(prefix) : undefined
  if (!command || !Array.isArray(fields)) return undefined
  const [set, ...texts] = fields as unknown[]
  if (typeof set !== 'number' || texts.length !== FIELDS.length) return undefined
  const request: Record<string, unknown> = { set }
  for (const [index, value] of texts.entries()) {
    if (typeof value === 'string') request[FIELDS[index]!] = value
    // Who asks, of which call and for what is said always.
    else if (value !== 0 || index < 3) return undefined
  }
  if (c === 1) request.sdp = text
  return { type: 'media', id: a, command, request: request as unknown as MediaRequest }
}

function writtenResult({ id, result, error }: RelayTold): Written {
  if (error) return [Kind.failed, id, 0, 0, error.code, error.message]
  if (result === undefined) return [Kind.told, id, 0, 0, '', '']
  if (!('sdp' in result)) return [Kind.told, id, 0, 0, JSON.stringify(result), '']
  const { sdp, warnings } = result
  return [Kind.described, id, 0, 0, warnings ? JSON.stringify(warnings) : '', sdp]
}

/** @throws SignalboxError ERR_MEDIA where the supervisor, who is trusted, wrote something else */
function readResult({ kind, a: id, prefix, text }: RingRecord): RelayTold {
  if (kind === Kind.failed) return { type: 'media-result', id, error: { code: prefix, message: text } }
  if (kind === Kind.described) {
    const result: MediaAnswer = { sdp: text, ...(prefix === '' ? {} : { warnings: JSON.parse(prefix) as string[] }) }
    return { type: 'media-result', id, result }
  }
  if (kind !== Kind.told) throw new SignalboxError('ERR_MEDIA', `the relay answers with an unknown record ${kind}`)
  return { type: 'media-result', id, ...(prefix === '' ? {} : { result: JSON.parse(prefix) }) }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
