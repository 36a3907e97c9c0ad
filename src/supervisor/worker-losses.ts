// Owns what a worker's death means: the answer to its last message, the blame of its program, and the log of both.
import type { EngineLog } from '../engine/index.ts'
import { FatalMessages } from './fatal-messages.ts'
import { lastWords } from './last-words.ts'
import type { ProgramHistory } from './program-history.ts'
import type { RunReading } from './slot-memory.ts'

export interface WorkerLossesOptions {
  readonly history: ProgramHistory
  readonly log: EngineLog
  /** Sends a datagram from one of our sockets. */
  sendDatagram(listener: number, wire: string, address: string, port: number): void
  /** Sends over one of our connections. */
  sendOver(flow: number, wire: string): void
}

export class WorkerLosses {
  readonly #options: WorkerLossesOptions
  readonly #fatal = new FatalMessages()
  /** Messages that were answered in place of a worker. */
  replies = 0
  /** Programs that were withdrawn. */
  withdrawn = 0

  constructor(options: WorkerLossesOptions) {
    this.#options = options
  }

  /** Messages on which workers died a short time ago. */
  fatalMessages(): string[] {
    return this.#fatal.recent()
  }

  /** Call it before another worker serves. `run` is what the script was working on. */
  died(run: RunReading | undefined, why: string): void {
    const { log, history } = this.#options
    log.error({ event: 'worker-lost', why, ...(run ? { program: run.program } : {}) }, 'a worker ended and is replaced')
    if (!run) return
    this.#fatal.add(run.message)
    this.#answer(run)
    const blame = history.blame(run.program)
    if (blame.verdict === 'withdrawn') {
      this.withdrawn++
      const { version, script } = blame.predecessor
      log.error(
        { event: 'withdrawn', withdrawn: run.program, program: version, file: script.file },
        `PROGRAM ${run.program} IS WITHDRAWN: it took workers down twice; program ${version} takes its place until the file is mended`,
      )
    } else if (blame.verdict === 'alone')
      log.error(
        { program: run.program },
        `program ${run.program} took workers down ${history.kills(run.program)} times and has no predecessor`,
      )
  }

  #answer(run: RunReading): void {
    const { log, sendDatagram, sendOver } = this.#options
    const source = `${run.transport}:${run.remoteAddress}:${run.remotePort}`
    const words = lastWords(run)
    if (!words) {
      log.warn({ source }, 'the message it was working on goes without an answer: it was none to answer')
      return
    }
    this.replies++
    if (words.flow === undefined) sendDatagram(run.listener, words.wire, words.address, words.port)
    else sendOver(words.flow, words.wire)
    log.warn({ source }, 'the message it was working on is answered 500')
  }
}
