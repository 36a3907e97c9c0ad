// Owns the tests of replies to requests that went on without a transaction and came by a stream (RFC 3261 16.11, 18.2.2).

import { expect, test } from 'vitest'
import { answerTo, CALLEE, CALLER, createRig, last, lastReply, relayTo, request, trace } from './rig.ts'

async function stateless() {
  const rig = await createRig({ language: 'cfg' })
  rig.router.onRequest = (context) => void context.relay({ ...relayTo(`sip:bob@${CALLEE}`), stateless: true })
  const caller = rig.end(CALLER, 'tcp', 40_000)
  const callee = rig.end(CALLEE)
  const ask = (sentBy: string, viaParams = '') =>
    rig.send(caller, request({ method: 'OPTIONS', transport: 'tcp', sentBy, viaParams }))
  const answer = () => rig.answer(callee, last(callee), answerTo(last(callee), 200))
  return { rig, caller, callee, ask, answer }
}

test.each([
  ['no.such.invalid', ''],
  [CALLER, ''],
  [`${CALLER}:5070`, ''],
  ['192.168.1.1:5060', ';rport'],
])('from %s%s: over the connection of the request', async (sentBy, viaParams) => {
  const { rig, caller, ask, answer } = await stateless()
  const listening = rig.end(CALLER, 'tcp', 5070)
  await ask(sentBy, viaParams)
  await answer()
  expect([trace(caller), trace(listening)]).toEqual([['200'], []])
  expect(lastReply(caller).vias()).toHaveLength(1)
  expect(rig.core.stats().unreachable).toBe(0)
})

test.each([
  [5070, 5070],
  [0, 5060],
])('where that is closed, to the place that its Via names, port %i', async (named, port) => {
  const { rig, caller, ask, answer } = await stateless()
  const listening = rig.end(CALLER, 'tcp', port)
  await ask(`${CALLER}:${named}`)
  caller.connections[0]!.close()
  await rig.settle()
  await answer()
  expect([trace(caller), trace(listening)]).toEqual([[], ['200']])
})

test('where nothing listens either, it is counted, once', async () => {
  const { rig, caller, ask, answer } = await stateless()
  await ask(`${CALLER}:5071`)
  caller.connections[0]!.close()
  await rig.settle()
  await answer()
  await rig.settle()
  expect(rig.core.stats().unreachable).toBe(1)
})
