// Checks module htable: expiry and its event, the order of a walk, definitions that are wrong.
import { afterEach, expect, test } from 'vitest'
import { checkParameters } from '../../src/services/index.ts'
import { request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'

let cfg: CfgRoute
afterEach(() => cfg?.close())

test('an entry expires, and its event route hears of it', async () => {
  cfg = await cfgRoute(
    'tm sl pv xlog textops htable',
    `modparam("htable", "htable", "ban=>size=4;autoexpire=30;")
modparam("htable", "timer_interval", 5)
event_route[htable:mod-init] { xlog("begun [$sht(ban=>10.0.0.1)]\\n"); }
event_route[htable:expired:ban] { xlog("expired $shtrecord(key) $shtrecord(value)\\n"); }
request_route { $sht(ban=>$si) = $ci; xlog("left $shtex(ban=>$si)\\n"); sl_send_reply("200", "OK"); }`,
  )
  const alice = cfg.route.party('udp:127.0.0.6:5060')
  await alice.send(request('OPTIONS', { from: 'udp:127.0.0.6:5060', callId: 'one' }))
  await cfg.route.advance(29_000)
  expect(cfg.said()).toEqual(['begun [<null>]', 'left 30'])
  await cfg.route.advance(7000)
  await cfg.route.settle()
  expect(cfg.said()).toEqual(['begun [<null>]', 'left 30', 'expired 127.0.0.6 one'])
})

test('a definition that is none is refused with its reason', () => {
  const problem = (value: string) => checkParameters([{ module: 'htable', name: 'htable', value }])[0]?.message
  expect(problem('a=>size=8;autoexpire=60;')).toBeUndefined()
  expect(problem('a')).toMatch(/defined as/)
  expect(problem('a=>sise=8')).toBe('table a: unknown attribute sise')
  expect(problem('a=>size=big')).toBe('table a: size must be a number')
})
