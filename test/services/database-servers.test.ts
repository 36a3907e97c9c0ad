// Owns the modules with tables on real servers, MariaDB and PostgreSQL, whose tables are as Kamailio's packages make them.
import { existsSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Database, openDatabases, type Row } from '../../src/database/index.ts'
import type { Contact } from '../../src/services/usrloc-contact.ts'
import { LocationDatabase } from '../../src/services/usrloc-database.ts'
import { RouteUnderTest, request, sdp } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'
import { type DatabaseServer, missingFor, type ServerKind, startServer } from './database-server.ts'
import { Phone } from './stock-phone.ts'

const STOCK = '/etc/kamailio/kamailio.cfg'
const PATIENCE = 10_000

const ACC_EXTRA = ['src_user', 'src_domain', 'src_ip', 'dst_ouser', 'dst_user', 'dst_domain']
const FILL = `${['acc', 'missed_calls']
  .flatMap((table) =>
    ACC_EXTRA.map((column) => `ALTER TABLE ${table} ADD COLUMN ${column} VARCHAR(128) NOT NULL DEFAULT '';`),
  )
  .join('\n')}
INSERT INTO subscriber (username, domain, password) VALUES ('alice', '127.0.0.1', 'secret-a'), ('bob', '127.0.0.1', 'secret-b');
INSERT INTO dbaliases (alias_username, alias_domain, username, domain) VALUES ('robert', '127.0.0.1', 'bob', '127.0.0.1');
INSERT INTO speed_dial (username, domain, sd_username, sd_domain, new_uri)
  VALUES ('alice', '127.0.0.1', '42', '127.0.0.1', 'sip:bob@127.0.0.1');
INSERT INTO domain (domain) VALUES ('example.org'), ('127.0.0.1');
INSERT INTO address (grp, ip_addr, mask) VALUES (1, '127.0.0.66', 32), (7, '10.0.0.0', 24);
INSERT INTO trusted (src_ip, proto, from_pattern, tag) VALUES ('10.0.0.6', 'any', '^sip:', 'peer');
INSERT INTO dispatcher (setid, destination, flags, priority, attrs) VALUES (1, 'sip:127.0.0.21', 0, 5, 'rank=a'), (1, 'sip:127.0.0.22', 0, 9, '');
INSERT INTO htable (key_name, key_type, value_type, key_value, expires) VALUES ('color', 0, 0, 'grün', 0), ('size', 0, 1, '42', 0);
INSERT INTO dialplan (dpid, pr, match_op, match_exp, match_len, subst_exp, repl_exp, attrs) VALUES (1, 1, 1, '^00', 0, '^00(.*)$', '+\\1', 'abroad');
INSERT INTO dr_gateways (type, address, strip, pri_prefix) VALUES (10, '127.0.0.31:5080', 2, '0'), (10, '127.0.0.32', 0, NULL);
INSERT INTO dr_rules (groupid, prefix, timerec, priority, routeid, gwlist) VALUES ('8', '49', '', 1, '0', '1,2');
INSERT INTO mtree (tprefix, tvalue) VALUES ('49', 'de'), ('4930', 'berlin');
`

const CONTACT: Contact = {
  ruid: 'uloc-1',
  aor: 'alice',
  address: 'sip:alice@10.0.0.6;transport=tls',
  received: '',
  path: '',
  expires: 2_000_000_000,
  q: -1,
  callId: 'a',
  cseq: 2 ** 31 - 1,
  flags: 0,
  cflags: -1 << 31,
  userAgent: 'phone',
  socket: 'tls:127.0.0.1:5061',
  methods: 1 << 30,
  instance: '',
  regId: 0,
  lastModified: 1_700_000_000,
  connection: -1,
}

const ALICE = { user: 'alice', password: 'secret-a', at: 'udp:127.0.0.11:5060' }
const BOB = { user: 'bob', password: 'secret-b', at: 'udp:127.0.0.12:5060' }

function serverTests(kind: ServerKind): void {
  let server: DatabaseServer
  const databases = openDatabases({ folder: '/' })
  let database: Database
  beforeAll(async () => {
    server = await startServer(kind)
    // A backslash in a literal is itself in PostgreSQL, and an escape in MySQL.
    server.run(kind === 'mysql' ? FILL.replaceAll('\\', '\\\\') : FILL)
    database = databases.open(server.url)
  }, 60_000)
  afterAll(async () => {
    await databases.close()
    await server?.close()
  })

  let route: RouteUnderTest | undefined
  let cfg: CfgRoute | undefined
  afterEach(async () => {
    await route?.close()
    await cfg?.close()
    route = cfg = undefined
  })

  /** Rows of a table once there are `count` of them. */
  async function rows(table: string, count: number): Promise<Row[]> {
    let found: Row[] = []
    for (const until = performance.now() + PATIENCE; performance.now() < until; ) {
      found = await database.rows(`SELECT * FROM ${table} ORDER BY id`)
      if (found.length >= count) break
    }
    return found
  }

  /** Runs one request through a script; the lines of its xlog. */
  async function said(modules: string, text: string, uri = 'sip:0049301@example.com'): Promise<string[]> {
    cfg = await cfgRoute(modules, text, {}, { patience: PATIENCE })
    const alice = cfg.route.party('udp:10.0.0.6:5060')
    await alice.send(request('OPTIONS', { uri, headers: { From: '<sip:al@example.com>;tag=x' } }))
    await alice.reply(200)
    return cfg.said()
  }

  const phone = async (options: ConstructorParameters<typeof Phone>[1]) => {
    const made = new Phone(route!, options)
    expect((await made.register()).message.raw).toMatch(/^SIP\/2\.0 200 OK/)
    return made
  }

  async function stock(...defines: string[]): Promise<void> {
    route = await RouteUnderTest.load(STOCK, {
      defines: { ...Object.fromEntries(defines.map((name) => [name, ''])), DBURL: `"${server.url}"` },
      listen: ['udp:127.0.0.1:5060'],
      interfaces: ['127.0.0.1'],
      patience: PATIENCE,
    })
  }

  test.skipIf(!existsSync(STOCK))(
    'the stock file: auth_db, usrloc, alias_db, speeddial, domain, permissions, acc',
    async () => {
      const defines =
        'WITH_MYSQL WITH_AUTH WITH_IPAUTH WITH_USRLOCDB WITH_ALIASDB WITH_SPEEDDIAL WITH_MULTIDOMAIN WITH_ACCDB'
      await stock(...defines.split(' '))
      const [alice, bob] = [await phone(ALICE), await phone(BOB)]
      const wrong = new Phone(route!, { ...ALICE, at: 'udp:127.0.0.14:5060', password: 'guess' })
      expect((await wrong.register()).message.raw).toMatch(/^SIP\/2\.0 401/)
      for (const uri of ['sip:bob@127.0.0.1', 'sip:robert@127.0.0.1', 'sip:42@127.0.0.1']) {
        await alice.invite(uri, sdp('127.0.0.11', 4000))
        const invite = await bob.party.request('INVITE')
        await bob.party.answer(invite, 486, { toTag: 'b' })
        expect((await alice.party.reply(486)).message.raw).toMatch(/^SIP\/2\.0 486/)
        await bob.party.request('ACK')
      }
      // They are written over several connections: which row comes first is chance.
      const by = (column: string) => (a: Row, b: Row) => `${a[column]}`.localeCompare(`${b[column]}`)
      const missed = (await rows('missed_calls', 3)).toSorted(by('dst_ouser'))
      expect(missed).toMatchObject([
        { dst_ouser: '42', dst_user: 'bob' },
        {
          method: 'INVITE',
          sip_code: '486',
          sip_reason: 'Busy Here',
          src_user: 'alice',
          dst_ouser: 'bob',
          dst_user: 'bob',
        },
        { dst_ouser: 'robert', dst_user: 'bob' },
      ])
      expect(missed[0]!.time).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
      await route!.advance(60_000)
      const contacts = (await rows('location', 2)).toSorted(by('username'))
      expect(contacts).toMatchObject([
        { username: 'alice', contact: 'sip:alice@127.0.0.11:5060', socket: 'udp:127.0.0.1:5060', q: -1 },
        { username: 'bob', callid: expect.stringMatching(/^bob/), cseq: expect.any(Number) },
      ])
      await route!.close()
      // The next start finds them there.
      await stock('WITH_MYSQL', 'WITH_USRLOCDB', 'WITH_MULTIDOMAIN')
      const [caller, callee] = [new Phone(route!, ALICE), new Phone(route!, BOB)]
      await caller.invite('sip:bob@127.0.0.1', sdp('127.0.0.11', 4000))
      await callee.party.answer(await callee.party.request('INVITE'), 486, { toTag: 'c' })
      await caller.party.reply(486)
    },
    30_000,
  )

  test.each([1, 3])('usrloc with db_mode %i: kept, refreshed and removed', async (mode) => {
    server.run('DELETE FROM location')
    const text = `modparam("usrloc", "db_url", "${server.url}")\nmodparam("usrloc", "db_mode", ${mode})
      request_route { if (is_method("REGISTER")) { save("location"); exit; } lookup("location"); xlog("$rc $ru\\n"); sl_send_reply("200", "OK"); }`
    cfg = await cfgRoute('tm sl pv xlog textops siputils usrloc registrar', text, {}, { patience: PATIENCE })
    const alice = cfg.route.party('udp:10.0.0.6:5060')
    const register = async (expires: number, cseq: number) => {
      const headers = {
        To: '<sip:alice@127.0.0.1>',
        Contact: `"Å" <sip:alice@10.0.0.6;x='1'>;expires=${expires};q=0.5`,
      }
      await alice.send(request('REGISTER', { uri: 'sip:127.0.0.1', callId: 'reg', cseq, headers }))
      return alice.reply(200)
    }
    await register(60, 1)
    expect(await rows('location', 1)).toMatchObject([{ contact: "sip:alice@10.0.0.6;x='1'", q: 0.5, cseq: 1 }])
    await register(600, 2)
    await alice.send(request('OPTIONS', { uri: 'sip:alice@127.0.0.1', cseq: 3 }))
    await alice.reply(200)
    expect(cfg.said()).toEqual([`1 sip:alice@10.0.0.6;x='1'`])
    expect(await rows('location', 1)).toMatchObject([{ cseq: 2 }])
    await register(0, 4)
    for (let left = 1, tries = 0; left > 0; tries++) {
      left = (await database.rows('SELECT * FROM location')).length
      expect(tries).toBeLessThan(500)
    }
  })

  test('dialog with db_mode 1: written with its answer, found by the next start, gone with its end', async () => {
    server.run('DELETE FROM dialog; DELETE FROM dialog_vars;')
    const text = `modparam("dialog", "db_url", "${server.url}")\nmodparam("dialog", "db_mode", 1)
      modparam("dialog", "profiles_with_value", "caller")
      event_route[dialog:end] { xlog("end $(dlg_var(x){s.encode.hexa})\\n"); }
      request_route {
        if (has_totag()) { loose_route(); t_relay(); exit; }
        $dlg_var(x) = $hdr(Subject);
        dlg_manage(); set_dlg_profile("caller", "alice"); record_route();
        $du = "sip:127.0.0.2:5070"; t_relay();
      }`
    const begin = () => cfgRoute('tm sl rr pv xlog siputils dialog', text, {}, { patience: PATIENCE })
    cfg = await begin()
    const from = 'udp:127.0.0.6:5060'
    const alice = cfg.route.party(from)
    const bob = cfg.route.party('udp:127.0.0.2:5070')
    // A character a byte, as messages are.
    const said = Buffer.from("A'? Jürgen €", 'utf8').toString('latin1')
    const headers = { Contact: '<sip:alice@127.0.0.6:5060>', Subject: said }
    await alice.send(request('INVITE', { from, callId: 'kept', fromTag: 'a', headers }))
    await bob.answer(await bob.request('INVITE'), 200, {
      toTag: 'b',
      headers: 'Contact: <sip:bob@127.0.0.2:5070>\r\n',
    })
    await alice.reply(200)
    expect(await rows('dialog_vars', 1)).toMatchObject([{ dialog_key: 'x', dialog_value: said }])
    expect(await rows('dialog', 1)).toMatchObject([{ callid: 'kept', to_tag: 'b', state: 3 }])
    await cfg.close()

    cfg = await begin()
    const [again, called] = [cfg.route.party(from), cfg.route.party('udp:127.0.0.2:5070')]
    await again.send(
      request('BYE', {
        from,
        callId: 'kept',
        fromTag: 'a',
        toTag: 'b',
        uri: 'sip:bob@127.0.0.2:5070',
        cseq: 2,
        headers: { Route: '<sip:127.0.0.1;lr>' },
      }),
    )
    await called.answer(await called.request('BYE'), 200)
    await again.reply(200)
    for (let left = 1, tries = 0; left > 0; tries++) {
      left = (await database.rows('SELECT * FROM dialog')).length
      expect(tries).toBeLessThan(500)
    }
    await cfg.route.settle()
    expect(cfg.said()).toEqual([`end ${Buffer.from(said, 'latin1').toString('hex')}`])
  })

  test('usrloc: the id of a connection fits its column', async () => {
    server.run('DELETE FROM location')
    const location = new LocationDatabase({
      database,
      columnName: (_parameter, otherwise) => otherwise,
      useDomain: false,
      times: 'dates',
    })
    await location.write('location', { ...CONTACT, connection: 2 ** 40 + 7 })
    expect(await location.all('location')).toMatchObject([{ ...CONTACT, connection: 7 }])
  })

  test('permissions: addresses and trusted peers', async () => {
    const lines = await said(
      'tm sl pv xlog textops permissions',
      `modparam("permissions", "db_url", "${server.url}")\nmodparam("permissions", "peer_tag_avp", "$avp(tag)")
       request_route { allow_source_address("7"); xlog("$rc\\n"); allow_address("1", "127.0.0.66", "5060"); xlog("$rc\\n");
         allow_address("1", "127.0.0.67", "5060"); xlog("$rc\\n"); allow_trusted(); xlog("$rc $avp(tag)\\n"); sl_send_reply("200", "OK"); }`,
    )
    expect(lines).toEqual(['1', '1', '-1', '1 peer'])
  })

  test('dispatcher, htable, dialplan, drouting, mtree', async () => {
    const given = 'dispatcher htable dialplan drouting mtree'
    const lines = await said(
      `tm sl pv xlog textops ${given}`,
      `${given
        .split(' ')
        .map((name) => `modparam("${name}", "db_url", "${server.url}")`)
        .join('\n')}
       modparam("dispatcher", "flags", 2)
       modparam("htable", "htable", "paint=>size=4;dbtable=htable;")
       modparam("dialplan", "attrs_pvar", "$var(attrs)")
       modparam("mtree", "mtree", "name=t;dbtable=mtree;type=0;")
       modparam("mtree", "pv_value", "$var(v)")
       request_route {
         ds_select_dst("1", "8"); xlog("$rc $du\\n"); ds_next_dst(); xlog("$rc $du $xavp(_dsdst_=>attrs)\\n");
         xlog("$sht(paint=>color) $sht(paint=>size)\\n");
         dp_translate("1", "$rU/$var(out)"); xlog("$rc $var(out) $var(attrs)\\n");
         mt_match("t", "4930123", "0"); xlog("$rc $var(v)\\n");
         $ru = "sip:49301@example.com"; do_routing("8"); xlog("$rc $ru\\n"); use_next_gw(); xlog("$rc $ru\\n");
         sl_send_reply("200", "OK");
       }`,
    )
    expect(lines).toEqual([
      '1 sip:127.0.0.22',
      '1 sip:127.0.0.21 rank=a',
      // As the same word in the file: a character a byte.
      `${Buffer.from('grün', 'utf8').toString('latin1')} 42`,
      '1 +49301 abroad',
      '1 berlin',
      '1 sip:0301@127.0.0.31:5080',
      '1 sip:49301@127.0.0.32',
    ])
  })

  test('sqlops: results, records, variables, statements that change and that fail', async () => {
    const lines = await said(
      'sl pv xlog sqlops',
      `modparam("sqlops", "sqlcon", "ca=>${server.url}")
       request_route {
         sql_query("ca", "select domain, did from domain order by domain", "ra");
         xlog("$rc $dbr(ra=>rows) $dbr(ra=>cols) $dbr(ra=>colname[1]) $dbr(ra=>[1,0]) $dbr(ra=>[1,1])\\n");
         sql_result_free("ra");
         sql_xquery("ca", "select domain, did from domain order by domain", "x"); xlog("$rc $xavp(x=>domain) $xavp(x[1]=>domain)\\n");
         sql_pvquery("ca", "select count(*), max(domain) from domain", "$var(n), $avp(d)"); xlog("$rc $var(n) $avp(d)\\n");
         sql_query("ca", "insert into domain (domain, did) values ('$rU', 'n')"); xlog("$rc\\n");
         sql_query("ca", "select did from domain where domain = '0049301'", "ra"); xlog("$dbr(ra=>[0,0])\\n");
         sql_query("ca", "delete from domain where domain = '0049301'"); xlog("$rc\\n");
         sql_query("ca", "select 1 from nowhere", "ra"); xlog("$rc\\n");
         sl_send_reply("200", "OK");
       }`,
    )
    expect(lines).toEqual([
      '1 2 2 did example.org <null>',
      '1 127.0.0.1 example.org',
      '1 2 example.org',
      '2',
      'n',
      '2',
      '-1',
    ])
  })
}

for (const kind of ['mysql', 'postgres'] as const) {
  const missing = missingFor(kind)
  if (missing === undefined) describe(`a server of ${kind}`, () => serverTests(kind))
  else if (process.env.CI) test(`a server of ${kind}`, () => expect.fail(`${missing} is not there`))
  else {
    process.stderr.write(`SKIPPED a server of ${kind}: this machine lacks ${missing}\n`)
    describe.skip(`a server of ${kind}`, () => serverTests(kind))
  }
}
