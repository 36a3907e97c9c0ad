// Checks what users' modules do beyond the stock file: expiry told to the script, db_mode 1 and 3, digest with nonces used once, tables, permissions, statements.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { OWN_SCHEMA } from '../../src/database/schema.ts'
import { digestResponse, ha1 } from '../../src/services/auth-digest.ts'
import { type Party, request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'
import { Phone } from './stock-phone.ts'

let cfg: CfgRoute | undefined
afterEach(async () => {
  await cfg?.close()
  cfg = undefined
})

const MODULES = 'tm sl pv xlog textops siputils usrloc registrar'

/** A database file beside the script, filled by `sql`. */
function withTables(sql: string, file: string): string {
  const database = new DatabaseSync(file)
  database.exec(OWN_SCHEMA + sql)
  database.close()
  return `sqlite://${file}`
}
const folder = mkdtempSync(join(tmpdir(), 'users-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let serial = 0
const scratch = () => join(folder, `${++serial}.db`)

const register = (contact: string, more: Record<string, string> = {}, callId = 'reg', cseq = 1) =>
  request('REGISTER', {
    uri: 'sip:127.0.0.1',
    callId,
    cseq,
    headers: { To: '<sip:alice@127.0.0.1>', Contact: contact, ...more },
  })

async function party(): Promise<Party> {
  return cfg!.route.party('udp:10.0.0.6:5060')
}

describe('usrloc and registrar', () => {
  test('the end of a contact is told to its event route', async () => {
    cfg = await cfgRoute(
      MODULES,
      `request_route { save("location"); }
       event_route[usrloc:contact-expired] { xlog("gone $ulc(exp=>aor) $ulc(exp=>addr)\\n"); }`,
    )
    const alice = await party()
    await alice.send(register('<sip:alice@10.0.0.6>;expires=60'))
    await alice.reply(200)
    await cfg.route.advance(59_000)
    expect(cfg.said()).toEqual([])
    await cfg.route.advance(61_000)
    expect(cfg.said()).toEqual(['gone alice sip:alice@10.0.0.6'])
  })

  test('too many contacts: 503, too brief: 423, and nothing has changed', async () => {
    cfg = await cfgRoute(
      MODULES,
      `modparam("registrar", "max_contacts", 1)
       modparam("registrar", "min_expires_mode", 1)
       modparam("registrar", "retry_after", 30)
       request_route { save("location"); }`,
    )
    const alice = await party()
    await alice.send(register('<sip:one@10.0.0.6>'))
    await alice.reply(200)
    await alice.send(register('<sip:two@10.0.0.6>', {}, 'other'))
    expect((await alice.reply(503)).message.header('Retry-After')).toBe('30')
    await alice.send(register('<sip:one@10.0.0.6>;expires=10', {}, 'reg', 2))
    expect((await alice.reply(423)).message.header('Min-Expires')).toBe('60')
    await alice.send(register('', {}, 'list'))
    expect((await alice.reply(200)).message.header('Contact')).toMatch(/^<sip:one@10\.0\.0\.6>;expires=3600$/)
  })

  test('GRUUs (RFC 5627): given in the reply, and found again', async () => {
    cfg = await cfgRoute(
      MODULES,
      'request_route { if (is_method("REGISTER")) { save("location"); exit; } lookup("location"); xlog("$rc $ru\\n"); sl_send_reply("200", "OK"); }',
    )
    const alice = await party()
    await alice.send(register('<sip:alice@10.0.0.6>;+sip.instance="<urn:uuid:7>"', { Supported: 'gruu' }))
    const header = (await alice.reply(200)).message.header('Contact')!
    expect(header).toContain('pub-gruu="sip:alice@127.0.0.1;gr=urn:uuid:7"')
    const temporary = /temp-gruu="([^"]*)"/.exec(header)![1]!
    for (const uri of ['sip:alice@127.0.0.1;gr=urn:uuid:7', temporary, 'sip:alice@127.0.0.1;gr=urn:uuid:8']) {
      await alice.send(request('OPTIONS', { uri }))
      await alice.reply(200)
    }
    expect(cfg.said()).toEqual(['1 sip:alice@10.0.0.6', '1 sip:alice@10.0.0.6', expect.stringMatching(/^-1 /)])
  })

  test.each([1, 3])('db_mode %i: rows are there at once, and are found by the next start', async (mode) => {
    const url = withTables('', scratch())
    const text = `modparam("usrloc", "db_url", "${url}")
      modparam("usrloc", "db_mode", ${mode})
      modparam("usrloc", "use_domain", 1)
      request_route { if (is_method("REGISTER")) { save("location"); exit; } lookup("location"); xlog("$rc $ru\\n"); sl_send_reply("200", "OK"); }`
    cfg = await cfgRoute(`${MODULES} db_sqlite`, text)
    const alice = await party()
    await alice.send(register('<sip:alice@10.0.0.6>;q=0.5', { 'User-Agent': 'phone' }))
    await alice.reply(200)
    const database = new DatabaseSync(url.slice(9), { readOnly: true })
    expect(database.prepare('SELECT * FROM location').all()).toMatchObject([
      { username: 'alice', domain: '127.0.0.1', contact: 'sip:alice@10.0.0.6', q: 0.5, user_agent: 'phone', cseq: 1 },
    ])
    await cfg.close()
    cfg = await cfgRoute(`${MODULES} db_sqlite`, text)
    const again = await party()
    await again.send(request('OPTIONS', { uri: 'sip:alice@127.0.0.1' }))
    await again.reply(200)
    expect(cfg.said()).toEqual(['1 sip:alice@10.0.0.6'])
    await again.send(register('*', { Expires: '0' }, 'gone', 9))
    await again.reply(200)
    expect(database.prepare('SELECT * FROM location').all()).toEqual([])
    database.close()
  })

  test('db_mode 2: a row that the database refuses keeps no other from being written, and is tried again', async () => {
    const file = scratch()
    const url = withTables(
      "CREATE TRIGGER never BEFORE INSERT ON location WHEN NEW.username = 'alice' BEGIN SELECT RAISE(ABORT, 'no'); END;",
      file,
    )
    cfg = await cfgRoute(
      MODULES,
      `modparam("usrloc", "db_url", "${url}")\nmodparam("usrloc", "db_mode", 2)\nrequest_route { save("location"); }`,
    )
    const alice = await party()
    for (const [i, user] of ['alice', 'bob'].entries()) {
      await alice.send(register(`<sip:${user}@10.0.0.6>`, { To: `<sip:${user}@127.0.0.1>` }, user, i + 1))
      await alice.reply(200)
    }
    const users = (before = '') => {
      const database = new DatabaseSync(file)
      if (before !== '') database.exec(before)
      const rows = database.prepare('SELECT username FROM location ORDER BY username').all()
      database.close()
      return rows.map(({ username }) => username)
    }
    await cfg.route.advance(60_000)
    expect(users()).toEqual(['bob'])
    expect(users('DROP TRIGGER never')).toEqual(['bob'])
    await cfg.route.advance(60_000)
    expect(users()).toEqual(['alice', 'bob'])
  })

  test('db_mode 1: what the database refused is tried again, and rows that expired while nobody served them go', async () => {
    const file = scratch()
    const row = (user: string, expires: string) =>
      `INSERT INTO location (ruid, username, contact, expires, callid, cseq, user_agent) VALUES ('${user}', '${user}', 'sip:${user}@10.0.0.6', '${expires}', 'reg', 1, '');`
    const url = withTables(row('late', '2001-01-01 00:00:00') + row('alice', '2040-01-01 00:00:00'), file)
    cfg = await cfgRoute(
      MODULES,
      `modparam("usrloc", "db_url", "${url}")\nmodparam("usrloc", "db_mode", 1)\nrequest_route { save("location"); }`,
    )
    const database = new DatabaseSync(file)
    const users = () => database.prepare('SELECT username FROM location').all()
    await cfg.route.advance(60_000)
    expect(users()).toEqual([{ username: 'alice' }])
    database.exec("CREATE TRIGGER never BEFORE DELETE ON location BEGIN SELECT RAISE(ABORT, 'no'); END;")
    const alice = await party()
    await alice.send(register('<sip:alice@10.0.0.6>;expires=0', {}, 'reg', 2))
    await alice.reply(500)
    await cfg.route.advance(60_000)
    expect(users()).toEqual([{ username: 'alice' }])
    database.exec('DROP TRIGGER never')
    await cfg.route.advance(60_000)
    expect(users()).toEqual([])
    database.close()
  })

  test('a database that is not there costs the registration 500, not the process', async () => {
    cfg = await cfgRoute(
      `${MODULES} db_sqlite`,
      `modparam("usrloc", "db_url", "sqlite:///nowhere/x.db")
       modparam("usrloc", "db_mode", 1)
       request_route { save("location"); }`,
    )
    const alice = await party()
    await alice.send(register('<sip:alice@10.0.0.6>'))
    await alice.reply(500)
    expect(cfg.route.lines.some(({ message }) => message === 'a registration failed')).toBe(true)
  })
})

describe('auth', () => {
  const text = (parameters: string) => `${parameters}
    request_route {
      if (!pv_www_authenticate("example.com", "secret", "0")) { xlog("$rc\\n"); www_challenge("example.com", "0"); exit; }
      sl_send_reply("200", "OK");
    }`
  const start = async (parameters: string) => {
    cfg = await cfgRoute('tm sl pv xlog textops auth', text(parameters))
    return new Phone(cfg.route, { user: 'alice', password: 'secret', at: 'udp:10.0.0.6:5060' })
  }

  test.each(['MD5', 'SHA-256'])('%s', async (algorithm) => {
    const alice = await start(`modparam("auth", "algorithm", "${algorithm}")`)
    expect((await alice.register()).message.raw).toMatch(/^SIP\/2\.0 200/)
  })

  test('a nonce that is too old is called stale, one that is used once is not good twice', async () => {
    const alice = await start('modparam("auth", "one_time_nonce", 1)\nmodparam("auth", "nonce_expire", 10)')
    await alice.register()
    const sent = alice.lastCredentials!
    await alice.party.send(request('REGISTER', { callId: 'again', headers: sent }))
    await alice.party.reply(401)
    await cfg!.route.advance(11_000)
    await alice.party.send(request('REGISTER', { callId: 'late', headers: sent }))
    expect((await alice.party.reply(401)).message.header('WWW-Authenticate')).toContain('stale=true')
    expect(cfg!.said()).toEqual(['-5', '-6', '-4'])
  })

  test.each([
    ['ha1', 'auth_check("127.0.0.1", "subscriber", "0")', (_ha1: string) => ''],
    ['password', 'auth_check("127.0.0.1", "subscriber", "0")', (ha1: string) => ha1],
    ['ha1', 'pv_www_authenticate("127.0.0.1", "$var(none)", "1")', (_ha1: string) => ''],
  ])('nobody gets in for whom there is no %s: %s', async (column, check, key) => {
    const url = withTables("INSERT INTO subscriber (username, domain) VALUES ('bob', '127.0.0.1');", scratch())
    cfg = await cfgRoute(
      'tm sl pv xlog textops auth auth_db',
      `modparam("auth_db", "db_url", "${url}")
       modparam("auth_db", "load_credentials", "")
       modparam("auth_db", "calculate_ha1", ${column === 'password' ? 1 : 0})
       request_route {
         $var(none) = "";
         if (!${check}) { www_challenge("127.0.0.1", "0"); exit; }
         sl_send_reply("200", "OK");
       }`,
    )
    const bob = await party()
    const from = '<sip:bob@127.0.0.1>;tag=1'
    await bob.send(request('REGISTER', { uri: 'sip:127.0.0.1', callId: 'one', headers: { From: from } }))
    const [, nonce = ''] = /nonce="([^"]*)"/.exec((await bob.reply(401)).message.header('WWW-Authenticate') ?? '') ?? []
    const fields = { algorithm: 'MD5', nonce, method: 'REGISTER', uri: 'sip:127.0.0.1' } as const
    const response = digestResponse({
      ...fields,
      ha1: key(ha1('MD5', 'bob', '127.0.0.1', '')),
      qop: '',
      nc: '',
      cnonce: '',
      body: '',
    })
    const Authorization = `Digest username="bob", realm="127.0.0.1", nonce="${nonce}", uri="sip:127.0.0.1", response="${response}"`
    await bob.send(request('REGISTER', { uri: 'sip:127.0.0.1', callId: 'two', headers: { From: from, Authorization } }))
    await bob.reply(401)
  })
})

describe('permissions', () => {
  const answers = async (route: string, files: Record<string, string>, parameters = '') => {
    cfg = await cfgRoute(
      'tm sl pv xlog textops permissions',
      `${parameters}\nrequest_route { ${route} sl_send_reply("200", "OK"); }`,
      files,
    )
    const alice = await party()
    await alice.send(
      request('INVITE', { uri: 'sip:0049@example.com', headers: { From: '<sip:al@example.com>;tag=x' } }),
    )
    await alice.reply(200)
    return cfg.said()
  }

  test('addresses of a file, by group, port and tag', async () => {
    const said = await answers(
      `allow_source_address("1"); xlog("$rc $avp(tag)\\n");
       allow_address("2", "192.168.7.9", "5060"); xlog("$rc\\n");
       allow_address("3", "gw.example.com", "0"); xlog("$rc\\n");
       allow_address("2", "192.168.8.9", "5060"); xlog("$rc\\n");
       $var(g) = allow_address_group("2001:db8::5", "5060"); xlog("$var(g)\\n");`,
      { 'addresses.txt': '1 10.0.0.0 24 5060 lan # ours\n\n2 192.168.7.0 24\n3 gw.example.com\n4 [2001:db8::] 32\n' },
      'modparam("permissions", "address_file", "addresses.txt")\nmodparam("permissions", "peer_tag_avp", "$avp(tag)")',
    )
    expect(said).toEqual(['1 lan', '1', '1', '-1', '4'])
  })

  test('calls by rules of files', async () => {
    const said = await answers(
      `allow_routing("a", "d"); xlog("$rc\\n"); $ru = "sip:0900@example.com"; allow_routing("a", "d"); xlog("$rc\\n");
       allow_uri("b", "sip:900@x"); xlog("$rc\\n");`,
      {
        a: '"^sip:al@" : "^sip:00[1-9]" EXCEPT "^sip:0013"\n',
        d: '# nobody else\nALL : ALL\n',
        'b.deny': 'ALL : "sip:9"\n',
      },
    )
    expect(said).toEqual(['1', '-1', '-1'])
  })

  test('an address whose mask is NULL is one address', async () => {
    const url = `sqlite://${scratch()}`
    const database = new DatabaseSync(url.slice('sqlite://'.length))
    database.exec(
      `CREATE TABLE address (grp INTEGER, ip_addr TEXT, mask INTEGER, port INTEGER, tag TEXT);
       INSERT INTO address VALUES (1, '10.9.9.9', NULL, NULL, NULL), (2, '2001:db8::1', NULL, NULL, NULL);`,
    )
    database.close()
    const said = await answers(
      `allow_source_address("1"); xlog("$rc\\n"); allow_address("1", "10.9.9.9", "5060"); xlog("$rc\\n");
       allow_address("2", "2001:db8::2", "5060"); xlog("$rc\\n");`,
      {},
      `modparam("permissions", "db_url", "${url}")\nmodparam("permissions", "load_backends", 1)`,
    )
    expect(said).toEqual(['-1', '1', '-1'])
  })

  test('trusted peers of a table', async () => {
    const url = withTables(
      "INSERT INTO trusted (src_ip, proto, from_pattern, tag) VALUES ('10.0.0.6', 'any', '^sip:al@', 'peer'), ('10.0.0.7', 'tcp', NULL, NULL);",
      scratch(),
    )
    const said = await answers(
      'allow_trusted(); xlog("$rc $avp(tag)\\n"); allow_trusted("10.0.0.7", "udp"); xlog("$rc\\n"); allow_trusted("10.0.0.7", "tcp"); xlog("$rc\\n");',
      {},
      `modparam("permissions", "db_url", "${url}")\nmodparam("permissions", "peer_tag_avp", "$avp(tag)")`,
    )
    expect(said).toEqual(['1 peer', '-1', '1'])
  })
})

test('sqlops: results as $dbr, records and variables, and statements that fail', async () => {
  const url = withTables("INSERT INTO domain (domain, did) VALUES ('a.example', 'A'), ('b.example', NULL);", scratch())
  cfg = await cfgRoute(
    'sl pv xlog sqlops',
    `modparam("sqlops", "sqlcon", "ca=>${url}")
     request_route {
       sql_query("ca", "select domain, did from domain order by id", "ra");
       xlog("$rc $dbr(ra=>rows) $dbr(ra=>cols) $dbr(ra=>colname[1]) $dbr(ra=>[1,0]) $dbr(ra=>[1,1])\\n");
       sql_result_free("ra"); xlog("$dbr(ra=>rows)\\n");
       sql_xquery("ca", "select domain, did from domain order by id", "x"); xlog("$rc $xavp(x=>domain) $xavp(x[1]=>domain)\\n");
       sql_pvquery("ca", "select domain, id from domain order by id", "$var(d), $avp(i)"); xlog("$rc $var(d) $(avp(i)[*])\\n");
       sql_query("ca", "insert into domain (domain) values ('c.example')"); xlog("$rc\\n");
       sql_query("ca", "select 1 from nowhere", "ra"); xlog("$rc\\n");
       sql_query("none", "select 1", "ra"); xlog("$rc\\n");
       sl_send_reply("200", "OK");
     }`,
  )
  const alice = await party()
  await alice.send(request('OPTIONS'))
  await alice.reply(200)
  expect(cfg.said()).toEqual([
    '1 2 2 did b.example <null>',
    '<null>',
    '1 a.example b.example',
    '1 a.example 1, 2',
    '2',
    '-1',
    '-1',
  ])
})
