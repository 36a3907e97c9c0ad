// Checks the line about requests that a route leaves alone: it is written for those, and for no others.
import { afterEach, expect, test } from 'vitest'
import { request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from '../services/cfg-route.ts'

let cfg: CfgRoute
afterEach(() => cfg?.close())

test.each([
  ['nothing', 'return;', 1],
  ['forward()', '$du = "sip:127.0.0.2:5070"; forward();', 0],
  ['forward() to nowhere', '$du = "sip:127.0.0.2:5070;transport=tls"; forward();', 1],
  ['t_suspend()', 't_suspend(); exit;', 0],
  ['ts_store()', 't_newtran(); ts_store("sip:x@y.z"); exit;', 0],
  ['drop', 'drop;', 0],
  ['sl_send_reply()', 'sl_send_reply("200", "OK");', 0],
])('a route that ends with %s', async (_what, route, lines) => {
  cfg = await cfgRoute('tm tmx sl pv usrloc registrar tsilo', `request_route { ${route} }`)
  const alice = cfg.route.party('udp:127.0.0.6:5060')
  await alice.send(request('OPTIONS', { from: 'udp:127.0.0.6:5060' }))
  await cfg.route.settle()
  const told = cfg.route.lines.filter(({ message }) => message === 'the route neither relayed nor answered')
  expect(told).toHaveLength(lines)
  expect(await cfg.route.engine.metrics()).toContain(`signalbox_requests_unanswered_total ${lines}`)
})
