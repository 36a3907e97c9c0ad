// Owns the comparison with rtpengine: the same NG requests to both, their SDP line by line.
//
// Masked: ports (as their distance from the m-line's), keys, line ends (rtpengine keeps a lone LF on lines that it did not
// write), and `a=rtpmap:N /0`, which rtpengine writes for a dynamic payload without rtpmap.
// Not asked, because the answers differ on purpose (more, body by body, in ng-requests.ts):
// - SRTP without SDES flags: rtpengine offers 12 suites, the relay the 8 of them that protect (not F8, not NULL).
// - ICE and DTLS: in a comparison of their own (ng-ice-differential.test.ts).
// - transport-protocol in an answer: rtpengine answers with it, the relay with the profile that was offered (RFC 3264 6).
// - an answer to SRTP that takes no offered line, or is plain: rtpengine goes on, the relay refuses it (RFC 4568 7.1.3).
// - a second answer of the same party with other codecs: rtpengine narrows it to those of the first one.
// - ports in a re-offer without port-latching: rtpengine may open new ones, the relay keeps them (they are masked here).
// - a=rtcp-mux in the session part: rtpengine leaves it there; it is an attribute of the media (RFC 5761 5.1.1).
// - ICE=optional and ICE=force-relay: the same candidates, but rtpengine leaves those of the party where they stand, and gives its own on
//   further addresses priorities beyond 2^31.
// - what 10.5.3 does not know yet and the relay does: sdp-attr, sdp-media-remove, SDES only-, order:, nonew, replace-origin and its like in
//   `flags`, underscores in keys.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningRelay, runRelay } from '../../src/media/index.ts'
import type { NgDictionary } from '../../src/media/ng/bencode.ts'
import { audioDialogues } from './ng-audio.ts'
import { dialogues } from './ng-dialogues.ts'
import { maskedSdp } from './ng-mask.ts'
import { NgAsker, startRtpengine } from './ng-peers.ts'
import { ANSWER, answerTo, BROAD_ANSWER, broadAnswerTo, type Conversation, matrix } from './ng-requests.ts'
import { describeWithPeers } from './peers.ts'

const INTERFACES = ['internal/127.0.0.1', 'external/127.0.0.1!25.25.25.5', 'internal/::1', 'external/::1!2001:db8::5']

/** What is compared of a reply that has no SDP. */
function outcome(reply: NgDictionary): string[] {
  const reason = String(reply['error-reason'] ?? '')
  // After rtpengine's own words come the particulars.
  return [String(reply.result), reason.split(':')[0]!, String(reply.warning ?? '')]
}

describeWithPeers('NG requests get what rtpengine gives', ['rtpengine'], () => {
  let theirs: Awaited<ReturnType<typeof startRtpengine>>
  let relay: RunningRelay
  let ours: NgAsker
  let compared = 0

  beforeAll(async () => {
    theirs = await startRtpengine(49_401, INTERFACES, [43_600, 44_190])
    relay = await runRelay({ interface: INTERFACES, listenNg: '127.0.0.1:49402', portMin: 44_200, portMax: 44_890 })
    ours = new NgAsker(49_402)
  })

  afterAll(async () => {
    ours?.close()
    await relay?.close()
    await theirs?.stop()
  })

  async function hold(conversation: Conversation, callId: string): Promise<void> {
    let [theirOffer, ourOffer] = ['', '']
    for (const [index, { command, keys }] of conversation.steps.entries()) {
      const request = (offer: string) => ({
        'call-id': callId,
        ...keys,
        command,
        ...(keys.sdp === ANSWER ? { sdp: answerTo(offer) } : {}),
        ...(keys.sdp === BROAD_ANSWER ? { sdp: broadAnswerTo(offer) } : {}),
      })
      const [their, our] = await Promise.all([theirs.asker.ask(request(theirOffer)), ours.ask(request(ourOffer))])
      compared++
      const where = `${conversation.name}, step ${index + 1} (${command})`
      if (typeof their.sdp === 'string') {
        expect(our.sdp, `${where}: ${our['error-reason']}`).toBeTypeOf('string')
        expect(maskedSdp(our.sdp as string), where).toEqual(maskedSdp(their.sdp))
        if (command === 'offer') [theirOffer, ourOffer] = [their.sdp, our.sdp as string]
      } else {
        expect(outcome(our), where).toEqual(outcome(their))
      }
    }
  }

  for (const [index, conversation] of [...dialogues(), ...audioDialogues(), ...matrix()].entries())
    test(conversation.name, async () => {
      const callId = `diff-${process.pid}-${index}`
      try {
        await hold(conversation, callId)
      } finally {
        const end = { command: 'delete', 'call-id': callId, 'delete-delay': 0 }
        await Promise.all([theirs.asker.ask(end), ours.ask(end)])
      }
    })

  test('300 requests and more were compared, and nothing is left open', () => {
    expect(compared).toBeGreaterThanOrEqual(300)
    expect(relay.relay.sessions).toBe(0)
    expect(relay.relay.streams).toBe(0)
  })
})
