// Owns the proof that a hostile script harms its own message only: each attack is tried while 50 calls are up with media.
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EngineUnderTest, scratch } from './engine.ts'
import { AnsweringAgent, type Call, CallingAgent } from './sip-ua.ts'

const ADDRESS = '127.0.49.1'
const PORT = 49_200

/** Attack -> its code. `worker`: V8 cannot stop it, so it may cost one worker for at most a second. */
const ATTACKS: Record<string, { code: string; worker?: true }> = {
  process: { code: '(globalThis as any).process.exit(1)' },
  // Written out, both are refused when the script is compiled; see test/script.
  require: { code: "(globalThis as any)['require']('node:fs').readFileSync('/etc/passwd')" },
  import: { code: 'await (0, eval)(\'import("node:fs")\')' },
  constructor: { code: "this.constructor.constructor('return process')().exit(1)" },
  function: { code: "(async () => {}).constructor.constructor('return process')().exit(1)" },
  loop: { code: 'while (true) {}' },
  endless: { code: 'const kept: unknown[] = []; for (;;) kept.push(new Array(1000).fill(kept.length))', worker: true },
  churn: { code: 'for (;;) new Array(1000).fill(1)', worker: true },
  from: { code: 'Array.from({ length: 1e9 }, (_, i) => i)', worker: true },
  split: { code: "'x'.repeat(5e8).split('')", worker: true },
  // The limit of a run stops what the guards leave of the above; this, nothing inside the process stops.
  bigint: { code: 'let b = 3n; for (let n = 0; n < 26; n++) b *= b; String(b)', worker: true },
  normalize: {
    code: "let text = '\\u1e9b\\u0323'; while (text.length < 4e5) text += text; for (;;) text.normalize('NFKD')",
    worker: true,
  },
  never: { code: 'await new Promise(() => {})' },
}

const SCRIPT = `
import { hasTotag, looseRoute, recordRoute, rewriteHostPort, rtpManage, sendReply, isMethod, tOnReply, tRelay, type SipRequest } from 'signalbox'
export const config = {
  listen: ['udp:${ADDRESS}:${PORT}'],
  media: { interfaces: ['${ADDRESS}'], portMin: ${PORT + 100}, portMax: ${PORT + 700} },
}
const attacks: Record<string, () => unknown> = {
${Object.entries(ATTACKS)
  .map(([name, { code }]) => `  async ${JSON.stringify(name)}() { ${code} },`)
  .join('\n')}
}
export async function request_route(req: SipRequest) {
  if (hasTotag()) {
    if (!looseRoute()) return sendReply(404, 'Not Here')
    if (isMethod('BYE')) await rtpManage()
    return tRelay()
  }
  const attack = /^sip:attack-(\\w+)@/.exec(req.requestUri)?.[1]
  if (attack) {
    await attacks[attack]!()
    return
  }
  if (isMethod('INVITE')) {
    recordRoute()
    await rtpManage('replace-session-connection ICE=remove')
    tOnReply('BACK')
  }
  rewriteHostPort('${ADDRESS}:${PORT + 1}')
  return tRelay()
}
export const onreply_route = { async BACK() { await rtpManage('replace-session-connection ICE=remove') } }
`

describe('a hostile script, 50 calls up', () => {
  const files = scratch()
  let engine: EngineUnderTest
  let bob: AnsweringAgent
  let alice: CallingAgent
  const calls: Call[] = []

  beforeAll(async () => {
    engine = await EngineUnderTest.run([files.write('hostile.ts', SCRIPT)])
    bob = await AnsweringAgent.open(ADDRESS, PORT + 1)
    alice = await CallingAgent.open(ADDRESS, { address: ADDRESS, port: PORT })
    for (let n = 0; n < 50; n++) calls.push(await alice.call('bob'))
    await delay(500)
  }, 60_000)

  afterAll(async () => {
    alice?.close()
    bob?.close()
    for (const call of calls) call.stream?.close()
    await engine?.stop()
    files.remove()
  })

  test('the calls are up, and heard both ways', () => {
    expect(calls.map((call) => call.final.status)).toEqual(Array(50).fill(200))
    expect(calls.filter((call) => (call.stream?.received ?? 0) === 0)).toEqual([])
    expect(bob.streams.filter((stream) => stream.received === 0)).toEqual([])
  })

  test.each(Object.entries(ATTACKS))('%s', { timeout: 30_000 }, async (name, { worker }) => {
    const attack = await alice.call(`attack-${name}`, 20_000, false)
    expect(attack.final.status).toBe(500)
    // A worker that had to be killed is back within a second: the next call, sent at once, is answered within it,
    // beside the half second after which the caller sends it again.
    const next = await alice.call('bob', 8000)
    calls.push(next)
    expect(next.final.status).toBe(200)
    expect(next.millis).toBeLessThan(worker ? 1000 : 500)
    if (name === 'normalize') expect(engine.lines.filter((line) => line.event === 'worker-lost')).toHaveLength(1)
    const streams = [...calls.flatMap((call) => call.stream ?? []), ...bob.streams]
    await delay(300)
    expect(Math.max(...streams.map((stream) => stream.silenceMillis))).toBeLessThan(1000)
  })

  test('every call is still there to be hung up, and leaves no media behind', { timeout: 30_000 }, async () => {
    const ended = await Promise.all(calls.map((call) => alice.hangUp(call)))
    expect(ended).toEqual(calls.map(() => 200))
    expect(bob.byes).toBe(calls.length)
  })

  test('each stopped run is logged with its line of the script', () => {
    expect(engine.text).toMatch(/hostile\.ts:\d+/)
    expect(engine.child.exitCode).toBeNull()
  })
})
