// Owns the tests of listen lines and numeric addresses.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SignalboxError } from '../../src/errors.ts'
import { expandListen, numericAddress, parseListen } from '../../src/transport/index.ts'
import { inSubnet, sourceKey } from '../../src/transport/ip-address.ts'

describe('parseListen', () => {
  test.each([
    ['udp:10.0.0.5:5060', { transport: 'udp', address: '10.0.0.5', port: 5060 }],
    ['UDP:10.0.0.5', { transport: 'udp', address: '10.0.0.5', port: 5060 }],
    ['tls:10.0.0.5', { transport: 'tls', address: '10.0.0.5', port: 5061 }],
    ['10.0.0.5:5080', { transport: 'udp', anyTransport: true, address: '10.0.0.5', port: 5080 }],
    ['tcp:eth0:5070', { transport: 'tcp', address: 'eth0', port: 5070 }],
    ['eth0', { transport: 'udp', anyTransport: true, address: 'eth0', port: 5060 }],
    ['udp:*:5060', { transport: 'udp', address: '*', port: 5060 }],
    ['udp:[2001:DB8::5]:5060', { transport: 'udp', address: '2001:db8::5', port: 5060 }],
    ['udp:[::1]', { transport: 'udp', address: '::1', port: 5060 }],
    ['"udp:10.0.0.5:5060"', { transport: 'udp', address: '10.0.0.5', port: 5060 }],
    [
      'tls:10.0.0.5:5061 advertise 25.25.25.5:5061',
      { transport: 'tls', address: '10.0.0.5', port: 5061, advertised: { host: '25.25.25.5', port: 5061 } },
    ],
    [
      'udp:10.0.0.5:5070 advertise SBC.example.com name "outside" tls_profile x',
      {
        transport: 'udp',
        address: '10.0.0.5',
        port: 5070,
        advertised: { host: 'sbc.example.com', port: 5070 },
        name: 'outside',
        tlsProfile: 'x',
      },
    ],
    [
      'udp:10.0.0.5:5060 advertise "[2001:db8::1]":5090',
      { transport: 'udp', address: '10.0.0.5', port: 5060, advertised: { host: '[2001:db8::1]', port: 5090 } },
    ],
  ])('%s', (text, spec) => {
    expect(parseListen(text)).toEqual(spec)
  })

  test.each([
    ['', 'it is empty'],
    ['udp:10.0.0.5:99999', 'is not a port'],
    ['udp:10.0.0.5:sip', 'is not a port'],
    ['udp:10.0.0.999:5060', 'is not an IPv4 address'],
    ['udp:[::zz]:5060', 'is not an IPv6 address'],
    ['sctp:10.0.0.5', 'SCTP is not supported'],
    ['udp:10.0.0.5 advertize 1.2.3.4', "'advertize' is not known"],
    ['udp:10.0.0.5 name', "'name' has no value"],
    ['udp:10.0.0.5;5060', 'is not an address'],
  ])('%s is refused: %s', (text, why) => {
    expect(() => parseListen(text)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringContaining(why) }),
    )
  })

  test('any text gives a spec or an error of ours', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        try {
          parseListen(text)
        } catch (error) {
          expect(error).toBeInstanceOf(SignalboxError)
        }
      }),
    )
  })
})

describe('expandListen', () => {
  const info = (address: string, family: 'IPv4' | 'IPv6', cidr: string) =>
    ({ address, family, cidr, netmask: '', mac: '', internal: false, scopeid: 0 }) as never
  const interfaces = {
    lo: [info('127.0.0.1', 'IPv4', '127.0.0.1/8'), info('::1', 'IPv6', '::1/128')],
    eth0: [info('10.0.0.5', 'IPv4', '10.0.0.5/24'), info('fe80::1', 'IPv6', 'fe80::1/64')],
  }

  test('gives one entry a socket', () => {
    const sockets = (text: string): string[] =>
      expandListen([text], interfaces).map(({ transport, address, port }) => `${transport} ${address} ${port}`)
    expect(sockets('udp:eth0:5070')).toEqual(['udp 10.0.0.5 5070'])
    expect(sockets('10.0.0.5')).toEqual(['udp 10.0.0.5 5060', 'tcp 10.0.0.5 5060'])
    expect(sockets('tcp:0.0.0.0:5060')).toEqual(['tcp 127.0.0.1 5060', 'tcp 10.0.0.5 5060'])
    expect(sockets('udp:[::]:5060')).toEqual(['udp ::1 5060'])
    expect(sockets('udp:*')).toEqual(['udp 127.0.0.1 5060', 'udp ::1 5060', 'udp 10.0.0.5 5060'])
    expect(() => sockets('udp:eth7')).toThrow(/one of lo, eth0/)
  })

  test('leaves a spec with a descriptor as it is', () => {
    const spec = { transport: 'udp', address: '0.0.0.0', port: 5060, fd: 9 } as const
    expect(expandListen([spec], interfaces)).toEqual([spec])
  })
})

describe('addresses', () => {
  test.each([
    ['10.0.0.5', '10.0.0.5'],
    ['[2001:DB8:0:0::1]', '2001:db8::1'],
    ['::ffff:10.0.0.5', '10.0.0.5'],
    ['example.com', undefined],
    ['[10.0.0.5]', undefined],
    ['1.2.3', undefined],
  ])('numericAddress(%s)', (text, canonical) => {
    expect(numericAddress(text)).toBe(canonical)
  })

  test('subnets and sources', () => {
    expect(inSubnet('10.0.1.9', '10.0.0.5', 16)).toBe(true)
    expect(inSubnet('10.1.0.9', '10.0.0.5', 16)).toBe(false)
    expect(inSubnet('2001:db8::9', '2001:db8:0:0:1::', 64)).toBe(true)
    expect(inSubnet('2001:db8:0:1::9', '2001:db8::', 64)).toBe(false)
    expect(inSubnet('10.0.0.1', '::', 0)).toBe(false)
    expect(sourceKey('2001:db8:1:2:3::4')).toBe(sourceKey('2001:db8:1:2:ffff::1'))
    expect(sourceKey('2001:db8:1:3::4')).not.toBe(sourceKey('2001:db8:1:2::4'))
  })
})
