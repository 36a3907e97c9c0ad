// Owns the tests of requests that are too long for UDP (RFC 3261 18.1.1): over a stream, with all that belongs to them.
import { describe, expect, test } from 'vitest'
import { answerTo, CALLEE, CALLER, createRig, last, type RigOptions, relayTo, request, trace } from './rig.ts'

const BODY = `s=${'x'.repeat(1300)}`

async function rigOf(options: RigOptions = {}, relay = {}) {
  const rig = await createRig({
    listen: ['udp:10.0.0.5:5060', 'tcp:10.0.0.5:5060'],
    limits: { udpMtu: 1300 },
    ...options,
  })
  rig.router.onRequest = (context) => void context.relay({ ...relayTo(`sip:bob@${CALLEE}`), ...relay })
  const caller = rig.end(CALLER)
  const [udp, tcp] = [rig.end(CALLEE), rig.end(CALLEE, 'tcp')]
  return { rig, caller, udp, tcp }
}

const viaOf = (wire: string) => /\r\nVia: ([^;\r]+)/.exec(wire)?.[1]

describe('a request longer than limits.udpMtu', () => {
  test('goes by TCP with its CANCEL, is not sent again, and its refusal is acknowledged there', async () => {
    const { rig, caller, udp, tcp } = await rigOf()
    await rig.send(caller, request({ body: BODY }))
    expect(viaOf(last(tcp).wire)).toBe('SIP/2.0/TCP 10.0.0.5:5060')
    await rig.advance(3000)
    await rig.answer(tcp, last(tcp), answerTo(last(tcp), 180))
    const invite = last(tcp)
    await rig.send(caller, request({ method: 'CANCEL', branch: 'z9hG4bK-INVITE-1' }))
    expect(trace(tcp)).toEqual(['INVITE', 'CANCEL'])
    await rig.answer(tcp, last(tcp), answerTo(last(tcp), 200))
    await rig.answer(tcp, invite, answerTo(invite, 487))
    expect(trace(tcp)).toEqual(['INVITE', 'CANCEL', 'ACK'])
    for (const { wire } of tcp.received) expect(viaOf(wire)).toBe('SIP/2.0/TCP 10.0.0.5:5060')
    expect(trace(udp)).toEqual([])
  })

  test('goes by UDP where TCP is refused', async () => {
    const { rig, caller, udp, tcp } = await rigOf()
    rig.network.refuse(CALLEE, 5060)
    await rig.send(caller, request({ body: BODY }))
    expect([trace(udp), trace(tcp)]).toEqual([['INVITE'], []])
    expect(viaOf(last(udp).wire)).toBe('SIP/2.0/UDP 10.0.0.5:5060')
    await rig.answer(udp, last(udp), answerTo(last(udp), 200))
    expect(trace(caller).at(-1)).toBe('200')
  })

  test('is not sent by UDP to who answered 503 over TCP', async () => {
    const { rig, caller, udp, tcp } = await rigOf()
    await rig.send(caller, request({ body: BODY }))
    await rig.answer(tcp, last(tcp), answerTo(last(tcp), 503))
    expect(trace(udp)).toEqual([])
    expect(trace(caller).at(-1)).toBe('500')
  })

  test.each([
    ['that is short', { body: 'short' }, {}],
    ['without a socket of TCP', { body: BODY }, { listen: ['udp:10.0.0.5:5060'] }],
    ['without the limit', { body: BODY }, { limits: {} }],
  ])('%s it goes by UDP', async (_, sent, options) => {
    const { rig, caller, udp, tcp } = await rigOf(options)
    await rig.send(caller, request(sent))
    expect([trace(udp), trace(tcp)]).toEqual([['INVITE'], []])
  })

  test.each([false, true])('goes the same way without a transaction, where TCP is refused: %s', async (refused) => {
    const { rig, caller, udp, tcp } = await rigOf({ language: 'cfg' }, { stateless: true })
    if (refused) rig.network.refuse(CALLEE, 5060)
    await rig.send(caller, request({ method: 'MESSAGE', body: BODY }))
    const [there, empty] = refused ? [udp, tcp] : [tcp, udp]
    expect([trace(there), trace(empty)]).toEqual([['MESSAGE'], []])
    expect(viaOf(last(there).wire)).toBe(`SIP/2.0/${refused ? 'UDP' : 'TCP'} 10.0.0.5:5060`)
    expect(rig.core.stats().unreachable).toBe(0)
  })

  test('that TCP refuses and the script keeps from UDP is counted as lost, without a transaction', async () => {
    const { rig, caller, udp, tcp } = await rigOf({ language: 'cfg' }, { stateless: true })
    rig.network.refuse(CALLEE, 5060)
    rig.router.watchesSending = () => true
    rig.router.sending = (_, { hop }) => hop.transport === 'tcp'
    await rig.send(caller, request({ method: 'MESSAGE', body: BODY }))
    expect([trace(udp), trace(tcp)]).toEqual([[], []])
    expect(rig.core.stats().unreachable).toBe(1)
  })
})
