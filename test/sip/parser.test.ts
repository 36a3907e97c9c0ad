// Owns the tests of parsing: what is taken, what is mended, what is refused, and the bounds.

import { describe, expect, test } from 'vitest'
import { DEFAULT_PARSE_LIMITS, HeaderId, parseMessage, serializeMessage } from '../../src/sip/index.ts'
import { benchInvite, reply, request, requestWith } from './fixtures.ts'

const refused = (raw: string, limits = DEFAULT_PARSE_LIMITS) => {
  const result = parseMessage(raw, limits)
  if (result.ok) throw new Error('was taken')
  return result
}

const plain = (line: string, ...headers: string[]) =>
  [
    line,
    'Via: SIP/2.0/UDP a.example.com;branch=z9hG4bK1',
    'From: <sip:a@a.example.com>;tag=1',
    'To: <sip:b@example.com>',
    'Call-ID: c1',
    'CSeq: 1 INVITE',
    ...headers,
    '',
    '',
  ].join('\r\n')

describe('a message that is taken', () => {
  test('keeps every byte', () => {
    const message = request(benchInvite)
    expect(message.raw).toBe(benchInvite)
    expect(serializeMessage(message, [])).toBe(benchInvite)
  })

  test('request line', () => {
    const message = request(benchInvite)
    expect(message.method).toBe('INVITE')
    expect(message.requestUri).toBe('sip:87000@127.0.0.1:5060')
    expect(benchInvite.slice(message.requestUriStart).startsWith(message.requestUri)).toBe(true)
    expect(benchInvite.slice(message.firstLineEnd).startsWith('Via:')).toBe(true)
    expect(benchInvite.slice(message.bodyStart)).toBe(message.body)
    expect(message.body.startsWith('v=0')).toBe(true)
    expect(message.headerCount).toBe(21)
  })

  test.each([
    ['SIP/2.0 200 OK', 200, 'OK'],
    ['SIP/2.0 100 ', 100, ''],
    ['SIP/2.0 100', 100, ''],
    ['sip/2.0 699 Odd  one', 699, 'Odd  one'],
  ])('status line %j', (line, status, reason) => {
    const message = reply(plain(line))
    expect([message.status, message.reason]).toEqual([status, reason])
  })

  test('fields', () => {
    const message = request(benchInvite)
    expect(message.callId).toBe('1-24117@127.0.0.1')
    expect([message.cseqNumber, message.cseqMethod]).toEqual([101, 'INVITE'])
    expect([message.fromTag, message.toTag]).toEqual(['24117a1', ''])
    expect(message.from?.displayName).toBe('"10048 - Armstrong, Clint"')
    expect(message.to?.uri).toBe('sip:87000@127.0.0.1:5060')
    expect(message.topVia).toMatchObject({
      transport: 'UDP',
      host: '127.0.0.1',
      port: 5070,
      branch: 'z9hG4bK-24117-1-0',
    })
    expect(message.maxForwards).toBe(70)
    expect(message.contentLength).toBe(207)
    expect(message.contentType).toBe('application/sdp')
    expect(message.uri).toMatchObject({ user: '87000', host: '127.0.0.1', port: 5060 })
  })

  test('compact forms, any case, white space before the colon', () => {
    const message = requestWith(
      'v : SIP/2.0/TCP h',
      'F: <sip:a@b>;tag=x',
      't:<sip:c@d>',
      'I\t: id',
      'cSEQ: 7 INVITE',
      'M: *',
    )
    expect(message.topVia?.host).toBe('h')
    expect(message.fromTag).toBe('x')
    expect(message.callId).toBe('id')
    expect(message.header('contact')).toBe('*')
    expect(message.find('FROM')).toBe(1)
    expect(message.headerId(2)).toBe(HeaderId.To)
    expect(message.headerName(3)).toBe('I')
  })

  test('folds', () => {
    const raw = plain(
      'INVITE sip:b@example.com SIP/2.0',
      'Subject: one\r\n  two\r\n\tthree',
      'X-Empty:',
      'X-Fold:\r\n value',
    )
    const message = request(raw)
    expect(message.header('s')).toBe('one two three')
    expect(message.header('x-empty')).toBe('')
    expect(message.header('x-fold')).toBe('value')
    const at = message.find('Subject')
    expect(raw.slice(message.headerStart(at), message.headerEnd(at))).toBe('Subject: one\r\n  two\r\n\tthree\r\n')
    expect(raw.slice(message.valueStart(at), message.valueEnd(at))).toBe('one\r\n  two\r\n\tthree')
  })

  test('headers of unknown names', () => {
    const message = requestWith('X-One: 1', 'X-On: 2', 'x-one:3', 'Cisco-Guid: 4')
    expect(message.headers('X-ONE')).toEqual(['1', '3'])
    expect(message.find('X-One', 1)).toBe(2)
    expect(message.header('X-O')).toBeUndefined()
    expect(message.header('cisco-guid')).toBe('4')
  })

  test('comma lists respect quotes and <>', () => {
    const message = requestWith(
      'Contact: "a, b" <sip:x@y;p=1,2>, sip:z@w;q=0.5',
      'm: <sip:v@u>',
      'Supported: a, b ,c',
      'k: d',
    )
    expect(message.nameAddrs('Contact').map((one) => one.uri)).toEqual(['sip:x@y;p=1,2', 'sip:z@w', 'sip:v@u'])
    expect(message.headerList('supported')).toEqual(['a', 'b', 'c', 'd'])
    for (const one of message.nameAddrs('Contact')) {
      expect(message.raw.slice(one.uriStart, one.uriEnd)).toBe(one.uri)
    }
  })

  test('bytes of any value in the body, NUL among them', () => {
    const body = '\0\x01\xff\r\n\r\n--b\r\n\0'
    const message = request(plain('INVITE sip:b@example.com SIP/2.0', `Content-Length: ${body.length}`) + body)
    expect(message.body).toBe(body)
  })
})

describe('what is mended', () => {
  test('empty lines before the message are left out', () => {
    expect(request(`\r\n\r\n${benchInvite}`).raw).toBe(benchInvite)
  })

  test('bytes after Content-Length are discarded (18.3)', () => {
    expect(request(`${benchInvite}INVITE sip:x@y SIP/2.0\r\n\r\n`).raw).toBe(benchInvite)
  })

  test('bare LF in the head becomes CRLF, the body stays', () => {
    const head = plain('INVITE sip:b@example.com SIP/2.0', 'Content-Length: 4')
    expect(request(`${head.replaceAll('\r\n', '\n')}a\nb\n`).raw).toBe(`${head}a\nb\n`)
    const mixed = head.replace('c1\r\n', 'c1\n')
    expect(request(`${mixed}a\nb\n`).raw).toBe(`${head}a\nb\n`)
    expect(request(`${head.slice(0, -2)}\na\nb\n`).raw).toBe(`${head}a\nb\n`)
  })

  test('a blank line missing at the very end is added', () => {
    const whole = plain('INVITE sip:b@example.com SIP/2.0')
    expect(request(whole.slice(0, -2)).raw).toBe(whole)
  })
})

describe('what is refused', () => {
  test.each([
    ['', 'no line end'],
    ['hello', 'no line end'],
    ['GET / HTTP/1.1\r\n\r\n', 'neither a request nor a reply'],
    ['INVITE\r\n\r\n', 'neither a request nor a reply'],
    [' INVITE sip:a SIP/2.0\r\n\r\n', 'neither a request nor a reply'],
    ['SIP/2.0 99 Low\r\n\r\n', 'malformed status line'],
    ['SIP/2.0 2000 Long\r\n\r\n', 'malformed status line'],
    ['SIP/2.0 4294967301 better not break\r\n\r\n', 'malformed status line'],
    ['SIP/3.0 200 OK\r\n\r\n', 'malformed status line'],
    [plain('SIP/2.0 200 OK', 'Content-Length: 9'), 'Bad Request (Content-Length beyond the message)'],
  ])('%j is dropped', (raw, reason) => {
    expect(refused(raw)).toMatchObject({ drop: true, reason })
  })

  test.each([
    ['INVITE sip:b@example.com SIP/7.0', 505],
    ['INVITE sip:b@example.com SIP/2.01', 505],
    ['INVITE sip:b@example.com  SIP/2.0', 400],
    ['INVITE  sip:b@example.com SIP/2.0', 400],
    ['INVITE sip:b@example.com SIP/2.0 ', 400],
    ['INVITE sip:b@example.com; lr SIP/2.0', 400],
    ['INVITE  SIP/2.0', 400],
  ])('request line %j', (line, status) => {
    const result = refused(plain(line))
    expect(result).toMatchObject({ status, drop: false })
    expect(result.partial?.callId).toBe('c1')
    expect(result.partial?.method).toBe('INVITE')
  })

  test.each([['-999'], ['five'], ['1 2'], ['9999'], ['0x10'], ['']])('Content-Length %j', (value) => {
    const result = refused(plain('INVITE sip:b@example.com SIP/2.0', `Content-Length: ${value}`))
    expect(result).toMatchObject({ status: 400, drop: false })
  })

  test('two Content-Lengths that differ, however they are spelt', () => {
    const lengths = (...lines: string[]) => parseMessage(`${plain('INVITE sip:b@example.com SIP/2.0', ...lines)}abcdef`)
    expect(lengths('Content-Length: 5', 'l: 6')).toMatchObject({ ok: false, status: 400 })
    expect(lengths('l: x', 'Content-Length: 5')).toMatchObject({ ok: false, status: 400 })
    expect(lengths('l: 5', 'Content-Length: x')).toMatchObject({ ok: false, status: 400 })
    expect(lengths('l: 5', 'CONTENT-LENGTH :\r\n 5')).toMatchObject({ ok: true })
  })

  test('an ACK in error is dropped, never answered', () => {
    expect(refused(plain('ACK sip:b@example.com SIP/7.0'))).toMatchObject({ drop: true })
  })

  test('a header line without a name', () => {
    expect(refused(plain('INVITE sip:b@example.com SIP/2.0', ': x'))).toMatchObject({ status: 400 })
  })

  test('a reply whose CSeq does not fit', () => {
    const raw = plain('SIP/2.0 200 OK').replace('CSeq: 1 ', 'CSeq: 9292394834772304023312 ')
    expect(refused(raw)).toMatchObject({ drop: true })
  })
})

describe('limits', () => {
  const at = (change: Partial<typeof DEFAULT_PARSE_LIMITS>) => ({ ...DEFAULT_PARSE_LIMITS, ...change })
  const ok = (raw: string, change: Partial<typeof DEFAULT_PARSE_LIMITS>) => parseMessage(raw, at(change))

  const longest = Math.max(...benchInvite.split('\r\n').map((line) => line.length + 1))

  test.each([
    [{ messageBytes: benchInvite.length }, { messageBytes: benchInvite.length - 1 }, 513],
    [{ headerCount: 21 }, { headerCount: 20 }, 513],
    [{ headerBytes: longest }, { headerBytes: longest - 1 }, 513],
    [{ uriBytes: 24 }, { uriBytes: 23 }, 414],
    [{ bodyBytes: 207 }, { bodyBytes: 206 }, 413],
    [{ viaCount: 1 }, { viaCount: 0 }, 513],
  ])('%j is enough, %j is not', (enough, short, status) => {
    expect(ok(benchInvite, enough)).toMatchObject({ ok: true })
    expect(ok(benchInvite, short)).toMatchObject({ ok: false, status })
  })

  test('Via values of one line count each', () => {
    const raw = plain('OPTIONS sip:b@example.com SIP/2.0', 'Via: SIP/2.0/UDP a, SIP/2.0/UDP b')
    expect(ok(raw, { viaCount: 3 })).toMatchObject({ ok: true })
    expect(ok(raw, { viaCount: 2 })).toMatchObject({ ok: false, status: 513 })
  })
})
