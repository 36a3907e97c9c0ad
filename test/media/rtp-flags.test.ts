// Owns the flag string and the decision table of rtpengine_manage, and the NG request that both become.
import { describe, expect, test } from 'vitest'
import { decideRtpOperation, rtpFlags } from '../../src/media/index.ts'
import { ngRequest } from '../../src/media/ng/request.ts'
import { readSessionOptions } from '../../src/media/session-options.ts'
import { TO_OFFICE } from './o365.ts'

const keysOf = (text: string) => ({ ...rtpFlags(text).dictionary })

describe('flag string', () => {
  test('the one of the Office 365 route', () => {
    expect(keysOf(TO_OFFICE)).toEqual({
      'transport-protocol': 'RTP/SAVP',
      DTLS: 'off',
      ICE: 'remove',
      replace: ['session-connection'],
      SDES: ['only-AES_CM_128_HMAC_SHA1_80'],
      direction: ['internal', 'external'],
    })
    expect(rtpFlags(TO_OFFICE).warnings).toEqual([])
  })

  test.each([
    ['RTP', 'RTP/AVP'],
    ['SRTP', 'RTP/SAVP'],
    ['AVP', 'RTP/AVP'],
    ['AVPF', 'RTP/AVPF'],
    ['SRTP AVPF', 'RTP/SAVPF'],
    ['SRTP AVP', 'RTP/SAVP'],
    ['RTP AVPF', 'RTP/AVPF'],
    ['RTP/SAVPF', 'RTP/SAVPF'],
    ['UDP/TLS/RTP/SAVP', 'UDP/TLS/RTP/SAVP'],
    ['transport-protocol=RTP/AVP', 'RTP/AVP'],
    ['DTLS', 'UDP/TLS/RTP/SAVP'],
    ['DTLS AVPF', 'UDP/TLS/RTP/SAVPF'],
  ])('%s is the profile %s', (text, profile) => expect(keysOf(text)).toEqual({ 'transport-protocol': profile }))

  test('lists, values and short forms', () => {
    expect(
      keysOf(
        'internal external replace-origin rtcp-mux-demux rtcp-mux-offer SDES-off SDES-no-AES_CM_128_HMAC_SHA1_32 media-address=9.9.9.9 TOS=184 received-from=10.0.0.9 trust-address asymmetric delete-delay=0',
      ),
    ).toEqual({
      direction: ['internal', 'external'],
      replace: ['origin'],
      'rtcp-mux': ['demux', 'offer'],
      SDES: ['off', 'no-AES_CM_128_HMAC_SHA1_32'],
      'media-address': '9.9.9.9',
      TOS: '184',
      'received-from': ['IP4', '10.0.0.9'],
      flags: ['trust-address', 'asymmetric'],
      'delete-delay': '0',
    })
  })

  test('codecs go into a dictionary of their own, as the module sends them', () => {
    expect(rtpFlags('codec-mask=all codec-transcode=PCMU codec-transcode=PCMA').dictionary).toMatchObject({
      codec: { mask: ['all'], transcode: ['PCMU', 'PCMA'] },
    })
  })

  test('unknown words go on, with a warning each', () => {
    const { dictionary, warnings } = rtpFlags('frobnicate colour=red RTP received-from=nowhere')
    expect({ ...dictionary }).toEqual({ flags: ['frobnicate'], colour: 'red', 'transport-protocol': 'RTP/AVP' })
    expect(warnings).toEqual([
      'rtpengine flag "frobnicate" is not known',
      'rtpengine flag "colour=red" is not known',
      'received-from="nowhere" is not a numeric address',
    ])
  })
})

describe('options of a session', () => {
  test('spaces, dashes and underscores are one', () => {
    for (const key of ['received from', 'received-from', 'received_from'])
      expect(readSessionOptions({ [key]: ['IP4', '4.4.4.4'], flags: ['SIP source address'] }).sourceAddress).toBe(
        '4.4.4.4',
      )
  })

  test('flags that carry a prefix, and rtpp-flags', () => {
    const options = readSessionOptions({
      flags: ['replace-origin', 'rtcp-mux-require', 'SDES-only-AES_CM_128_HMAC_SHA1_32', 'asymmetric'],
      'rtpp-flags': 'SRTP ICE=remove strict-source',
    })
    expect(options).toMatchObject({
      replaceOrigin: true,
      transportProtocol: 'RTP/SAVP',
      ice: 'remove',
      latching: 'strict',
    })
    expect([...options.rtcpMux]).toEqual(['require'])
    expect([...options.sdes.only]).toEqual(['AES_CM_128_HMAC_SHA1_32'])
  })

  test('what is not supported is told', () => {
    const { warnings } = readSessionOptions({
      ICE: 'wild',
      DTLS: 'wild',
      codec: { strip: ['G729'], transcode: ['opus'] },
      flags: ['x-y'],
      SDES: ['wild'],
    })
    for (const part of ['ICE=wild', 'DTLS=wild', 'opus', '"x-y"', '"wild"'])
      expect(warnings.some((warning) => warning.includes(part))).toBe(true)
    expect(warnings).toHaveLength(5)
  })
})

describe('the NG request of an operation', () => {
  const request = { callId: 'c', fromTag: 'A', toTag: 'B', sdp: 'v=0', flags: '', receivedFrom: '10.0.0.6' }
  test('offers and answers name who offered first', () => {
    expect(ngRequest('offer', request).message).toMatchObject({
      'from-tag': 'A',
      'to-tag': 'B',
      'received-from': ['IP4', '10.0.0.6'],
    })
    expect(ngRequest('answer', request).message).toMatchObject({ 'from-tag': 'A', 'to-tag': 'B' })
  })
  test('a late offer in a 200 and its answer in the ACK change places', () => {
    expect(ngRequest('offer', { ...request, message: 'reply' }).message).toMatchObject({
      'from-tag': 'B',
      'to-tag': 'A',
    })
    expect(ngRequest('answer', { ...request, message: 'request' }).message).toMatchObject({
      'from-tag': 'B',
      'to-tag': 'A',
    })
  })
  test('a delete names the To tag and the branch only where the flags say so', () => {
    const given = { ...request, viaBranch: 'z9hG4bK1' }
    expect(ngRequest('delete', given).message).not.toHaveProperty('to-tag')
    expect(ngRequest('delete', { ...given, flags: 'to-tag via-branch=1' }).message).toMatchObject({
      'to-tag': 'B',
      'via-branch': 'z9hG4bK1',
    })
    for (const which of ['1', '2', 'auto']) expect(rtpFlags(`via-branch=${which}`).warnings).toEqual([])
    for (const which of ['next', 'extra'])
      expect(rtpFlags(`via-branch=${which}`).warnings).toEqual([`via-branch="${which}" is not supported; auto is used`])
    expect(ngRequest('offer', given).message).not.toHaveProperty('via-branch')
  })
})

describe('rtpengine_manage decides', () => {
  const base = { kind: 'request', method: 'INVITE', status: 0, hasSdp: true, requestHadSdp: true } as const
  test.each([
    ['INVITE with SDP', {}, 'offer'],
    ['INVITE without', { hasSdp: false }, 'none'],
    ['UPDATE', { method: 'UPDATE' }, 'offer'],
    ['ACK with SDP', { method: 'ACK' }, 'answer'],
    ['ACK without', { method: 'ACK', hasSdp: false }, 'none'],
    ['PRACK with SDP', { method: 'PRACK' }, 'answer'],
    ['BYE', { method: 'BYE', hasSdp: false }, 'delete'],
    ['CANCEL', { method: 'CANCEL', hasSdp: false }, 'delete'],
    ['OPTIONS', { method: 'OPTIONS' }, 'none'],
    ['branch route', { kind: 'branch' }, 'offer'],
    ['failure route', { kind: 'failure' }, 'delete'],
    ['100', { kind: 'reply', status: 100 }, 'none'],
    ['183 with SDP', { kind: 'reply', status: 183 }, 'answer'],
    ['200 with SDP', { kind: 'reply', status: 200 }, 'answer'],
    ['200 with the offer', { kind: 'reply', status: 200, requestHadSdp: false }, 'offer'],
    ['200 without', { kind: 'reply', status: 200, hasSdp: false }, 'none'],
    ['486', { kind: 'reply', status: 486, hasSdp: false }, 'delete'],
    ['200 to UPDATE', { kind: 'reply', method: 'UPDATE', status: 200 }, 'answer'],
    ['488 to UPDATE', { kind: 'reply', method: 'UPDATE', status: 488 }, 'none'],
    ['refused re-INVITE', { kind: 'reply', status: 488, hasSdp: false, inDialog: true }, 'none'],
    ['failure route of a re-INVITE', { kind: 'failure', inDialog: true }, 'none'],
    ['CANCEL of a re-INVITE', { method: 'CANCEL', hasSdp: false, inDialog: true }, 'none'],
    ['200 to BYE', { kind: 'reply', method: 'BYE', status: 200, hasSdp: false }, 'none'],
  ] as const)('%s: %s', (_, change, operation) => expect(decideRtpOperation({ ...base, ...change })).toBe(operation))
})
