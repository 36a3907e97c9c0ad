// Owns the memory that a worker shares with its supervisor: its heartbeat, and the message that a script is working on.
import { Buffer } from 'node:buffer'
import type { RunSlot } from '../engine/index.ts'
import { SipRequest, TRANSPORTS, type Transport } from '../sip/index.ts'
import { frontFlow } from '../transport/index.ts'

/** Bytes of the shared memory: a page of words, then the longest message. */
export const SLOT_BYTES = 4096 + 65_536

// Indices of 32-bit words.
const HEARTBEAT = 0
/** Odd while a script has the processor; one more at each entry and each leave. */
const SEQUENCE = 1
const PROGRAM = 2
const IS_REQUEST = 3
const TRANSPORT = 4
const LISTENER = 5
const REMOTE_PORT = 6
const ADDRESS_LENGTH = 7
const MESSAGE_LENGTH = 8
const FLOW = 9
const WORDS = 64

const ADDRESS_AT = 256
const ADDRESS_BYTES = 64
const MESSAGE_AT = 4096

/** What a worker was working on when it was looked at. */
export interface RunReading {
  readonly program: number
  readonly isRequest: boolean
  readonly transport: Transport
  readonly listener: number
  readonly remoteAddress: string
  readonly remotePort: number
  /** Number of the connection in the front; means nothing for UDP. */
  readonly flow: number
  /** Latin1, as received; cut where it was longer than 64 KiB. */
  readonly message: string
}

/** The worker's side. Writing costs a copy of the message, no system call. */
export class SlotWriter implements RunSlot {
  readonly #words: Int32Array
  readonly #bytes: Buffer
  #lastRemote = ''

  constructor(memory: ArrayBuffer) {
    this.#words = new Int32Array(memory, 0, WORDS)
    this.#bytes = Buffer.from(memory)
  }

  beat(): void {
    Atomics.add(this.#words, HEARTBEAT, 1)
  }

  enter(run: Parameters<RunSlot['enter']>[0]): void {
    const words = this.#words
    const { flow, message } = run
    const address = flow.remoteAddress
    words[PROGRAM] = run.program.version
    words[IS_REQUEST] = message instanceof SipRequest && message.method !== 'ACK' ? 1 : 0
    words[TRANSPORT] = TRANSPORTS.indexOf(flow.transport)
    words[LISTENER] = flow.listener.id
    words[REMOTE_PORT] = flow.remotePort
    words[FLOW] = frontFlow(flow)
    if (address !== this.#lastRemote) {
      words[ADDRESS_LENGTH] = this.#bytes.write(address, ADDRESS_AT, ADDRESS_BYTES, 'latin1')
      this.#lastRemote = address
    }
    words[MESSAGE_LENGTH] = this.#bytes.write(message.raw, MESSAGE_AT, 'latin1')
    // The sequence turns odd last: who reads it odd reads a whole entry.
    Atomics.store(words, SEQUENCE, (words[SEQUENCE]! | 1) + (words[SEQUENCE]! & 1 ? 2 : 0))
  }

  leave(): void {
    const words = this.#words
    if (words[SEQUENCE]! & 1) Atomics.store(words, SEQUENCE, words[SEQUENCE]! + 1)
  }
}

/** The supervisor's side. */
export class SlotReader {
  readonly #words: Int32Array
  readonly #bytes: Buffer

  constructor(memory: ArrayBuffer) {
    this.#words = new Int32Array(memory, 0, WORDS)
    this.#bytes = Buffer.from(memory)
  }

  get heartbeat(): number {
    return Atomics.load(this.#words, HEARTBEAT)
  }

  /** Odd while a script has the processor. */
  get sequence(): number {
    return Atomics.load(this.#words, SEQUENCE)
  }

  /** What a script is working on, undefined when none is. Everything read is taken as possibly damaged by a dying process. */
  read(): RunReading | undefined {
    if ((this.sequence & 1) === 0) return undefined
    const words = this.#words
    const length = Math.min(Math.max(words[MESSAGE_LENGTH]!, 0), SLOT_BYTES - MESSAGE_AT)
    const addressLength = Math.min(Math.max(words[ADDRESS_LENGTH]!, 0), ADDRESS_BYTES)
    return {
      program: words[PROGRAM]!,
      isRequest: words[IS_REQUEST] === 1,
      transport: TRANSPORTS[words[TRANSPORT]!] ?? 'udp',
      listener: words[LISTENER]!,
      remoteAddress: this.#bytes.toString('latin1', ADDRESS_AT, ADDRESS_AT + addressLength),
      remotePort: words[REMOTE_PORT]! & 0xffff,
      flow: words[FLOW]!,
      message: this.#bytes.toString('latin1', MESSAGE_AT, MESSAGE_AT + length),
    }
  }
}
