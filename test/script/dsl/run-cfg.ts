// Owns running a .cfg in this process, without isolate or engine: what it logs, asks the host for, and ends with.
import { existsSync, readFileSync } from 'node:fs'
import { formatDiagnostic } from '../../../src/script/diagnostic.ts'
import { compileDsl } from '../../../src/script/dsl/index.ts'
import type { LocalArguments, LogArguments, RunMeta } from '../../../stdlib/contract.ts'
import type { ProgramDefinition } from '../../../stdlib/program-table.ts'

/** The message that the verified probes were run with. */
export const PROBE_MESSAGE = [
  'OPTIONS sip:alice@127.0.0.1:47001;foo=bar;transport=udp;x=1?h=v SIP/2.0',
  'Via: SIP/2.0/UDP 10.1.2.3:5060;branch=z9hG4bKabc;rport',
  'From: "Al Ice" <sip:alice@example.com>;tag=ft1',
  'To: <sip:bob@example.org>',
  'Call-ID: cid1@x',
  'CSeq: 7 OPTIONS',
  'Contact: <sip:alice@10.1.2.3:5060>',
  'Max-Forwards: 70',
  'X-Old: old',
  'X-Multi: one',
  'X-Multi: two',
  'X-Multi: three',
  'X-NA: "Na Me" <sip:u@h.example:5070;p=1>;tag=zz;q=0.5',
  'X-P: a=1;b=2;c',
  'User-Agent: probe/1',
  'Content-Length: 0',
  '',
  '',
].join('\r\n')

export interface CfgRun {
  /** Lines of log and xlog, levels aside. */
  readonly log: string[]
  /** Host operations but log and local. */
  readonly operations: { name: string; args: unknown }[]
  /** The code that the block ended with, or what was thrown. */
  readonly ended: unknown
}

export interface RunOptions {
  readonly raw?: string
  readonly kind?: 'request' | 'reply' | 'failure' | 'branch'
  readonly name?: string
  readonly meta?: Partial<RunMeta>
  readonly port?: number
  /** Answers host operations; undefined: 1. */
  readonly answer?: (name: string, args: unknown) => unknown
  /** True: this operation waits until `settle` is called. */
  readonly late?: (name: string, settle: (answer: unknown) => void) => boolean
  /** Time of the run. */
  readonly millis?: number
}

const read = (path: string) => (existsSync(path) ? readFileSync(path, 'latin1') : undefined)

/** Compiles a text as a file of that name. */
export function compileText(text: string, file = 'test.cfg', files: Readonly<Record<string, string>> = {}) {
  return compileDsl(file, {
    defines: new Map(),
    env: {},
    readFile: (path) => (path === file ? text : (files[path] ?? read(path))),
  })
}

/** Runs one block once. Variables of the process outlive the run, unless the modules are loaded anew. */
export async function runCfg(text: string, options: RunOptions = {}): Promise<CfgRun> {
  const dsl = await import('../../../stdlib/dsl-runtime.ts')
  const runtime = await import('../../../stdlib/runtime.ts')
  const compiled = compileText(text)
  if (compiled.code === undefined) {
    throw new Error(compiled.diagnostics.map((diagnostic) => formatDiagnostic(diagnostic)).join('\n'))
  }
  let program: ProgramDefinition = {}
  const global = globalThis as Record<string, unknown>
  global.__signalbox = {
    dsl,
    define: (definition: ProgramDefinition) => {
      program = definition
    },
  }
  const log: string[] = []
  const operations: { name: string; args: unknown }[] = []
  const port = options.port ?? 47001
  runtime.setLanguage('cfg')
  runtime.setRunMillis(options.millis ?? 10_000)
  runtime.startEntry(0)
  runtime.attachHost((_run, opId, name, given) => {
    if (name === 'log') {
      log.push((given as LogArguments).text.replace(/\n$/, ''))
      return 1
    }
    if (name === 'local') return ['127.0.0.1', 'localhost'].includes((given as LocalArguments).host) ? 1 : 0
    // As it is at the time of the call.
    const args = structuredClone(given) ?? undefined
    operations.push({ name, args })
    if (options.late?.(name, (late) => runtime.settle(opId, late, undefined))) return undefined
    return options.answer?.(name, args) ?? 1
  })
  // biome-ignore lint/security/noGlobalEval: the emitted program is what is tested.
  const evaluate = globalThis.eval
  evaluate(compiled.code)
  const kind = options.kind ?? 'request'
  const name = options.name ?? ''
  const meta: RunMeta = {
    srcIp: '127.0.0.1',
    srcPort: port + 1,
    dstIp: '127.0.0.1',
    dstPort: port,
    proto: 'udp',
    listener: { id: 0, address: '127.0.0.1', port },
    transactionId: 0,
    transactionMatch: 0,
    branch: -1,
    messageNumber: 1,
    ...options.meta,
  }
  const run = new runtime.Run(1, kind, name, options.raw ?? PROBE_MESSAGE, meta.transactionId, meta)
  runtime.resumeRun(run)
  let ended: unknown
  try {
    ended = runtime.drive(program[kind]?.[name]?.(undefined))
  } catch (error) {
    if (!(error instanceof runtime.EndOfScript)) throw error
    ended = error.exit
  } finally {
    runtime.resumeRun(undefined)
  }
  return { log, operations, ended }
}
