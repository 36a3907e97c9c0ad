// Owns the proof that what comes out of an isolate is checked before anything is done with it.
import { describe, expect, test } from 'vitest'
import { readEdits, readOutcome } from '../../src/script/run-outcome.ts'
import { input, loaded, reply } from './run-script.ts'

describe('an outcome', () => {
  test('without edits is a number', () => {
    expect(readOutcome(4)).toEqual({ exit: 'done', code: 1, edits: [] })
    expect(readOutcome(-4 + 1)).toEqual({ exit: 'exit', code: -1, edits: [] })
    expect(readOutcome(2)).toEqual({ exit: 'drop', code: 0, edits: [] })
    expect(readOutcome(-478 * 4)).toEqual({ exit: 'done', code: -478, edits: [] })
  })

  test.each(['5', 'null', '{}', '{"exit":"done"}', '{"exit":"gone","code":1,"edits":[]}', '{"exit":"done","code":1}'])(
    '%s is none',
    (text) => {
      expect(() => readOutcome(text)).toThrow(TypeError)
    },
  )

  test('of more characters than any message holds is none', () => {
    const outcome = (text: string) => JSON.stringify({ exit: 'done', code: 1, edits: [{ at: 0, remove: 0, text }] })
    expect(readOutcome(outcome('x'.repeat(4_000_000)))).toMatchObject({ exit: 'done' })
    expect(() => readOutcome(outcome('x'.repeat(5_000_000)))).toThrow(/^The run gave back 5\d+ characters/)
  })

  test.each([
    [5],
    [[5]],
    [[null]],
    [[{ at: -1, remove: 0, text: '' }]],
    [[{ at: 0, remove: 0.5, text: '' }]],
    [[{ at: 0, remove: 0, text: 5 }]],
    [[{ at: 0, remove: 0, text: '', recordRoute: 5 }]],
    [[{ at: 0, remove: 0, text: '', recordRoute: {} }]],
  ])('%j are no edits', (edits) => {
    expect(() => readEdits(edits)).toThrow(TypeError)
  })
})

test('a script that changes the ground it stands on costs its run', async () => {
  const { program } = await loaded(`
    import { removeHf } from 'signalbox'
    export function request_route() {}
    export function reply_route() { JSON.stringify = (() => '{"exit":"done","code":1,"edits":5}') as never; removeHf('Via') }`)
  expect(() => program.run(input('reply', '', reply()))).toThrow(expect.objectContaining({ code: 'ERR_SCRIPT' }))
})

test('of a long text that a script throws the beginning is told, with its line', async () => {
  const { program } = await loaded(`
    export function request_route() {}
    export function reply_route() { throw new Error('why '.repeat(200_000)) }`)
  let told = ''
  try {
    await program.run(input('reply', '', reply()))
  } catch (error) {
    told = String(error)
  }
  expect(told).toMatch(/route\.ts:3:\d+: why why /)
  expect(told.length).toBeLessThan(2000)
})
