// Owns the agreement of our checker with `kamailio -c` of 5.6.3 on small files, valid and invalid.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { formatDiagnostic } from '../../src/script/diagnostic.ts'
import { compileDsl } from '../../src/script/dsl/index.ts'
import { describeWithPeers } from './peers.ts'

const HEAD = `#!KAMAILIO
debug=1
log_stderror=yes
children=1
disable_tcp=yes
listen=udp:127.0.0.1:47003
fork=no
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "textopsx.so"
loadmodule "siputils.so"
loadmodule "corex.so"
loadmodule "kex.so"
loadmodule "maxfwd.so"
loadmodule "sdpops.so"
loadmodule "sanity.so"
`
const main = (body: string) => `request_route { ${body} }`

/** Both take or both refuse. */
const AGREE: readonly string[] = [
  main('exit;'),
  main('return;'),
  main('return -1;'),
  main('return(-1);'),
  main('exit();'),
  main('drop();'),
  main('break;'),
  main(';'),
  main(''),
  main('force_rport;'),
  main('force_rport();'),
  main('exit'),
  main('if (is_method("INVITE")) { exit; } else { drop; }'),
  main('if (is_method("INVITE")) { exit; }; else { drop; }'),
  main('if is_method("INVITE") exit;'),
  main('if $rm == "INVITE" exit; else drop;'),
  main('if (is_method("INVITE") { exit; }'),
  main('if (1) { ; }'),
  main('while ($var(i) < 3) { $var(i) = $var(i) + 1; }'),
  main('{ exit; }'),
  main('switch ($rm) { case "A": exit; case "B": break; default: drop; }'),
  main('switch ($rm) { case 1: ; case "a": ; }'),
  main('switch ($rU) { default: ; default: ; }'),
  main('switch ($rU) { case $rd: ; }'),
  main('switch ($rU) { case /"^1": exit; case "2": exit; }'),
  main('switch ($rU) { }'),
  main('$var(x) = 1 + 2 * 3;'),
  main('$var(x) = 5 mod 2;'),
  main('$var(x) = 5 % 2;'),
  main('$var(x) += 1;'),
  main('$var(x)++;'),
  main('$var(x) = ($rU =~ "^1") && ($rd != "x") || !has_totag();'),
  main('if ($rU !~ "x") exit;'),
  main('if (not is_method("INVITE") and 1 or 0) exit;'),
  main('$var(x) = 0x1F + 017 + 101b;'),
  main('$var(x) = "a" "b" \'c\';'),
  main('$var(x) = "a" "b";'),
  main('$var(x) = (int)$rU + (str)5;'),
  main('$var(x) = strlen($rU) + strempty($rd);'),
  main('$var(x) = selval($rU == "x", "a", "b");'),
  main('$var(x) = defined $rU;'),
  main('$var(x) = !"abc";'),
  main('$var(x) = 7 > "5";'),
  main('$var(x) = "a" ieq "0";'),
  main('$var(x) = 1 + 2 + "a";'),
  main('$var(x) = $rU eq "a" || $rU ne "b" || $si ieq 5 || $si ine 6;'),
  main('$var(x) = 1 << 2 >> 1 & 3 | 4 ^ ~5;'),
  main('$var(x) = @ruri.user;'),
  main('$var(x) = $hdr(Via)[1];'),
  main('$var(x) = $(hdr(Via)[1]);'),
  main('$var(x) = $(hdr(Via)[*]);'),
  main('$var(x) = $(ru{uri.host}{s.toupper});'),
  main('$si = "x";'),
  main('$(rU{s.len}) = "x";'),
  main('$rU{s.len} = "x";'),
  main('$nosuch = "x";'),
  main('$var(x) = $nosuch;'),
  main('$ru = "sip:a@b"; $rU = $null; $rd = "x"; $du = "sip:c"; $rp = 5060;'),
  main('$avp(a) = 1; $(avp(a)[*]) = 2; $avp(s:b) = $avp(a); $xavp(r=>f) = 3; $xavp(r[0]=>g) = 4;'),
  main('$vn(b) = $vn(a);'),
  main('if (method == "INVITE" || method == REGISTER || method =~ "A") exit;'),
  main('if (uri == myself || from_uri != myself || uri =~ "x" && src_ip == 1.2.3.4) exit;'),
  main('if (src_ip == 10.0.0.0/8 || src_ip == 10.0.0.0/255.0.0.0 || dst_ip == "1.2.3.4") exit;'),
  main('if (src_ip == [::1] || src_ip == ::1) exit;'),
  main('if (proto == UDP || proto == TLS || af == INET6 || src_port == 5060 || msg:len > 100) exit;'),
  main('if (!method == "INVITE") exit;'),
  main('if ($avp(x) = "v") exit;'),
  main('is_method();'),
  main('is_method("A", "B");'),
  main('is_method(is_method("A"));'),
  main('no_such_function();'),
  main('sl_send_reply("404", "Not here");'),
  main('sl_send_reply(404, "Not here");'),
  main('sl_send_reply("404");'),
  main('xlog("a"); xlog("L_INFO", "b"); xdbg("c"); xerr("d $ru $(rU{s.len})");'),
  main('setflag(5); if (isflagset(5)) resetflag(5);'),
  main('setflag(40);'),
  main('setflag(NOFLAG);'),
  main('setbflag(5); setbflag("6");'),
  main('append_branch(); append_branch("sip:a@b");'),
  main('rewritehost("h"); rewritehostport("h:1"); rewritehostporttrans("h:1;transport=tcp"); seturi("sip:a@b");'),
  main('sethost("h"); sethostport("h:1"); setuser("u"); setuserpass("u:p"); setport("5060"); rewriteport("5060");'),
  main('prefix("00"); strip(1); strip_tail(2); revert_uri();'),
  main('rewritehost(5);'),
  main('strip("1");'),
  main(
    'record_route(); loose_route(); record_route_preset("a:1"); record_route_advertised_address("b:2"); add_rr_param(";x=y");',
  ),
  main('if (check_route_param("a=b") || is_direction("upstream")) exit;'),
  main('append_hf("X: 1\\r\\n"); insert_hf("Y: 2\\r\\n", "Via"); remove_hf("Z"); append_to_reply("R: 3\\r\\n");'),
  main('subst("/a/b/g"); subst_hf("To", "/a/b/", "a"); subst_body("/a/b/"); subst_uri("/a/b/"); subst_user("/a/b/");'),
  main('if (search("x") || search_body("y") || is_present_hf("Z") || has_body("application/sdp") || has_body()) exit;'),
  main('replace("a", "b"); replace_all("a", "b"); set_body("x", "text/plain"); msg_apply_changes(); remove_body();'),
  main(
    'sdp_remove_line_by_prefix("a=x"); sdp_with_media("audio"); sdp_remove_media("video"); if (sdp_content()) exit;',
  ),
  main('mf_process_maxfwd_header("10"); sanity_check("17895", "7"); sanity_check();'),
  main('t_on_reply("R"); t_on_failure("F"); t_on_branch("B"); t_relay(); exit;'),
  main('t_newtran(); t_reply("500", "No"); t_reply(500, "No");'),
  main('t_check_trans(); t_lookup_request(); if (t_precheck_trans()) exit; t_set_fr(1000, 2000);'),
  main('t_relay_to_udp("1.2.3.4", "5060"); t_relay_to_tcp("1.2.3.4", "5060");'),
  main('t_relay("10.0.0.7");'),
  main('t_relay(10.0.0.7, 5060);'),
  main('xlog(10.0.0.7);'),
  main('force_send_socket(10.0.0.7:5060);'),
  main('forward();'),
  main('forward("10.0.0.7");'),
  main('forward(10.0.0.7, 5060);'),
  main('forward("10.0.0.7", "5060");'),
  main('t_relay("10.0.0.7", "5060"); exit;'),
  main('if (src_ip == gw.localhost || src_ip != gw-a.b1.localhost) exit;'),
  main('if (src_ip == gw-1.localhost) exit;'),
  main('if (src_ip == host:5060) exit;'),
  main('if (uri == gw.localhost) exit;'),
  main('if (@via[1].host == "x" || @via[2] == "y" || @via.params["node"] == "z" || $sel(via[1].port) == 5) exit;'),
  'server_id=5',
  'branch_route[B] { t_relay(); }',
  'onreply_route[B] { t_relay(); }',
  'onreply_route[B] { record_route(); }',
  'branch_route[B] { sl_send_reply("200", "OK"); }',
  'failure_route[B] { sl_send_reply("200", "OK"); }',
  'failure_route[F] { if (t_is_canceled()) exit; if (t_check_status("486|408")) { $du = "sip:x"; t_relay(); } t_reply("480", "No"); }',
  'branch_route[B] { append_hf("X: 1\\r\\n"); drop; }',
  'onreply_route[R] { if (status =~ "18.") drop; subst("/a/b/"); append_hf("X: 1\\r\\n"); remove_hf("Y"); }',
  'reply_route { return 0; }',
  'reply_route[X] { exit; }',
  'onreply_route { exit; }',
  'onreply_route[0] { exit; }',
  'event_route[tm:local-request] { exit; }',
  'event_route[tm:branch-failure:x] { exit; }',
  'event_route[bad] { exit; }',
  'route["A-B"] { exit; }',
  'route[A-B] { exit; }',
  'route[1] { exit; }',
  'route[A] { exit; } route[A] { exit; }',
  'request_route { exit; } request_route { exit; }',
  'route { exit; }',
  'modparam("tm", "fr_timer", 1000)',
  'modparam("tm", "fr_timer", "x")',
  'modparam("nosuch", "x", 1)',
  'modparam("tm|rr", "nosuch", 1',
  'modparam("rr", "append_fromtag", 1) modparam("rr", "enable_double_rr", 1)',
  'nosuch_core=1',
  'debug="x"',
  'debug=-1',
  'max_while_loops=10 server_header="Server: x" user_agent_header="User-Agent: y" server_signature=no',
  'listen=udp:1.2.3.4:5060 advertise x.y.z:99',
  'listen=udp:1.2.3.4:5060 advertise 5.6.7.8:99 name "s1"',
  'alias=a.b.c:5060',
  'alias="x.y" alias=udp:q.r:88',
  'flags A:1, B',
  'a.b = 5 desc "x"\na.c = "text"',
  '#!define X 1\n#!define X 2',
  '#!define X 1\n#!trydef X 2\n#!redefine X 3',
  `#!define T 2 + 3\n${main('$var(x) = T * 2;')}`,
  `#!ifdef NOSUCH\nthis is ( not ; read\n#!else\n${main('exit;')}\n#!endif\n`,
  `#!ifdef NOSUCH\n#!ifdef X\n#!endif\nnot read\n#!endif\n${main('exit;')}`,
  `#!ifdef NOSUCH\n#!endif # x\n${main('exit;')}`,
  '#!endif\n',
  `#!substdef "/HOST/example.com/"\n${main('xlog("HOST\\n"); $var(x) = "HOST";')}`,
  `#!substdef "!H!a/b!g"\n${main('$var(x) = "H";')}`,
  `#!subst "/x/y/i"\n${main('$var(x) = "x";')}`,
  `#!trydefenv NO_SUCH_VARIABLE_HERE\n${main('exit;')}`,
  `import_file "/no/such/file.cfg"\n${main('exit;')}`,
  'include_file "/no/such/file.cfg"\n',
  `#!ifdef KAMAILIO_5_6\n${main('exit;')}\n#!else\nbroken(\n#!endif\n`,
  `#!ifdef MOD_tm\n${main('exit;')}\n#!else\nbroken(\n#!endif\n`,
  main('xlog("multi\nline");'),
  main('xlog("unclosed);'),
  `/* comment */ ${main('/* inside */ exit; // end\n # more\n')}`,
]

/** We refuse at once what 5.6.3 notices only when it starts, or while it runs. */
const STRICTER: readonly string[] = [
  main('route(NOPE);'),
  main('t_on_reply("NOPE");'),
  main('xlog("$nosuch");'),
  main('xlog("$(rU{s.nosuch})");'),
  main('if ($rU =~ "a{2") exit;'),
  main('subst("bad");'),
]

/** We take, with a warning, what 5.6.3 refuses. */
const LENIENT: readonly string[] = [
  main('$shv(a) = 1;'),
  main('append_hf($rU);'),
  main('rewritehost($rU);'),
  main('t_on_branch($var(x));'),
  'route[log] { exit; }',
  'modparam("tm", "nosuch", 1)',
  'loadmodule "nosuch.so"',
]

describeWithPeers('the checker and kamailio -c', ['kamailio'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'cfg-check-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const kamailio = existsSync('/usr/sbin/kamailio') ? '/usr/sbin/kamailio' : 'kamailio'

  /** Targets of t_on_* that the cases name. */
  const tail = '\nroute[R_UNUSED] { exit; }\n'
  const hooks = 'onreply_route[R] { exit; } failure_route[F] { exit; } branch_route[B] { exit; }\n'

  function both(text: string): { theirs: boolean; ours: boolean; said: string } {
    const file = join(folder, 'case.cfg')
    const needsHooks = text.includes('t_on_reply("R")')
    const whole = `${HEAD}${text}\n${needsHooks ? hooks : ''}${tail}`
    writeFileSync(file, whole, 'latin1')
    const run = spawnSync(kamailio, ['-c', '-f', file, '-Y', folder], { encoding: 'latin1' })
    const result = compileDsl(file, {
      defines: new Map(),
      env: {},
      readFile: (path) => (existsSync(path) ? readFileSync(path, 'latin1') : undefined),
    })
    const said = result.diagnostics.map((diagnostic) => formatDiagnostic(diagnostic)).join('\n')
    const theirs = run.status === 0
    return { theirs, ours: result.ok, said: `${text}\nkamailio: ${run.stderr.slice(-800)}\nsignalbox: ${said}` }
  }

  test('is 5.6', () => {
    expect(execFileSync(kamailio, ['-v'], { encoding: 'utf8' })).toContain('kamailio 5.6')
  })
  test.each(AGREE)('agree on %s', (text) => {
    const { theirs, ours, said } = both(text)
    expect(ours, said).toBe(theirs)
  })
  test.each(STRICTER)('we refuse, it does not: %s', (text) => {
    const { theirs, ours, said } = both(text)
    expect({ theirs, ours }, said).toEqual({ theirs: true, ours: false })
  })
  test.each(LENIENT)('we warn, it refuses: %s', (text) => {
    const { theirs, ours, said } = both(text)
    expect({ theirs, ours }, said).toEqual({ theirs: false, ours: true })
  })
})
