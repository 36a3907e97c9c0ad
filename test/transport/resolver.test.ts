// Owns the tests of RFC 3263.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { parseUri } from '../../src/sip/index.ts'
import { parseHostsFile } from '../../src/transport/hosts-file.ts'
import type { DnsSource, NaptrRecord, SrvRecord, Transport } from '../../src/transport/index.ts'
import { orderServers, Resolver, staticHosts } from '../../src/transport/resolver.ts'

interface Zone {
  naptr?: Record<string, NaptrRecord[]>
  srv?: Record<string, SrvRecord[]>
  a?: Record<string, string[]>
}

function resolver(
  zone: Zone,
  options: {
    transports?: Transport[]
    families?: number[]
    hosts?: Record<string, string[]>
    entries?: number
    ttl?: number
  } = {},
) {
  const asked: string[] = []
  const clock = new ManualClock()
  const dns: DnsSource = {
    async naptr(name) {
      asked.push(`NAPTR ${name}`)
      if (name.includes('broken-naptr')) throw new Error(`queryNaptr ENOTIMP ${name}`)
      return zone.naptr?.[name] ?? []
    },
    async srv(name) {
      asked.push(`SRV ${name}`)
      if (name.includes('broken-srv')) throw new Error(`querySrv ESERVFAIL ${name}`)
      return zone.srv?.[name] ?? []
    },
    async addresses(name) {
      asked.push(`A ${name}`)
      if (name === 'broken.example') throw new Error('queryA ESERVFAIL broken.example')
      if (name === 'slow.example') await new Promise(() => {})
      return (zone.a?.[name] ?? []).map((address) => ({ address, ttl: options.ttl ?? 30 }))
    },
  }
  const transports = options.transports ?? ['udp', 'tcp', 'tls']
  const hosts = staticHosts(options.hosts ?? {})
  const one = new Resolver({
    dns,
    clock,
    random: () => 0,
    hosts: () => hosts,
    canSend: (transport, family) => transports.includes(transport) && (options.families ?? [4, 6]).includes(family),
    ttlMillis: () => 60_000,
    entries: () => options.entries ?? 100,
  })
  const resolve = async (uri: string): Promise<string[]> =>
    (await one.resolve(parseUri(uri)!)).map(
      ({ transport, address, port, serverName }) =>
        `${transport} ${address} ${port}${serverName ? ` ${serverName}` : ''}`,
    )
  return { one, resolve, asked, clock }
}

const naptr = (order: number, service: string, replacement: string, preference = 10): NaptrRecord => ({
  order,
  preference,
  flags: 's',
  service,
  replacement,
})
const srv = (name: string, port: number, priority = 1, weight = 1): SrvRecord => ({ name, port, priority, weight })

const zone: Zone = {
  naptr: {
    'full.example': [
      naptr(50, 'SIPS+D2T', '_sips._tcp.full.example'),
      naptr(90, 'SIP+D2T', '_sip._tcp.full.example'),
      naptr(100, 'SIP+D2U', '_sip._udp.full.example'),
      naptr(10, 'E2U+sip', 'x.full.example'),
    ],
  },
  srv: {
    '_sips._tcp.full.example': [srv('a.full.example', 5061, 1), srv('b.full.example', 5071, 2)],
    '_sip._tcp.full.example': [srv('a.full.example', 5060)],
    '_sip._udp.full.example': [srv('a.full.example', 5060)],
    '_sip._tcp.srv.example': [srv('a.full.example', 5070)],
    '_sip._udp.srv.example': [srv('a.full.example', 5090)],
  },
  a: {
    'a.full.example': ['192.0.2.1', '2001:db8::1'],
    'b.full.example': ['192.0.2.2'],
    'plain.example': ['192.0.2.3'],
    'sbc.example': ['192.0.2.9'],
  },
}

describe('RFC 3263', () => {
  test.each([
    ['sip:192.0.2.7', ['udp 192.0.2.7 5060']],
    ['sip:192.0.2.7:0', ['udp 192.0.2.7 5060']],
    ['sip:srv.example:0;transport=tcp', ['tcp 192.0.2.1 5070', 'tcp 2001:db8::1 5070']],
    ['sip:192.0.2.7:5080;transport=tcp', ['tcp 192.0.2.7 5080']],
    ['sip:[2001:DB8::7];transport=tls', ['tls 2001:db8::7 5061']],
    ['sips:192.0.2.7', ['tls 192.0.2.7 5061']],
    ['sips:192.0.2.7;transport=tcp', ['tls 192.0.2.7 5061']],
    ['sip:plain.example;maddr=192.0.2.8', ['udp 192.0.2.8 5060']],
    ['sip:plain.example;maddr=192.0.2.8;transport=tls', ['tls 192.0.2.8 5061 plain.example']],
    ['sip:full.example;maddr=plain.example', ['udp 192.0.2.3 5060']],
    ['sip:plain.example:5080', ['udp 192.0.2.3 5080']],
    ['sip:Plain.Example.:5080;transport=TLS', ['tls 192.0.2.3 5080 plain.example']],
    ['sip:plain.example', ['udp 192.0.2.3 5060']],
    ['sips:plain.example', ['tls 192.0.2.3 5061 plain.example']],
    ['sip:srv.example;transport=tcp', ['tcp 192.0.2.1 5070', 'tcp 2001:db8::1 5070']],
    ['sip:srv.example', ['udp 192.0.2.1 5090', 'udp 2001:db8::1 5090', 'tcp 192.0.2.1 5070', 'tcp 2001:db8::1 5070']],
    [
      'sips:full.example',
      ['tls 192.0.2.1 5061 full.example', 'tls 2001:db8::1 5061 full.example', 'tls 192.0.2.2 5071 full.example'],
    ],
  ])('%s', async (uri, hops) => {
    expect(await resolver(zone).resolve(uri)).toEqual(hops)
  })

  test('NAPTR order decides among transports that we have', async () => {
    expect((await resolver(zone).resolve('sip:full.example'))[0]).toBe('tls 192.0.2.1 5061 full.example')
    expect((await resolver(zone, { transports: ['udp'] }).resolve('sip:full.example'))[0]).toBe('udp 192.0.2.1 5060')
  })

  test('families without a listener are left out', async () => {
    expect(await resolver(zone, { families: [4] }).resolve('sip:srv.example;transport=tcp')).toEqual([
      'tcp 192.0.2.1 5070',
    ])
    await expect(resolver({ a: { six: ['2001:db8::1'] } }, { families: [4] }).resolve('sip:six:5060')).rejects.toThrow(
      /no listener/,
    )
  })

  test('without UDP the usual transport is the next one', async () => {
    expect(await resolver(zone, { transports: ['tcp', 'tls'] }).resolve('sip:192.0.2.7')).toEqual([
      'tcp 192.0.2.7 5060',
    ])
  })
})

describe('one question that fails', () => {
  const broken: Zone = {
    naptr: {
      'half.example': [naptr(1, 'SIP+D2T', '_sip._tcp.broken-srv.example'), naptr(2, 'SIP+D2U', 'udp.example')],
    },
    srv: {
      'udp.example': [srv('a.example', 5090)],
      '_sip._udp.two.example': [srv('broken.example', 5060, 1), srv('b.example', 5062, 2)],
      '_sip._udp.broken-naptr.example': [srv('b.example', 5062)],
      '_sip._udp.lost.example': [srv('broken.example', 5060)],
    },
    a: { 'a.example': ['192.0.2.1'], 'b.example': ['192.0.2.2'], 'x.broken-srv.example': ['192.0.2.3'] },
  }

  test.each([
    ['the address of one server: the others serve', 'sip:two.example', ['udp 192.0.2.2 5062']],
    ['NAPTR, which some servers do not know', 'sip:broken-naptr.example', ['udp 192.0.2.2 5062']],
    ['one service of NAPTR: the next one serves', 'sip:half.example', ['udp 192.0.2.1 5090']],
  ])('%s', async (_what, uri, hops) => {
    const { resolve, asked, clock } = resolver(broken)
    expect(await resolve(uri)).toEqual(hops)
    // What was found without it is not kept as long as the whole would be.
    clock.advance(6000)
    const before = asked.length
    await resolve(uri)
    expect(asked.length).toBeGreaterThan(before)
  })

  test('leaves nothing: it is told', async () => {
    const { resolve } = resolver(broken)
    await expect(resolve('sip:lost.example')).rejects.toThrow(/queryA ESERVFAIL/)
    // What stands there may be no SIP server at all.
    await expect(resolve('sip:x.broken-srv.example')).rejects.toThrow(/querySrv ESERVFAIL/)
  })
})

test('RFC 2782: a service that is said not to be there is not looked for at the name itself', async () => {
  const none: Zone = {
    srv: {
      '_sip._udp.none.example': [srv('', 0)],
      '_sips._tcp.half.example': [srv('.', 0)],
      '_sip._udp.half.example': [srv('a.example', 5062)],
    },
    a: { 'none.example': ['192.0.2.80'], 'half.example': ['192.0.2.80'], 'a.example': ['192.0.2.1'] },
  }
  await expect(resolver(none).resolve('sip:none.example')).rejects.toThrow(
    /_sip\._udp\.none\.example .* no such service/,
  )
  await expect(resolver(none).resolve('sips:half.example')).rejects.toThrow(/no such service/)
  expect(await resolver(none).resolve('sip:half.example')).toEqual(['udp 192.0.2.1 5062'])
  expect(await resolver(none).resolve('sip:none.example:5060')).toEqual(['udp 192.0.2.80 5060'])
})

test('the addresses of a maddr come from the same cache, and questions are bounded', async () => {
  const { one, asked } = resolver(zone)
  expect(await one.addresses('Plain.example')).toEqual(['192.0.2.3'])
  expect(await one.addresses('plain.example')).toEqual(['192.0.2.3'])
  expect(asked).toHaveLength(1)
  const answers = await Promise.allSettled(Array.from({ length: 1001 }, (_, i) => one.addresses(`n${i}.example`)))
  expect((answers.at(-1) as PromiseRejectedResult).reason.message).toContain('1000 other names are being looked up')
  expect(asked).toHaveLength(1001)
})

test('a URI without a host is an error that says so', async () => {
  await expect(resolver(zone).resolve('tel:+4930123456')).rejects.toMatchObject({ code: 'ERR_RESOLVE' })
})

describe('static names', () => {
  const hosts = { 'Guid.um.example.com': ['198.51.100.7', '198.51.100.8:5071', '[2001:db8::7]'] }

  test('go before DNS, at once, and keep the name for TLS', () => {
    const { one, asked } = resolver(zone, { hosts })
    expect(one.resolve(parseUri('sip:guid.um.example.com;transport=tls')!)).toEqual([
      { transport: 'tls', address: '198.51.100.7', port: 5061, serverName: 'guid.um.example.com' },
      { transport: 'tls', address: '198.51.100.8', port: 5071, serverName: 'guid.um.example.com' },
      { transport: 'tls', address: '2001:db8::7', port: 5061, serverName: 'guid.um.example.com' },
    ])
    expect(asked).toEqual([])
  })

  test('that are not numeric are refused', () => {
    expect(() => staticHosts({ a: ['b.example'] })).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }))
  })
})

describe('the cache', () => {
  test('answers at once until the time to live is over', async () => {
    const { one, resolve, asked, clock } = resolver(zone)
    await resolve('sip:plain.example:5060')
    expect(one.resolve(parseUri('sip:plain.example:5060')!)).toEqual([
      { transport: 'udp', address: '192.0.2.3', port: 5060 },
    ])
    expect(asked).toEqual(['A plain.example'])
    clock.advance(30_000)
    await resolve('sip:plain.example:5060')
    expect(asked).toHaveLength(2)
  })

  test('is bounded in time and number, and asks once for many at a time', async () => {
    const { resolve, asked, clock } = resolver(zone, { ttl: 86_400, entries: 1 })
    await Promise.all([resolve('sip:plain.example:5060'), resolve('sip:plain.example:5060')])
    expect(asked).toHaveLength(1)
    await resolve('sip:sbc.example:5060')
    await resolve('sip:plain.example:5060')
    expect(asked).toHaveLength(3)
    clock.advance(60_000)
    await resolve('sip:plain.example:5060')
    expect(asked).toHaveLength(4)
  })

  test('keeps failures for a short time, and each names the remedy', async () => {
    const { resolve, asked, clock } = resolver(zone)
    const failure = {
      code: 'ERR_RESOLVE',
      message: expect.stringMatching(/broken\.example: queryA ESERVFAIL.*config\.hosts/),
    }
    await expect(resolve('sip:broken.example:5060')).rejects.toMatchObject(failure)
    await expect(resolve('sip:broken.example:5060')).rejects.toMatchObject(failure)
    await expect(resolve('sip:nothing.example:5060')).rejects.toMatchObject({
      message: expect.stringContaining('it has no address'),
    })
    expect(asked).toHaveLength(2)
    clock.advance(5_000)
    await expect(resolve('sip:broken.example:5060')).rejects.toMatchObject(failure)
    expect(asked).toHaveLength(3)
  })

  test('a server that never answers fails the question after a time', async () => {
    const { resolve, clock } = resolver(zone)
    const answer = resolve('sip:slow.example:5060')
    clock.advance(10_000)
    await expect(answer).rejects.toMatchObject({
      code: 'ERR_RESOLVE',
      message: expect.stringContaining('no answer within'),
    })
  })
})

describe('RFC 2782 order', () => {
  test('priorities first, each server once, whatever the lots', () => {
    const server = fc.record({ priority: fc.nat(3), weight: fc.nat(100) })
    fc.assert(
      fc.property(
        fc.array(server, { maxLength: 10 }),
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (servers, lots) => {
          const ordered = orderServers(servers, () => lots.next().value)
          expect(ordered).toHaveLength(servers.length)
          expect(new Set(ordered)).toEqual(new Set(servers))
          const priorities = ordered.map(({ priority }) => priority)
          expect(priorities).toEqual(priorities.toSorted((a, b) => a - b))
        },
      ),
    )
  })

  test('weights are shares', () => {
    let lot = 0
    const random = (): number => (lot += 0.01) - 0.01
    let heavy = 0
    for (let i = 0; i < 100; i++) {
      lot = i / 100
      if (
        orderServers(
          [
            { priority: 1, weight: 10 },
            { priority: 1, weight: 90 },
          ],
          random,
        )[0]!.weight === 90
      )
        heavy++
    }
    expect(heavy).toBeGreaterThan(85)
    expect(heavy).toBeLessThan(95)
  })
})

test('a hosts file gives names in lower case', () => {
  expect(parseHostsFile('127.0.0.1 localhost\n# no\n10.0.0.1  PBX pbx.lan # x\n::1 localhost\nbad line\n')).toEqual(
    new Map([
      ['localhost', ['127.0.0.1', '::1']],
      ['pbx', ['10.0.0.1']],
      ['pbx.lan', ['10.0.0.1']],
    ]),
  )
})
