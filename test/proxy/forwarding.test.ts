// Owns the tests of what leaves the proxy: Via, received, Record-Route, Content-Length, loops, ACK, stateless forwarding, strays.

import { describe, expect, test } from 'vitest'
import { parseMessage, type SipRequest } from '../../src/sip/index.ts'
import {
  answerTo,
  branchTo,
  CALLEE,
  CALLER,
  createRig,
  first,
  last,
  lastReply,
  lastRequest,
  PROXY,
  recordRoute,
  relayTo,
  request,
  trace,
} from './rig.ts'

const OPTIONS = { method: 'OPTIONS' }

describe('Via', () => {
  test.each([
    ['sent-by is the source', `${CALLER}:5060`, '', `${CALLER}:5060;branch=z9hG4bK-OPTIONS-1`],
    ['sent-by is a name', 'client.example.com', '', `client.example.com;branch=z9hG4bK-OPTIONS-1;received=${CALLER}`],
    ['rport', `${CALLER}:5060`, ';rport', `${CALLER}:5060;branch=z9hG4bK-OPTIONS-1;rport=5060;received=${CALLER}`],
    [
      'a received that the client made up',
      '192.168.1.1:5060',
      ';received=1.2.3.4',
      `192.168.1.1:5060;branch=z9hG4bK-OPTIONS-1;received=${CALLER}`,
    ],
  ])('received and rport of the previous hop: %s', async (_name, sentBy, viaParams, expected) => {
    for (const language of ['ts', 'cfg'] as const) {
      const rig = await createRig({ language })
      rig.router.onRequest = (context) => void context.relay(relayTo(`sip:bob@${CALLEE}`))
      const callee = rig.end(CALLEE)
      await rig.send(rig.end(CALLER), request({ ...OPTIONS, sentBy, viaParams }))
      expect(lastRequest(callee).headers('Via')[1]).toBe(`SIP/2.0/UDP ${expected}`)
    }
  })

  test('the advertised address stands in Via, and replies to it are ours', async () => {
    const rig = await createRig({ listen: [`udp:${PROXY}:5060 advertise 25.25.25.5:5070`] })
    rig.router.onRequest = (context) => void context.relay(relayTo(`sip:bob@${CALLEE}`))
    const callee = rig.end(CALLEE)
    await rig.send(rig.end(CALLER), request(OPTIONS))
    const via = lastRequest(callee).topVia!
    expect(`${via.host}:${via.port}`).toBe('25.25.25.5:5070')
    await rig.answer(callee, last(callee), answerTo(last(callee), 200))
    expect(trace(rig.end(CALLER))).toEqual(['200'])
  })

  test('script lines come above it, as in Kamailio', async () => {
    const rig = await createRig({ language: 'cfg' })
    rig.router.onRequest = (context) => {
      const to = context.request.find('To')
      const edits = [
        recordRoute(context),
        {
          at: context.request.headerStart(to),
          remove: context.request.headerEnd(to) - context.request.headerStart(to),
          text: '',
        },
        { at: context.request.firstLineEnd, remove: 0, text: 'To: <sip:87000@far.example.com>\r\n' },
      ]
      void context.relay({ branches: [branchTo(`sip:bob@${CALLEE}`, { edits })] })
    }
    const callee = rig.end(CALLEE)
    await rig.send(rig.end(CALLER), request())
    expect(
      last(callee)
        .wire.split('\r\n')
        .map((line) => line.split(':')[0]),
    ).toEqual([
      'INVITE sip',
      'Record-Route',
      'To',
      'Via',
      'Via',
      'Max-Forwards',
      'From',
      'Call-ID',
      'CSeq',
      'Content-Length',
      '',
      '',
    ])
    // CANCEL and ACK go by what was sent.
    await rig.answer(callee, last(callee), answerTo(last(callee), 486))
    expect(lastRequest(callee).header('To')).toContain('87000@far.example.com')
    // The caller's own To is in the reply of the proxy itself, not in one that is forwarded.
    expect(lastReply(rig.end(CALLER)).header('To')).toContain('87000@far.example.com')
  })

  test('of a reply with all Vias in one line only ours goes', async () => {
    const rig = await createRig()
    rig.router.onRequest = (context) => void context.relay(relayTo(`sip:bob@${CALLEE}`))
    const callee = rig.end(CALLEE)
    await rig.send(rig.end(CALLER), request(OPTIONS))
    const vias = lastRequest(callee).headers('Via')
    const wire = answerTo(last(callee), 200).replace(/Via: .*\r\nVia: .*\r\n/, `v: ${vias.join(' ,\r\n  ')}\r\n`)
    await rig.answer(callee, last(callee), wire)
    expect(lastReply(rig.end(CALLER)).headers('Via')).toEqual([vias[1]])
  })
})

describe('Record-Route', () => {
  const both = [
    `udp:${PROXY}:5060`,
    `tcp:${PROXY}:5060 advertise 25.25.25.5`,
    `tls:${PROXY}:5061 advertise 25.25.25.5:5061`,
  ]

  async function routed(uri: string, spec: Parameters<typeof recordRoute>[1], transport: 'udp' | 'tcp' = 'udp') {
    const rig = await createRig({ listen: both })
    rig.router.onRequest = (context) => {
      void context.relay({ branches: [branchTo(uri, { edits: [recordRoute(context, spec)] })] })
    }
    const kind = /transport=(\w+)/.exec(uri)?.[1] ?? 'udp'
    const callee = rig.end(CALLEE, kind as 'udp', kind === 'tls' ? 5061 : 5060)
    await rig.send(rig.end(CALLER, transport), request({ transport }))
    await rig.settle()
    return lastRequest(callee).headers('Record-Route')
  }

  test('one entry where the sides are the same socket', async () => {
    expect(await routed(`sip:bob@${CALLEE}`, {})).toEqual([`<sip:${PROXY};lr>`])
  })

  test('two where they are not: the outgoing side on top', async () => {
    expect(await routed(`sip:bob@${CALLEE};transport=tls`, {})).toEqual([
      '<sip:25.25.25.5:5061;transport=tls;r2=on;lr>',
      `<sip:${PROXY};r2=on;lr>`,
    ])
  })

  test('record_route_advertised_address: the given address, two entries where the transports differ', async () => {
    const spec = { inbound: '25.25.25.5;transport=tcp', outbound: '25.25.25.5', double: 'protocol' as const }
    expect(await routed(`sip:bob@${CALLEE};transport=tls`, spec, 'tcp')).toEqual([
      '<sip:25.25.25.5;transport=tls;r2=on;lr>',
      '<sip:25.25.25.5;transport=tcp;r2=on;lr>',
    ])
    expect(await routed(`sip:bob@${CALLEE};transport=tcp`, spec, 'tcp')).toEqual(['<sip:25.25.25.5;transport=tcp;lr>'])
  })
})

describe('Content-Length', () => {
  test.each(['ts', 'cfg'] as const)('follows a body that the script changed, in a .%s', async (language) => {
    const rig = await createRig({ language })
    rig.router.onRequest = (context) => {
      const edits = [{ at: context.request.bodyStart, remove: 2, text: 'longer' }]
      void context.relay({ branches: [branchTo(`sip:bob@${CALLEE}`, { edits })] })
    }
    const callee = rig.end(CALLEE)
    await rig.send(rig.end(CALLER), request({ ...OPTIONS, body: 'v=0' }))
    expect(lastRequest(callee).body).toBe('longer0')
    expect(lastRequest(callee).contentLength).toBe(7)
  })

  test('is written when a datagram without it goes on over a stream', async () => {
    const rig = await createRig()
    rig.router.onRequest = (context) => void context.relay(relayTo(`sip:bob@${CALLEE};transport=tcp`))
    const callee = rig.end(CALLEE, 'tcp')
    await rig.send(rig.end(CALLER), request({ ...OPTIONS, body: 'hello' }).replace(/Content-Length: 5\r\n/, ''))
    expect(lastRequest(callee).contentLength).toBe(5)
    await rig.send(rig.end(CALLER), request({ ...OPTIONS, cseq: 2 }).replace(/Content-Length: 0\r\n/, ''))
    expect(lastRequest(callee).contentLength).toBe(0)
  })
})

describe('loops (RFC 5393)', () => {
  test('a request that comes back as it went is refused 482 in a .ts', async () => {
    const rig = await createRig()
    rig.router.onRequest = (context) => void context.relay(relayTo(`sip:bob@${PROXY}`))
    const caller = rig.end(CALLER)
    await rig.send(caller, request({ uri: `sip:bob@${PROXY}` }))
    await rig.settle()
    expect(trace(caller)).toEqual(['100', '482'])
    expect(rig.core.stats().loops).toBe(1)
    expect(rig.router.requests).toHaveLength(1)
  })

  test('one that comes back changed is a spiral and goes on', async () => {
    const rig = await createRig()
    const callee = rig.end(CALLEE)
    rig.router.onRequest = (context) =>
      void context.relay(
        relayTo(context.request.requestUri.includes('first') ? `sip:second@${PROXY}` : `sip:bob@${CALLEE}`),
      )
    const caller = rig.end(CALLER)
    await rig.send(caller, request({ ...OPTIONS, uri: `sip:first@${PROXY}` }))
    await rig.settle()
    expect(lastRequest(callee).vias()).toHaveLength(3)
    expect(rig.core.stats().loops).toBe(0)
    await rig.answer(callee, last(callee), answerTo(last(callee), 200))
    await rig.settle()
    expect(trace(caller)).toEqual(['200'])
  })

  test('in a .cfg a script may know its own requests by their source; the third time round it is a loop', async () => {
    const rig = await createRig({ language: 'cfg' })
    rig.router.onRequest = (context) => void context.relay(relayTo(`sip:bob@${PROXY}`))
    const caller = rig.end(CALLER)
    await rig.send(caller, request({ uri: `sip:bob@${PROXY}` }))
    await rig.settle()
    expect(trace(caller)).toEqual(['100', '482'])
    expect(rig.router.requests.filter(({ request: { method } }) => method === 'INVITE')).toHaveLength(3)
  })

  test('a mark that somebody else put there is none', async () => {
    const rig = await createRig()
    const callee = rig.end(CALLEE)
    rig.router.onRequest = (context) => void context.relay(relayTo(`sip:bob@${CALLEE}`))
    await rig.send(rig.end(CALLER), request(OPTIONS))
    const branch = lastRequest(callee).topVia!.branch
    const again = request({
      ...OPTIONS,
      branch: 'z9hG4bKx',
      headers: [`Via: SIP/2.0/UDP 10.0.0.99:5060;branch=${branch}`],
    })
    await rig.send(rig.end(CALLER), again)
    expect(trace(callee)).toEqual(['OPTIONS', 'OPTIONS'])
  })
})

describe('ACK', () => {
  test.each(['ts', 'cfg'] as const)('of a 2xx goes end to end without a transaction, in a .%s', async (language) => {
    const rig = await createRig({ language })
    rig.router.onRequest = async (context) => {
      const edits = context.request.method === 'INVITE' ? [recordRoute(context)] : []
      expect(await context.relay({ branches: [branchTo(`sip:bob@${CALLEE}`, { edits })] })).toBe(1)
    }
    const caller = rig.end(CALLER)
    const callee = rig.end(CALLEE)
    await rig.send(caller, request())
    await rig.answer(callee, last(callee), answerTo(last(callee), 200))
    const ack = request({ method: 'ACK', toTag: 'callee', branch: 'z9hG4bK-ack', body: 'v=0' })
    await rig.send(caller, ack)
    await rig.send(caller, ack)
    expect(trace(callee)).toEqual(['INVITE', 'ACK', 'ACK'])
    expect(lastRequest(callee).body).toBe('v=0')
    const context = rig.router.requests.at(-1)!
    expect(context.hasTransaction).toBe(false)
    expect(context.transactionMatch).toBe(true)
    // 16.11: each retransmission under the same branch.
    const branches = callee.received.slice(1).map(({ message }) => message!.topVia!.branch)
    expect(branches[0]).toBe(branches[1])
    expect(branches[0]).not.toBe(first(callee, 'INVITE').message!.topVia!.branch)
  })

  test('with Max-Forwards 0, or malformed, it is dropped in a .ts', async () => {
    const rig = await createRig()
    rig.router.onRequest = (context) => void context.relay(relayTo(`sip:bob@${CALLEE}`))
    await rig.send(rig.end(CALLER), request({ method: 'ACK', toTag: 'x', maxForwards: 0 }))
    await rig.send(rig.end(CALLER), request({ method: 'ACK', toTag: 'x' }).replace('1 ACK', '1 BYE'))
    expect(rig.router.requests).toEqual([])
    expect(trace(rig.end(CALLER))).toEqual([])
  })
})

describe('without a transaction', () => {
  test('forward(): the same branch for retransmissions, CANCEL and ACK; replies go back by Via', async () => {
    const rig = await createRig({ language: 'cfg' })
    rig.router.onRequest = async (context) => {
      expect(await context.relay({ ...relayTo(`sip:bob@${CALLEE}`), stateless: true })).toBe(1)
    }
    const caller = rig.end(CALLER)
    const callee = rig.end(CALLEE)
    await rig.send(caller, request())
    await rig.send(caller, request())
    await rig.send(caller, request({ method: 'CANCEL', branch: 'z9hG4bK-INVITE-1' }))
    await rig.send(caller, request({ method: 'ACK', branch: 'z9hG4bK-INVITE-1', toTag: 'callee' }))
    expect(trace(callee)).toEqual(['INVITE', 'INVITE', 'CANCEL', 'ACK'])
    expect(new Set(callee.received.map(({ message }) => message!.topVia!.branch)).size).toBe(1)
    expect(trace(caller)).toEqual([])
    await rig.answer(callee, first(callee, 'INVITE'), answerTo(first(callee, 'INVITE'), 200))
    expect(trace(caller)).toEqual(['200'])
    expect(rig.router.replies.at(-1)).toMatchObject({ context: undefined, branch: -1 })
    expect(rig.transactions.stats().server).toBe(0)
    expect(rig.core.stats()).toMatchObject({ contexts: 0, calls: 0 })
    expect(rig.router.calls.map(({ reason }) => reason)).toEqual(['untracked', 'untracked'])
  })

  test('in a .ts its reply goes back too, while other strays are dropped (RFC 6026 7.3)', async () => {
    const rig = await createRig({ language: 'ts' })
    rig.router.onRequest = (context) => {
      void context.relay({ ...relayTo(`sip:bob@${CALLEE}`), stateless: context.request.method === 'OPTIONS' })
    }
    const caller = rig.end(CALLER)
    const callee = rig.end(CALLEE)
    await rig.send(caller, request(OPTIONS))
    await rig.answer(callee, last(callee), answerTo(last(callee), 200))
    expect(trace(caller)).toEqual(['200'])
    const stray = answerTo(last(callee), 200).replace(/branch=z9hG4bK-s\w+/, 'branch=z9hG4bKold.1')
    await rig.answer(callee, last(callee), stray)
    expect(trace(caller)).toEqual(['200'])
    expect(rig.router.replies).toHaveLength(1)
  })

  test('a stray reply goes on in a .cfg, by received and rport; not if its Via is not ours, or its route drops it', async () => {
    const rig = await createRig({ language: 'cfg' })
    const callee = rig.end(CALLEE)
    const nat = rig.end('10.0.0.66', 'udp', 40_000)
    const stray = (top: string) =>
      [
        'SIP/2.0 200 OK',
        `Via: SIP/2.0/UDP ${top};branch=z9hG4bKold`,
        'Via: SIP/2.0/UDP client.example.com:5060;branch=z9hG4bKx;received=10.0.0.66;rport=40000',
        'From: <sip:a@example.com>;tag=a',
        'To: <sip:b@example.com>;tag=b',
        'Call-ID: old',
        'CSeq: 1 INVITE',
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n')
    await rig.send(callee, stray(`${PROXY}:5060`))
    expect(trace(nat)).toEqual(['200'])
    expect(lastReply(nat).vias()).toHaveLength(1)
    await rig.send(callee, stray('10.0.0.99:5060'))
    rig.router.onReply = () => ({ drop: true, edits: [] })
    await rig.send(callee, stray(`${PROXY}:5060`))
    rig.router.onReply = () => Promise.reject(new Error('script'))
    await rig.send(callee, stray(`${PROXY}:5060`))
    expect(trace(nat)).toEqual(['200'])
    expect(rig.core.stats()).toMatchObject({ strayReplies: 3, routeErrors: 1 })
  })

  test('a reply with no Via but ours goes nowhere', async () => {
    const rig = await createRig({ language: 'cfg' })
    rig.router.onRequest = (context) => void context.relay({ ...relayTo(`sip:bob@${CALLEE}`), stateless: true })
    const callee = rig.end(CALLEE)
    await rig.send(rig.end(CALLER), request(OPTIONS))
    const alone = answerTo(last(callee), 200).replace(/(Via: .*\r\n)Via: .*\r\n/, '$1')
    await rig.answer(callee, last(callee), alone)
    expect(trace(rig.end(CALLER))).toEqual([])
  })
})

test('force_send_socket and $du', async () => {
  const rig = await createRig({ listen: [`udp:${PROXY}:5060`, `udp:${PROXY}:5070`] })
  const callee = rig.end(CALLEE)
  rig.router.onRequest = (context) => {
    void context.relay({ branches: [branchTo('sip:bob@example.com', { nextHop: `sip:${CALLEE};lr`, listener: 1 })] })
  }
  await rig.send(rig.end(CALLER), request(OPTIONS))
  expect(lastRequest(callee).requestUri).toBe('sip:bob@example.com')
  expect(lastRequest(callee).topVia!.port).toBe(5070)
  expect(last(callee).from.port).toBe(5070)
})

test('msg_apply_changes: branches go by the new message, replies by the one that came', async () => {
  const rig = await createRig({ language: 'cfg' })
  rig.router.onRequest = (context) => {
    const { raw } = context.request
    const changed = raw.replace('To: <sip:bob@example.com>', 'To: <sip:changed@example.com>')
    expect(context.replaceRequest(requestOf(changed))).toBe(1)
    const at = context.request.find('From')
    void context.relay({
      branches: [
        branchTo(`sip:bob@${CALLEE}`, {
          edits: [{ at: context.request.headerStart(at), remove: 0, text: 'X-A: 1\r\n' }],
        }),
      ],
    })
    expect(context.replaceRequest(context.request)).toBe(-1)
  }
  const caller = rig.end(CALLER)
  const callee = rig.end(CALLEE)
  await rig.send(caller, request())
  expect(lastReply(caller).header('To')).toBe('<sip:bob@example.com>')
  expect(lastRequest(callee).header('To')).toBe('<sip:changed@example.com>')
  expect(last(callee).wire).toContain('\r\nX-A: 1\r\nFrom:')
  expect(lastRequest(callee).vias()).toHaveLength(2)
})

function requestOf(wire: string): SipRequest {
  const parsed = parseMessage(wire)
  if (!parsed.ok) throw new Error(parsed.reason)
  return parsed.message as SipRequest
}
