// Owns what requests ask of the text of a description beyond addresses: attributes, codecs, names, marks, labels.
import { describe, expect, test } from 'vitest'
import { createFakeNative } from '../../src/media/fake-native.ts'
import { createEmbeddedRelay } from '../../src/media/index.ts'
import type { NgValue } from '../../src/media/ng/bencode.ts'

const SDP =
  'v=0\r\no=alice 7 7 IN IP4 10.1.1.1\r\ns=-\r\nc=IN IP4 10.1.1.1\r\nt=0 0\r\na=tool:x\r\n' +
  'm=audio 5004 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=x-one:1\r\na=x-two\r\na=ptime:20\r\n'

function relay() {
  const made = createEmbeddedRelay({ interfaces: ['10.0.0.5'], offerTimeout: 0, native: createFakeNative })
  const ask = (command: string, keys: Record<string, NgValue>) =>
    made.perform({ command, 'call-id': 'c', 'from-tag': 'A', ...keys })
  return {
    ask,
    streams: () => made.streams,
    offer: (keys: Record<string, NgValue>) => ask('offer', { sdp: SDP, ...keys }),
    lines: (keys: Record<string, NgValue>) => String(ask('offer', { sdp: SDP, ...keys }).sdp).split('\r\n'),
  }
}

describe('attributes', () => {
  test('are added, removed and substituted by section', () => {
    const lines = relay().lines({
      'sdp-attr': {
        global: { add: ['x-session:1'], substitute: [['tool:x', 'tool:y']] },
        audio: {
          add: ['x-new', 'x-more:2'],
          remove: ['x-one', 'ptime:20', 'x-two:no'],
          substitute: [['sendrecv', 'sendonly']],
        },
        video: { add: ['never'] },
      },
    })
    expect(lines.slice(5, 8)).toEqual(['a=tool:y', 'a=x-session:1', expect.stringMatching(/^m=audio/)])
    expect(lines.slice(8)).toEqual([
      'a=x-two',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=sendonly',
      expect.stringMatching(/^a=rtcp:/),
      'a=x-new',
      'a=x-more:2',
      '',
    ])
  })

  test('no line end gets in', () => {
    const { sdp, warning } = relay().offer({
      'sdp-attr': {
        audio: { add: ['x\r\nc=IN IP4 6.6.6.6', 5, ''], substitute: [['x-one:1'], 'x', ['x-one:1', 'y\n']] },
      },
    })
    expect(sdp).not.toContain('6.6.6.6')
    expect(sdp).toContain('a=x-one:1\r\n')
    expect(warning).toContain('no attribute')
  })
})

describe('codecs', () => {
  const formats = (keys: Record<string, NgValue>) =>
    /^m=audio \d+ RTP\/AVP (.*)$/m.exec(String(relay().offer(keys).sdp))![1]
  test.each<[string, Record<string, NgValue>, string]>([
    ['stripped', { codec: { strip: ['PCMU'] } }, '8 101'],
    ['by case and rate', { codec: { strip: ['pcma/8000', 'PCMU/16000'] } }, '0 101'],
    ['all but one', { codec: { strip: ['all'], except: ['PCMA'] } }, '8'],
    ['all, then offered', { codec: { strip: ['all'], offer: ['PCMA', 'PCMU'] } }, '8 0'],
    ['in flags and key', { flags: ['codec-strip-PCMU'], codec: { strip: ['telephone-event'] } }, '8'],
    ['all: an m-line needs one', { codec: { strip: ['all'] } }, '0 8 101'],
    ['not a dictionary', { codec: 'PCMU' }, '0 8 101'],
  ])('%s', (_, keys, expected) => expect(formats(keys)).toBe(expected))

  test('an answer names what was offered, and one codec where that is asked for', () => {
    const { ask, offer } = relay()
    offer({})
    const answer = SDP.replace('0 8 101', '8 3 0 101')
    expect(ask('answer', { 'to-tag': 'B', sdp: answer }).sdp).toContain(' RTP/AVP 8 0 101\r\n')
    expect(ask('answer', { 'to-tag': 'B', sdp: answer, flags: ['single-codec'] }).sdp).toContain(' RTP/AVP 8 101\r\n')
  })

  test('what needs transcoding is told', () => {
    expect(relay().offer({ codec: { transcode: ['opus'], mask: ['PCMU'] } }).warning).toMatch(
      /transcode "opus": the relay makes PCMU and PCMA/,
    )
  })
})

describe('media that one side is not shown', () => {
  const m = (kind: string, port: number) => `m=${kind} ${port} RTP/AVP ${kind === 'audio' ? 0 : 31}\r\n`
  const body = (...media: string[]) =>
    `v=0\r\no=- 1 1 IN IP4 10.1.1.1\r\ns=-\r\nc=IN IP4 10.1.1.1\r\nt=0 0\r\n${media.join('')}`
  const shape = (reply: { sdp?: NgValue }) =>
    [...String(reply.sdp).matchAll(/^m=(\S+) (\d+)/gm)].map(
      ([, kind, port]) => `${kind}${port === '0' ? ' refused' : ''}`,
    )

  test('is refused towards the other, in its place, whoever offers', () => {
    const { ask } = relay()
    const three = body(m('video', 5002), m('audio', 5004), m('video', 5006))
    expect(shape(ask('offer', { sdp: three, 'sdp-media-remove': ['video'] }))).toEqual(['audio'])
    const answer = ask('answer', { 'to-tag': 'B', sdp: body(m('audio', 6004)) })
    expect(shape(answer)).toEqual(['video refused', 'audio', 'video refused'])
    const again = ask('offer', { 'from-tag': 'B', 'to-tag': 'A', sdp: body(m('audio', 6004), m('video', 6008)) })
    expect(shape(again)).toEqual(['video refused', 'audio', 'video refused', 'video'])
    const back = body(m('video', 0), m('audio', 5004), m('video', 0), m('video', 5008))
    expect(shape(ask('answer', { 'from-tag': 'B', 'to-tag': 'A', sdp: back }))).toEqual(['audio', 'video'])
    // Known by now, it can only be refused.
    const last = ask('offer', { 'to-tag': 'B', sdp: back, 'sdp-media-remove': ['video'] })
    expect(shape(last)).toEqual(['audio', 'video'])
  })

  test('is not all of it', () => {
    expect(shape(relay().ask('offer', { sdp: body(m('audio', 5004)), 'sdp-media-remove': ['audio'] }))).toEqual([
      'audio',
    ])
  })

  test('holds for each branch of a fork', () => {
    const { ask } = relay()
    ask('offer', { sdp: body(m('video', 5002), m('audio', 5004)), 'sdp-media-remove': ['video'] })
    for (const tag of ['B1', 'B2', 'B1'])
      expect(shape(ask('answer', { 'to-tag': tag, sdp: body(m('audio', 6004)) }))).toEqual(['video refused', 'audio'])
  })
})

describe('media that one branch of a fork refuses', () => {
  const both = `${SDP}m=video 5006 RTP/AVP 31\r\n`
  const one = `${SDP}m=video 0 RTP/AVP 31\r\n`
  test.each([
    ['z1', 'z2'],
    ['z2', 'z1'],
  ])('are there for the other (%s refuses)', (refusing, taking) => {
    const { ask, streams } = relay()
    for (const branch of [refusing, taking]) ask('offer', { sdp: both, 'via-branch': branch })
    const answer = (tag: string, branch: string, sdp: string) =>
      /^m=video (\d+)/m.exec(String(ask('answer', { sdp, 'to-tag': tag, 'via-branch': branch }).sdp))?.[1]
    const refuse = () => answer('B', refusing, one)
    const take = () => answer('C', taking, both)
    expect(refuse()).toBe('0')
    const port = take()
    expect(Number(port)).toBeGreaterThan(0)
    expect([refuse(), take()]).toEqual(['0', port])
    // Nobody else is there to take it.
    ask('delete', { 'via-branch': taking })
    expect(refuse()).toBe('0')
    expect(streams()).toBe(2)
    ask('delete', {})
    expect(streams()).toBe(0)
  })
})

test('the version is counted where that is asked for, whatever the numbers are', () => {
  const { offer } = relay()
  const version = (sdp: string) => /^o=alice 7 (\S+)/m.exec(String(offer({ sdp, replace: ['sdp-version'] }).sdp))![1]
  const big = SDP.replace('7 7', '7 18446744073709551610')
  expect(version(big)).toBe('18446744073709551610')
  expect(version(SDP)).toBe('18446744073709551610')
  expect(version(SDP.replace('ptime:20', 'ptime:30'))).toBe('18446744073709551611')
})

test('a description that comes back with the mark is left alone', () => {
  const { ask, offer } = relay()
  const { sdp } = offer({ flags: ['loop-protect'] })
  expect(sdp).toMatch(/^a=rtpengine:[0-9a-f]{12}\r$/m)
  expect(ask('offer', { 'call-id': 'again', sdp: sdp!, flags: ['loop-protect'] }).sdp).toBe(sdp)
  expect(ask('query', { 'call-id': 'again' }).result).toBe('error')
  expect(ask('offer', { 'call-id': 'again', sdp: sdp! }).sdp).not.toBe(sdp)
})

test('a label is told in queries', () => {
  const { ask, offer } = relay()
  offer({ label: 'caller' })
  expect(ask('query', {}).tags).toMatchObject({ A: { label: 'caller' } })
})
