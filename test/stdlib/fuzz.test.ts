// Owns the proof that no message and no argument makes a builtin fail in a way of its own: a code, or an error that tells why.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { silentLog } from '../../src/log.ts'
import { readEdits } from '../../src/script/run-outcome.ts'
import { createServices, ServiceTable } from '../../src/services/index.ts'
import { applyEdits, createIds, parseMessage, type SipMessage } from '../../src/sip/index.ts'
import { createMemoryStore } from '../../src/store/index.ts'
import type { Listener } from '../../src/transport/index.ts'
import type { ServiceArguments } from '../../stdlib/contract.ts'
import { builtins } from '../../stdlib/registry.ts'
import { Pending } from '../../stdlib/runtime.ts'
import { BASE, MessageRun, message } from './message-run.ts'

const RUNS = Number(process.env.FUZZ_RUNS ?? 400)

const SDP =
  'v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\nc=IN IP4 1.1.1.1\r\nm=audio 4000 RTP/AVP 0\r\na=rtcp:1\r\nm=video 5000 RTP/AVP 96\r\n'
const HEADERS = [
  'Route: <sip:10.0.0.5;r2=on;lr>, <sip:10.0.0.5;lr>',
  'Route: <sip:10.1.1.1>',
  'Route: ,,<>',
  'Route: <sip:10.0.0.5;lr',
  'Contact: *',
  'm: "A, B" <sip:a@[::1]:5060;lr>;q=0.5, sip:c@d',
  'Max-Forwards: 0',
  'Max-Forwards: x',
  'X-A: one',
  'X-A: two\r\n three',
  'Content-Type: application/sdp',
  'Content-Type: multipart/mixed;boundary="x"',
  'Record-Route: <sip:1.1.1.1>',
]
const URIS = [
  'sip:bob@10.0.0.5',
  'sip:10.0.0.5;lr',
  'tel:+1',
  'sip:@',
  'sip:a:b@[::1]:5060;x=y?H=v',
  'urn:x:y',
  'sips:a@b;transport=tcp',
]
const BODIES = ['', SDP, `--x\r\nContent-Type: application/sdp\r\n\r\n${SDP}--x--\r\n`, '\r\n\r\n', 'm=\n\nm=audio']
const WORDS = [
  '',
  'X-A',
  'Via',
  'To',
  'v',
  'm',
  'application/sdp',
  'video',
  'a=rtcp',
  'INVITE|ACK',
  '486',
  '10',
  '-1',
  '1e9',
  '99999999999',
  '/one/two/g',
  '/(a|b)*/\\0\\0/g',
  '/$/x/g',
  '/^/x/',
  '#a#b#',
  '/[/x/',
  '/(x/y/',
  '^X-',
  '.*',
  '(',
  '[[:alpha:]]+',
  '\\d{2000}',
  'sip:x@y',
  'sip:',
  ':',
  '1.2.3.4:5061;transport=tls',
  '[::1]',
  'X: y\r\n',
  '\u20ac',
  '\u0000',
  'x'.repeat(5000),
  'all',
  'upstream',
  'L_INFO',
]

const word = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...WORDS) },
  { weight: 1, arbitrary: fc.string({ maxLength: 20 }) },
)
const argument = fc.oneof({ weight: 5, arbitrary: word }, { weight: 1, arbitrary: fc.integer() })
const calls = fc.array(
  fc.record({
    name: fc.constantFrom(
      ...[...builtins().values()].filter(({ kamailio }) => kamailio !== 'forward').map(({ kamailio }) => kamailio),
    ),
    args: fc.array(argument, { maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 8 },
)
const given = fc.record({
  request: fc.boolean(),
  uri: fc.constantFrom(...URIS),
  tag: fc.constantFrom('', ';tag=9'),
  headers: fc.subarray(HEADERS),
  body: fc.constantFrom(...BODIES),
  calls,
})

const folder = mkdtempSync(join(tmpdir(), 'signalbox-fuzz-'))
const clock = new ManualClock()
const listener: Listener = { id: 0, transport: 'udp', address: '10.0.0.5', port: 5060 }
const flow = {
  id: 1,
  transport: 'udp',
  listener,
  remoteAddress: '10.0.0.6',
  remotePort: 5070,
  reliable: false,
} as const
const services = new ServiceTable(
  createServices({
    clock,
    log: silentLog,
    ids: createIds((bytes) => 'a'.repeat(bytes * 2)),
    store: createMemoryStore({ clock }),
    folder,
    listeners: () => [listener],
    isLocal: (host) => host === '10.0.0.5',
    respond() {},
    finish() {},
    callHash: () => 0,
    command: () => Promise.reject(new Error('no commands')),
    send: async () => ({ status: 408, reason: 'Request Timeout' }),
    datagram() {},
    event: async () => false,
    dropped: async () => false,
    hasEvent: () => false,
    continue: async () => false,
  }),
)
afterAll(async () => {
  await services.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The services as they are, on a host that reaches nobody. What they refuse is a told error. */
function answered(id: number, current: SipMessage, { module, operation, args }: ServiceArguments): unknown {
  const run = { id, kind: 'request', name: '', message: current, flow, context: undefined }
  try {
    const result = services.ask(run, module, operation, args)
    if (result instanceof Promise) result.catch(() => undefined)
    return result
  } catch (error) {
    if (error instanceof TypeError && /^wrong arguments/.test(error.message)) throw new Error(error.message)
    throw error
  }
}

test('a code or a told error, and edits that fit the message', () => {
  fc.assert(
    fc.property(given, ({ request, uri, tag, headers, body, calls: made }) => {
      const first = request ? `INVITE ${uri} SIP/2.0` : 'SIP/2.0 200 OK'
      const base = BASE.map((line) => (line.startsWith('To:') ? line + tag : line))
      const raw = message(first, [...base, ...headers], body)
      if (!parseMessage(raw).ok) return
      const run = new MessageRun(raw, request ? 'request' : 'reply', {}, request ? '' : 'X')
      run.answers.rtp = { code: 1, sdp: SDP }
      run.service = (current, args) => answered(current.id, current.message, args)
      for (const { name, args } of made) {
        const builtin = builtins().get(name)!
        if (args.length < builtin.parameters.filter((parameter) => !parameter.optional).length) continue
        // Arguments of kind pv are variables, which only an emitted program makes.
        if (builtin.parameters.some(({ kind }) => kind === 'pv')) continue
        try {
          const code = run.do(() =>
            builtin.run(...args.map((value, i) => (builtin.parameters[i]?.kind === 'int' ? value : String(value)))),
          )
          expect(typeof code === 'number' || code instanceof Pending, `${name} gave ${String(code)}`).toBe(true)
        } catch (error) {
          // A fault of ours shows as a TypeError, a RangeError or the like.
          expect(
            ['Error', 'RegexError', 'PvSyntaxError'],
            `${name}(${JSON.stringify(args)}): ${String((error as Error).stack)}`,
          ).toContain((error as Error).name)
        }
      }
      readEdits(run.run.edits)
      for (const { at, remove } of run.run.edits) expect(at + remove).toBeLessThanOrEqual(run.run.raw.length)
      expect(typeof applyEdits(run.run.raw, run.run.edits)).toBe('string')
    }),
    { numRuns: RUNS },
  )
})
