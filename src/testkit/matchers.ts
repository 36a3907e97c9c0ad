// Owns the matchers that tests of routes read like the RFC: what arrived, where, with which header and which SDP.
import { describeSession } from '../sdp/index.ts'
import type { SipMessage } from '../sip/index.ts'
import { SipReply, SipRequest } from '../sip/index.ts'
import type { Arrived } from './route-under-test.ts'

/** What a session description must be; every key that is given is checked. */
export interface SdpExpectation {
  /** Protocol of the first m-line, `RTP/SAVP`. */
  readonly protocol?: string
  /** Address of the c-line in force for the first m-line. */
  readonly address?: string
  readonly port?: number
  /** Lines that must be there, whole, or patterns that a line must match. */
  readonly has?: readonly (string | RegExp)[]
  /** Lines, or patterns, that no line may match. */
  readonly lacks?: readonly (string | RegExp)[]
}

interface Verdict {
  readonly pass: boolean
  readonly message: () => string
}

function messageOf(received: unknown): SipMessage {
  if (received instanceof SipRequest || received instanceof SipReply) return received
  const message = (received as Arrived | undefined)?.message
  if (message instanceof SipRequest || message instanceof SipReply) return message
  throw new TypeError('this matcher takes a SIP message, or what a party of the testkit received')
}

function matches(actual: string, wanted: string | RegExp): boolean {
  return typeof wanted === 'string' ? actual === wanted : wanted.test(actual)
}

function startLine(message: SipMessage): string {
  return message.raw.slice(0, message.raw.indexOf('\r\n'))
}

function sdpProblems(body: string, wanted: SdpExpectation): string[] {
  const session = describeSession(body)
  if (!session) return ['it is no session description']
  const lines = body.split(/\r?\n/).filter(Boolean)
  const media = session.media[0]
  const { port, protocol } = media ?? {}
  const address = (media?.connection ?? session.connection)?.ip
  const problems: string[] = []
  if (wanted.protocol !== undefined && protocol !== wanted.protocol)
    problems.push(`protocol is ${protocol}, not ${wanted.protocol}`)
  if (wanted.address !== undefined && address !== wanted.address)
    problems.push(`address is ${address}, not ${wanted.address}`)
  if (wanted.port !== undefined && port !== wanted.port) problems.push(`port is ${port}, not ${wanted.port}`)
  for (const line of wanted.has ?? []) {
    if (!lines.some((each) => matches(each, line))) problems.push(`no line ${line}`)
  }
  for (const line of wanted.lacks ?? []) {
    const found = lines.find((each) => matches(each, line))
    if (found !== undefined) problems.push(`line ${found}`)
  }
  return problems
}

/** For `expect.extend(matchers)`. */
export const matchers = {
  /** A request whose Request-URI is `target`, or that arrived at `target` (`tls:207.46.198.124:5061`). */
  toRelayTo(received: unknown, target: string | RegExp): Verdict {
    const message = messageOf(received)
    const at = (received as Partial<Arrived>).at ?? 'nowhere known'
    const uri = message instanceof SipRequest ? message.requestUri : startLine(message)
    const pass = message instanceof SipRequest && (matches(uri, target) || matches(at, target))
    return { pass, message: () => `${startLine(message)} at ${at} ${pass ? 'was' : 'was not'} relayed to ${target}` }
  },

  /** Has a header field of that name; with `value`, one that is equal to it or matches it. */
  toHaveHeader(received: unknown, name: string, value?: string | RegExp): Verdict {
    const values = messageOf(received).headers(name)
    const pass = value === undefined ? values.length > 0 : values.some((each) => matches(each, value))
    return {
      pass,
      message: () =>
        `${name}${value === undefined ? '' : `: ${value}`} is ${pass ? '' : 'not '}there; there is ${values.map((each) => `"${each}"`).join(', ') || 'none'}`,
    }
  },

  /** A reply of that status, and reason where one is given. */
  toReplyWith(received: unknown, status: number, reason?: string | RegExp): Verdict {
    const message = messageOf(received)
    const pass =
      message instanceof SipReply &&
      message.status === status &&
      (reason === undefined || matches(message.reason, reason))
    return { pass, message: () => `${startLine(message)} is ${pass ? '' : 'not '}${status} ${reason ?? ''}` }
  },

  /** A request of that method. */
  toBeRequest(received: unknown, method: string): Verdict {
    const message = messageOf(received)
    const pass = message instanceof SipRequest && message.method === method
    return { pass, message: () => `${startLine(message)} is ${pass ? '' : 'not '}a ${method}` }
  },

  /** Its session description is as `wanted` says. */
  toHaveSdp(received: unknown, wanted: SdpExpectation = {}): Verdict {
    const { body } = messageOf(received)
    const problems = body === '' ? ['there is no body'] : sdpProblems(body, wanted)
    return {
      pass: problems.length === 0,
      message: () =>
        problems.length === 0 ? 'the session description is as described' : `${problems.join('; ')}; in:\n${body}`,
    }
  },
}

declare module 'vitest' {
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> {
    toRelayTo(target: string | RegExp): R
    toHaveHeader(name: string, value?: string | RegExp): R
    toReplyWith(status: number, reason?: string | RegExp): R
    toBeRequest(method: string): R
    toHaveSdp(wanted?: SdpExpectation): R
  }
}
