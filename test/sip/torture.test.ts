// Owns the torture tests at parser level: each message of RFC 4475 and RFC 5118 meets the reaction that a proxy owes it.

import { describe, expect, test } from 'vitest'
import {
  DEFAULT_REQUEST_CHECKS,
  decodePercent,
  parseMessage,
  parseUri,
  SipRequest,
  serializeMessage,
  uriEquals,
  validateRequest,
} from '../../src/sip/index.ts'
import { reply, request, shared } from './fixtures.ts'
import {
  listedReactions,
  type Reaction,
  RFC4475,
  rfc4475Archive,
  rfc5118AsSent,
  table4475,
  table5118,
} from './torture-messages.ts'

function reaction(raw: string): Reaction {
  const result = parseMessage(raw)
  if (!result.ok) return result.drop ? 'drop' : result.status
  if (!(result.message instanceof SipRequest)) return 'forward'
  return validateRequest(result.message, { ...DEFAULT_REQUEST_CHECKS, maxForwards: 'refuse-zero' })?.status ?? 'forward'
}

const messages = rfc4475Archive()

describe.skipIf(messages.size === 0)('RFC 4475, the archive in its text', () => {
  test('is whole', () => {
    expect([...messages.keys()].filter((id) => id !== 'test').sort()).toEqual(Object.keys(RFC4475).sort())
  })

  test.each(Object.entries(RFC4475))('%s: %s', (id, expected) => {
    expect(reaction(messages.get(id)!)).toBe(expected)
  })

  test.each(Object.entries(RFC4475).filter(([, expected]) => expected === 'forward'))('%s stays as it is', (id) => {
    const raw = messages.get(id)!
    const result = parseMessage(raw)
    if (!result.ok) throw new Error(result.reason)
    // Only the second request in dblreq's datagram is discarded.
    const kept = id === 'dblreq' ? raw.slice(0, raw.indexOf('INVITE ')).trimEnd().concat('\r\n\r\n') : raw
    expect(serializeMessage(result.message, [])).toBe(kept)
  })

  test('test survives', () => {
    expect(() => reaction(messages.get('test')!)).not.toThrow()
  })
})

describe.skipIf(messages.size === 0)('RFC 4475, what is read from them', () => {
  const read = (id: string) => request(messages.get(id)!)

  test('wsinv: folds, white space, compact forms', () => {
    const message = read('wsinv')
    expect(message.requestUri).toBe('sip:vivekg@chair-dnrc.example.com;unknownparam')
    expect(message.toTag).toBe('1918181833n')
    expect(message.from?.displayName).toBe('"J Rosenberg \\\\\\""')
    expect(message.maxForwards).toBe(68)
    expect([message.cseqNumber, message.cseqMethod]).toEqual([9, 'INVITE'])
    expect(message.vias().map((via) => [via.transport, via.host, via.branch])).toEqual([
      ['UDP', '192.0.2.2', '390skdjuw'],
      ['TCP', 'spindle.example.com', 'z9hG4bK9ikj8'],
      ['UDP', '192.168.255.111', 'z9hG4bK30239'],
    ])
    expect(message.nameAddrs('Route').map((route) => route.uri)).toEqual([
      'sip:services.example.com;lr;unknownwith=value;unknown-no-value',
    ])
    const contact = message.nameAddrs('Contact')[0]
    expect(contact?.params.get('q')).toBe('0.33')
    expect(contact?.params.has('secondparam')).toBe(true)
    expect(message.header('UnknownHeaderWithUnusualValue')).toBe(';;,,;;,;')
  })

  test('intmeth: any token is a method, any character may be in a user part', () => {
    const message = read('intmeth')
    expect(message.method).toBe("!interesting-Method0123456789_*+`.%indeed'~")
    expect(message.cseqMethod).toBe(message.method)
    expect(message.uri?.host).toBe('example.com')
    expect(message.fromTag).toBe("_token~1'+`*%!-.")
    expect(message.to?.displayName).toBe('"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7F"')
    expect(message.body.length).toBe(message.contentLength)
  })

  test('esc01: escapes are undone once', () => {
    const message = read('esc01')
    expect(uriEquals(parseUri(message.to!.uri)!, parseUri('sip:user@example.com')!)).toBe(true)
    expect(decodePercent('n%61me')).toBe('name')
    const contact = parseUri(message.nameAddrs('Contact')[0]!.uri)
    expect([...contact!.params].map(([name, value]) => [decodePercent(name), decodePercent(value)])).toContainEqual([
      'name',
      'value%41',
    ])
  })

  test('esc02: a method is not unescaped', () => {
    expect(read('esc02').method).toBe('RE%47IST%45R')
  })

  test('escnull: a NUL in a user part', () => {
    expect(decodePercent(parseUri(read('escnull').to!.uri)!.user!)).toBe('null-\0-null')
  })

  test('semiuri: the semicolon belongs to the user part', () => {
    const { uri } = read('semiuri')
    expect(uri?.user).toBe('user;par=u%40example.net')
    expect(uri?.params.size).toBe(0)
  })

  test('transports: any transport', () => {
    expect(
      read('transports')
        .vias()
        .map((via) => via.transport),
    ).toEqual(['UDP', 'SCTP', 'TLS', 'UNKNOWN', 'TCP'])
  })

  test('mpart01: the body keeps its bytes', () => {
    const message = read('mpart01')
    expect(message.body.length).toBe(message.contentLength)
    expect(message.body).toContain('\0')
  })

  test('unreason and noreason', () => {
    expect(reply(messages.get('unreason')!).reason).toContain('\xd0')
    const none = reply(messages.get('noreason')!)
    expect([none.status, none.reason]).toEqual([100, ''])
  })

  test('longreq', () => {
    const message = read('longreq')
    expect(message.vias()).toHaveLength(34)
    expect(message.callId).toMatch(/^longreq\.one/)
  })
})

describe.skipIf(table4475.length === 0)('RFC 4475, the shared table', () => {
  test.each(table4475.map((row) => [row.id!, row.file!, row.expected!]))('%s', (_, file, expected) => {
    const raw = shared(`corpora/rfc4475/${file}`)!
    expect(listedReactions(expected)).toContain(reaction(raw))
  })

  test.each(['variants/baddn+crlf.dat', 'variants/ncl-five.dat'])('%s', (file) => {
    expect(reaction(shared(`corpora/rfc4475/${file}`)!)).toBe(400)
  })
})

describe.skipIf(table5118.length === 0)('RFC 5118', () => {
  test.each(table5118.map((row) => [row.id!, row.class!]))('%s is %s', (id, kind) => {
    expect(reaction(rfc5118AsSent(id))).toBe(kind === 'valid' ? 'forward' : 400)
  })

  test('bare LF as in the archive is taken too', () => {
    expect(reaction(shared('corpora/rfc5118/archive/ipv6-good')!)).toBe('forward')
    expect(reaction(shared('corpora/rfc5118/archive/ipv6-bug-abnf-3-colons')!)).toBe('forward')
  })

  test('hosts and ports', () => {
    const at = (id: string) => request(rfc5118AsSent(id))
    expect(at('ipv6-good').uri).toMatchObject({ host: '[2001:db8::10]' })
    expect(at('port-ambiguous').uri?.host).toBe('[2001:db8::10:5070]')
    expect(at('port-ambiguous').uri?.port).toBeUndefined()
    expect(at('port-unambiguous').uri).toMatchObject({ host: '[2001:db8::10]', port: 5070 })
    expect(at('via-received-param-with-delim').topVia?.params.get('received')).toBe('[2001:db8::9:255]')
    expect(at('via-received-param-no-delim').topVia?.params.get('received')).toBe('2001:db8::9:255')
    expect(
      at('mult-ip-in-header')
        .vias()
        .map((via) => via.host),
    ).toHaveLength(3)
    expect(at('ipv4-mapped-ipv6').topVia).toMatchObject({ host: '[::ffff:192.0.2.10]', port: 19823 })
  })
})
