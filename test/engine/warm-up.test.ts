// Owns the test of the rehearsal: calls go their whole way through the program's isolate, and nothing of them stays or shows.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { createEngine, type PreparedEngine } from '../../src/engine/index.ts'
import { rehearse } from '../../src/engine/warm-up.ts'
import type { HostOps } from '../../src/script/index.ts'
import { createMemoryNetwork } from '../../src/transport/index.ts'
import { input, loaded, request } from '../script/run-script.ts'

const PROGRAMS = {
  'route.ts': `import { slSendReply, xlog } from 'signalbox'
    export const config = { listen: ['udp:10.0.0.1:5060'] }
    export function request_route() { xlog('L_INFO', 'ran'); slSendReply(404, 'Not here') }`,
  'route.cfg': `listen=udp:10.0.0.1:5060
    loadmodule "sl.so"
    loadmodule "xlog.so"
    request_route { xlog("L_INFO", "ran"); sl_send_reply("404", "Not here"); }`,
}

/** What the program is run for in a call of either make of phones: one asks for rport and has a line for each Via value, the other not. */
const RUNS_OF_MAKE = [
  ['INVITE rport', '180 Vias: 2', '200 Vias: 2', 'ACK rport', 'BYE rport'],
  ['INVITE', '180 Vias: 1', '200 Vias: 1', 'ACK', 'BYE'],
]

/** The runs of each call in the order of their numbers, in such words. */
function runsByCall(messages: readonly string[]): string[][] {
  const calls: string[][] = []
  for (const message of messages) {
    const call = Number(/^Call-ID: warm-(\d+)@/m.exec(message)?.[1])
    const [, status, method] = /^(?:SIP\/2\.0 (\d+)|([A-Z]+)) /.exec(message) ?? []
    const rport = /^Via: .*;rport/m.test(message) ? ' rport' : ''
    const vias = message.match(/^Via: /gm)?.length ?? 0
    calls[call] = [...(calls[call] ?? []), method ? `${method}${rport}` : `${status} Vias: ${vias}`]
  }
  return calls
}

test.each(Object.entries(PROGRAMS))(
  '%s: every call of a rehearsal is whole, of both makes of phones; no log line, no counter, no run',
  async (name, text) => {
    const folder = mkdtempSync(join(tmpdir(), 'rehearsal-'))
    const file = join(folder, name)
    writeFileSync(file, text)
    const lines: string[] = []
    const note = (_fields: object, message: string) => void lines.push(message)
    const clock = new ManualClock()
    const network = createMemoryNetwork(clock)
    const log = { debug() {}, info: note, warn: note, error: note }
    const engine = await createEngine({ file, clock, log, transport: (options) => network.transport(options) })
    await engine.start()
    // The dry run of the program at its load is not counted.
    lines.length = 0
    const counted = () => engine.metrics().then((text) => text.replace(/^(process|nodejs)_.*\n/gm, ''))
    const before = await counted()
    const runs: string[] = []
    const watched = {
      rehearsal(host: HostOps) {
        const program = (engine as PreparedEngine).rehearsal(host)
        const run = program.run.bind(program)
        program.run = (input) => {
          runs.push(input.raw)
          return run(input)
        }
        return program
      },
    }
    expect(await rehearse(watched, { calls: 16, millis: 20_000, pauseMillis: 0 })).toBe(16)
    expect(runsByCall(runs)).toEqual(Array.from({ length: 16 }, (_, call) => RUNS_OF_MAKE[call % 2]))
    expect(lines).toEqual([])
    expect(await counted()).toBe(before)
    await engine.close()
    rmSync(folder, { recursive: true })
  },
)

test('a rehearsal begins no turn after its time, and a program that cannot be rehearsed ends it without an error', async () => {
  const rehearsal = () => {
    throw new Error('on purpose')
  }
  expect(await rehearse({ rehearsal }, { calls: 8, millis: 20_000, pauseMillis: 0 })).toBe(0)
  expect(await rehearse({ rehearsal }, { calls: 8, millis: 0, pauseMillis: 0 })).toBe(0)
})

test.each(Object.entries(PROGRAMS))(
  '%s: a program that is replaced meanwhile is discarded after its rehearsal',
  async (name, text) => {
    const { program } = await loaded(text, { name, limits: { runMillis: 5000, isolateMegabytes: 64 } })
    let turns = 0
    const replaced = () => {
      if (++turns === 2) program.release()
      return true
    }
    expect(await rehearse(program, { calls: 32, millis: 20_000, pauseMillis: 0 }, replaced)).toBe(32)
    expect(program.restarts).toBe(0)
    // What was discarded begins anew for whoever enters it.
    await program.run(input('request', '', request()))
    expect(program.restarts).toBe(1)
  },
)
