// Owns the tests of codecs between an offer and its answer, without a relay; what rtpengine gives is in test/interop/ng-audio.ts.
import { describe, expect, test } from 'vitest'
import { answerCodecs, offerCodecs } from '../../src/media/codec-negotiation.ts'
import { ALL_CODECS, type CodecOptions, codecOf, type Payload } from '../../src/media/codec-policy.ts'

const STATIC: Record<string, string> = { 0: 'PCMU/8000', 8: 'PCMA/8000', 9: 'G722/8000', 18: 'G729/8000' }

/** `8 te=101 opus=96`: payloads by number, telephone events and opus with the number that they have. */
function payloads(text: string): Payload[] {
  return text.split(' ').map((word): Payload => {
    const [name, number] = word.split('=')
    if (number === undefined) return { format: word, codec: codecOf(STATIC[word]!), attributes: [] }
    const codec = name === 'te' ? 'telephone-event/8000' : name === 'a' ? 'PCMA/8000' : 'opus/48000/2'
    return { format: number, codec: codecOf(codec), attributes: [`rtpmap:${number} ${codec}`, `fmtp:${number} x=1`] }
  })
}

function negotiate(offered: string, answered: string, lists: Partial<CodecOptions> = {}, ptime?: [number, number]) {
  const O = payloads(offered)
  const towards = offerCodecs(O, { ...ALL_CODECS, ...lists, always: false }, ptime?.[0])
  const answer = answerCodecs({
    offered: O,
    towards,
    answered: payloads(answered),
    lists: ALL_CODECS,
    count: 'all',
    packetMillis: ptime?.[1],
  })
  const formats = (list: readonly Payload[]): string => list.map(({ format }) => format).join(' ')
  return {
    sent: formats(towards.payloads),
    told: answer.payloads ? formats(answer.payloads) : 'as it came',
    answer,
  }
}

describe('an answer', () => {
  test('with the same codecs and numbers changes nothing', () => {
    const { told, answer } = negotiate('8 0 te=101', '8 te=101')
    expect([told, answer.fromOfferer, answer.fromAnswerer]).toEqual(['as it came', undefined, undefined])
  })

  test('in another law is told in that of the offer, and both ways are converted', () => {
    const { sent, told, answer } = negotiate('8 te=101', '0 te=101', { transcode: ['PCMU'] })
    expect([sent, told]).toEqual(['8 0 101', '8 101'])
    expect(answer.fromOfferer?.rules).toEqual([{ from: 8, to: 0, laws: ['PCMA', 'PCMU'] }])
    expect(answer.fromAnswerer?.rules).toContainEqual({ from: 0, to: 8, laws: ['PCMU', 'PCMA'] })
  })

  test('with other numbers is told in those of the offer', () => {
    const { told, answer } = negotiate('opus=96 te=101', 'opus=111 te=110')
    expect(told).toBe('96 101')
    expect(answer.payloads![0]!.attributes).toEqual(['rtpmap:96 opus/48000/2', 'fmtp:96 x=1'])
    expect(answer.fromOfferer?.rules).toEqual([
      { from: 96, to: 111 },
      { from: 101, to: 110 },
    ])
    // It sends by the numbers that it was told, or by its own.
    expect(answer.fromAnswerer?.rules).toEqual([
      { from: 111, to: 96 },
      { from: 110, to: 101 },
    ])
  })

  test('by dynamic numbers of static codecs', () => {
    const { answer } = negotiate('a=96', '8')
    expect(answer.fromOfferer?.rules).toEqual([{ from: 96, to: 8 }])
  })

  test('in codecs that the relay cannot make stays as it is', () => {
    const { told, answer } = negotiate('18', '9')
    expect([told, answer.fromOfferer]).toEqual(['as it came', undefined])
  })

  test('with no codec in common but events keeps speech', () => {
    expect(negotiate('8 te=101', '0 te=101').told).toBe('8 101')
  })

  test('of other packet times converts each law into itself', () => {
    const { answer } = negotiate('8', '8', {}, [40, 20])
    expect(answer.fromOfferer).toEqual({ rules: [{ from: 8, to: 8, laws: ['PCMA', 'PCMA'] }], packetMillis: 40 })
    expect(answer.fromAnswerer).toEqual({ rules: [{ from: 8, to: 8, laws: ['PCMA', 'PCMA'] }], packetMillis: 20 })
  })
})

describe('an offer', () => {
  test.each<[string, string, Partial<CodecOptions>, string]>([
    ['gets no codec that could not be made of its own', '9 18', { transcode: ['PCMU'] }, '9 18'],
    ['gets events with a number of their own', '8 opus=96', { transcode: ['telephone-event'] }, '8 96 97'],
    ['keeps one format', '8', { strip: ['all'] }, '8'],
    ['that is consumed keeps speech that cannot be made of it', '9 8', { consume: ['G722'] }, '9 8'],
  ])('%s', (_, offered, lists, sent) => expect(negotiate(offered, '8', lists).sent).toBe(sent))
})
