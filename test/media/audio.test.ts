// Owns the tests of audio through the whole relay: packets in, packets, events and files out.
import { createSocket } from 'node:dgram'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { DtmfEvent } from '../../src/media/index.ts'
import { toneShare as share } from '../interop/pcap.ts'
import { AudioRig, expand, portOf, type Rtp, sdp, toneWav } from './audio-rig.ts'
import { SrtpOracle } from './srtp-oracle.ts'

let rig: AudioRig
afterEach(() => rig?.close())

const silence = (law: 'PCMU' | 'PCMA', count = 160) => Buffer.alloc(count, law === 'PCMA' ? 0xd5 : 0xff)
const numbers = (packets: readonly Rtp[]) => packets.map(({ sequence }) => sequence)
const following = (packets: readonly Rtp[]) => packets.map((_, index) => packets[0]!.sequence + index)

describe('transcoding', () => {
  test('A-law is heard as mu-law, and back; numbers and timestamps stay', async () => {
    rig = new AudioRig()
    const { a, b } = await rig.call('8', '0', { codec: { transcode: ['PCMU'] } })
    const loud = Buffer.alloc(160, 0xaa)
    for (let i = 0; i < 3; i++) await a.say(8, loud)
    for (let i = 0; i < 3; i++) await b.say(0, Buffer.alloc(160, 0x80))
    await Promise.all([a.peer.hear(3), b.peer.hear(3)])
    expect(b.heard.map(({ type, timestamp }) => [type, timestamp])).toEqual([
      [0, 16_000],
      [0, 16_160],
      [0, 16_320],
    ])
    expect(expand(b.heard[0]!.payload, 'PCMU')[0]).toBe(32_124)
    expect(a.heard[0]!.type).toBe(8)
    expect(expand(a.heard[0]!.payload, 'PCMA')[0]).toBe(32_256)
  })

  test('two that have nothing in common understand each other without being asked', async () => {
    rig = new AudioRig()
    const { a, b } = await rig.call('8 101', '0')
    await a.say(8, Buffer.alloc(160, 0xaa))
    await b.peer.hear(1)
    expect(b.heard[0]).toMatchObject({ type: 0, payload: Buffer.alloc(160, 0x80) })
  })

  test('who knows no events hears the keys', async () => {
    rig = new AudioRig()
    const more = ['', 'a=rtpmap:96 telephone-event/8000\r\n'] as const
    const { a, b } = await rig.call('8', '0 96', { codec: { transcode: ['PCMU', 'telephone-event'] } }, more)
    await b.say(0, silence('PCMU'))
    await b.press(3, 96)
    const [speech, ...key] = (await a.peer.hear(5)) && a.heard
    expect(speech!.type).toBe(8)
    expect(key.every(({ type }) => type === 8)).toBe(true)
    const heard = key.flatMap(({ payload }) => expand(payload, 'PCMA'))
    expect(heard).toHaveLength(640)
    expect(Math.min(share(heard, 697), share(heard, 1477))).toBeGreaterThan(0.4)
    expect(numbers(a.heard)).toEqual(following(a.heard))
  })

  test('each side has its own numbers for events', async () => {
    rig = new AudioRig()
    const { a, b } = await rig.call('8 101', '8 96', {}, ['', 'a=rtpmap:96 telephone-event/8000\r\n'])
    await a.press(1)
    await b.press(2, 96)
    await b.press(4, 101)
    await Promise.all([a.peer.hear(12), b.peer.hear(6)])
    expect(new Set(b.heard.map(({ type }) => type))).toEqual(new Set([96]))
    expect(new Set(a.heard.map(({ type }) => type))).toEqual(new Set([101]))
  })

  test('packets of 20 ms become packets of 40 ms, and back', async () => {
    rig = new AudioRig()
    const { a, b } = await rig.call('8', '8', { ptime: 40 }, ['a=ptime:20\r\n', 'a=ptime:40\r\n'])
    for (let i = 0; i < 6; i++) await a.say(8, silence('PCMA'))
    for (let i = 0; i < 2; i++) await b.say(8, silence('PCMA', 320))
    await Promise.all([a.peer.hear(4), b.peer.hear(3)])
    expect(b.heard.map(({ payload }) => payload.length)).toEqual([320, 320, 320])
    expect(a.heard.map(({ payload }) => payload.length)).toEqual([160, 160, 160, 160])
    for (const side of [a, b]) expect(numbers(side.heard)).toEqual(following(side.heard))
    expect(a.heard.map(({ timestamp }) => timestamp)).toEqual([16_000, 16_160, 16_320, 16_480])
  })
})

describe('keys', () => {
  test('are told once, to JavaScript and as rtpengine tells them', async () => {
    const listener = createSocket('udp4')
    await new Promise<void>((resolve) => listener.bind(0, '127.0.0.1', resolve))
    const told: string[] = []
    listener.on('message', (bytes) => told.push(bytes.toString()))
    rig = new AudioRig({ dtmfLogDest: `127.0.0.1:${listener.address().port}` })
    const events: DtmfEvent[] = []
    rig.relay.onDtmf = (event) => events.push(event)
    const { id, a, b } = await rig.call('8 101', '8 101')
    rig.ask('block DTMF', { 'call-id': id })
    await a.press(11)
    await a.press(0)
    await expect.poll(() => told.length).toBe(2)
    listener.close()
    expect(events.map(({ digit, tag, durationMillis, volume }) => [digit, tag, durationMillis, volume])).toEqual([
      ['#', 'A', 80, 10],
      ['0', 'A', 80, 10],
    ])
    expect(JSON.parse(told[0]!)).toEqual({
      callid: id,
      source_tag: 'A',
      tags: ['A', 'B'],
      type: 'DTMF',
      timestamp: expect.any(Number),
      source_ip: '127.0.0.1',
      event: 11,
      duration: 80,
      volume: 10,
    })
    expect(b.heard).toEqual([])
  })

  test('are pressed for a party: as events among what it says', async () => {
    rig = new AudioRig()
    const { id, a, b } = await rig.call('0 101', '0 101')
    await a.say(0, silence('PCMU'))
    expect(
      rig.ask('play DTMF', { 'call-id': id, 'from-tag': 'A', code: '*', duration: 100, volume: -5 }),
    ).toMatchObject({
      result: 'ok',
    })
    for (let i = 0; i < 10; i++) {
      await pause(20)
      await a.say(0, silence('PCMU'))
    }
    await expect.poll(() => b.heard.filter(({ type }) => type === 101).length).toBeGreaterThanOrEqual(7)
    await expect.poll(() => b.heard.at(-1)!.type).toBe(0)
    const key = b.heard.filter(({ type }) => type === 101)
    expect(key).toHaveLength(7)
    expect(key[0]!.marker).toBe(true)
    expect([...key.at(-1)!.payload]).toEqual([10, 0x85, 0x03, 0x20])
    expect(numbers(b.heard)).toEqual(following(b.heard))
    expect(new Set(b.heard.map(({ ssrc }) => ssrc))).toEqual(new Set([0xaaaa]))
  })

  test('are pressed for a party: as a sound where no events were agreed', async () => {
    rig = new AudioRig()
    const { id, b } = await rig.call('8', '8')
    rig.ask('play DTMF', { 'call-id': id, 'from-tag': 'A', code: 'D', duration: 200 })
    await b.peer.hear(12)
    const heard = b.heard.slice(0, 10).flatMap(({ payload }) => expand(payload, 'PCMA'))
    expect(Math.min(share(heard, 941), share(heard, 1633))).toBeGreaterThan(0.45)
  })

  test('of a party that talks to nobody who would understand are refused', async () => {
    rig = new AudioRig()
    const { id } = await rig.call('18', '18')
    const reply = rig.ask('play DTMF', { 'call-id': id, 'from-tag': 'A', code: 1 })
    expect(reply['error-reason']).toContain('neither events nor G.711')
  })
})

describe('clips', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'clips-'))
    mkdirSync(join(folder, 'allowed/deep'), { recursive: true })
    writeFileSync(join(folder, 'allowed/deep/tone.wav'), toneWav(440, 100))
    writeFileSync(join(folder, 'allowed/wide.wav'), toneWav(440, 100, { rate: 16_000 }))
    writeFileSync(join(folder, 'secret.wav'), toneWav(440, 100))
    symlinkSync('../secret.wav', join(folder, 'allowed/link.wav'))
    return () => rmSync(folder, { recursive: true, force: true })
  })

  test('are heard in place of the other side, who is heard again afterwards', async () => {
    rig = new AudioRig({ mediaFolders: [join(folder, 'allowed')] })
    const { id, a, b } = await rig.call('0', '0')
    const reply = rig.ask('play media', { 'call-id': id, 'from-tag': 'A', file: 'deep/tone.wav', 'repeat-times': 2 })
    expect(reply).toMatchObject({ result: 'ok', duration: 100 })
    for (let i = 0; i < 15; i++) {
      await b.say(0, silence('PCMU'))
      await pause(20)
    }
    const clip = a.heard.filter(({ ssrc }) => ssrc !== 0xbbbb)
    expect(clip).toHaveLength(10)
    expect(clip[0]!.marker).toBe(true)
    expect(numbers(clip)).toEqual(clip.map((_, i) => (clip[0]!.sequence + i) & 0xffff))
    expect(
      share(
        clip.flatMap(({ payload }) => expand(payload, 'PCMU')),
        440,
      ),
    ).toBeGreaterThan(0.95)
    expect(a.heard.at(-1)!.ssrc).toBe(0xbbbb)
    const relayed = a.heard.filter(({ ssrc }) => ssrc === 0xbbbb)
    expect(numbers(relayed)).toEqual(following(relayed))
    expect(b.heard).toEqual([])
  })

  test('come from a blob too, and stop when told', async () => {
    rig = new AudioRig()
    const { id, b } = await rig.call('8', '8')
    const blob = toneWav(1000, 1000).toString('latin1')
    rig.ask('play media', { 'call-id': id, 'from-tag': 'B', blob, 'start-pos': 500 })
    await b.peer.hear(5)
    expect(rig.ask('stop media', { 'call-id': id, 'from-tag': 'B' })).toMatchObject({ result: 'ok' })
    await pause(30)
    const count = b.heard.length
    await pause(80)
    expect(b.heard).toHaveLength(count)
  })

  test.each([
    ['deep/../../secret.wav', 'no such file below'],
    ['link.wav', 'no such file below'],
    ['/etc/passwd', 'no such file below'],
    ['deep', 'no such file below'],
    ['wide.wav', '16000 Hz; convert it'],
  ])('%s is refused', async (file, why) => {
    rig = new AudioRig({ mediaFolders: [join(folder, 'allowed')] })
    const { id } = await rig.call('0', '0')
    const reply = rig.ask('play media', { 'call-id': id, 'from-tag': 'A', file })
    expect(reply.result).toBe('error')
    expect(reply['error-reason']).toContain(why)
  })

  test('no file is played where no folder is allowed', async () => {
    rig = new AudioRig()
    const { id } = await rig.call('0', '0')
    const reply = rig.ask('play media', { 'call-id': id, 'from-tag': 'A', file: join(folder, 'secret.wav') })
    expect(reply['error-reason']).toContain('--media-dir')
  })

  test('music is heard by whom a party holds, until the hold ends', async () => {
    rig = new AudioRig()
    // Whole periods, so that the seam is not heard.
    const moh = { blob: toneWav(500, 60).toString('latin1') }
    const { id, a, b } = await rig.call('8', '8', { moh })
    const hold = (direction: string, answer: string): void => {
      const base = { 'call-id': id, 'from-tag': 'A', 'to-tag': 'B' }
      rig.ask('offer', { ...base, sdp: sdp(a.peer.port, '8', `a=${direction}\r\n`) })
      rig.ask('answer', { ...base, sdp: sdp(b.peer.port, '8', `a=${answer}\r\n`) })
    }
    hold('sendonly', 'recvonly')
    // More than the clip: it begins anew.
    await b.peer.hear(6)
    expect(
      share(
        b.heard.flatMap(({ payload }) => expand(payload, 'PCMA')),
        500,
      ),
    ).toBeGreaterThan(0.9)
    hold('sendrecv', 'sendrecv')
    await pause(30)
    const count = b.heard.length
    await a.say(8, silence('PCMA'))
    await b.peer.hear(count + 1)
    expect(b.heard.at(-1)!.ssrc).toBe(0xaaaa)
  })
})

describe('recordings', () => {
  test('a capture, a mix and their description lie in their folders when the call is over', async () => {
    rig = new AudioRig({ recordingMethod: 'pcap,wav-stereo' })
    const { id, a, b } = await rig.call('8', '0', {
      codec: { transcode: ['PCMU'] },
      'record-call': 'yes',
      metadata: 'customer:7',
    })
    for (let i = 0; i < 10; i++) {
      await a.say(8, Buffer.alloc(160, 0xaa))
      await b.say(0, Buffer.alloc(160, 0x80))
    }
    await Promise.all([a.peer.hear(10), b.peer.hear(10)])
    rig.ask('delete', { 'call-id': id, 'delete-delay': 0 })
    const [text] = readdirSync(join(rig.folder, 'metadata'))
    expect(text).toMatch(/^audio-1-[0-9a-f]{16}\.txt$/)
    const described = readFileSync(join(rig.folder, 'metadata', text!), 'latin1')
    expect(described).toMatch(/^\S+\/pcaps\/audio-1-\S+\.pcap\n\S+\/wavs\/audio-1-\S+\.wav\n\n\nSDP mode: offer\n/)
    expect(described).toContain('SDP mode: answer\n')
    expect(described).toMatch(/call start time: \S+\ncall end time: \S+\n\n\ncustomer:7\n$/)
    const name = text!.replace('.txt', '')
    await expect.poll(() => readFileSync(join(rig.folder, 'pcaps', `${name}.pcap`)).length).toBe(24 + 20 * (16 + 200))
    await expect
      .poll(() => readFileSync(join(rig.folder, 'wavs', `${name}.wav`)).length)
      .toBeGreaterThan(44 + 4 * 1600 - 1)
    const wav = readFileSync(join(rig.folder, 'wavs', `${name}.wav`))
    expect(wav.readUInt32LE(40)).toBe(wav.length - 44)
    const middle = 44 + 4 * 800
    expect([wav.readInt16LE(middle), wav.readInt16LE(middle + 2)]).toEqual([32_256, 32_124])
    expect(readdirSync(join(rig.folder, 'tmp'))).toEqual([])
  })

  test('pause, go on and stop; a Call-ID leads nowhere', async () => {
    rig = new AudioRig({ recordingMethod: 'pcap', recordingFormat: 'eth' })
    const { id, a, b } = await rig.call('0', '0')
    const key = { 'call-id': id }
    const say = async (count: number) => {
      const before = b.heard.length
      for (let i = 0; i < count; i++) await a.say(0, silence('PCMU'))
      await b.peer.hear(before + count)
    }
    await say(2)
    rig.ask('start recording', key)
    await say(3)
    rig.ask('pause recording', key)
    await say(4)
    rig.ask('start recording', key)
    await say(5)
    rig.ask('stop recording', key)
    await say(6)
    const [pcap] = readdirSync(join(rig.folder, 'pcaps'))
    await expect.poll(() => readFileSync(join(rig.folder, 'pcaps', pcap!)).length).toBe(24 + 8 * (16 + 14 + 200))
    const evil = { 'call-id': '../../etc/x\n', 'from-tag': 'A', 'record-call': 'on', sdp: sdp(a.peer.port, '0') }
    rig.ask('offer', evil)
    rig.ask('delete', { ...evil, 'delete-delay': 0 })
    expect(readdirSync(join(rig.folder, 'pcaps')).some((name) => /^%2e\.%2f\.\.%2fetc%2fx%0a-/.test(name))).toBe(true)
  })

  test('where one of the files cannot be made, none stays behind', async () => {
    rig = new AudioRig({ recordingMethod: 'pcap,wav' })
    const { id } = await rig.call('0', '0')
    rmSync(join(rig.folder, 'wavs'), { recursive: true })
    expect(rig.ask('start recording', { 'call-id': id })['error-reason']).toContain('ENOENT')
    expect(readdirSync(join(rig.folder, 'pcaps'))).toEqual([])
    const target = (fd: string): string => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`)
      } catch {
        // That of the folder itself, which is closed by now.
        return ''
      }
    }
    const open = () =>
      readdirSync('/proc/self/fd')
        .map(target)
        .filter((path) => path.includes(rig.folder))
    await expect.poll(open).toEqual([])
  })

  test('without a folder it is said that nothing is recorded', async () => {
    rig = new AudioRig()
    const { id } = await rig.call('0', '0')
    expect(rig.ask('start recording', { 'call-id': id }).warning).toContain('--recording-dir')
  })
})

describe('copies', () => {
  const KEY = 'FHoHEZk7wM6b/frTeX+fzQ/K0PtuAvfIzRqjol9K'

  test('of both parties go to a recorder, each by its keys and in its law, until it leaves', async () => {
    rig = new AudioRig()
    const { id, a, b } = await rig.call('8 101', '8 101')
    const listeners = [await rig.peer(), await rig.peer()]
    const request = rig.ask('subscribe request', {
      'call-id': id,
      flags: ['all'],
      'to-tag': 'recorder',
      'transport-protocol': 'RTP/SAVP',
      SDES: ['only-AES_CM_128_HMAC_SHA1_80'],
      codec: { transcode: ['PCMU'] },
    })
    expect(request['from-tags']).toEqual(['A', 'B'])
    const offered = String(request.sdp)
    expect(offered.match(/^m=audio \d+ RTP\/SAVP 8 0 101\r$/gm)).toHaveLength(2)
    expect(offered.match(/^a=sendonly\r$/gm)).toHaveLength(2)
    // The number 8 says it all; a description of our own says it in words too.
    expect(offered.match(/^a=rtpmap:8 PCMA\/8000\r$/gm)).toHaveLength(2)
    const keys = [...offered.matchAll(/a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:(\S+)/g)].map((match) => match[1]!)
    expect(new Set(keys).size).toBe(2)
    const section = (port: number): string =>
      `m=audio ${port} RTP/SAVP 0\r\na=recvonly\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}\r\n`
    const answer =
      sdp(listeners[0]!.port, '0').replace(/m=.*/s, '') + listeners.map(({ port }) => section(port)).join('')
    expect(rig.ask('subscribe answer', { 'call-id': id, 'to-tag': 'recorder', sdp: answer })).toMatchObject({
      result: 'ok',
    })
    for (let i = 0; i < 3; i++) {
      await a.say(8, Buffer.alloc(160, 0xaa))
      await b.say(8, silence('PCMA'))
    }
    await Promise.all([listeners[0]!.hear(3), listeners[1]!.hear(3), a.peer.hear(3), b.peer.hear(3)])
    const copy = new SrtpOracle(Buffer.from(keys[0]!, 'base64')).unprotectRtp(listeners[0]!.heard[0]!.data)!
    expect(copy[1]! & 0x7f).toBe(0)
    expect(expand(copy.subarray(12), 'PCMU')[0]).toBe(32_124)
    // What a subscriber sends goes nowhere.
    await listeners[0]!.send(listeners[0]!.heard[0]!.data, portOf(offered))
    expect(rig.ask('unsubscribe', { 'call-id': id, 'to-tag': 'recorder' })).toMatchObject({ result: 'ok' })
    await a.say(8, silence('PCMA'))
    await b.peer.hear(4)
    expect(listeners[0]!.heard).toHaveLength(3)
    expect(a.heard).toHaveLength(3)
    rig.ask('delete', { 'call-id': id, 'delete-delay': 0 })
    expect(rig.relay.streams).toBe(0)
  })

  test('there is a limit to them, and no port is kept for one that was refused', async () => {
    rig = new AudioRig()
    const { id } = await rig.call('8', '8')
    for (let i = 0; i < 16; i++)
      expect(rig.ask('subscribe request', { 'call-id': id, 'from-tag': 'A' }).result).toBe('ok')
    expect(rig.ask('subscribe request', { 'call-id': id, 'from-tag': 'A' })['error-reason']).toContain('16 subscribers')
    expect(rig.relay.streams).toBe(18)
    rig.ask('delete', { 'call-id': id, 'delete-delay': 0 })
    expect(rig.relay.streams).toBe(0)
  })
})
