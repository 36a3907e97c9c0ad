// Owns cases of targets, branches, failure routes, replies, transactions, Record-Route and Route.
import {
  type Answer,
  DEAD_PORT,
  HERE,
  type ParityCase,
  PROXY,
  SENDER_PORT,
  type Sent,
  SINK,
  SINK_PORT,
} from '../case.ts'

const INVITE: Sent = { method: 'INVITE' }
const BUSY: readonly Answer[] = [[486, 'Busy']]
const sink = (user: string) => `sip:${user}@${HERE}:${SINK_PORT}`
const DU = `$du = "${SINK}";`

const URI_OPS = [
  'rewritehost("h.example")',
  'rewritehostport("h.example:5070")',
  'rewritehostport("h.example")',
  'rewritehostporttrans("h.example:5070")',
  'rewritehostporttrans("h.example;transport=tcp")',
  'sethost("h")',
  'sethostport("h:1")',
  'sethp("h:1")',
  'sethpt("h:1")',
  'rewriteport("5099")',
  'setport("5099")',
  'rewriteport("")',
  'rewriteuser("bob")',
  'setuser("bob")',
  'setuser("")',
  'setuserpass("u:p")',
  'setuserpass("u")',
  'seturi("sip:new@x.y;transport=tls")',
  'seturi("bad")',
  'rewriteuri("tel:+1")',
  'prefix("00")',
  'strip(2)',
  'strip(99)',
  'strip(0)',
  'strip_tail(2)',
  'strip_tail(99)',
  'userphone()',
  'revert_uri()',
  'rewritehost("$var(x)h.com")',
  'prefix("0"); strip(1); strip_tail(1)',
  'seturi("sip:a@b"); revert_uri()',
  'seturi("sip:x.y"); setuser("u")',
  'seturi("sip:x.y"); prefix("u")',
  'userphone(); userphone()',
  '$rU = "a b"',
  'force_rport()',
]
const URIS = [`sip:alice@${PROXY};foo=bar;transport=udp;x=1?h=v`, `sip:${PROXY}`, `sip:alice:pw@${PROXY};user=phone`]

const route = (title: string, text: string, more: Partial<ParityCase> = {}): ParityCase => ({
  title,
  route: text,
  sent: [INVITE],
  ...more,
})

export const ROUTING: readonly ParityCase[] = [
  ...URI_OPS.flatMap((text) =>
    URIS.map(
      (uri): ParityCase => ({
        title: `${text} on ${uri}`,
        route: `${text}; say("$rc [$ru] [$rU] [$rd] [$rp] [$du]"); say("$ou");`,
        sent: [{ uri }],
      }),
    ),
  ),
  ...URI_OPS.slice(0, 10).map(
    (text): ParityCase => ({ title: `${text} sent`, route: `${text}; ${DU} t_relay(); say("$rc");` }),
  ),
  // Branches.
  route('relay by du', `${DU} t_relay(); say("$rc");`),
  route('relay by R-URI', `$ru = "${sink('x')}"; t_relay(); say("$rc");`),
  route('relay to host', `t_relay("${HERE}", "${SINK_PORT}"); say("$rc");`),
  route('t_relay_to_udp', `t_relay_to_udp("${HERE}", "${SINK_PORT}"); say("$rc");`),
  route('t_relay_to', `t_relay_to("udp:${HERE}:${SINK_PORT}"); say("$rc");`),
  route('t_relay_to without a transport', `t_relay_to("${HERE}:${SINK_PORT}"); say("$rc");`),
  route('t_relay_to by R-URI', `${DU} t_relay_to(); say("$rc");`),
  route('t_relay_to with flags', `${DU} t_relay_to("0x01"); say("$rc");`),
  route('t_relay_to with both', `t_relay_to("udp:${HERE}:${SINK_PORT}", "1"); say("$rc");`),
  route('t_relay_to_udp by R-URI', `${DU} t_relay_to_udp(); say("$rc");`),
  route('t_relay_to_tcp', `${DU} t_relay_to_tcp(); say("$rc");`),
  route('forward by du', `${DU} forward(); say("$rc");`),
  route('forward by R-URI', `$ru = "${sink('x')}"; forward(); say("$rc");`),
  route('forward to host', `forward("${HERE}", ${SINK_PORT}); say("$rc");`),
  route('forward with edits', `${DU} append_hf("X-New: 1\\r\\n"); record_route(); forward();`),
  route('badhost', '$ru = "sip:x@no-such-host.invalid"; t_relay(); say("$rc");', { wait: 400 }),
  route('noproto', `$ru = "sip:x@${HERE}:${SINK_PORT};transport=tcp"; t_relay(); say("$rc");`),
  route(
    'badhost without internal reply',
    '$ru = "sip:x@no-such-host.invalid"; t_set_disable_internal_reply(1); if (!t_relay()) { say("$rc"); sl_reply_error(); }',
    { wait: 400 },
  ),
  route('bad uri', '$ru = "nonsense"; t_relay(); say("$rc");'),
  route('twice', `${DU} t_relay(); say("$rc"); t_relay(); say("$rc");`),
  route('branch dropped', `${DU} t_on_branch("B%%"); t_relay(); say("$rc");`, {
    blocks: 'branch_route[B%%] { drop; }',
  }),
  route('fork', `${DU} append_branch("${sink('b2')}"); t_on_branch("B%%"); t_relay(); say("$rc");`, {
    blocks: 'branch_route[B%%] { append_hf("X-Br: $T_branch_idx\\r\\n"); say("$ru [$du] $T_branch_idx"); }',
    answers: { alice: BUSY, b2: [[404, 'NF']] },
  }),
  route(
    'fork, one dropped',
    `${DU} append_branch("${sink('b2')}"); append_branch("${sink('b3')}"); t_on_branch("B%%"); t_relay(); say("$rc");`,
    { blocks: 'branch_route[B%%] { if ($rU == "b2") drop; say("$ru $T_branch_idx"); }' },
  ),
  route(
    'fork by append_branch()',
    `$ru = "${sink('one')}"; append_branch(); say("[$du] $rc [$(branch(uri)[0])] [$br] $branch(count)"); $ru = "${sink('two')}"; t_relay();`,
  ),
  route(
    'branches listed',
    `append_branch("${sink('b2')}"); append_branch("${sink('b3')}", "0.5"); say("[$br] [$bR] [$ds] $branch(count)"); say("$(branch(uri)[0]) $(branch(uri)[1]) [$(branch(uri)[2])] [$(branch(dst_uri)[0])] [$(branch(Q)[1])]"); remove_branch(0); say("$branch(count) $(branch(uri)[0])"); clear_branches(); say("$branch(count)");`,
  ),
  route(
    'branch with du',
    `${DU} append_branch("${sink('b2')}"); say("[$(branch(dst_uri)[0])] [$du]"); append_branch(); say("[$(branch(uri)[1])] [$(branch(dst_uri)[1])] [$du]");`,
  ),
  route(
    'branch fields set',
    `append_branch("${sink('b2')}"); $(branch(uri)[0]) = "${sink('b4')}"; $(branch(dst_uri)[0]) = "${SINK}"; say("$(branch(uri)[0]) $(branch(dst_uri)[0])"); $ru = "${sink('b1')}"; t_relay();`,
  ),
  route('fork, 200 wins', `${DU} append_branch("${sink('b2')}"); t_relay();`, {
    answers: {
      alice: [[180, 'Ringing']],
      b2: [
        [183, 'Progress'],
        [200, 'OK'],
      ],
    },
  }),
  ...(
    [
      [486, 404],
      [404, 486],
      [503, 404],
      [408, 404],
      [401, 407],
      [407, 486],
      [603, 404],
      [500, 404],
      [302, 404],
      [302, 486],
      [503, 503],
      [480, 487],
      [600, 302],
      [415, 420],
      [484, 503],
      [501, 500],
      [400, 401],
    ] as const
  ).map(([first, second]) =>
    route(`best of ${first} and ${second}`, `${DU} append_branch("${sink('b2')}"); t_relay();`, {
      answers: { alice: [[first, 'First']], b2: [[second, 'Second']] },
    }),
  ),
  ...[302, 401, 404, 408, 480, 486, 487, 500, 503, 600, 603].map((status) =>
    route(`one branch ${status}`, `${DU} t_relay();`, {
      answers: { alice: [[status, 'Some Reason', 'X-Extra: yes']] },
    }),
  ),
  route('challenges gathered', `${DU} append_branch("${sink('b2')}"); t_relay();`, {
    answers: {
      alice: [[401, 'Unauthorized', 'WWW-Authenticate: Digest realm="a", nonce="1"']],
      b2: [[407, 'Proxy', 'Proxy-Authenticate: Digest realm="b", nonce="2"']],
    },
  }),
  // Failure routes.
  route(
    'failure with a new R-URI',
    `$avp(a) = "fromreq"; $var(v) = "vreq"; append_hf("X-Req: 1\\r\\n"); setflag(5); ${DU} t_on_failure("F%%"); t_on_branch("B%%"); t_on_reply("R%%"); t_relay();`,
    {
      blocks: `branch_route[B%%] { append_hf("X-Br: $T_branch_idx\\r\\n"); $avp(b) = "frombranch"; say("B $ru $du $T_branch_idx $mf"); }
onreply_route[R%%] { say("R $rs $avp(a) $avp(b) $mf [$rU] [$ru] $rm $T_req($ru)"); append_hf("X-Rpl: 1\\r\\n"); if (status == "180") drop; }
failure_route[F%%] { say("F $T_rpl($rs) $T_reply_code $ru [$du] $avp(a) [$hdr(X-Req)] $mf $rm $rs $T_branch_idx"); append_hf("X-Fail: 1\\r\\n"); $ru = "${sink('fb')}"; say("[$du]"); t_relay(); say("$rc"); }`,
      answers: {
        alice: [
          [180, 'Ringing'],
          [486, 'Busy'],
        ],
        fb: [[200, 'OK']],
      },
    },
  ),
  route('failure relays without change', `${DU} t_on_failure("F%%"); t_relay();`, {
    blocks: 'failure_route[F%%] { t_relay(); say("$rc"); }',
    answers: { '*': BUSY },
  }),
  route('failure rewrites and appends', `${DU} t_on_failure("F%%"); t_relay();`, {
    blocks: `failure_route[F%%] { $ru = "${sink('fb3')}"; append_branch(); t_relay(); say("$rc [$du]"); }`,
    answers: { alice: BUSY },
  }),
  route('failure changes du only', `${DU} t_on_failure("F%%"); t_relay();`, {
    blocks: `failure_route[F%%] { $du = "sip:${HERE}:${SINK_PORT};second=1"; t_relay(); say("$rc"); }`,
    answers: { '*': BUSY },
  }),
  route('failure answers', `${DU} t_on_failure("F%%"); t_relay();`, {
    blocks: 'failure_route[F%%] { t_reply("480", "Custom"); say("$rc"); }',
    answers: { '*': BUSY },
  }),
  route('failure answers by send_reply', `${DU} t_on_failure("F%%"); t_relay();`, {
    blocks: 'failure_route[F%%] { send_reply("480", "Custom"); say("$rc"); }',
    answers: { '*': BUSY },
  }),
  route('failure drops', `${DU} t_on_failure("F%%"); t_relay();`, {
    blocks: 'failure_route[F%%] { say("in"); drop; }',
    answers: { '*': BUSY },
  }),
  route('failure exits', `${DU} t_on_failure("F%%"); t_relay();`, {
    blocks: 'failure_route[F%%] { say("in"); exit; }',
    answers: { '*': BUSY },
  }),
  route('failure re-armed, serial search', `$avp(n) = 0; ${DU} t_on_failure("F%%"); t_relay();`, {
    blocks: `failure_route[F%%] { $(avp(n)[*]) = $avp(n) + 1; say("$avp(n) $T_reply_code $T_branch_idx"); if ($avp(n) < 4) { $ru = "sip:s" + $avp(n) + "@${HERE}:${SINK_PORT}"; t_on_failure("F%%"); t_relay(); } }`,
    answers: { '*': [[500, 'Err']], s2: [[302, 'Moved', 'Contact: <sip:z@z>']], s3: [[404, 'NF']] },
  }),
  route('failure route named by the reply route', `${DU} t_on_reply("R%%"); t_relay();`, {
    blocks: `onreply_route[R%%] { say("$rs"); t_on_failure("F%%"); say("$rc"); } failure_route[F%%] { say("in $T_reply_code"); t_reply("480", "Named late"); }`,
    answers: { '*': BUSY },
  }),
  route('failure route taken away by the reply route', `${DU} t_on_failure("F%%"); t_on_reply("R%%"); t_relay();`, {
    blocks:
      'onreply_route[R%%] { t_on_failure("0"); say("$rc"); } failure_route[F%%] { say("in"); t_reply("480", "No"); }',
    answers: { '*': BUSY },
  }),
  ...[
    'send_reply("480", "No");',
    't_reply("480", "No");',
    'subst_user("/a/b/");',
    'subst_uri("/alice/bob/");',
    't_check_trans();',
    't_is_expired();',
    't_any_timeout();',
  ].map((call) =>
    route(`in a reply route: ${call}`, `${DU} t_on_reply("R%%"); t_relay();`, {
      blocks: `onreply_route[R%%] { ${call} say("$rc [$ru]"); }`,
    }),
  ),
  route('failure not re-armed', `${DU} t_on_failure("F%%"); t_relay();`, {
    blocks: `failure_route[F%%] { say("once"); $ru = "${sink('s1')}"; t_relay(); }`,
    answers: { '*': BUSY, s1: [[404, 'NF']] },
  }),
  ...['486', '4[0-9][0-9]', '40', '5', '^48[67]$', '[56][0-9][0-9]', '(486|404)'].map((pattern) =>
    route(`t_check_status ${pattern}`, `${DU} t_on_failure("F%%"); t_relay();`, {
      blocks: `failure_route[F%%] { if (t_check_status("${pattern}")) say("yes"); else say("no"); if (t_is_canceled()) say("c"); else say("nc"); if (t_branch_timeout()) say("t"); else say("nt"); if (t_branch_replied()) say("r"); else say("nr"); if (t_any_timeout()) say("a"); else say("na"); if (t_is_expired()) say("e"); else say("ne"); say("$T_reply_code [$T_reply_reason] $rs $rr"); }`,
      answers: { '*': BUSY },
    }),
  ),
  route('timeout', `$du = "sip:${HERE}:${DEAD_PORT}"; t_on_failure("F%%"); t_relay();`, {
    wait: 2400,
    blocks:
      'failure_route[F%%] { say("$T_reply_code"); if (t_branch_timeout()) say("t"); else say("nt"); if (t_check_status("408")) say("408"); if (t_check_status("40")) say("40"); if (t_any_timeout()) say("a"); else say("na"); if (t_branch_replied()) say("r"); else say("nr"); }',
  }),
  route('silence after 180', `${DU} t_on_failure("F%%"); t_relay();`, {
    wait: 3700,
    answers: { '*': [[180, 'Ringing']] },
    blocks:
      'failure_route[F%%] { say("$T_reply_code"); if (t_branch_timeout()) say("t"); else say("nt"); if (t_branch_replied()) say("r"); else say("nr"); }',
  }),
  route('t_set_fr', `${DU} t_set_fr(600, 300); t_on_failure("F%%"); t_relay();`, {
    wait: 1300,
    answers: { '*': [] },
    blocks: 'failure_route[F%%] { say("$T_reply_code"); }',
  }),
  route('t_reset_fr', `${DU} t_set_fr(600, 300); t_reset_fr(); say("$rc"); t_relay();`),
  route('OPTIONS timeout', `$du = "sip:${HERE}:${DEAD_PORT}"; t_on_failure("F%%"); t_relay();`, {
    sent: [{}],
    wait: 2300,
    blocks: 'failure_route[F%%] { say("$T_reply_code"); }',
  }),
  route('failover', `$du = "sip:${HERE}:${DEAD_PORT}"; t_on_failure("F%%"); t_relay();`, {
    wait: 2400,
    blocks: `failure_route[F%%] { say("$T_reply_code [$du]"); $du = "${SINK}"; t_relay(); }`,
  }),
  route('branch failure route', `${DU} append_branch("${sink('b2')}"); t_on_branch_failure("x%%"); t_relay();`, {
    blocks: 'event_route[tm:branch-failure:x%%] { say("$T_reply_code $T_branch_idx"); }',
    answers: {
      alice: BUSY,
      b2: [
        [180, 'R'],
        [404, 'NF'],
      ],
    },
  }),
  // Reply routes.
  route('reply route edits', `${DU} t_on_reply("R%%"); t_relay();`, {
    blocks:
      'onreply_route[R%%] { remove_hf("X-Gone"); append_hf("X-Rpl: $rs\\r\\n"); insert_hf("X-Top: 1\\r\\n"); say("$rs $rr $rm $T_branch_idx $hdr(X-Gone) [$T_reply_code]"); }',
    answers: {
      '*': [
        [183, 'Progress', 'X-Gone: 1'],
        [200, 'OK', 'X-Gone: 2'],
      ],
    },
  }),
  route('reply route drops provisional', `${DU} t_on_reply("R%%"); t_relay();`, {
    blocks: 'onreply_route[R%%] { say("$rs"); if ($rs == 180) drop; if (status =~ "2..") say("2xx"); exit; }',
    answers: {
      '*': [
        [180, 'R'],
        [183, 'P'],
        [200, 'OK'],
      ],
    },
  }),
  route('reply route of a branch', `${DU} t_on_branch("B%%"); t_relay();`, {
    blocks: 'branch_route[B%%] { t_on_reply("R%%"); } onreply_route[R%%] { say("$rs"); }',
  }),
  route('t_send_reply', 't_send_reply("404", "Gone Away"); say("$rc"); t_send_reply("403", "Again"); say("$rc");'),
  route('t_send_reply of a transaction', 't_newtran(); t_send_reply("486", "Busy"); say("$rc");'),
  route('t_send_reply twice', 't_send_reply("183", "Progress"); say("$rc"); t_send_reply("480", "$rU"); say("$rc");'),
  route('t_send_reply without a number', 't_send_reply("abc", "x"); say("$rc");'),
  route(
    't_get_status_code',
    't_get_status_code(); say("$rc"); t_newtran(); t_get_status_code(); say("$rc"); t_reply("404", "x"); t_get_status_code(); say("$rc");',
  ),
  route('t_get_status_code of a failure', `${DU} t_on_failure("F%%"); t_relay();`, {
    blocks:
      'failure_route[F%%] { t_get_status_code(); say("$rc $T_reply_code"); t_send_reply("480", "Instead"); say("$rc"); }',
    answers: { '*': [[486, 'Busy']] },
  }),
  route('t_get_status_code of a reply', `${DU} t_on_reply("R%%"); t_on_branch("B%%"); t_relay();`, {
    blocks:
      'branch_route[B%%] { t_get_status_code(); say("$rc"); } onreply_route[R%%] { t_get_status_code(); say("$rs $rc"); }',
    answers: {
      '*': [
        [183, 'P'],
        [200, 'OK'],
      ],
    },
  }),
  route('change_reply_status_code', `${DU} t_on_reply("R%%"); t_relay();`, {
    blocks:
      'onreply_route[R%%] { if ($rs == 183) { change_reply_status_code("200"); say("$rc"); change_reply_status_code("180"); say("$rc"); } }',
    answers: {
      '*': [
        [183, 'P'],
        [200, 'OK'],
      ],
    },
  }),
  route('change_reply_status', `${DU} t_on_reply("R%%"); t_relay();`, {
    blocks: 'onreply_route[R%%] { if ($rs == 183) { change_reply_status("180", "Ringing Instead"); say("$rc"); } }',
    answers: {
      '*': [
        [183, 'P'],
        [200, 'OK'],
      ],
    },
  }),
  route('reply body and headers asked', `${DU} t_on_reply("R%%"); t_relay();`, {
    blocks:
      'onreply_route[R%%] { if (has_body("application/sdp")) say("b"); else say("nb"); say("$ct [$rb] $cs $ci $ft $tt $si $sp"); if (t_check_status("200")) say("200"); if (t_is_reply_route()) say("reply route"); if (is_reply()) say("reply"); if (is_request()) say("request"); if (is_method("INVITE")) say("INVITE"); }',
    answers: { '*': [[200, 'OK', 'Contact: <sip:c@d>']] },
  }),
  route('reply 100 from downstream', `${DU} t_on_reply("R%%"); t_relay();`, {
    blocks: 'onreply_route[R%%] { say("$rs"); }',
    answers: {
      '*': [
        [100, 'Trying'],
        [200, 'OK'],
      ],
    },
  }),
  route('reply 200 twice', `${DU} t_on_reply("R%%"); t_relay();`, {
    blocks: 'onreply_route[R%%] { say("$rs"); }',
    answers: {
      '*': [
        [200, 'OK', 'X-N: 1'],
        [200, 'OK', 'X-N: 2'],
      ],
    },
  }),
  route('180 after 200', `${DU} t_relay();`, {
    answers: {
      '*': [
        [200, 'OK'],
        [180, 'Late'],
      ],
    },
  }),
  route('486 after 180 and 183', `${DU} t_relay();`, {
    answers: {
      '*': [
        [180, 'A'],
        [183, 'B'],
        [180, 'A', 'X-N: 2'],
        [486, 'Busy'],
      ],
    },
  }),
  route('t_cancel_branches', `${DU} append_branch("${sink('b2')}"); t_on_reply("R%%"); t_relay();`, {
    blocks: 'onreply_route[R%%] { say("$rs"); if ($rs == 183) t_cancel_branches("others"); }',
    answers: { alice: [[180, 'R']], b2: [[183, 'P']] },
  }),
  // Replies of our own.
  ...[
    'sl_send_reply("404", "Nope")',
    'send_reply("404", "Nope")',
    'sl_send_reply("200", "OK")',
    'sl_send_reply("180", "Ringing")',
    'sl_send_reply("404", "$rU gone")',
    'sl_send_reply(486, "Busy")',
    'sl_send_reply("700", "Odd")',
    't_reply("404", "Nope")',
    't_newtran(); t_reply("404", "Nope")',
    't_newtran(); t_reply("180", "R"); t_reply("200", "OK")',
    't_newtran(); sl_send_reply("404", "Nope")',
    't_newtran(); send_reply("404", "Nope")',
    'sl_reply_error()',
    'append_to_reply("X-R: 1\\r\\n"); sl_send_reply("404", "Nope")',
    'append_to_reply("X-R: 1\\r\\n"); append_to_reply("X-S: $rU\\r\\n"); t_newtran(); t_reply("404", "Nope")',
    'append_hf("X-Req: 1\\r\\n"); sl_send_reply("404", "Nope")',
    'remove_hf("Via"); sl_send_reply("404", "Nope")',
    'sl_send_reply("404", "A"); sl_send_reply("405", "B")',
    'set_reply_body("text", "text/plain"); sl_send_reply("200", "OK")',
    '$ru = "sip:new@1.1.1.1"; append_branch("sip:alt@2.2.2.2"); sl_send_reply("302", "Moved")',
    '$ru = "sip:new@1.1.1.1"; send_reply("301", "Moved")',
    'append_branch("sip:alt@2.2.2.2", "0.5"); sl_send_reply("300", "Multi")',
    'sl_send_reply("302", "Moved")',
    't_newtran(); $ru = "sip:new@1.1.1.1"; t_reply("302", "Moved")',
    'append_to_reply("Contact: <sip:own@x>\\r\\n"); sl_send_reply("302", "Moved")',
    'force_rport(); sl_send_reply("200", "OK")',
    'record_route(); sl_send_reply("200", "OK")',
    't_newtran(); say("$rc"); t_newtran()',
    'send_reply("100", "Trying")',
    'sl_send_reply("99", "low")',
    't_newtran(); t_reply("200", "OK"); t_reply("404", "Late")',
  ].flatMap((text) =>
    [INVITE, {} as Sent].map(
      (sent): ParityCase => ({
        title: `${text} to ${sent.method ?? 'OPTIONS'}`,
        route: `${text}; say("$rc");`,
        sent: [{ ...sent, headers: ['Record-Route: <sip:rr.example;lr>', 'Timestamp: 54'] }],
      }),
    ),
  ),
  route('drop of an INVITE', 'drop;'),
  route('silence', 'exit;'),
  route('transaction without reply', 't_newtran(); exit;', { wait: 300 }),
  route('reply with a To tag', 'sl_send_reply("200", "OK");', { sent: [{ lines: { To: 'To: <sip:b@c>;tag=to1' } }] }),
  route('rport asked', 'sl_send_reply("200", "OK");', {
    sent: [{ lines: { Via: `Via: SIP/2.0/UDP ${HERE}:${SENDER_PORT};rport;branch=z9hG4bKourrp` } }],
  }),
  route('rport asked, relayed', `${DU} t_relay();`, {
    sent: [{ lines: { Via: `Via: SIP/2.0/UDP ${HERE}:${SENDER_PORT};rport;branch=z9hG4bKourrp` } }],
  }),
  route('force_rport, relayed', `force_rport(); ${DU} t_relay();`),
  route('add_rport, relayed', `add_rport(); ${DU} t_relay();`),
  route('Via by name, relayed', `${DU} t_relay();`, {
    sent: [{ lines: { Via: `Via: SIP/2.0/UDP phone.invalid:${SENDER_PORT};rport;branch=z9hG4bKourvn` } }],
  }),
  route('Via of another address', 'sl_send_reply("200", "OK");', {
    sent: [{ lines: { Via: 'Via: SIP/2.0/UDP 10.1.2.3:5060;rport;branch=z9hG4bKourva' } }],
  }),
  route('two Vias on one line', `${DU} t_relay();`, {
    sent: [
      {
        lines: {
          Via: `Via: SIP/2.0/UDP ${HERE}:${SENDER_PORT};branch=z9hG4bKourtv, SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKourt2`,
        },
      },
    ],
  }),
  // CANCEL and ACK.
  route(
    'CANCEL after 180',
    `if (is_method("CANCEL")) { say("cancel"); if (t_check_trans()) { say("match"); t_relay(); say("$rc"); } exit; } ${DU} t_on_failure("F%%"); t_relay();`,
    {
      sent: [
        { method: 'INVITE', branch: 'z9hG4bKourcan%' },
        { method: 'CANCEL', branch: 'z9hG4bKourcan%', after: /180/ },
      ],
      answers: { '*': [[180, 'Ringing']] },
      blocks: 'failure_route[F%%] { if (t_is_canceled()) say("canceled $T_reply_code"); else say("not"); }',
      wait: 300,
    },
  ),
  route(
    'CANCEL of nothing',
    `if (is_method("CANCEL")) { $var(r) = t_check_trans(); say("$var(r)"); ${DU} t_relay(); say("$rc"); exit; }`,
    { sent: [{ method: 'CANCEL' }] },
  ),
  route('ACK of nothing', `$var(r) = t_check_trans(); say("$var(r)"); ${DU} t_relay(); say("$rc");`, {
    sent: [{ method: 'ACK' }],
  }),
  route(
    'ACK of a 2xx',
    `${DU} if (is_method("ACK")) { $var(r) = t_check_trans(); say("ack $var(r)"); t_relay(); exit; } t_relay();`,
    { sent: [INVITE, { method: 'ACK', after: /200/, lines: { To: 'To: <sip:bob@example.org>;tag=uas1' } }] },
  ),
  route('ACK of our reply', 'if (is_method("ACK")) { say("ack seen"); exit; } t_newtran(); t_reply("404", "Nope");', {
    acks: true,
  }),
  route('ACK of a stateless reply', 'if (is_method("ACK")) { say("ack seen"); exit; } sl_send_reply("404", "Nope");', {
    acks: true,
  }),
  route('ACK of a reply that was relayed', `${DU} say("$rm"); t_on_branch("B%%"); t_relay(); say("$rc");`, {
    acks: true,
    blocks: 'branch_route[B%%] { say("branch"); }',
    answers: { '*': BUSY },
  }),
  route('retransmission', `${DU} say("run"); t_relay();`, {
    sent: [
      { method: 'INVITE', branch: 'z9hG4bKourre' },
      { method: 'INVITE', branch: 'z9hG4bKourre', after: /200/ },
    ],
    answers: {
      '*': [
        [180, 'R'],
        [200, 'OK'],
      ],
    },
  }),
  route('retransmission and t_check_trans', `if (t_check_trans()) say("match"); say("run"); ${DU} t_relay();`, {
    sent: [
      { method: 'MESSAGE', branch: 'z9hG4bKourrf' },
      { method: 'MESSAGE', branch: 'z9hG4bKourrf', after: /200/ },
    ],
  }),
  route('retransmission of a stateless reply', 'say("run"); sl_send_reply("200", "OK");', {
    sent: [{ branch: 'z9hG4bKourrg' }, { branch: 'z9hG4bKourrg', after: /200/ }],
  }),
  // Record-Route and Route.
  ...[
    'record_route()',
    'record_route(";q=1")',
    'record_route("q=1")',
    'record_route(); record_route()',
    'record_route_advertised_address("adv.example:5080")',
    'record_route_advertised_address("adv.example")',
    'record_route_preset("pre.example:5090")',
    'record_route_preset("pre.example;x=1")',
    'record_route_preset("out.example", "in.example")',
    'add_rr_param(";x=y"); record_route()',
    'record_route(); add_rr_param(";x=y")',
    'add_rr_param(";x=y"); add_rr_param(";z"); record_route()',
    '$rU = "changed"; record_route()',
  ].flatMap((text) =>
    [{}, { headers: ['Record-Route: <sip:before.example;lr>'] }].map(
      (sent, i): ParityCase => ({
        title: `${text} ${i === 0 ? 'alone' : 'above another'}`,
        route: `${text}; say("$rc"); ${DU} t_relay();`,
        sent: [{ method: 'INVITE', ...sent }],
      }),
    ),
  ),
  route('record_route in a branch', `${DU} t_on_branch("B%%"); t_relay();`, {
    blocks: 'branch_route[B%%] { record_route(); say("$rc"); }',
  }),
  ...[
    [`Route: <sip:${PROXY};lr>`],
    [`Route: <sip:${PROXY};lr>, <sip:${HERE}:${SINK_PORT};lr;x=1>`],
    [`Route: <sip:${PROXY};lr;ftag=from1;p=1>`, `Route: <sip:${HERE}:${SINK_PORT};lr>`],
    [`Route: <sip:${HERE}:${SINK_PORT};lr>`],
    [`Route: <sip:${HERE}:${SINK_PORT};lr>`, 'Route: <sip:further.example;lr>'],
    [
      `Route: <sip:${PROXY};r2=on;lr;ftag=from1>`,
      `Route: <sip:${PROXY};r2=on;lr;ftag=from1>`,
      `Route: <sip:${HERE}:${SINK_PORT};lr>`,
    ],
    [`Route: <sip:${PROXY};lr;ftag=other>`],
    [`Route: <sip:${PROXY}>`],
    [`Route: <sip:${HERE}:${SINK_PORT}>`],
    ['Route: <sip:my.example.com;lr>'],
    [`Route: <sip:user@${PROXY};lr>`],
    ['Route: nonsense'],
    [`Route: "Name" <sip:${PROXY};lr>;rp=1`],
    [`Route: <sip:${PROXY};lr=on>`],
    [`Route: <sip:${PROXY};lr>, <sip:${HERE}:${SINK_PORT};lr>, <sip:third.example;lr>`],
    [],
  ].flatMap((headers) =>
    [
      ['to1', `sip:alice@${HERE}:${SINK_PORT}`],
      ['', `sip:alice@${HERE}:${SINK_PORT}`],
      ['to1', `sip:${PROXY}`],
    ].map(
      ([tag, uri]): ParityCase => ({
        title: `loose_route: ${headers.join(' + ')} ${tag} ${uri}`,
        route: `$var(r) = loose_route(); say("$var(r) $ru [$du]"); if (is_direction("upstream")) say("up"); else say("down"); if (check_route_param("ftag=from1")) say("param"); else say("no param"); if ($var(r) > 0) { t_relay(); say("$rc"); } else sl_send_reply("404", "Not here");`,
        sent: [
          {
            method: 'BYE',
            uri: uri!,
            headers,
            lines: { To: `To: <sip:bob@example.org>${tag === '' ? '' : `;tag=${tag}`}` },
          },
        ],
      }),
    ),
  ),
  route('foreign Route without loose_route', `$ru = "${sink('x')}"; t_relay(); say("$rc");`, {
    sent: [{ headers: ['Route: <sip:10.9.9.9:5099;lr>'] }],
  }),
  route('foreign Route and du', `${DU} t_relay(); say("$rc");`, {
    sent: [{ headers: ['Route: <sip:10.9.9.9:5099;lr>'] }],
  }),
  route('strict next hop', `$du = "${SINK}"; loose_route(); say("$rc $ru [$du]");`, {
    sent: [
      {
        method: 'BYE',
        headers: [`Route: <sip:${PROXY};lr>`, `Route: <sip:${HERE}:${SINK_PORT}>`],
        lines: { To: 'To: <sip:b@c>;tag=to1' },
      },
    ],
  }),
  // Scopes.
  route(
    'avp reaches routes of the transaction',
    `$avp(a) = 1; $xavp(x=>y) = "z"; ${DU} t_on_failure("F%%"); t_on_reply("R%%"); t_relay(); $avp(a) = 2;`,
    {
      blocks:
        'onreply_route[R%%] { say("R $avp(a) $xavp(x=>y)"); $avp(a) = 3; } failure_route[F%%] { say("F $avp(a) [$(avp(a)[*])] $xavp(x=>y)"); }',
      answers: { '*': BUSY },
    },
  ),
  route(
    'flags reach routes of the transaction',
    `setflag(1); setbflag(2); ${DU} t_on_failure("F%%"); t_on_reply("R%%"); t_on_branch("B%%"); t_relay();`,
    {
      blocks:
        'branch_route[B%%] { say("B $mf $bf"); setbflag(3); setflag(4); } onreply_route[R%%] { say("R $mf $bf"); setflag(6); } failure_route[F%%] { say("F $mf $bf"); }',
      answers: { '*': BUSY },
    },
  ),
  route('core reply route', `${DU} $avp(a) = 1; t_relay();`, {
    answers: {
      '*': [
        [180, 'R', 'X-Core: say'],
        [200, 'OK', 'X-Core: say'],
      ],
    },
  }),
  ...['exit', 'drop', 'return0', 'returnneg', 'edit'].map((kind) =>
    route(`core reply route ${kind}`, `${DU} t_relay();`, {
      sent: [{}],
      answers: { '*': [[200, 'OK', `X-Core: ${kind}`]] },
      wait: 300,
    }),
  ),
  route('stateless reply forwarded', `${DU} forward();`, {
    answers: {
      '*': [
        [180, 'R'],
        [200, 'OK', 'X-Core: edit'],
      ],
    },
  }),
  route(
    'TS route checks',
    `if (t_is_request_route()) say("request"); ${DU} t_on_branch("B%%"); t_on_failure("F%%"); t_relay();`,
    {
      blocks:
        'branch_route[B%%] { if (t_is_branch_route()) say("branch"); if (t_is_request_route()) say("request"); } failure_route[F%%] { if (t_is_failure_route()) say("failure"); if (t_is_branch_route()) say("branch"); }',
      answers: { '*': BUSY },
    },
  ),
]
