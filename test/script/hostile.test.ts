// Owns the proof that a hostile script costs its own message: everything that V8 can stop is tried here (the rest is the supervisor's).
import { describe, expect, test } from 'vitest'
import { SignalboxError } from '../../src/errors.ts'
import { input, loaded, request } from './run-script.ts'

const limits = { runMillis: 50, isolateMegabytes: 32 }

async function attempt(body: string): Promise<string> {
  const { program, request: run } = await loaded(
    `let calls = 0
     export async function request_route() {
       if (++calls > 1) return
       ${body}
     }
     export function reply_route() { return 5 }`,
    { limits },
  )
  let told = 'nothing happened'
  try {
    await run()
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error
    told = `${error.code}: ${error.message}`
  }
  // The next message finds the program working.
  expect(await program.run(input('request', '', request()))).toMatchObject({ exit: 'done' })
  return told
}

describe('out of reach', () => {
  test.each([
    ['process', 'process.exit(1)', 'there is no process'],
    ['require', "const name = 'node:fs'; require(name)", 'there is no require'],
    ['import', "const name = ['node:fs'].at(0)!; await import(name)", 'ERR_SCRIPT'],
    ['eval', "(0, eval)('process')", 'eval and Function are not available'],
    [
      'the way up the constructors',
      "[].constructor.constructor('return process')()",
      'eval and Function are not available',
    ],
    ['async functions', "(async () => {}).constructor('return 3n')()", 'eval and Function are not available'],
    ['generators', "(function* () {}).constructor('return 3n')()", 'eval and Function are not available'],
    ['huge integers', 'let x = 3n; for (;;) x *= x', 'BigInt is not available'],
    ['network', "fetch('http://127.0.0.1/')", 'fetch is not available'],
    ['WebAssembly', 'new WebAssembly.Memory({ initial: 1000 })', 'WebAssembly is not available'],
    ['shared memory', 'new SharedArrayBuffer(1e9)', 'SharedArrayBuffer is not available'],
    ['typed arrays', 'new Float64Array(1e9)', 'Float64Array is not available'],
    ['buffers', 'new ArrayBuffer(1e9)', 'ArrayBuffer is not available'],
    ["the host's entries", 'globalThis.__signalboxEntries.enter()', 'ERR_SCRIPT'],
    ['another program', '__signalbox.define({})', 'A program defines its routes once'],
    ['the vocabulary', '__signalbox.builtins.t_relay = () => 1', 'ERR_SCRIPT'],
  ])('%s', async (_name, body, expected) => {
    expect(await attempt(body)).toContain(expected)
  })
})

describe('bounded', () => {
  test.each([
    ['repeat', "'x'.repeat(5e8).split('')"],
    ['padEnd', "'x'.padEnd(5e8)"],
    ['a long array', 'new Array(1e8).fill(0)'],
    ['Array()', 'Array(1e9).join("x")'],
    ['Array.from', 'Array.from({ length: 1e9 }, (_, i) => i)'],
    ['a claimed length', 'Array.prototype.fill.call({ length: 1e9 }, 0)'],
    ['a set length', 'const list: number[] = []; list.length = 4e9; list.fill(0)'],
    ['join of a set length', 'const list: number[] = []; list.length = 4e9; list.join("xxxxxxxx")'],
    ['a constructor found by the prototype', 'new ([].constructor as ArrayConstructor)(1e9).fill(1)'],
    ['a subclass', 'class L extends Array {}; new L(1e9).fill(1)'],
  ])('%s', async (_name, body) => {
    const started = performance.now()
    expect(await attempt(body)).toMatch(/^ERR_SCRIPT/)
    expect(performance.now() - started).toBeLessThan(2000)
  })
})

describe('stopped', () => {
  test('a loop ends after its time, and its line is told', async () => {
    const told = await attempt('\n\nwhile (true) {}')
    expect(told).toMatch(/^ERR_SCRIPT_TIMEOUT: .*route\.ts:6:\d+: the run took longer than its 50 ms$/)
  })

  test.each([
    ['a regular expression that backtracks', '/^(a+)+$/.test("a".repeat(40) + "!")'],
    ['an endless chain of promises', 'const again = (): Promise<void> => Promise.resolve().then(again); await again()'],
    ['a loop that catches everything', 'for (;;) { try { while (true) {} } catch {} finally { continue } }'],
    ['a getter without end', 'const o = { get x(): unknown { for (;;); } }; JSON.stringify(o)'],
  ])('%s', async (_name, body) => {
    expect(await attempt(body)).toMatch(/^ERR_SCRIPT_TIMEOUT/)
  })

  test('endless recursion is an error of the script', async () => {
    expect(await attempt('const again = (): number => again() + 1; again()')).toMatch(
      /^ERR_SCRIPT: .*Maximum call stack/,
    )
  })

  test('a promise that never settles costs that message', async () => {
    expect(await attempt('await new Promise(() => {})')).toContain('nothing settles')
  })
})

describe('memory', () => {
  test('an endless list costs its message, and a new isolate takes over', async () => {
    const { program, request: run } = await loaded(
      `let calls = 0
       export function request_route() {
         if (++calls > 1) return 7
         const kept: unknown[] = []
         for (;;) kept.push({ text: 'x' + kept.length })
       }`,
      { limits: { runMillis: 5000, isolateMegabytes: 16 } },
    )
    expect(() => run()).toThrow(expect.objectContaining({ code: 'ERR_SCRIPT_MEMORY' }))
    const started = performance.now()
    expect(() => run()).toThrow(expect.objectContaining({ code: 'ERR_SCRIPT_MEMORY' }))
    expect(program.restarts).toBe(2)
    expect(performance.now() - started).toBeLessThan(5000)
  })
})
