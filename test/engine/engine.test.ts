// Owns the tests of the engine as a whole, on the memory network: calls, media, failures, reload, draining.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RouteUnderTest } from 'signalbox/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const HEADER = `import { drop, hasBody, hasTotag, isMethod, looseRoute, msgApplyChanges, appendHf, recordRoute, rewriteHostPort, rtpManage, sendReply, tOnFailure, tOnReply, tRelay, xlog, type SipRequest } from 'signalbox'
export const config = { listen: ['udp:10.0.0.5:5060'], timers: { fr: 2000, frInv: 5000 } }
`
const ROUTE = `${HEADER}
export async function request_route(req: SipRequest) {
  if (hasTotag()) {
    looseRoute()
    if (isMethod('BYE')) await rtpManage()
    return tRelay()
  }
  if (/throws/.test(req.requestUri)) throw new Error('on purpose')
  if (/loops/.test(req.requestUri)) for (;;) {}
  if (/nothing/.test(req.requestUri)) return
  if (/dropped/.test(req.requestUri)) return drop()
  if (/changed/.test(req.requestUri)) { appendHf('X-New: 1\\r\\n'); msgApplyChanges() }
  if (isMethod('OPTIONS')) return sendReply(200, 'First')
  if (isMethod('INVITE')) {
    recordRoute()
    if (hasBody('application/sdp') && !(await rtpManage('replace-session-connection'))) return sendReply(503, 'No Media')
    tOnReply('BACK')
  }
  xlog('L_WARN', 'relaying')
  rewriteHostPort('10.0.0.9:5060')
  return tRelay()
}
export const onreply_route = { async BACK() { if (hasBody('application/sdp')) await rtpManage('replace-session-connection') } }
`
const SDP = 'v=0\r\no=- 1 1 IN IP4 10.0.0.8\r\ns=-\r\nc=IN IP4 10.0.0.8\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n'

let folder: string
let file: string
let route: RouteUnderTest
let serial = 0

function request(
  method: string,
  user: string,
  lines: readonly string[] = [],
  body = '',
  callId = `c${serial}`,
): string {
  const has = (name: string) => lines.some((line) => line.startsWith(name))
  return [
    `${method} sip:${user}@10.0.0.9 SIP/2.0`,
    `Via: SIP/2.0/UDP 10.0.0.8:5060;branch=z9hG4bK${++serial}`,
    'From: <sip:alice@10.0.0.8>;tag=alice',
    ...(has('To:') ? [] : [`To: <sip:${user}@10.0.0.9>`]),
    `Call-ID: ${callId}`,
    ...(has('CSeq:') ? [] : [`CSeq: 1 ${method}`]),
    'Contact: <sip:alice@10.0.0.8>',
    'Max-Forwards: 70',
    ...lines,
    ...(body ? ['Content-Type: application/sdp'] : []),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

async function load(text = ROUTE, name = 'route.ts'): Promise<RouteUnderTest> {
  file = join(folder, name)
  writeFileSync(file, text)
  route = await RouteUnderTest.load(file)
  return route
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-engine-'))
})

afterEach(async () => {
  await route?.close()
  rmSync(folder, { recursive: true, force: true })
})

const callLine = () => route.lines.find((line) => line.fields.event === 'call')?.fields

describe('a call with media', () => {
  async function establish() {
    await load()
    const alice = route.party('udp:10.0.0.8:5060')
    const bob = route.party('udp:10.0.0.9:5060')
    await alice.send(request('INVITE', 'bob', [], SDP, 'call'))
    const invite = await bob.request('INVITE')
    await bob.answer(invite, 180, { toTag: 'bob' })
    await route.advance(1500)
    const contact = 'Contact: <sip:bob@10.0.0.9>\r\n'
    await bob.answer(invite, 200, { toTag: 'bob', headers: contact, body: SDP, contentType: 'application/sdp' })
    const ok = await alice.reply(200)
    const dialog = ['To: <sip:bob@10.0.0.9>;tag=bob', `Route: ${ok.message.header('record-route')}`]
    await alice.send(request('ACK', 'bob', [...dialog, 'CSeq: 1 ACK'], '', 'call'))
    await bob.request('ACK')
    return { alice, bob, dialog }
  }

  test('leaves one line at its end, with its parties, its times and its media', async () => {
    const { alice, bob, dialog } = await establish()
    expect(route.relay.sessions.has('call')).toBe(true)
    expect(route.engine.view.status()).toMatchObject({ calls: 1, mediaCalls: 1, program: 1 })
    await route.advance(10_000)
    await alice.send(request('BYE', 'bob', [...dialog, 'CSeq: 2 BYE'], '', 'call'))
    await bob.answer(await bob.request('BYE'), 200)
    await alice.reply(200)
    await route.settle()
    expect(callLine()).toMatchObject({
      callId: 'call',
      from: 'sip:alice@10.0.0.8',
      source: 'udp:10.0.0.8:5060',
      destination: 'udp:10.0.0.9:5060',
      program: '1',
      status: 200,
      endedBy: 'caller',
      reason: 'bye',
      setupMillis: 1500,
      ringMillis: 1500,
      talkMillis: 10_000,
      media: [{ tag: 'alice', type: 'audio', local: '10.0.0.5:30000', packetsIn: 0, lost: 0 }, { tag: 'bob' }],
    })
    expect(route.relay.sessions.size).toBe(0)
    const text = await route.engine.metrics()
    expect(text).toContain('signalbox_calls_total{status="200",reason="bye"} 1')
    expect(text).toContain('signalbox_media_operations_total{operation="offer",result="ok"} 1')
    expect(text).toContain('signalbox_call_talk_seconds_total 10')
  })

  test('that ends by shutdown leaves no media', async () => {
    await establish()
    await route.engine.close()
    expect(route.relay.sessions.size).toBe(0)
    expect(callLine()).toMatchObject({ callId: 'call', reason: 'shutdown' })
  })

  test('that nobody answers leaves no media, though the script deletes none', async () => {
    await load()
    const alice = route.party('udp:10.0.0.8:5060')
    route.party('udp:10.0.0.9:5060')
    await alice.send(request('INVITE', 'bob', [], SDP, 'call'))
    expect(route.relay.sessions.size).toBe(1)
    for (let n = 0; n < 4; n++) await route.advance(1000)
    expect((await alice.reply()).message.raw).toMatch(/^SIP\/2.0 408/)
    await route.settle()
    expect(route.relay.sessions.size).toBe(0)
    expect(callLine()).toMatchObject({ status: 408, reason: 'timeout' })
  })

  test('whose relay is down is for the script to decide', async () => {
    await load()
    const alice = route.party('udp:10.0.0.8:5060')
    route.relay.down = true
    await alice.send(request('INVITE', 'bob', [], SDP, 'call'))
    expect((await alice.reply()).message.raw).toMatch(/^SIP\/2.0 503 No Media/)
    expect(route.lines.find((line) => line.level === 'error')?.fields).toMatchObject({
      callId: 'call',
      operation: 'offer',
      code: 'ERR_MEDIA_UNREACHABLE',
    })
  })

  test('that the relay gives up is forgotten', async () => {
    await establish()
    route.relay.timeOut('call')
    expect(route.engine.view.status().mediaCalls).toBe(0)
  })

  test('whose media the relay ended tells its counters all the same', async () => {
    const { alice, bob, dialog } = await establish()
    const stats = await route.relay.query({ callId: 'call', fromTag: '', flags: '' })
    route.relay.onTimeout?.('call', 'media timeout', stats)
    expect(route.engine.view.status().mediaCalls).toBe(0)
    await alice.send(request('BYE', 'bob', [...dialog, 'CSeq: 2 BYE'], '', 'call'))
    await bob.answer(await bob.request('BYE'), 200)
    await route.settle()
    expect(callLine()).toMatchObject({ reason: 'bye', media: [{ tag: 'alice' }, { tag: 'bob' }] })
  })
})

describe('a route that fails', () => {
  test.each([
    ['throws', 'ERR_SCRIPT', 'on purpose'],
    ['loops', 'ERR_SCRIPT_TIMEOUT', '50 ms'],
  ])('%s: 500, a line with its place, a count', async (user, code, told) => {
    await load()
    const alice = route.party('udp:10.0.0.8:5060')
    await alice.send(request('OPTIONS', user, [], '', 'bad'))
    expect((await alice.reply()).message.raw).toMatch(/^SIP\/2.0 500/)
    const [line, ...more] = route.lines.filter((each) => each.level === 'error')
    expect(more).toEqual([])
    expect(line?.fields).toMatchObject({ callId: 'bad', code, program: 1, route: 'request' })
    expect(line?.fields.error).toContain(told)
    expect(line?.fields.error).toMatch(/route\.ts:\d+:\d+: /)
    expect(await route.engine.metrics()).toContain(`signalbox_route_errors_total{code="${code}"} 1`)
  })

  test.each([
    ['before any reply', '', 500, 'a route failed; its message gets 500'],
    ['after its reply', "sendReply(200, 'Done');", 200, 'a route failed'],
  ])('%s: the line tells what the caller gets', async (_, before, status, told) => {
    await load(ROUTE.replace("throw new Error('on purpose')", `{ ${before} throw new Error('on purpose') }`))
    const alice = route.party('udp:10.0.0.8:5060')
    await alice.send(request('OPTIONS', 'throws'))
    expect((await alice.reply()).message.raw).toMatch(new RegExp(`^SIP/2.0 ${status} `))
    expect(route.lines.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual([told])
  })

  test.each(['OPTIONS', 'INVITE'])('%s that is neither relayed nor answered: 500 and a line', async (method) => {
    await load()
    const alice = route.party('udp:10.0.0.8:5060')
    await alice.send(request(method, 'nothing'))
    expect((await alice.reply()).message.raw).toMatch(/^SIP\/2.0 500/)
    expect(route.lines.some((line) => line.message === 'the route neither relayed nor answered')).toBe(true)
    expect(await route.engine.metrics()).toContain('signalbox_requests_unanswered_total 1')
  })

  test('a hook that the program lacks is told when it is set', async () => {
    await load(
      ROUTE.replace("tOnReply('BACK')", "tOnReply('BACK'); tOnReply('BAKC'); tOnFailure('NEXT'); tOnFailure('0')"),
    )
    await route.party('udp:10.0.0.8:5060').send(request('INVITE', 'bob'))
    expect(route.lines.flatMap(({ level, message }) => (/there is no/.test(message) ? [level, message] : []))).toEqual([
      'warn',
      'there is no onreply_route BAKC',
      'warn',
      'there is no failure_route NEXT',
    ])
  })

  test('drop() is no failure: nothing is sent', async () => {
    await load()
    const alice = route.party('udp:10.0.0.8:5060')
    await alice.send(request('OPTIONS', 'dropped'))
    expect((await alice.unread()).length).toBe(0)
  })
})

test('what a script logs carries the Call-ID', async () => {
  await load()
  const alice = route.party('udp:10.0.0.8:5060')
  await alice.send(request('MESSAGE', 'bob', [], '', 'logged'))
  expect(route.lines).toContainEqual({ level: 'warn', fields: { callId: 'logged', script: true }, message: 'relaying' })
})

test('msg_apply_changes is known to the proxy: the new header leaves once', async () => {
  await load()
  const alice = route.party('udp:10.0.0.8:5060')
  const bob = route.party('udp:10.0.0.9:5060')
  await alice.send(request('MESSAGE', 'changed'))
  const { raw } = (await bob.request('MESSAGE')).message
  expect(raw.match(/X-New: 1/g)).toHaveLength(1)
  expect(raw).toMatch(/^MESSAGE sip:changed@10.0.0.9:5060 /)
})

describe('reload', () => {
  test('new requests get the new program, a broken file changes nothing', async () => {
    await load()
    const alice = route.party('udp:10.0.0.8:5060')
    const ask = async () => {
      await alice.send(request('OPTIONS', 'x'))
      return (await alice.reply()).message.raw.split('\r\n')[0]
    }
    expect(await ask()).toBe('SIP/2.0 200 First')
    writeFileSync(file, ROUTE.replace('First', 'Second'))
    expect(await route.engine.reload()).toMatchObject({ ok: true })
    expect(await ask()).toBe('SIP/2.0 200 Second')
    writeFileSync(file, ROUTE.replace('fr: 2000', 'fr: 2'))
    const refused = await route.engine.reload()
    expect(refused).toMatchObject({ ok: false, diagnostics: [{ code: 'config', line: 2 }] })
    writeFileSync(file, `${ROUTE}\nexport const x = )`)
    expect((await route.engine.reload()).ok).toBe(false)
    expect(await ask()).toBe('SIP/2.0 200 Second')
    expect(route.lines.filter((line) => line.fields.event === 'reload-failed')).toHaveLength(2)
    expect(await route.engine.metrics()).toContain('signalbox_program_reloads_total{result="refused"} 2')
  })

  test('a transaction ends on the program it began with', async () => {
    await load()
    const alice = route.party('udp:10.0.0.8:5060')
    const bob = route.party('udp:10.0.0.9:5060')
    await alice.send(request('INVITE', 'bob', [], SDP, 'old'))
    const invite = await bob.request('INVITE')
    writeFileSync(file, ROUTE.replace('BACK() { if', 'OTHER() { if').replace("tOnReply('BACK')", "tOnReply('OTHER')"))
    expect(await route.engine.reload()).toMatchObject({ ok: true })
    await bob.answer(invite, 200, { toTag: 'b', body: SDP, contentType: 'application/sdp' })
    await alice.reply(200)
    expect(route.relay.operations.map((operation) => operation.command)).toEqual(['offer', 'answer'])
  })
})

test('draining: no new calls, those under way go on', async () => {
  await load()
  const alice = route.party('udp:10.0.0.8:5060')
  const bob = route.party('udp:10.0.0.9:5060')
  await alice.send(request('INVITE', 'bob', [], '', 'first'))
  const invite = await bob.request('INVITE')
  const drained = route.engine.drain(30)
  await alice.send(request('INVITE', 'bob', [], '', 'second'))
  expect((await alice.reply()).message.raw).toMatch(/^SIP\/2.0 503[\s\S]*Retry-After: /)
  await bob.answer(invite, 486)
  await alice.reply(486)
  await route.settle()
  await drained
})

test('a script that does not compile, or a wrong configuration, is told with the place', async () => {
  await expect(load(`${ROUTE}\nexport const x = )`)).rejects.toMatchObject({ code: 'ERR_COMPILE' })
  await expect(load(ROUTE.replace('listen:', 'lisen:'))).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    message: expect.stringContaining('did you mean `listen`?'),
  })
})
