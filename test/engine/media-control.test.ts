// Owns the tests of scripts that play, press, record and withhold: what the relay is asked, and the event of a key.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RouteUnderTest } from 'signalbox/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const SDP =
  'v=0\r\no=- 1 1 IN IP4 10.0.0.8\r\ns=-\r\nc=IN IP4 10.0.0.8\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n'

const CFG = `
listen=udp:10.0.0.5:5060
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "rtpengine.so"
modparam("rtpengine", "media_duration", "$avp(length)")
modparam("rtpengine", "dtmf_event_callid", "$avp(whose)")
request_route {
  if (is_method("INVITE")) { rtpengine_offer(); sl_send_reply("200", "OK"); exit; }
  if (is_method("UPDATE")) { rtpengine_answer(); sl_send_reply("200", "OK"); exit; }
  if (is_method("INFO")) { if (play_dtmf()) { sl_send_reply("200", "Pressed"); } else { sl_send_reply("400", "No"); } exit; }
  if ($hdr(X-Do) == "play") {
    if (play_media("blob=x")) { sl_send_reply("200", "Plays $avp(length)"); } else { sl_send_reply("500", "Failed"); }
  } else if ($hdr(X-Do) == "block") {
    block_dtmf("directional"); silence_media(); sl_send_reply("200", "OK");
  } else if ($hdr(X-Do) == "record") {
    start_recording("metadata=seven"); pause_recording(); stop_recording(); sl_send_reply("200", "OK");
  } else if ($hdr(X-Do) == "stat") {
    rtpengine_query(); sl_send_reply("200", "$rtpstat");
  } else if ($hdr(X-Do) == "json") {
    if (rtpengine_query_v("j", "$var(counters)")) { xlog("$var(counters)\\n"); sl_send_reply("200", "OK"); }
    else sl_send_reply("500", "None");
  } else if ($hdr(X-Do) == "trickle") {
    if (rtpengine_info()) sl_send_reply("200", "Taken"); else sl_send_reply("400", "No fragment");
  } else if ($hdr(X-Do) == "forwarding") {
    start_forwarding("all"); stop_forwarding(); sl_send_reply("200", "$rc");
  }
}
event_route[rtpengine:dtmf-event] {
  xlog("L_WARN", "key $avp(dtmf_event) $avp(dtmf_event_digit) of $avp(dtmf_event_source_tag) in $avp(whose) for $avp(dtmf_event_duration)\\n");
}
`

let folder: string
let route: RouteUnderTest
let alice: ReturnType<RouteUnderTest['party']>
let serial = 0

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'media-control-'))
  const file = join(folder, 'route.cfg')
  writeFileSync(file, CFG)
  route = await RouteUnderTest.load(file)
  alice = route.party('udp:10.0.0.8:5060')
})

afterEach(async () => {
  await route.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Resolves to the reason of the reply. */
async function ask(method: string, lines: readonly string[] = [], body = '', type = 'application/sdp') {
  const text = [
    `${method} sip:bob@10.0.0.5 SIP/2.0`,
    `Via: SIP/2.0/UDP 10.0.0.8:5060;branch=z9hG4bK${++serial}`,
    'From: <sip:alice@10.0.0.8>;tag=alice',
    `To: <sip:bob@10.0.0.9>${method === 'INVITE' ? '' : ';tag=bob'}`,
    'Call-ID: call',
    `CSeq: ${serial} ${method}`,
    ...lines,
    ...(body === '' ? [] : [`Content-Type: ${type}`]),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
  await alice.send(text)
  return (await alice.reply()).message.raw.split('\r\n')[0]!.slice('SIP/2.0 200 '.length)
}

async function establish(): Promise<void> {
  await ask('INVITE', [], SDP)
  // From and To change places: bob's answer comes in an UPDATE of his here.
  await route.relay.answer({ callId: 'call', fromTag: 'alice', toTag: 'bob', sdp: SDP, flags: '' })
}

describe('a script', () => {
  test('presses the key of an INFO', async () => {
    await establish()
    const relay = 'Signal=#\r\nDuration=160\r\n'
    expect(await ask('INFO', [], relay, 'application/dtmf-relay')).toBe('Pressed')
    expect(await ask('INFO', [], '5', 'application/dtmf')).toBe('Pressed')
    expect(await ask('INFO', [], 'x', 'text/plain')).toBe('No')
    expect(route.relay.native.keys.map(({ order }) => order)).toMatchObject([
      { event: 11, durationMillis: 160, payloadType: 101 },
      { event: 5, durationMillis: 250, payloadType: 101 },
    ])
  })

  test('withholds, and asks the relay with the sender named where it says so', async () => {
    await establish()
    await ask('MESSAGE', ['X-Do: block'])
    const asked = route.relay.operations.filter(({ command }) => command === 'control')
    expect(asked.map(({ request, error }) => [request.control, request.flags, error])).toEqual([
      ['block DTMF', 'directional', undefined],
      ['silence media', '', undefined],
    ])
    const [alice, bob] = [...route.relay.native.open.values()].map(({ config }) => config)
    expect([alice, bob].map((config) => [config?.blockDtmf, config?.media])).toEqual([
      [true, 'silence'],
      [false, 'silence'],
    ])
  })

  test('is told why a clip does not play, by its code', async () => {
    await establish()
    expect(await ask('MESSAGE', ['X-Do: play'])).toBe('Failed')
    await ask('MESSAGE', ['X-Do: record'])
    expect(route.relay.operations.filter(({ command }) => command === 'control').map(({ error }) => !error)).toEqual([
      false,
      true,
      true,
      true,
    ])
  })

  test('reads the counters of the call', async () => {
    await establish()
    const reply = await ask('MESSAGE', ['X-Do: stat'])
    expect(reply).toBe('RTP: 0 bytes, 0 packets, 0 errors; RTCP: 0 bytes, 0 packets, 0 errors')
  })

  test('reads the counters as JSON', async () => {
    expect(await ask('MESSAGE', ['X-Do: json'])).toBe('None')
    await establish()
    await ask('MESSAGE', ['X-Do: json'])
    const counters = JSON.parse(route.lines.findLast(({ fields }) => fields.script === true)!.message)
    expect(counters.result).toBe('ok')
    expect(Object.keys(counters.tags)).toEqual(['alice', 'bob'])
  })

  test('hands trickled candidates on, and takes no other body for them', async () => {
    await establish()
    const fragment = 'a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n'
    expect(await ask('MESSAGE', ['X-Do: trickle'], fragment, 'application/trickle-ice-sdpfrag')).toBe('Taken')
    expect(await ask('MESSAGE', ['X-Do: trickle'], SDP)).toBe('No fragment')
    const { command, request, error } = route.relay.operations.at(-1)!
    expect([command, request.flags, request.sdp, error]).toEqual(['offer', 'fragment', fragment, undefined])
  })

  test('forwards to a recording daemon, which our own relay has not', async () => {
    await establish()
    expect(await ask('MESSAGE', ['X-Do: forwarding'])).toBe('1')
  })

  test('hears of keys in its event route', async () => {
    await establish()
    route.relay.onDtmf?.({
      callId: 'call',
      tag: 'alice',
      tags: ['alice', 'bob'],
      address: '10.0.0.8',
      event: 10,
      digit: '*',
      durationMillis: 80,
      volume: 10,
      timestamp: 1,
    })
    await expect.poll(() => route.lines.map(({ message }) => message)).toContain('key 10 * of alice in call for 80')
  })
})
