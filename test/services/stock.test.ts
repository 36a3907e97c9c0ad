// Owns Debian's stock kamailio.cfg, unmodified, under each of its defines: phones register through it and call each other.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { main } from '../../src/cli/index.ts'
import { OWN_SCHEMA } from '../../src/database/schema.ts'
import { RouteUnderTest, sdp } from '../../src/testkit/index.ts'
import { Phone } from './stock-phone.ts'

const STOCK = '/etc/kamailio/kamailio.cfg'
const present = existsSync(STOCK)
if (!present) process.stderr.write(`SKIPPED the stock configuration: ${STOCK} is not there\n`)

const folder = mkdtempSync(join(tmpdir(), 'stock-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const FILL = `
INSERT INTO subscriber (username, domain, password) VALUES ('alice', '127.0.0.1', 'secret-a'), ('bob', '127.0.0.1', 'secret-b'),
  ('carol', 'example.org', 'secret-c');
INSERT INTO dbaliases (alias_username, alias_domain, username, domain) VALUES ('robert', '127.0.0.1', 'bob', '127.0.0.1');
INSERT INTO speed_dial (username, domain, sd_username, sd_domain, new_uri)
  VALUES ('alice', '127.0.0.1', '42', '127.0.0.1', 'sip:bob@127.0.0.1');
INSERT INTO domain (domain) VALUES ('example.org'), ('127.0.0.1');
INSERT INTO address (grp, ip_addr, mask) VALUES (1, '127.0.0.66', 32);
`

let serial = 0
let route: RouteUnderTest | undefined
let file = ''

/** Makes a database, and gives the defines with its URL. */
function prepared(defines: readonly string[]): Record<string, string> {
  file = join(folder, `${++serial}.db`)
  const database = new DatabaseSync(file)
  database.exec(OWN_SCHEMA + FILL)
  database.close()
  const all = ['WITH_MYSQL', ...defines].map((name) => [name, ''] as const)
  return { ...Object.fromEntries(all), DBURL: `"sqlite://${file}"` }
}

const PLACE = { listen: ['udp:127.0.0.1:5060'], interfaces: ['127.0.0.1'] }

/** Starts the file under these defines on a database of its own. */
async function start(...defines: string[]): Promise<RouteUnderTest> {
  route = await RouteUnderTest.load(STOCK, { defines: prepared(defines), ...PLACE })
  return route
}

/** The same of what `convert` makes of the file. */
async function startConverted(...defines: string[]): Promise<RouteUnderTest> {
  const given = Object.entries(prepared(defines)).flatMap(([name, value]) => [
    '-A',
    value === '' ? name : `${name}=${value}`,
  ])
  const typescript = join(folder, 'converted.ts')
  expect(await main(['convert', STOCK, '-o', typescript, ...given])).toBe(0)
  route = await RouteUnderTest.load(typescript, PLACE)
  return route
}

afterEach(async () => {
  await route?.close()
  route = undefined
})

function rows(table: string): Record<string, unknown>[] {
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    return database.prepare(`SELECT * FROM ${table} ORDER BY id`).all() as Record<string, unknown>[]
  } finally {
    database.close()
  }
}

const ALICE = { user: 'alice', password: 'secret-a', at: 'udp:127.0.0.11:5060' }
const BOB = { user: 'bob', password: 'secret-b', at: 'udp:127.0.0.12:5060' }

async function registered(...defines: string[]): Promise<{ alice: Phone; bob: Phone }> {
  return registeredAt(await start(...defines))
}

async function registeredAt(running: RouteUnderTest): Promise<{ alice: Phone; bob: Phone }> {
  const [alice, bob] = [new Phone(running, ALICE), new Phone(running, BOB)]
  for (const phone of [alice, bob]) expect((await phone.register()).message.raw).toMatch(/^SIP\/2\.0 200 OK/)
  return { alice, bob }
}

/** A whole call, and what the callee was sent. */
async function call(alice: Phone, bob: Phone, uri = 'sip:bob@127.0.0.1') {
  const { fromTag } = await alice.invite(uri, sdp('127.0.0.11', 4000))
  const invite = await bob.party.request('INVITE')
  await bob.party.answer(invite, 180, { toTag: 'b' })
  expect((await alice.party.reply(180)).message.toTag).toBe('b')
  await bob.party.answer(invite, 200, {
    toTag: 'b',
    headers: `Contact: <${bob.contact}>\r\n`,
    body: sdp('127.0.0.12', 5000),
    contentType: 'application/sdp',
  })
  const ok = await alice.party.reply(200)
  await alice.within('ACK', ok, fromTag)
  const ack = await bob.party.request('ACK')
  await alice.within('BYE', ok, fromTag)
  const bye = await bob.party.request('BYE')
  await bob.party.answer(bye, 200)
  await alice.party.reply(200)
  return { invite, ok, ack, bye }
}

/** Every define of the file; voice mail only has addresses to be filled in. */
const SETS: readonly (readonly string[])[] = [
  [],
  ['WITH_AUTH'],
  ['WITH_AUTH', 'WITH_IPAUTH'],
  ['WITH_NAT'],
  ['WITH_NAT', 'WITH_RTPENGINE'],
  ['WITH_NAT', 'WITH_NATSIPPING'],
  ['WITH_USRLOCDB'],
  ['WITH_PSTN'],
  ['WITH_ALIASDB'],
  ['WITH_SPEEDDIAL'],
  ['WITH_MULTIDOMAIN'],
  ['WITH_PRESENCE'],
  ['WITH_ANTIFLOOD'],
  ['WITH_TLS'],
  ['WITH_ACCDB'],
  ['WITH_BLOCK3XX'],
  ['WITH_BLOCK401407'],
  ['WITH_JSONRPC'],
  ['WITH_VOICEMAIL'],
  ['WITH_DEBUG'],
]
const ALL = [
  'WITH_AUTH WITH_NAT WITH_USRLOCDB WITH_PSTN WITH_ALIASDB WITH_SPEEDDIAL WITH_MULTIDOMAIN WITH_PRESENCE',
  'WITH_ANTIFLOOD WITH_TLS WITH_ACCDB WITH_BLOCK3XX WITH_BLOCK401407 WITH_JSONRPC',
]
  .join(' ')
  .split(' ')

describe.skipIf(!present)('the stock configuration', () => {
  test.each([...SETS, ALL].map((set) => [set.length > 3 ? 'everything' : set.join(' ') || 'nothing', set] as const))(
    'with %s: phones register and call each other',
    async (_title, set) => {
      const { alice, bob } = await registered(...set)
      const { invite } = await call(alice, bob)
      expect(invite.message.header('Record-Route')).toMatch(/^<sip:127\.0\.0\.1;lr/)
      expect(invite.message.header('Proxy-Authorization')).toBeUndefined()
    },
  )

  test('with everything, converted to TypeScript: the same', async () => {
    const { alice, bob } = await registeredAt(await startConverted(...ALL))
    const { invite } = await call(alice, bob)
    expect(invite.message.header('Record-Route')).toMatch(/^<sip:127\.0\.0\.1;lr/)
    await alice.invite('sip:nobody@127.0.0.1', sdp('127.0.0.11', 4000))
    expect((await alice.party.reply()).message.raw).toMatch(/^SIP\/2\.0 404/)
  })

  test('nobody is registered: 404; somebody who has gone: 404', async () => {
    const { alice, bob } = await registered()
    await alice.invite('sip:nobody@127.0.0.1', sdp('127.0.0.11', 4000))
    expect((await alice.party.reply()).message.raw).toMatch(/^SIP\/2\.0 404 Not Found/)
    await bob.register(0)
    await alice.invite('sip:bob@127.0.0.1', sdp('127.0.0.11', 4000))
    expect((await alice.party.reply()).message.raw).toMatch(/^SIP\/2\.0 404 Not Found/)
  })

  test('a registration ends when its time is up', async () => {
    const { alice } = await registered()
    await route!.advance(599_000)
    expect((await alice.ask('REGISTER', 'sip:127.0.0.1', { Contact: '' })).message.raw).toMatch(/expires=1\r\n/)
    await route!.advance(1_000)
    expect((await alice.ask('REGISTER', 'sip:127.0.0.1', { Contact: '' })).message.find('Contact')).toBe(-1)
  })

  test('WITH_AUTH: a wrong password and another name are refused, strangers are not relayed', async () => {
    const running = await start('WITH_AUTH')
    const wrong = new Phone(running, { ...ALICE, password: 'guess' })
    expect((await wrong.register()).message.raw).toMatch(/^SIP\/2\.0 401 Unauthorized/)
    const other = new Phone(running, { ...BOB, at: 'udp:127.0.0.13:5060', user: 'mallory', password: 'secret-b' })
    expect((await other.register()).message.raw).toMatch(/^SIP\/2\.0 401 Unauthorized/)
    const stranger = new Phone(running, { user: 'x', at: 'udp:127.0.0.14:5060', domain: 'far.example' })
    expect((await stranger.ask('OPTIONS', 'sip:y@elsewhere.example')).message.raw).toMatch(
      /^SIP\/2\.0 403 Not relaying/,
    )
  })

  test('WITH_IPAUTH: an address of the table is not challenged', async () => {
    const { bob } = await registered('WITH_AUTH', 'WITH_IPAUTH')
    const trunk = new Phone(route!, { user: 'trunk', at: 'udp:127.0.0.66:5060' })
    await trunk.invite('sip:bob@127.0.0.1', sdp('127.0.0.66', 4000))
    await bob.party.request('INVITE')
  })

  test('WITH_NAT: the contact is where it was seen, media go through the relay, requests in the dialog find back', async () => {
    const running = await start('WITH_NAT')
    const alice = new Phone(running, { ...ALICE, believes: 'udp:10.0.0.5:5062' })
    const bob = new Phone(running, { ...BOB, believes: 'udp:10.0.0.6:5062' })
    expect((await alice.register()).message.header('Contact')).toContain('received="sip:127.0.0.11:5060"')
    await bob.register()
    const { invite, ok, bye } = await call(alice, bob)
    expect(invite.message.raw).toMatch(/^INVITE sip:bob@10\.0\.0\.6:5062 /)
    expect(invite.message.header('Contact')).toContain(';alias=127.0.0.11~5060~1')
    expect(invite.message.header('Record-Route')).toContain(';nat=yes')
    expect(invite.message.body).toMatch(/c=IN IP4 127\.0\.0\.1\r\n/)
    expect(ok.message.header('Contact')).toContain(';alias=127.0.0.12~5060~1')
    expect(bye.message.raw).toMatch(/^BYE sip:bob@10\.0\.0\.6:5062 /)
    expect(running.relay.sessions.size).toBe(0)
  })

  test('WITH_NATSIPPING: contacts behind NAT are asked for OPTIONS, others are left alone', async () => {
    const running = await start('WITH_NAT', 'WITH_NATSIPPING')
    const alice = new Phone(running, { ...ALICE, believes: 'udp:10.0.0.5:5062' })
    const bob = new Phone(running, BOB)
    await alice.register()
    await bob.register()
    for (let second = 0; second < 61; second++) await running.advance(1000)
    const ping = await alice.party.request('OPTIONS')
    expect(ping.message.raw).toMatch(/^OPTIONS sip:alice@10\.0\.0\.5:5062 /)
    expect(ping.message.from?.uri).toBe('sip:pinger@kamailio.org')
    expect(await bob.party.unread()).toEqual([])
  })

  test('WITH_USRLOCDB: contacts are written to table location, and read from it by the next start', async () => {
    await registered('WITH_USRLOCDB')
    expect(rows('location')).toEqual([])
    await route!.advance(60_000)
    expect(rows('location')).toMatchObject([
      { username: 'alice', contact: 'sip:alice@127.0.0.11:5060', socket: 'udp:127.0.0.1:5060', q: -1 },
      { username: 'bob' },
    ])
  })

  test('WITH_ALIASDB and WITH_SPEEDDIAL: other names lead to bob', async () => {
    const { alice, bob } = await registered('WITH_ALIASDB', 'WITH_SPEEDDIAL')
    await call(alice, bob, 'sip:robert@127.0.0.1')
    await call(alice, bob, 'sip:42@127.0.0.1')
  })

  test('WITH_MULTIDOMAIN: domains of the table are ours, and names in them are apart', async () => {
    const { alice } = await registered('WITH_MULTIDOMAIN')
    const carol = new Phone(route!, { user: 'carol', at: 'udp:127.0.0.13:5060', domain: 'example.org' })
    expect((await carol.register()).message.raw).toMatch(/^SIP\/2\.0 200/)
    await call(alice, carol, 'sip:carol@example.org')
    await alice.invite('sip:carol@127.0.0.1', sdp('127.0.0.11', 4000))
    expect((await alice.party.reply()).message.raw).toMatch(/^SIP\/2\.0 404/)
  })

  test('WITH_ACCDB: answered transactions and missed calls are rows', async () => {
    const { alice, bob } = await registered('WITH_ACCDB')
    await call(alice, bob)
    await alice.invite('sip:bob@127.0.0.1', sdp('127.0.0.11', 4000))
    await bob.party.answer(await bob.party.request('INVITE'), 486, { toTag: 'x' })
    await alice.party.reply(486)
    const who = { src_user: 'alice', src_ip: '127.0.0.11', dst_ouser: 'bob', dst_user: 'bob' }
    expect(rows('acc')).toMatchObject([
      { method: 'INVITE', sip_code: '200', to_tag: 'b', ...who },
      { method: 'BYE', sip_code: '200', ...who },
    ])
    expect(rows('missed_calls')).toMatchObject([{ method: 'INVITE', sip_code: '486', sip_reason: 'Busy Here', ...who }])
    expect(
      route!.lines.filter(({ fields }) => fields.event === 'acc').map(({ message }) => message.slice(0, 30)),
    ).toEqual(['ACC: transaction answered: tim', 'ACC: transaction answered: tim', 'ACC: call missed: timestamp=14'])
  })

  test.each([
    ['WITH_BLOCK3XX', 302],
    ['WITH_BLOCK401407', 401],
  ])('%s: %i becomes 404', async (define, status) => {
    const { alice, bob } = await registered(define)
    await alice.invite('sip:bob@127.0.0.1', sdp('127.0.0.11', 4000))
    await bob.party.answer(await bob.party.request('INVITE'), status)
    expect((await alice.party.reply()).message.raw).toMatch(/^SIP\/2\.0 404 Not found/)
  })

  test('WITH_PRESENCE: a watcher is told what is published, and when it ends', async () => {
    const { alice, bob } = await registered('WITH_PRESENCE')
    const event = { Event: 'presence', Expires: '600' }
    const accepted = await alice.ask('SUBSCRIBE', 'sip:bob@127.0.0.1', event)
    expect(accepted.message.raw).toMatch(/^SIP\/2\.0 202 OK/)
    const first = await alice.party.request('NOTIFY')
    expect(first.message.header('Subscription-State')).toBe('active;expires=600')
    await alice.party.answer(first, 200)
    const body = '<presence entity="sip:bob@127.0.0.1"/>'
    const published = await bob.ask(
      'PUBLISH',
      'sip:bob@127.0.0.1',
      { ...event, 'Content-Type': 'application/pidf+xml' },
      body,
    )
    expect(published.message.header('SIP-ETag')).toBeTruthy()
    const told = await alice.party.request('NOTIFY')
    expect([told.message.body, told.message.contentType]).toEqual([body, 'application/pidf+xml'])
    await alice.party.answer(told, 200)
    await route!.advance(600_000)
    const last = await alice.party.request('NOTIFY')
    expect(last.message.header('Subscription-State')).toMatch(/^terminated;reason=timeout|^active/)
    const stale = await bob.ask('PUBLISH', 'sip:bob@127.0.0.1', { ...event, 'SIP-If-Match': 'none' })
    expect(stale.message.raw).toMatch(/^SIP\/2\.0 412/)
  })
})
