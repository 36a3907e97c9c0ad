// Owns the proof of what is kept between the runs of a transaction, and of what is not.
import { describe, expect, test } from 'vitest'
import { isFlagSet, setFlag } from '../../stdlib/flags.ts'
import { keptTransactions, Run, releaseTransactions, settleState, within } from '../../stdlib/runtime.ts'
import { tRelay } from '../../stdlib/t-relay.ts'
import { appendHf } from '../../stdlib/textops.ts'
import { tOnFailure, tOnReply } from '../../stdlib/tm.ts'
import { BASE, MessageRun, message, meta } from './message-run.ts'

const INVITE = message('INVITE sip:bob@10.0.0.5 SIP/2.0', BASE)
const OK = message('SIP/2.0 200 OK', BASE)

function requestRun(transactionId: number, body: () => void): MessageRun {
  const run = new MessageRun(INVITE, 'request', { transactionId })
  run.do(body)
  settleState(run.run)
  return run
}

describe('after the request route', () => {
  test('nothing is kept where no route can follow', () => {
    const before = keptTransactions()
    requestRun(101, () => {
      setFlag(1)
      void tRelay()
    })
    expect(keptTransactions()).toBe(before)
  })

  test('with a reply route armed, flags stay and the request goes', () => {
    const before = keptTransactions()
    const { run } = requestRun(102, () => {
      setFlag(1)
      tOnReply('X')
      void tRelay()
    })
    expect(keptTransactions()).toBe(before + 1)
    expect(run.state.request).toBeUndefined()
    const reply = new Run(2, 'reply', 'X', OK, 102, { ...meta, transactionId: 102 })
    expect(within(reply, () => isFlagSet(1))).toBe(true)
    releaseTransactions([102])
    expect(keptTransactions()).toBe(before)
  })

  test('with a failure route armed, the edits stay until it has run', () => {
    const { run } = requestRun(103, () => {
      appendHf('X-A: 1\r\n')
      tOnFailure('F')
      void tRelay()
    })
    expect(run.state.requestEdits).toHaveLength(1)
    const failure = new Run(3, 'failure', 'F', INVITE, 103, { ...meta, transactionId: 103, status: 486 })
    expect(within(failure, () => failure.state.requestEdits)).toHaveLength(1)
    settleState(failure)
    releaseTransactions([103])
  })
})

test('a reply route asks the host for the request that was answered, once', () => {
  const run = new MessageRun(OK, 'reply', { transactionId: 104 }, 'X')
  run.answers.request = INVITE
  expect(run.do(() => [run.run.request?.requestUri, run.run.request?.method])).toEqual(['sip:bob@10.0.0.5', 'INVITE'])
  expect(run.args('request')).toHaveLength(1)
  const stray = new MessageRun(OK, 'reply')
  expect(stray.do(() => stray.run.request)).toBeUndefined()
  expect(stray.calls).toEqual([])
})
