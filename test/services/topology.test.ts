// Checks modules topoh and topos on a network in memory: several sockets, forks, what is forged, what cannot be hidden.
import { afterEach, describe, expect, test } from 'vitest'
import { checkParameters } from '../../src/services/index.ts'
import { TopologyCipher } from '../../src/services/topoh-cipher.ts'
import type { Party } from '../../src/testkit/index.ts'
import { request } from '../../src/testkit/index.ts'
import { shardOf } from '../../src/transport/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'

let cfg: CfgRoute
afterEach(() => cfg?.close())

const ROUTE = `
request_route {
  xlog("$rm $ru\\n");
  if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }
  if (has_totag()) { loose_route(); t_relay(); exit; }
  record_route();
  if ($rU == "both") { $ru = "sip:bob@10.0.0.7:5060"; append_branch("sip:carol@10.0.0.8:5060"); }
  else if ($rU == "tcp") $ru = "sip:bob@10.0.0.7:5060;transport=tcp";
  else $ru = "sip:bob@10.0.0.7:5060";
  t_relay();
}`

const start = async (module: string, parameters = '') => {
  cfg = await cfgRoute(
    `tm sl rr pv xlog textops siputils corex ${module}`,
    `listen=tcp:127.0.0.1:5070\n${parameters}${ROUTE}`,
  )
  return cfg.route
}

const line = (text: string, name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1]?.trim() ?? ''
const lines = (text: string, name: string): string[] =>
  [...text.matchAll(new RegExp(`^${name}: (.*?)\\r?$`, 'gm'))].map(([, value]) => value!)
const uriIn = (value: string): string => /<([^>]*)>/.exec(value)?.[1] ?? ''

interface Call {
  readonly alice: Party
  readonly callId: string
  /** Alice's 2xx. */
  readonly answer: string
}

async function invite(user: string, callId: string): Promise<Party> {
  const alice = cfg.route.party('udp:10.0.0.6:5060')
  await alice.send(request('INVITE', { uri: `sip:${user}@127.0.0.1`, callId, fromTag: 'alice' }))
  return alice
}

async function ack({ alice, callId, answer }: Call, toTag: string): Promise<void> {
  const routes = lines(answer, 'Record-Route').reverse()
  const text = request('ACK', {
    uri: uriIn(line(answer, 'Contact')),
    callId,
    fromTag: 'alice',
    headers: { To: `<sip:bob@127.0.0.1>;tag=${toTag}` },
  })
  await alice.send(routes.length === 0 ? text : text.replace('\r\nVia', `\r\nRoute: ${routes.join(', ')}\r\nVia`))
}

test.each([
  ['', 1],
  ['modparam("topoh", "mask_key", "some words of our own")\n', 0],
])('topoh says when it masks with the key of everybody: %j', async (parameters, warnings) => {
  const route = await start('topoh', parameters)
  expect(route.lines.filter(({ message }) => message.includes('mask_key')).length).toBe(warnings)
})

describe('topos', () => {
  test('names the socket that each side can reach', async () => {
    const route = await start('topos')
    const bob = route.party('tcp:10.0.0.7:5060')
    const alice = await invite('tcp', 'two-sockets')
    const seen = await bob.request('INVITE')
    expect(line(seen.message.raw, 'Contact')).toMatch(/^<sip:btpsh-[0-9a-z]+@127\.0\.0\.1:5070;transport=tcp>$/)
    expect(seen.message.raw).not.toMatch(/10\.0\.0\.6:|Record-Route/)
    await bob.answer(seen, 200, { toTag: 'bob', headers: 'Contact: <sip:bob@10.0.0.7:5060;transport=tcp>\r\n' })
    const answer = (await alice.reply(200)).message.raw
    expect(line(answer, 'Contact')).toMatch(/^<sip:atpsh-[0-9a-z]+@127\.0\.0\.1>$/)
    expect(answer).not.toMatch(/10\.0\.0\.7|Record-Route/)
    await ack({ alice, callId: 'two-sockets', answer }, 'bob')
    const acknowledged = await bob.request('ACK')
    expect(acknowledged.message.raw).toMatch(/^ACK sip:bob@10\.0\.0\.7:5060;transport=tcp SIP/)
    expect(lines(acknowledged.message.raw, 'Via')).toHaveLength(1)
  })

  test('leads to whoever answered of a fork', async () => {
    const route = await start('topos')
    const [bob, carol] = [route.party('udp:10.0.0.7:5060'), route.party('udp:10.0.0.8:5060')]
    const alice = await invite('both', 'fork')
    const [atBob, atCarol] = [await bob.request('INVITE'), await carol.request('INVITE')]
    expect(line(atBob.message.raw, 'Contact')).toBe(line(atCarol.message.raw, 'Contact'))
    await carol.answer(atCarol, 180, { toTag: 'carol', headers: 'Contact: <sip:carol@10.0.0.8>\r\n' })
    await bob.answer(atBob, 180, { toTag: 'bob', headers: 'Contact: <sip:bob@10.0.0.7>\r\n' })
    await carol.answer(atCarol, 200, { toTag: 'carol', headers: 'Contact: <sip:carol@10.0.0.8>\r\n' })
    const answer = (await alice.reply(200)).message.raw
    await ack({ alice, callId: 'fork', answer }, 'carol')
    expect((await carol.request('ACK')).message.raw).toMatch(/^ACK sip:carol@10\.0\.0\.8 SIP/)
  })

  test('can keep the user, and its own word in a parameter', async () => {
    const route = await start(
      'topos',
      'modparam("topos", "contact_mode", 1)\nmodparam("topos", "contact_host", "border.example")\n',
    )
    const bob = route.party('udp:10.0.0.7:5060')
    await invite('bob', 'parameter')
    const seen = await bob.request('INVITE')
    expect(line(seen.message.raw, 'Contact')).toMatch(/^<sip:alice@border\.example;tps=btpsh-[0-9a-z]+>$/)
  })

  test('leaves a made-up word, replies of our own and registrations as they are', async () => {
    const route = await start('topos')
    const bob = route.party('udp:10.0.0.7:5060')
    const alice = route.party('udp:10.0.0.6:5060')
    await alice.send(request('OPTIONS', { uri: 'sip:atpsh-0123@127.0.0.1' }))
    const reply = (await alice.reply(200)).message.raw
    expect(reply).not.toContain('Contact')
    expect(cfg.said()).toEqual(['OPTIONS sip:atpsh-0123@127.0.0.1'])
    await alice.send(request('REGISTER', { uri: 'sip:127.0.0.1' }))
    const registered = (await bob.request('REGISTER')).message.raw
    expect(lines(registered, 'Via')).toHaveLength(2)
    expect(line(registered, 'Contact')).toContain('alice@10.0.0.6')
  })

  test('keeps what begins no dialog no longer than its replies take', async () => {
    const route = await start('topos')
    const [alice, bob] = [route.party('udp:10.0.0.6:5060'), route.party('udp:10.0.0.7:5060')]
    for (const method of ['MESSAGE', 'SUBSCRIBE']) {
      await alice.send(
        request(method, { uri: 'sip:bob@127.0.0.1', callId: method, fromTag: 'a', from: 'udp:10.0.0.6:5060' }),
      )
      await bob.answer(await bob.request(method), 200, { toTag: 'b' })
      await alice.reply(200)
    }
    expect(await route.engine.command('topos.sizes', [])).toEqual({ dialogs: 2, branches: 2 })
    await route.advance(181_000)
    expect(await route.engine.command('topos.sizes', [])).toEqual({ dialogs: 1, branches: 0 })
  })

  test('has no third way to keep its word', () => {
    const problem = checkParameters([{ module: 'topos', name: 'contact_mode', value: 2 }])
    expect(problem[0]?.message).toContain('contact_mode is 0')
    expect(checkParameters([{ module: 'topos', name: 'context', value: 'much-too-long-a-name' }])).toHaveLength(1)
  })
})

describe.each(['topoh', 'topos'])('an event route of %s', (module) => {
  const events = `
event_route[${module}:msg-outgoing] { xlog("to $sndto(ip):$sndto(port) $sndto(proto)\\n"); if ($sndto(ip) == "10.0.0.8") drop; }
event_route[${module}:msg-sending] { if (is_method("INVITE") && $hdr(X-Plain) == "yes") drop; }
`
  const reaches = async (callId: string, headers: Record<string, string>): Promise<string[]> => {
    const [bob, carol] = [cfg.route.party('udp:10.0.0.7:5060'), cfg.route.party('udp:10.0.0.8:5060')]
    const alice = cfg.route.party('udp:10.0.0.6:5060')
    await alice.send(request('INVITE', { uri: 'sip:both@127.0.0.1', callId, fromTag: 'alice', headers }))
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
    await cfg.route.settle()
    return [(await bob.request('INVITE')).message.raw, (await carol.request('INVITE')).message.raw]
  }
  const hidden = /\r\nContact: <sip:(?:btpsh-|127\.0\.0\.8;line=sr-)/
  const plain = /\r\nContact: <sip:alice@10\.0\.0\.6/

  test('keeps messages to some places as they are', async () => {
    await start(module, events)
    const [atBob, atCarol] = await reaches('places', {})
    expect(atBob).toMatch(hidden)
    expect(atCarol).toMatch(plain)
    expect(atCarol).not.toContain('TH=')
    expect(cfg.said()).toContain('to 10.0.0.8:5060 1')
  })

  test('sees what is about to leave', async () => {
    await start(module, events)
    for (const text of await reaches('messages', { 'X-Plain': 'yes' })) expect(text).toMatch(plain)
  })

  test('is not asked where event_mode says so', async () => {
    await start(module, `modparam("${module}", "event_mode", 0)\n${events}`)
    for (const text of await reaches('none', { 'X-Plain': 'yes' })) expect(text).toMatch(hidden)
  })
})

describe('topoh', () => {
  test('is read by nobody without the key, and takes nothing that was forged', () => {
    const [one, same, other] = [new TopologyCipher('a'), new TopologyCipher('a'), new TopologyCipher('b')]
    const uri = 'sip:alice@10.0.0.6:5060;transport=tcp'
    const masked = one.mask(uri)
    expect(masked).toMatch(/^[A-Za-z0-9_-]+$/)
    expect(one.mask(uri)).toBe(masked)
    expect(same.unmask(masked)).toBe(uri)
    expect(other.unmask(masked)).toBeUndefined()
    for (let i = 0; i < masked.length; i += 7) {
      const forged = `${masked.slice(0, i)}${masked[i] === 'A' ? 'B' : 'A'}${masked.slice(i + 1)}`
      expect(one.unmask(forged)).toBeUndefined()
    }
    for (const wrong of ['', 'x', 'sr-', masked.slice(0, 10), 'a b', 'A'.repeat(5000)])
      expect(one.unmask(wrong)).toBeUndefined()
  })

  test('masks no message of our own, and decodes none that is not masked', async () => {
    const route = await start('topoh')
    const alice = route.party('udp:10.0.0.6:5060')
    await alice.send(request('OPTIONS', { uri: 'sip:127.0.0.8;line=sr-nonsense' }))
    const reply = (await alice.reply(200)).message.raw
    expect(reply).not.toMatch(/TH=|sr-(?!nonsense)/)
    expect(cfg.said()).toEqual(['OPTIONS sip:127.0.0.8;line=sr-nonsense'])
  })

  test('gives a Call-ID a mask that goes to the same worker', async () => {
    const route = await start('topoh', 'modparam("topoh", "mask_callid", 1)\n')
    const bob = route.party('udp:10.0.0.7:5060')
    const alice = route.party('udp:10.0.0.6:5060')
    for (const callId of ['one', 'two@10.0.0.6', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6@foo.bar.com']) {
      await alice.send(request('INVITE', { uri: 'sip:bob@127.0.0.1', callId, fromTag: 'alice' }))
      const seen = await bob.request('INVITE')
      const masked = seen.message.callId
      expect(masked).toMatch(/^!!:[\w-]+\.[0-9a-z]+$/)
      for (let workers = 2; workers <= 8; workers++) expect(shardOf(masked, workers)).toBe(shardOf(callId, workers))
      await bob.answer(seen, 486)
      expect((await alice.reply(486)).message.callId).toBe(callId)
      // What is made here goes the way of its INVITE.
      expect((await bob.request('ACK')).message.callId).toBe(masked)
    }
  })

  test('masks no more of one header than any call has', async () => {
    const route = await start('topoh')
    const bob = route.party('tcp:10.0.0.7:5060')
    const alice = route.party('udp:10.0.0.6:5060')
    const hops = Array.from({ length: 150 }, (_, hop) => `<sip:10.1.1.${hop}>`)
    const headers = { 'Record-Route': hops.join(',') }
    await alice.send(request('INVITE', { uri: 'sip:tcp@127.0.0.1', callId: 'many', fromTag: 'alice', headers }))
    const { raw } = (await bob.request('INVITE')).message
    const masked = raw.match(/<sip:127\.0\.0\.8;line=sr-/g) ?? []
    // 128, of which two are our own, and the Contact.
    expect(masked).toHaveLength(127)
  })

  test('hides hops behind us from the caller', async () => {
    const route = await start('topoh', 'modparam("topoh", "mask_ip", "192.168.7.7")\n')
    const bob = route.party('udp:10.0.0.7:5060')
    const alice = await invite('bob', 'behind')
    const seen = await bob.request('INVITE')
    const own = line(seen.message.raw, 'Record-Route')
    const { raw } = seen.message
    const repeated = ['From', 'Call-ID', 'CSeq'].map((name) => `${name}: ${line(raw, name)}`)
    const head = [
      'SIP/2.0 200 OK',
      ...lines(raw, 'Via').map((via) => `Via: ${via}`),
      `Record-Route: <sip:10.1.1.1;lr>, ${own}`,
      ...repeated,
      `To: ${line(raw, 'To')};tag=bob`,
      'Contact: <sip:bob@10.0.0.7>',
      'Content-Length: 0',
    ]
    bob.endpoint.answer(seen.received, `${head.join('\r\n')}\r\n\r\n`)
    await route.settle()
    const answer = (await alice.reply(200)).message.raw
    expect(answer).not.toMatch(/10\.1\.1\.1|10\.0\.0\.7/)
    const [hidden, ours] = lines(answer, 'Record-Route').flatMap((value) => value.split(/,\s*/))
    expect(hidden).toMatch(/^<sip:192\.168\.7\.7;line=sr-[\w-]+>$/)
    expect(ours).toContain('127.0.0.1')
    await ack(
      { alice, callId: 'behind', answer: answer.replace(hidden!, '').replace('Record-Route: , ', 'Record-Route: ') },
      'bob',
    )
    expect((await bob.request('ACK')).message.raw).toMatch(/^ACK sip:bob@10\.0\.0\.7 SIP/)
  })
})
