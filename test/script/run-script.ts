// Owns the harness of this folder's tests: a script text compiled and loaded on the production path, with a host that records.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Clock } from '../../src/clock.ts'
import {
  compileScript,
  type HostOps,
  type LoadedProgram,
  loadProgram,
  type ProgramLimits,
  type RouteKind,
  type RunInput,
  type RunMeta,
  type RunOutcome,
} from '../../src/script/index.ts'

export interface Asked {
  readonly runId: number
  readonly op: string
  readonly args: unknown
}

/** Answers operations by name, 1 where nothing is said, and keeps what was asked. */
export class RecordingHost implements HostOps {
  readonly asked: Asked[] = []
  answers: Record<string, (args: unknown) => unknown> = {}

  call(runId: number, op: string, args: unknown): never {
    this.asked.push({ runId, op, args })
    const answer = this.answers[op]
    return (answer ? answer(args) : op === 'env' || op === 'request' ? null : op === 'rtp' ? { code: 1 } : 1) as never
  }

  of(op: string): unknown[] {
    return this.asked.filter((entry) => entry.op === op).map((entry) => entry.args)
  }
}

export const meta: RunMeta = {
  srcIp: '10.0.0.6',
  srcPort: 5060,
  dstIp: '10.0.0.5',
  dstPort: 5060,
  proto: 'tcp',
  listener: { id: 1, address: '10.0.0.5', port: 5060 },
  transactionId: 1,
  transactionMatch: 0,
  branch: -1,
  messageNumber: 1,
}

export function request(method = 'INVITE', headers: string[] = [], body = ''): string {
  return [
    `${method} sip:87000@sbc-o365.example.com SIP/2.0`,
    'Via: SIP/2.0/TCP 10.0.0.6:5060;branch=z9hG4bK1fd3fd816943',
    'From: "10048" <sip:10048@10.0.0.6>;tag=94213',
    'To: <sip:87000@10.0.0.5>',
    'Call-ID: c81d7600@10.0.2.52',
    `CSeq: 101 ${method}`,
    'Max-Forwards: 70',
    'Contact: <sip:10048@10.0.0.6:5060;transport=tcp>',
    ...headers,
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

export function reply(status = 200, headers: string[] = [], body = ''): string {
  return [
    `SIP/2.0 ${status} OK`,
    'Via: SIP/2.0/TLS 10.0.0.5:5061;branch=z9hG4bKf5ce',
    'Via: SIP/2.0/TCP 10.0.0.6:5060;branch=z9hG4bK1fd3fd816943',
    'From: "10048" <sip:10048@10.0.0.6>;tag=94213',
    'To: <sip:87000@10.0.0.5>;tag=ee19',
    'Call-ID: c81d7600@10.0.2.52',
    'CSeq: 101 INVITE',
    ...headers,
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

let runs = 0

export function input(kind: RouteKind, name: string, raw: string, over: Partial<RunMeta> = {}): RunInput {
  return { runId: ++runs, kind, name, raw, meta: { ...meta, ...over } }
}

export interface Loaded {
  readonly program: LoadedProgram
  readonly host: RecordingHost
  readonly file: string
  request(raw?: string, over?: Partial<RunMeta>): RunOutcome | Promise<RunOutcome>
}

/** Writes `text` as a script file, compiles and loads it. */
export async function loaded(
  text: string,
  options: { name?: string; limits?: ProgramLimits; clock?: Clock; host?: RecordingHost } = {},
): Promise<Loaded> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-script-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, options.name ?? 'route.ts')
  writeFileSync(file, text, 'latin1')
  const compiled = await compileScript(file)
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics))
  const host = options.host ?? new RecordingHost()
  const program = await loadProgram(compiled.script, {
    version: 1,
    host,
    ...(options.limits ? { limits: options.limits } : {}),
    ...(options.clock ? { clock: options.clock } : {}),
  })
  onTestFinished(() => program.release())
  return { program, host, file, request: (raw = request(), over = {}) => program.run(input('request', '', raw, over)) }
}
