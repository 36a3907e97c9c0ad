// Owns the tests of INVITEs that begin here: their 2xx is acknowledged (RFC 3261 13.2.2.4).

import { expect, test } from 'vitest'
import { answerTo, CALLEE, createRig, first, last, lastRequest, trace } from './rig.ts'

const INVITE = {
  method: 'INVITE',
  uri: `sip:bob@${CALLEE}`,
  from: '<sip:sbc@example.com>',
  callId: 'own',
  cseq: 7,
  headers: 'Proxy-Authorization: Digest response="x"\r\n',
}

async function called(headers: string) {
  const rig = await createRig()
  const callee = rig.end(CALLEE)
  const outcome = rig.core.send(INVITE)
  await rig.settle()
  const invite = first(callee, 'INVITE')
  const answer = answerTo(invite, 200, { headers })
  await rig.answer(callee, invite, answer)
  expect(await outcome).toMatchObject({ status: 200 })
  return { rig, callee, invite, answer }
}

test('each 2xx gets its ACK, at the Contact, with the credentials of the INVITE', async () => {
  const { rig, callee, invite, answer } = await called(`Contact: <sip:desk@${CALLEE}:5060;x=1>\r\n`)
  await rig.settle()
  const ack = lastRequest(callee)
  expect([ack.method, ack.requestUri, ack.cseqNumber, ack.callId]).toEqual([
    'ACK',
    `sip:desk@${CALLEE}:5060;x=1`,
    7,
    'own',
  ])
  expect([ack.header('From'), ack.toTag]).toEqual([invite.message!.header('From'), 'callee'])
  expect(ack.header('Proxy-Authorization')).toBe('Digest response="x"')
  expect(ack.topVia!.branch).not.toBe(invite.message!.topVia!.branch)
  await rig.answer(callee, invite, answer)
  await rig.settle()
  expect(trace(callee)).toEqual(['INVITE', 'ACK', 'ACK'])
})

test('along the Record-Route turned round', async () => {
  const edge = '10.0.0.9'
  const routes = `Record-Route: <sip:${CALLEE};lr>, <sip:x.invalid;lr>\r\nRecord-Route: <sip:${edge};lr;p=1>\r\n`
  const { rig, callee } = await called(`Contact: <sip:desk@192.168.1.1>\r\n${routes}`)
  const near = rig.end(edge)
  await rig.answer(callee, first(callee, 'INVITE'), answerTo(first(callee, 'INVITE'), 200, { headers: routes }))
  await rig.settle()
  expect(trace(callee)).toEqual(['INVITE'])
  expect(last(near).message!.headers('Route')).toEqual([
    `<sip:${edge};lr;p=1>`,
    '<sip:x.invalid;lr>',
    `<sip:${CALLEE};lr>`,
  ])
})
