// Owns the proof that a browser and a PBX can talk: Chromium with ICE and DTLS-SRTP on one side, baresip with SDES or a
// phone of plain RTP on the other, a tone measured each way.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type RunningRelay, runRelay } from '../../src/media/index.ts'
import { BrowserPhone } from './browser.ts'
import { EngineUnderTest, scratch } from './engine.ts'
import { describeWithPeers } from './peers.ts'
import { CallingAgent } from './sip-ua.ts'
import { TonePhone } from './tone-phone.ts'

const BARESIP = { address: '127.0.0.3', port: 5080 }
const PROXY = { address: '127.0.0.1', port: 5060 }

/** Calls of a browser become calls of SDES; what the PBX answers is what a browser understands. */
const ROUTE = `
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "pv.so"
loadmodule "rtpengine.so"
listen=udp:${PROXY.address}:${PROXY.port}
request_route {
  if (has_totag()) {
    loose_route();
    if (is_method("BYE")) rtpengine_delete();
    t_relay();
    exit;
  }
  record_route();
  rtpengine_offer("RTP/SAVP DTLS=off SDES-only-AES_CM_128_HMAC_SHA1_80 ICE=remove rtcp-mux-demux replace-origin");
  t_on_reply("BACK");
  $du = "sip:${BARESIP.address}:${BARESIP.port}";
  t_relay();
}
onreply_route[BACK] {
  if (has_body("application/sdp")) rtpengine_answer("UDP/TLS/RTP/SAVPF ICE=force replace-origin");
}
`

describeWithPeers('calls between Chromium and a PBX', ['chromium', 'baresip', 'sox'], () => {
  const files = scratch()
  let browser: BrowserPhone

  beforeAll(async () => {
    browser = await BrowserPhone.open(440)
  }, 30_000)

  afterAll(async () => {
    await browser?.close()
    files.remove()
  })

  /** Until the tone of the other side is most of what the browser hears. */
  const browserHears = (frequency: number): Promise<void> =>
    expect.poll(() => browser.hears(frequency), { interval: 100, timeout: 10_000 }).toBeGreaterThan(0.9)

  describe('baresip, by SDES, through the engine', () => {
    let engine: EngineUnderTest
    let phone: ChildProcess
    let caller: CallingAgent

    beforeAll(async () => {
      phone = startBaresip('baresip', 'srtp-mand', files)
      engine = await EngineUnderTest.run([files.write('route.cfg', ROUTE), '--interface=127.0.0.1'])
      caller = await CallingAgent.open('127.0.0.1', PROXY)
    }, 30_000)

    afterAll(async () => {
      caller?.close()
      await engine?.stop()
      phone?.kill('SIGKILL')
    })

    test('each hears the other', async () => {
      await browser.reset()
      const call = await caller.callWith('bob', await browser.offer('PCMU'))
      expect(call.final.status, engine.text).toBe(200)
      await browser.accept(call.final.body)
      await browserHears(1000)
      expect(await browser.state()).toBe('connected')
      const [transport] = await browser.stats('transport')
      expect(transport).toMatchObject({ dtlsState: 'connected', iceState: 'connected' })
      expect(String(transport?.srtpCipher)).toMatch(/AES/)
      await expect
        .poll(async () => Number((await browser.stats('outbound-rtp'))[0]?.packetsSent), { timeout: 5000 })
        .toBeGreaterThan(120)
      expect(await caller.hangUp(call)).toBe(200)
      await expect.poll(() => recordedFrequency(join(files.folder, 'baresip')), { timeout: 5000 }).toBeGreaterThan(400)
      expect(recordedFrequency(join(files.folder, 'baresip'))).toBeLessThan(480)
    }, 40_000)
  })

  describe('a phone of plain RTP, through the relay', () => {
    let relay: RunningRelay
    let phone: TonePhone
    const call = { callId: 'c', fromTag: 'A' }

    beforeAll(async () => {
      relay = await runRelay({
        interface: ['127.0.0.1'],
        listenNg: '127.0.0.1:22222',
        portMin: 30_000,
        portMax: 30_200,
      })
    })
    afterEach(async () => {
      phone?.close()
      await relay.relay.delete({ ...call, flags: '' }).catch(() => undefined)
    })
    afterAll(() => relay?.close())

    async function browserCalls(
      flags: { offer?: string; answer?: string; change?: (sdp: string) => string } = {},
    ): Promise<void> {
      phone = await TonePhone.open(1000)
      await browser.reset()
      const sdp = await browser.offer('PCMU')
      const offer = await relay.relay.offer({
        ...call,
        sdp: (flags.change ?? ((text) => text))(sdp),
        flags: `RTP/AVP ICE=remove rtcp-mux-demux ${flags.offer ?? ''}`,
      })
      phone.talk(offer.sdp)
      const answer = await relay.relay.answer({
        ...call,
        toTag: 'B',
        sdp: phone.description,
        flags: flags.answer ?? '',
      })
      await browser.accept(answer.sdp)
      await talk()
    }

    async function talk(): Promise<void> {
      await browserHears(1000)
      await expect.poll(() => phone.hears(440), { interval: 100, timeout: 5000 }).toBeGreaterThan(0.9)
    }

    async function phoneCalls(flags: string): Promise<void> {
      phone = await TonePhone.open(1000)
      await browser.reset()
      const offer = await relay.relay.offer({
        ...call,
        sdp: phone.description,
        flags: `UDP/TLS/RTP/SAVPF ICE=force ${flags}`,
      })
      const sdp = await browser.answer(offer.sdp)
      const answer = await relay.relay.answer({ ...call, toTag: 'B', sdp, flags: 'RTP/AVP ICE=remove' })
      phone.talk(answer.sdp)
      await talk()
    }

    test('the browser calls; the relay is the active side', () => browserCalls(), 20_000)
    test('the browser calls; the relay is the passive side', () => browserCalls({ answer: 'DTLS=passive' }), 20_000)
    test('the browser calls; the relay is lite', () => browserCalls({ offer: 'ICE-lite=backward' }), 20_000)
    test(
      'the browser calls and shows no address: it is met by its own checks',
      () => browserCalls({ change: (sdp) => sdp.replace(/a=candidate.*\r\n/g, '') }),
      20_000,
    )
    test('the phone calls, rtcp-mux offered', () => phoneCalls('rtcp-mux-offer generate-mid'), 20_000)
    test(
      'the phone calls, rtcp-mux required, the relay is lite',
      () => phoneCalls('rtcp-mux-require ICE-lite=forward'),
      20_000,
    )

    test('the phone calls baresip, by DTLS-SRTP without ICE', async () => {
      const answering = startBaresip('dtls', 'dtls_srtp', files)
      const caller = await CallingAgent.open('127.0.0.1', BARESIP)
      try {
        phone = await TonePhone.open(440)
        const offer = await relay.relay.offer({ ...call, sdp: phone.description, flags: 'UDP/TLS/RTP/SAVP' })
        const answered = await caller.callWith('bob', offer.sdp)
        const answer = await relay.relay.answer({ ...call, toTag: 'B', sdp: answered.final.body, flags: 'RTP/AVP' })
        phone.talk(answer.sdp)
        await expect.poll(() => phone.hears(1000), { interval: 100, timeout: 8000 }).toBeGreaterThan(0.9)
        await expect
          .poll(async () => (await relay.relay.query({ ...call, flags: '' })).streams[1]!.rtpOut.packets, {
            timeout: 5000,
          })
          .toBeGreaterThan(100)
        expect(await caller.hangUp(answered)).toBe(200)
        await expect.poll(() => recordedFrequency(join(files.folder, 'dtls')), { timeout: 5000 }).toBeGreaterThan(400)
      } finally {
        caller.close()
        answering.kill('SIGKILL')
      }
    }, 30_000)

    test('the browser restarts ICE, and the call goes on', async () => {
      await browserCalls()
      const before = (await relay.relay.query({ ...call, flags: '' })).streams[0]!
      const sdp = await browser.offer('PCMU', { iceRestart: true })
      await relay.relay.offer({ ...call, toTag: 'B', sdp, flags: 'RTP/AVP ICE=remove rtcp-mux-demux' })
      const answer = await relay.relay.answer({ ...call, toTag: 'B', sdp: phone.description, flags: '' })
      await browser.accept(answer.sdp)
      phone.peer.heard.length = 0
      await talk()
      const after = (await relay.relay.query({ ...call, flags: '' })).streams[0]!
      expect(after.localPort).toBe(before.localPort)
      expect(after.srtpFailures).toEqual({})
    }, 20_000)

    test('a browser with another certificate than its SDP told hears nothing, and nobody hears it', async () => {
      phone = await TonePhone.open(1000)
      await browser.reset()
      const sdp = (await browser.offer('PCMU')).replace(/(a=fingerprint:sha-256 )../, '$100')
      const offer = await relay.relay.offer({ ...call, sdp, flags: 'RTP/AVP ICE=remove rtcp-mux-demux' })
      phone.talk(offer.sdp)
      const answer = await relay.relay.answer({ ...call, toTag: 'B', sdp: phone.description, flags: '' })
      await browser.accept(answer.sdp)
      await expect
        .poll(
          async () => (await relay.relay.query({ ...call, flags: '' })).streams.map((stream) => stream.srtpFailures),
          { timeout: 8000 },
        )
        .toContainEqual({ fingerprint: 1 })
      expect(phone.peer.heard).toEqual([])
      expect(await browser.hears(1000)).toBe(0)
    }, 20_000)
  })
})

/** Encryption mandatory, answers at once, sends 1000 Hz and records what it hears. */
function startBaresip(
  name: string,
  encryption: 'srtp-mand' | 'dtls_srtp',
  { folder, write }: ReturnType<typeof scratch>,
): ChildProcess {
  const tone = join(folder, 'tone1000.wav')
  execFileSync('sox', ['-n', '-r', '8000', '-c', '1', '-b', '16', tone, 'synth', '30', 'sine', '1000', 'gain', '-6'])
  const home = join(folder, name)
  mkdirSync(home)
  const { address, port } = BARESIP
  write(
    `${name}/config`,
    [
      'poll_method epoll',
      `sip_listen ${address}:${port}`,
      `net_interface ${address}`,
      'audio_player aufile',
      `audio_source aufile,${tone}`,
      'audio_alert aufile,/dev/null',
      'ausrc_srate 8000',
      'auplay_srate 8000',
      'ausrc_channels 1',
      'auplay_channels 1',
      'rtp_ports 22000-22098',
      'module_path /usr/lib/baresip/modules',
      ...['g711', 'aufile', 'sndfile', 'srtp', 'dtls_srtp'].map((module) => `module ${module}.so`),
      'module_app menu.so',
      'module_tmp account.so',
      `snd_path ${home}`,
      '',
    ].join('\n'),
  )
  write(
    `${name}/accounts`,
    `<sip:bob@${address}:${port};transport=udp>;regint=0;mediaenc=${encryption};audio_codecs=PCMU/8000/1;ptime=20;answermode=auto\n`,
  )
  return spawn('baresip', ['-f', home, '-t', '60'], { cwd: folder, stdio: 'ignore' })
}

/** What sox makes of the recording; 0 while there is none. */
function recordedFrequency(home: string): number {
  const recording = readdirSync(home).find((name) => name.endsWith('-dec.wav'))
  if (!recording) return 0
  const stat = execFileSync('sh', ['-c', 'sox "$1" -n stat 2>&1', 'sh', join(home, recording)], {
    encoding: 'utf8',
  })
  return Number(/Rough\s+frequency:\s+(\d+)/.exec(stat)?.[1] ?? 0)
}
