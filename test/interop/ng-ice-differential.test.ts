// Owns the comparison with rtpengine over ICE and DTLS: the same NG requests to both, their SDP line by line.
//
// Masked: ports, keys, credentials, foundations, digests (ng-mask.ts). Not asked, because the answers differ on purpose:
// - an interface of several addresses: rtpengine opens a port and lists a candidate on each, the relay on the one of its c= line.
// - ICE=optional where ICE was offered, and ICE=force-relay: rtpengine leaves the other candidates and the far end's own DTLS in
//   place; the relay is the only candidate, and says so in a warning.
// - ICE=force in an answer to an offer without ICE: rtpengine answers with ICE, the relay does not (RFC 8839 4.2.2).
// - ICE=remove in an answer to an offer with ICE: rtpengine leaves a=ice-options and a=end-of-candidates behind, the relay nothing.
// - DTLS without a=setup, or with holdconn: rtpengine answers without DTLS, the relay reads actpass (RFC 5763 5).
// - c=0.0.0.0 beside ICE that does not trickle: rtpengine takes it for hold, the relay goes by the candidates.
// - ICE=force of media that is no RTP: rtpengine adds ICE, the relay does not.
// - SDES lines beside DTLS in a profile over TLS: rtpengine offers all suites, the relay only where SDES flags choose some (RFC 5764 8).
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningRelay, runRelay } from '../../src/media/index.ts'
import { iceConversations } from './ng-ice-requests.ts'
import { maskedSdp } from './ng-mask.ts'
import { NgAsker, startRtpengine } from './ng-peers.ts'
import { describeWithPeers } from './peers.ts'

const INTERFACES = ['internal/127.0.0.1', 'external/127.0.0.1!25.25.25.5']

describeWithPeers('ICE and DTLS in NG requests get what rtpengine gives', ['rtpengine'], () => {
  let theirs: Awaited<ReturnType<typeof startRtpengine>>
  let relay: RunningRelay
  let ours: NgAsker
  let compared = 0

  beforeAll(async () => {
    theirs = await startRtpengine(49_411, INTERFACES, [43_600, 44_190])
    relay = await runRelay({ interface: INTERFACES, listenNg: '127.0.0.1:49412', portMin: 44_200, portMax: 44_890 })
    ours = new NgAsker(49_412)
  })

  afterAll(async () => {
    ours?.close()
    await relay?.close()
    await theirs?.stop()
  })

  for (const [index, { name, steps }] of iceConversations().entries())
    test(name, async () => {
      for (const [step, { command, keys }] of steps.entries()) {
        const request = { 'call-id': `ice-${process.pid}-${index}`, ...keys, command }
        const [their, our] = await Promise.all([theirs.asker.ask(request), ours.ask(request)])
        compared++
        const where = `${name}, step ${step + 1} (${command})`
        if (typeof their.sdp !== 'string') continue
        expect(our.sdp, `${where}: ${our['error-reason']}`).toBeTypeOf('string')
        expect(maskedSdp(our.sdp as string), where).toEqual(maskedSdp(their.sdp))
      }
    })

  test('200 requests and more were compared, and nothing is left open', () => {
    expect(compared).toBeGreaterThanOrEqual(200)
    expect(relay.relay.sessions).toBe(0)
    expect(relay.relay.streams).toBe(0)
  })
})
