// Checks module dispatcher: probes, states, events, failover, the figures of its commands.
import { afterEach, describe, expect, test } from 'vitest'
import { Destination, readList } from '../../src/services/dispatcher-destination.ts'
import { DestinationSet } from '../../src/services/dispatcher-set.ts'
import { type Party, request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'

const MODULES = 'tm sl rr pv xlog textops siputils dispatcher'
const LIST = '1 sip:127.0.0.2:5070 0 10\n1 sip:127.0.0.3:5070 0 5 weight=50\n'

let cfg: CfgRoute

afterEach(() => cfg?.close())

async function begin(parameters: string, routes: string, list = LIST): Promise<[Party, Party, Party]> {
  const head = `modparam("dispatcher", "list_file", "list")\nmodparam("dispatcher", "flags", 2)\nmodparam("tm", "fr_timer", 1000)\n${parameters}`
  cfg = await cfgRoute(MODULES, `${head}\n${routes}`, { list })
  const { route } = cfg
  return [route.party('udp:127.0.0.6:5060'), route.party('udp:127.0.0.2:5070'), route.party('udp:127.0.0.3:5070')]
}

describe('probes', () => {
  const PARAMETERS = `
modparam("dispatcher", "ds_ping_interval", 10)
modparam("dispatcher", "ds_ping_from", "sip:probe@border.example.com")
modparam("dispatcher", "ds_probing_mode", 1)
modparam("dispatcher", "ds_probing_threshold", 2)`
  const ROUTES = `
event_route[dispatcher:dst-down] { xlog("down $ru $dsv(code)\\n"); }
event_route[dispatcher:dst-up] { xlog("up $ru $dsv(code) $dsv(reason)\\n"); }
event_route[tm:local-request] { append_hf("Contact: <sip:border.example.com>\\r\\n"); }
request_route { if (ds_select_dst("1", "8")) xlog("chosen $du\\n"); sl_send_reply("200", "OK"); }`

  test('silence takes a destination away, an answer brings it back', async () => {
    const [alice, first] = await begin(PARAMETERS, ROUTES)
    const { route } = cfg
    await route.advance(10_000)
    const probe = await first.request('OPTIONS')
    expect(probe.message.header('From')).toMatch(/^<sip:probe@border\.example\.com>;tag=/)
    expect(probe.message.header('Contact')).toBe('<sip:border.example.com>')
    await first.answer(probe, 200)
    for (let round = 0; round < 4; round++) await route.advance(10_000)
    expect(cfg.said().filter((line) => line.startsWith('down'))).toEqual([
      'down sip:127.0.0.3:5070 408',
      'down sip:127.0.0.2:5070 408',
    ])
    for (let i = 0; i < 9 && (await first.unread()).length > 1; i++) await first.request('OPTIONS')
    await route.advance(10_000)
    for (const late of [...(await first.unread())]) {
      await first.request('OPTIONS')
      await first.answer(late, 200)
    }
    await route.settle()
    expect(cfg.said()).toContain('up sip:127.0.0.2:5070 200 OK')
    await alice.send(request('OPTIONS', { from: 'udp:127.0.0.6:5060' }))
    expect(cfg.said()).toContain('chosen sip:127.0.0.2:5070')
  })
})

test('a call goes on to the next destination, and the failed one is left out afterwards', async () => {
  const [alice, first, second] = await begin(
    '',
    `request_route {
  if (!ds_select_dst("1", "4")) { sl_send_reply("503", "None left"); exit; }
  t_on_failure("NEXT"); t_relay();
}
failure_route[NEXT] {
  if (t_check_status("5..")) { ds_mark_dst("ip"); if (ds_next_dst()) { t_on_failure("NEXT"); t_relay(); exit; } }
}`,
  )
  await alice.send(request('INVITE', { from: 'udp:127.0.0.6:5060', callId: 'one' }))
  await first.answer(await first.request('INVITE'), 503)
  const invite = await second.request('INVITE')
  await second.answer(invite, 200, { toTag: 'b' })
  expect((await alice.reply()).message.raw).toMatch(/^SIP\/2.0 200/)
  await alice.send(request('INVITE', { from: 'udp:127.0.0.6:5060', callId: 'two' }))
  expect((await second.request('INVITE')).message.callId).toBe('two')
})

describe('algorithms', () => {
  const set = (lines: string) => {
    const made = new DestinationSet(1)
    const rows = readList(lines)
    if (typeof rows === 'string') throw new Error(rows)
    for (const row of rows) made.add(new Destination(row))
    return made
  }
  let seed = 7
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below
  const counted = (from: DestinationSet, algorithm: number, times: number) => {
    const counts: Record<string, number> = {}
    for (let i = 0; i < times; i++) {
      const [first] = from.choose({ algorithm, hash: undefined, limit: 0, useDefault: false, random })
      counts[first!.uri] = (counts[first!.uri] ?? 0) + 1
    }
    return counts
  }

  test('weights decide of a hundred calls', () => {
    const weighted = set('1 sip:a 0 0 weight=50\n1 sip:b 0 0 weight=30\n1 sip:c 0 0 weight=20')
    expect(counted(weighted, 9, 200)).toEqual({ 'sip:a': 100, 'sip:b': 60, 'sip:c': 40 })
  })

  test('relative weights are those of the destinations in use', () => {
    const relative = set('1 sip:a 0 0 rweight=50\n1 sip:b 0 0 rweight=25\n1 sip:c 1 0 rweight=25')
    const counts = counted(relative, 11, 100)
    expect(counts['sip:c']).toBeUndefined()
    expect(counts['sip:a']).toBeGreaterThan(60)
  })

  test('the load decides, up to a limit', () => {
    const loaded = set('1 sip:a 0 0 duid=a;maxload=2\n1 sip:b 0 0 duid=b;maxload=1')
    for (const each of loaded.destinations) each.load = each.attributes.maxload
    expect(loaded.choose({ algorithm: 10, hash: undefined, limit: 0, useDefault: false, random })).toEqual([])
    loaded.destinations[1]!.load = 0
    expect(loaded.choose({ algorithm: 10, hash: undefined, limit: 0, useDefault: false, random })[0]!.uri).toBe('sip:a')
  })

  test('latency lowers a priority', () => {
    const fast = set('1 sip:a 0 30\n1 sip:b 0 30')
    for (const each of fast.destinations) each.measure(each.uri === 'sip:a' ? 20 : 5, 0.9)
    expect(counted(fast, 13, 10)).toEqual({ 'sip:b': 10 })
  })

  test('a line that is none is named', () => {
    expect(readList('1 sip:a\nnonsense')).toMatch(/^line 2:/)
  })
})
