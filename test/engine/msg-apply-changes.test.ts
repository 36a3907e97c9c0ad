// Owns msg_apply_changes across guest, host and proxy: readers see the changed message, and it is what leaves.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { matchers, RouteUnderTest, request, sdp } from '../../src/testkit/index.ts'

expect.extend(matchers)

const folder = mkdtempSync(join(tmpdir(), 'signalbox-apply-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('a header and a body put in before it are read, edited and sent after it', async () => {
  const file = join(folder, 'route.ts')
  writeFileSync(
    file,
    `import { insertHf, msgApplyChanges, rewriteHostPort, rtpManage, type SipRequest, substBody, tRelay } from 'signalbox'
export const config = { listen: ['udp:127.0.0.1:5060'] }
export async function request_route(req: SipRequest) {
  await rtpManage('SRTP direction=internal direction=external')
  insertHf('X-Before: 1\\r\\n')
  const unseen = req.header('X-Before')
  const applied = msgApplyChanges()
  insertHf('X-Seen: ' + unseen + ' ' + applied + ' ' + req.header('X-Before') + '\\r\\n')
  substBody('/^(a=rtpmap:0 PCMU)/a=note:kept\\r\\n\\\\1/')
  rewriteHostPort('127.0.0.1:5080')
  return tRelay()
}
`,
  )
  const route = await RouteUnderTest.load(file)
  const alice = route.party('udp:127.0.0.6:5060')
  const bob = route.party('udp:127.0.0.1:5080')
  await alice.send(request('INVITE', { from: 'udp:127.0.0.6:5060', body: sdp('127.0.0.6', 4000) }))
  const invite = await bob.request('INVITE')
  expect(invite).toHaveHeader('X-Seen', 'undefined true 1')
  expect(invite).toHaveHeader('X-Before', '1')
  expect(invite).toHaveSdp({ protocol: 'RTP/SAVP', address: '25.25.25.5', has: ['a=note:kept', /^a=crypto:1 /] })
  expect(invite).toHaveHeader('Content-Length', String(invite.message.body.length))
  await route.close()
})

test('a Record-Route written before it, and a longer R-URI: each stands at its own place', async () => {
  const file = join(folder, 'record-route.ts')
  writeFileSync(
    file,
    `import { msgApplyChanges, recordRoute, setUri, tRelay } from 'signalbox'
export const config = { listen: ['udp:127.0.0.1:5060'] }
export async function request_route() {
  recordRoute()
  setUri('sip:a-much-longer-user@127.0.0.1:5080;user=phone')
  msgApplyChanges()
  return tRelay()
}
`,
  )
  const route = await RouteUnderTest.load(file)
  const bob = route.party('udp:127.0.0.1:5080')
  await route.party('udp:127.0.0.6:5060').send(request('INVITE', { from: 'udp:127.0.0.6:5060', uri: 'sip:b@x.org' }))
  const invite = await bob.request('INVITE')
  expect(invite).toRelayTo('sip:a-much-longer-user@127.0.0.1:5080;user=phone')
  expect(invite).toHaveHeader('Record-Route', /^<sip:127\.0\.0\.1(:5060)?;lr/)
  await route.close()
})
