// Checks the load balancer, route.ts and route.cfg alike.
import { matchers, type Party, RouteUnderTest, request } from 'signalbox/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

expect.extend(matchers)

const FROM = 'udp:127.0.0.6:5060'

describe.each(['examples/load-balancer/route.ts', 'examples/load-balancer/route.cfg'])('%s', (file) => {
  let route: RouteUnderTest
  let alice: Party
  let servers: Party[]

  beforeEach(async () => {
    route = await RouteUnderTest.load(file)
    alice = route.party(FROM)
    servers = ['udp:127.0.0.21:5060', 'udp:127.0.0.22:5060'].map((at) => route.party(at))
  })

  afterEach(() => route.close())

  /** Calls that each server got. */
  const counts = () => servers.map((each) => each.history.filter(({ message }) => /^INVITE/.test(message.raw)).length)

  async function calls(count: number, from = 0): Promise<void> {
    for (let i = from; i < from + count; i++) {
      await alice.send(request('INVITE', { from: FROM, callId: `call-${i}` }))
      for (const server of servers)
        for (const arrived of await server.unread())
          if (/^INVITE/.test(arrived.message.raw))
            await server.answer(await server.request('INVITE'), 200, { toTag: 's' })
      expect(await alice.reply()).toReplyWith(200)
    }
  }

  test('calls take turns', async () => {
    await calls(6)
    expect(counts()).toEqual([3, 3])
  })

  test('one user meets one server', async () => {
    for (let i = 0; i < 4; i++) {
      const user = { From: '<sip:alice@example.com>;tag=a' }
      await alice.send(request('REGISTER', { from: FROM, callId: `register-${i}`, headers: user }))
    }
    expect(servers.map((each) => each.history.length).sort()).toEqual([0, 4])
  })

  test('a server that fails is left out, and comes back with its answer', async () => {
    await alice.send(request('INVITE', { from: FROM, callId: 'failing' }))
    const [failing, other] =
      (await servers[0]!.unread()).length > 0 ? [servers[0]!, servers[1]!] : [servers[1]!, servers[0]!]
    await failing.answer(await failing.request('INVITE'), 503)
    await other.answer(await other.request('INVITE'), 200, { toTag: 's' })
    expect(await alice.reply()).toReplyWith(200)
    const before = failing.history.length
    await calls(3)
    expect(failing.history.length).toBe(before)
    await route.advance(10_000)
    await failing.answer(await failing.request('OPTIONS'), 200)
    await other.answer(await other.request('OPTIONS'), 404)
    await calls(4, 10)
    expect(failing.history.filter(({ message }) => /^INVITE/.test(message.raw))).toHaveLength(3)
  })

  test('servers take calls, they make none here', async () => {
    await servers[0]!.send(request('INVITE', { from: 'udp:127.0.0.21:5060' }))
    expect(await servers[0]!.reply()).toReplyWith(403)
  })
})
