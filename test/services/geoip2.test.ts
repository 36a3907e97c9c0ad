// Checks module geoip2: records of networks in every size of the format, and files that are none.
import { afterEach, describe, expect, test } from 'vitest'
import { MaxmindDatabase } from '../../src/services/maxmind-database.ts'
import { request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'
import { maxmindFile, Pointer } from './maxmind-writer.ts'

const bits = (bytes: readonly number[], count: number) =>
  bytes
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('')
    .slice(0, count)
const v4 = (address: string, count: number) => '0'.repeat(96) + bits(address.split('.').map(Number), count)

const BERLIN = {
  country: { iso_code: 'DE', names: { en: 'Germany' } },
  continent: { code: 'EU' },
  city: { names: { en: 'Berlin', de: 'Berlin' } },
  location: { latitude: 52.5, longitude: 13.4001, time_zone: 'Europe/Berlin' },
  postal: { code: '10115' },
  subdivisions: [{ iso_code: 'BE', names: { en: 'Land Berlin' } }],
  note: 'x'.repeat(300),
}
const NETWORKS = [
  [v4('198.51.100.0', 24), BERLIN],
  [v4('203.0.113.128', 25), { country: { iso_code: 'US' }, location: { latitude: -1.25, metro_code: 807 } }],
  [
    bits([0x20, 0x01, 0x0d, 0xb8], 32),
    { country: { iso_code: 'SE' }, city: { names: { en: 'Gävle' } }, same: new Pointer(0) },
  ],
] as const

let cfg: CfgRoute | undefined
afterEach(async () => {
  await cfg?.close()
  cfg = undefined
})

describe.each([24, 28, 32] as const)('a database with records of %i bits', (size) => {
  const database = new MaxmindDatabase(maxmindFile(NETWORKS as never, size))

  test('finds networks of both families', () => {
    expect(database.find('198.51.100.77')).toMatchObject({ prefix: 24, value: BERLIN })
    expect(database.find('::ffff:198.51.100.77')?.prefix).toBe(24)
    expect(database.find('203.0.113.200')).toMatchObject({ prefix: 25 })
    expect(database.find('203.0.113.1')).toBeUndefined()
    expect(database.find('2001:db8:1::7')).toMatchObject({
      prefix: 32,
      value: { city: { names: { en: 'Gävle' } }, same: BERLIN },
    })
    expect(database.find('2001:db9::')).toBeUndefined()
    for (const none of ['', 'example.com', '1.2.3', '1.2.3.4.5']) expect(database.find(none)).toBeUndefined()
  })
})

test('a file that is damaged throws, and nothing else', () => {
  const good = maxmindFile(NETWORKS as never, 24)
  for (const wrong of [Buffer.alloc(0), Buffer.from('no database'), good.subarray(0, 100)])
    expect(() => new MaxmindDatabase(wrong)).toThrow(/no MaxMind database|damaged/)
  for (let at = 0; at < good.length; at += 3) {
    const bad = Buffer.from(good)
    bad[at] = bad[at]! ^ 0xff
    try {
      new MaxmindDatabase(bad).find('198.51.100.1')
    } catch (error) {
      expect(error).toBeInstanceOf(Error)
    }
  }
  // A pointer at itself ends.
  const loop = maxmindFile([[v4('198.51.100.0', 24), new Pointer(0)]], 24)
  expect(() => new MaxmindDatabase(loop).find('198.51.100.1')).toThrow(Error)
})

test('$gip2 tells what geoip2_match found, and secfilter blocks by country', async () => {
  cfg = await cfgRoute(
    'sl pv xlog textops geoip2 secfilter',
    `modparam("geoip2", "path", "places.mmdb")
request_route {
  if (geoip2_match("$hdr(X-At)", "src")) {
    xlog("$gip2(src=>cc) $gip2(src=>city) $gip2(src=>tz) $gip2(src=>zip) $gip2(src=>lat) $gip2(src=>lon) $gip2(src=>regc) $gip2(src=>regn) $gip2(src=>metro) $gip2(src=>contc) $gip2(src=>nmask)\\n");
    secf_check_country($gip2(src=>cc));
  } else xlog("nowhere $gip2(src=>cc)\\n");
}`,
    { 'places.mmdb': maxmindFile(NETWORKS as never, 28) as never },
  )
  const alice = cfg.route.party('udp:10.0.0.6:5060')
  for (const at of ['198.51.100.1', '203.0.113.200', '192.0.2.1'])
    await alice.send(request('OPTIONS', { headers: { 'X-At': at } }))
  expect(cfg.said()).toEqual([
    'DE Berlin Europe/Berlin 10115 52.500000 13.400100 BE Land Berlin <null> EU 24',
    'US <null> <null> <null> -1.250000 <null> <null> <null> 807 <null> 25',
    'nowhere <null>',
  ])
  expect(await cfg.route.engine.command('geoip2.reload', [])).toBe('')
})

test('without a database the function says what is missing; a key that there is not is refused', async () => {
  cfg = await cfgRoute(
    'sl pv xlog geoip2',
    'request_route { if (geoip2_match("$si", "a")) xlog("found\\n"); xlog("on\\n"); }',
  )
  await cfg.route.party('udp:10.0.0.6:5060').send(request('OPTIONS'))
  expect(JSON.stringify(cfg.route.lines)).toContain('geoip2_match() has no database: modparam')
  await expect(cfgRoute('pv xlog geoip2', 'request_route { xlog("$gip2(a=>planet)"); }')).rejects.toThrow(
    /has the keys cc, tz/,
  )
})
