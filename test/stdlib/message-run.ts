// Owns the harness of this folder's tests: a run over a message, without an isolate, with a host that records.

import { applyEdits } from '../../src/sip/index.ts'
import type { LocalArguments, RouteKind, RunMeta, ServiceArguments } from '../../stdlib/contract.ts'
import { attachHost, Run, releaseTransactions, within } from '../../stdlib/runtime.ts'

export const meta: RunMeta = {
  srcIp: '10.0.0.6',
  srcPort: 5070,
  dstIp: '10.0.0.5',
  dstPort: 5060,
  proto: 'tcp',
  listener: { id: 1, address: '10.0.0.5', port: 5060 },
  transactionId: 0,
  transactionMatch: 0,
  branch: -1,
  messageNumber: 1,
}

export interface HostCallMade {
  readonly name: string
  readonly args: unknown
}

/** Hosts and ports that are ours: `10.0.0.5`, any port, and what a test adds. */
export const own = new Set(['10.0.0.5'])

export class MessageRun {
  readonly run: Run
  readonly calls: HostCallMade[] = []
  answers: Record<string, unknown> = {}
  /** Answers the operation `service`; without it they answer 1. A promise leaves the run waiting. */
  service: ((run: Run, args: ServiceArguments) => unknown) | undefined

  constructor(raw: string, kind: RouteKind = 'request', over: Partial<RunMeta> = {}, name = '') {
    releaseTransactions([over.transactionId ?? 0])
    this.run = new Run(1, kind, name, raw, over.transactionId ?? 0, { ...meta, ...over })
  }

  /** Calls a builtin within the run. */
  do<T>(body: () => T): T {
    attachHost((_runId, _opId, name, args) => {
      // As it is at the time of the call.
      this.calls.push({ name, args: structuredClone(args) })
      if (name === 'local') return own.has((args as LocalArguments).host) ? 1 : 0
      if (name === 'service' && this.service) {
        const result = this.service(this.run, args as ServiceArguments)
        return result instanceof Promise ? undefined : (result ?? null)
      }
      return structuredClone(this.answers[name]) ?? 1
    })
    return within(this.run, body)
  }

  /** The message with the edits so far; Record-Routes to be resolved are left out. */
  get edited(): string {
    return applyEdits(this.run.raw, this.run.edits)
  }

  /** Header lines of the edited message, without the first line. */
  get lines(): string[] {
    return this.edited.slice(0, this.edited.indexOf('\r\n\r\n')).split('\r\n').slice(1)
  }

  args(name: string): unknown[] {
    return this.calls.filter((call) => call.name === name).map((call) => call.args)
  }
}

export function message(first: string, headers: string[], body = ''): string {
  return `${[first, ...headers].join('\r\n')}\r\n\r\n${body}`
}

export const BASE = [
  'Via: SIP/2.0/TCP 10.0.0.6:5060;branch=z9hG4bK1',
  'From: "A" <sip:a@10.0.0.6>;tag=11',
  'To: <sip:b@10.0.0.5>',
  'Call-ID: c1',
  'CSeq: 1 INVITE',
]
