// Checks that a message full of one character costs a builtin time in proportion to its length: nothing walks it again and again.
import { describe, expect, test } from 'vitest'
import { findSdp } from '../../src/engine/sdp-body.ts'
import { readChallenge } from '../../src/services/digest-client.ts'
import { readXmlCall } from '../../src/services/xml-rpc.ts'
import { bracketed, parseMessage, type SipRequest, unfold } from '../../src/sip/index.ts'
import { doRouting } from '../../stdlib/number-routing.ts'
import { flowToken } from '../../stdlib/outbound.ts'
import { bindFormat } from '../../stdlib/pseudo-variables.ts'
import { sdpContent } from '../../stdlib/sdpops.ts'
import { removeBodyPart } from '../../stdlib/textops-body.ts'
import { getRedirects } from '../../stdlib/uac-redirect.ts'
import { BASE, MessageRun, message } from './message-run.ts'

/** What one datagram holds. */
const LENGTH = 60_000
const many = (text: string): string => text.repeat(LENGTH / text.length)

/** Milliseconds of this process. A walk for each character takes seconds. */
function cost(action: () => unknown): number {
  const before = process.cpuUsage()
  action()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}
const BEARABLE = 300

const request = (...lines: string[]): MessageRun =>
  new MessageRun(
    message('INVITE sip:bob@example.com SIP/2.0', [...BASE.filter((line) => !line.startsWith('From')), ...lines]),
  )

describe('of one datagram, without end', () => {
  test.each<[string, () => unknown]>([
    ['white space in a folded value', () => unfold(`a\r\n b${many(' ')}c`)],
    ['folds', () => unfold(many(' \r\n '))],
    ['open brackets', () => bracketed(many('<'))],
    ['the words of a challenge', () => readChallenge('WWW-Authenticate', `Digest ${many('a')}`)],
    ['white space within a text that is trimmed', () => bindFormat('$(hdr(X-A){s.trim})$(hdr(X-A){s.rtrim})')],
    ['open brackets in Contact, of which a flow is asked', () => flowToken()],
    ['schemes in From', () => doRouting()],
    ['parameters without values', () => bindFormat('$(hdr(X-To){tobody.user})$(hdr(X-To){tobody.params})')],
    ['what fills base64', () => bindFormat('$(hdr(X-B){s.decode.base64})$(hdr(X-B){s.decode.base64t})')],
    [
      'parameters of XML without an end',
      () => readXmlCall(`<methodName>a</methodName>${many('<param><value><string>')}`),
    ],
    ['commas in the Contact of a redirection', () => getRedirects('*')],
  ])('%s', (what, action) => {
    const reply = message('SIP/2.0 302 Moved', [...BASE, `Contact: ${many(',')}`])
    const run = what.startsWith('commas')
      ? new MessageRun(message('INVITE sip:bob@example.com SIP/2.0', BASE), 'failure', { reply, status: 302 })
      : request(
          `X-A: a${many(' ')}b`,
          `X-To: <sip:a@b>${many(';a= ')}""`,
          `X-B: a${many('=')}b`,
          `Contact: ${many('<')}`,
          `From: ${many('sip:')}`,
        )
    run.service = (_run, { module }) => (module === 'drouting' ? [] : null)
    expect(
      cost(() =>
        run.do(() => {
          const made = action()
          if (typeof made === 'function') made()
          return 1
        }),
      ),
    ).toBeLessThan(BEARABLE)
  })
})

test.each(['', '\r\n\r\n--x--'])('parts of a body without headers, before %j', (end) => {
  const raw = message('INVITE sip:bob@example.com SIP/2.0', [...BASE, 'Content-Type: multipart/mixed;boundary=x'])
  const run = new MessageRun(`${raw}${many('--x\r\n')}${end}`)
  expect(cost(() => run.do(() => sdpContent()))).toBeLessThan(BEARABLE)
  expect(cost(() => run.do(() => removeBodyPart('text/plain')))).toBeLessThan(BEARABLE)
  expect(cost(() => findSdp(run.run.message))).toBeLessThan(BEARABLE)
})

test('unfolding keeps what is no fold', () => {
  const one = 'a \t\r\n \tb\r\nc \n d\n\n e  '
  expect(unfold(one)).toBe('a b\r\nc d\n e  ')
  const parsed = parseMessage(message('INVITE sip:bob@example.com SIP/2.0', [...BASE, 'X-A: one \r\n\t two']))
  expect(parsed.ok && (parsed.message as SipRequest).header('X-A')).toBe('one two')
})
