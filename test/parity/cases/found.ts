// Owns cases that chance has found to differ: each in its shortest form.
import { HERE, type ParityCase, PROXY, SINK, SINK_PORT } from '../case.ts'
import { SDP } from './messages.ts'

const DU = `$du = "${SINK}";`
const one = (title: string, route: string, more: Partial<ParityCase> = {}): ParityCase => ({ title, route, ...more })

/** Loops that are ended because they have no end. */
const RUNAWAYS: readonly ParityCase[] = [
  one('runaway while in the main route', 'while (1) { $var(x) = 1; } say("$rc");'),
  one(
    'runaway while as the last of a route',
    'route(A%%); say("$rc"); $var(x) = route(A%%); say("$var(x)"); if (route(A%%)) say("T"); else say("F");',
    { blocks: 'route[A%%] { while (1) { $var(x) = 1; } }' },
  ),
  one('runaway while in an if', 'route(A%%); say("$rc");', {
    blocks: 'route[A%%] { if (is_method("OPTIONS")) { while (1) { is_method("OPTIONS"); } } }',
  }),
  one('runaway while before something', 'route(A%%); say("$rc");', {
    blocks: 'route[A%%] { while (1) { is_method("OPTIONS"); } $var(x) = 3; }',
  }),
  one('runaway while in a while', 'route(A%%); say("$rc");', {
    blocks:
      'route[A%%] { $var(i) = 0; while ($var(i) < 2) { $var(i) = $var(i) + 1; while (1) { is_method("OPTIONS"); } } }',
  }),
]

const NUMBERS: readonly ParityCase[] = [
  '{re.subst,/z/y/}',
  '{re.subst,/z/y/g}',
  '{re.subst,/9/y/}',
  '{re.subst,/z/y/}{s.trim}',
  '{s.len}{re.subst,/z/y/}',
  '{s.unquote}',
].map((chain) =>
  one(
    `sum of what is left by ${chain}`,
    ['$sp', '"12"', '12']
      .map((value) => `$var(v) = ${value}; $var(x) = $(var(v)${chain}) + 1; say("$var(x)");`)
      .join(' '),
  ),
)

/** Constants beside what cannot be computed, or calls. */
const FOLDED: readonly ParityCase[] = [
  '5 / $xavp(x=>y) or "a" != 0',
  '5 / $xavp(x=>y) or "a" != "b"',
  '5 / $xavp(x=>y) or "5" != 5',
  '5 / $xavp(x=>y) and "a" == 0',
  '5 / $xavp(x=>y) and "a" != 0',
  'route(R5) or "a" != 0',
  'route(R5) and "a" == 0',
  '0 or $rm + $rz',
  '1 and $rm + 1',
  '0 or $var(s5) + "7"',
  '0 or $rz + $rz',
  '0 or $rm',
].map((text) =>
  one(
    `folded ${text}`,
    `$var(s5) = "5"; $var(r) = "kept"; $var(r) = ${text}; say("[$var(r)] $rc"); if (${text}) say("T"); else say("F"); while (${text}) { say("W"); break; }`,
  ),
)

/** Requests that have lost a line by which a transaction is known. */
const UNTRACEABLE: readonly ParityCase[] = ['From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards', 'Contact'].flatMap(
  (name) => [
    one(
      `t_relay without ${name}`,
      `remove_hf("${name}"); msg_apply_changes(); ${DU} $var(x) = t_relay(); say("$var(x)");`,
    ),
    one(
      `INVITE, t_relay without ${name}`,
      `remove_hf("${name}"); msg_apply_changes(); ${DU} $var(x) = t_relay(); say("$var(x)");`,
      { sent: [{ method: 'INVITE' }] },
    ),
    one(
      `t_newtran without ${name}`,
      `remove_hf("${name}"); msg_apply_changes(); $var(x) = t_newtran(); say("$var(x)"); $var(x) = t_reply("404", "No"); say("$var(x)");`,
    ),
  ],
)

const REVERTED: readonly ParityCase[] = [
  one(
    'revert_uri in a failure route, the changed R-URI applied before',
    `prefix("0"); msg_apply_changes(); ${DU} t_on_failure("F%%"); t_relay();`,
    {
      blocks: 'failure_route[F%%] { revert_uri(); say("$ru"); t_relay(); say("$rc"); }',
      answers: { '*': [[404, 'NF']] },
    },
  ),
  one(
    'revert_uri after msg_apply_changes',
    `prefix("0"); msg_apply_changes(); revert_uri(); say("$ru"); prefix("1"); revert_uri(); say("$ru");`,
  ),
]

/** Functions one after the other that change the same part of a body. */
const BODIES: readonly ParityCase[] = [
  'set_body("one", "text/x"); set_body("twotwo", "text/y");',
  'set_body("one", "text/x"); remove_body();',
  'set_body("one", "text/x"); remove_body(); set_body("twotwo", "text/y");',
  'set_body("one", "text/x"); sdp_remove_media("video");',
  'remove_body(); set_body("one", "text/x"); set_body("twotwo", "text/y");',
  'sdp_remove_codecs_by_id("101", "audio"); sdp_remove_codecs_by_name("PCMU");',
  'sdp_remove_codecs_by_id("0,101"); sdp_remove_codecs_by_id("101");',
  'sdp_remove_codecs_by_id("0"); sdp_keep_codecs_by_id("8");',
  'sdp_keep_codecs_by_id("0,8"); sdp_keep_codecs_by_id("8");',
  'sdp_remove_media("video"); sdp_keep_codecs_by_id("31");',
  'sdp_keep_codecs_by_id("31"); sdp_remove_media("video");',
  'sdp_remove_codecs_by_name("PCMU"); replace_body("8 97", "9");',
  'sdp_remove_codecs_by_id("0"); set_body("one", "text/x");',
].map((text) => one(`body ${text}`, `${text} ${DU} t_relay();`, { sent: [{ method: 'INVITE', body: SDP }] }))

const SPACED = SDP.replace('RTP/AVP 0 8', 'RTP/AVP  0   8').replace('SAVP 31 32', 'SAVP 31 32 ')
const SPACES: readonly ParityCase[] = [
  'sdp_remove_codecs_by_id("0");',
  'sdp_remove_codecs_by_id("8");',
  'sdp_keep_codecs_by_id("97,32");',
  'sdp_remove_codecs_by_id("31,32");',
].map((text) =>
  one(`media line with spaces ${text}`, `${text} ${DU} t_relay();`, { sent: [{ method: 'INVITE', body: SPACED }] }),
)

const HOME = `<sip:a@${HERE}:${SINK_PORT}>`
const MARKED = `<sip:a@${HERE}:${SINK_PORT};x=1>`
const AWAY = '<sip:b@10.1.1.2>'
const BARE = '<sip:10.1.1.3>'
/** REGISTERs of one user, each an array of Contacts, and save's flags. */
const REGISTERS: readonly (readonly [title: string, flags: string, ...contacts: string[]])[] = [
  ['three contacts one after the other', '0x00', HOME, AWAY, BARE],
  ['two contacts after one', '0x00', HOME, `${AWAY}, ${BARE}`],
  ['a contact twice', '0x00', `${HOME};q=0.5, ${HOME};q=0.1`],
  ['a contact that goes and comes at first', '0x00', `${HOME};expires=0, ${HOME};expires=60`],
  ['a contact twice after it was there', '0x00', HOME, `${HOME};q=0.5, ${AWAY}, ${HOME};q=0.1`],
  ['q of a contact that stands first', '0x00', `${HOME}, ${AWAY}`, `${HOME};q=0.1`, `${BARE};q=0.3`],
  ['one goes, one is renewed', '0x00', `${HOME}, ${AWAY}`, `${AWAY};expires=0, ${HOME}`],
  ['one is renewed, one goes', '0x00', `${HOME}, ${AWAY}`, `${HOME}, ${AWAY};expires=0`],
  ['one goes, one comes', '0x00', `${HOME}, ${AWAY}`, `${AWAY};expires=0, ${BARE}`],
  ['one alone, of two', '0x04', HOME, `${AWAY}, ${HOME}`],
  ['one alone, of two that are new', '0x04', HOME, `${AWAY}, ${BARE}`],
  ['contacts that RFC 3261 holds for one', '0x00', HOME, MARKED],
]
const LOCATIONS =
  'if (reg_fetch_contacts("location", "sip:%%@example.com", "%%")) { $var(i) = 0; while ($var(i) < $(ulc(%%=>count))) { say("$(ulc(%%=>addr)[$var(i)]) $(ulc(%%=>q)[$var(i)])"); $var(i) = $var(i) + 1; } } else say("none");'
const REGISTRATIONS: readonly ParityCase[] = REGISTERS.map(([title, flags, ...contacts]) =>
  one(`save: ${title}`, `save("location", "${flags}", "sip:%%@example.com"); say("save $rc"); ${LOCATIONS}`, {
    sent: contacts.map((contact, i) => ({
      method: 'REGISTER',
      uri: `sip:${PROXY}`,
      lines: { CSeq: `CSeq: ${7 + i} REGISTER`, Contact: `Contact: ${contact}` },
      ...(i > 0 && { after: /^SIP\/2\.0 \d/ }),
    })),
    tens: true,
  }),
)

/** Numbers as R-URI, with parameters of their own. */
const NUMBER_URIS: readonly ParityCase[] = [
  'tel:12;phone-context=a.b',
  'tel:+4912',
  'sip:+4912;npdi;rn=+4911@h.example;user=phone',
  'sip:+4912;npdi;rn=+4911@h.example',
  'sip:+4912;npdi@h.example;user=Phone',
].flatMap((uri) =>
  [
    'say("[$rU] [$rd]");',
    'strip(1); say("$ru"); prefix("00"); say("$ru"); strip_tail(1);',
    '$rU = "99";',
    'rewriteuser("99");',
    'subst_user("/^([0-9+]+)$/0\\1/");',
    '$rd = "n.example"; $rp = 5099;',
    '$rp = 5099;',
    'rewriteport("77");',
    ...(uri.endsWith('Phone') ? [] : ['userphone();']),
    '$du = $ru; say("$nh(U)");',
    '$var(u) = $ru; say("$(var(u){uri.user})");',
  ].map((text) => one(`number ${uri} ${text}`, `$ru = "${uri}"; ${text} say("$ru");`)),
)

const NUMBER_PARTIES: readonly ParityCase[] = ['say("$fU $tU");', '$fU = "9"; $tU = "8"; msg_apply_changes();'].map(
  (text) =>
    one(`number of From and To ${text}`, `${text} say("$hdr(From) $hdr(To)");`, {
      sent: [
        {
          lines: {
            From: 'From: "x" <sip:12;x=y@h.example;user=phone>;tag=a',
            To: 'To: <sip:13;x=y@h.example;user=phone>',
          },
        },
      ],
    }),
)

const NUMBER_REGISTERED: readonly ParityCase[] = [
  one(
    'lookup of a number with parameters',
    'if (is_method("REGISTER")) { save("location"); exit; } lookup("location"); say("$rc $ru");',
    {
      sent: [
        { method: 'REGISTER', uri: `sip:${PROXY}`, lines: { To: 'To: <sip:77123@my.example.com>' } },
        { uri: 'sip:77123;npdi@my.example.com;user=phone', after: /200/ },
      ],
    },
  ),
]

const SMALL: readonly ParityCase[] = [
  ...['a=1;a=2;b=3', 'a=1;b=2;a=3;c', 'a;a=2'].map((list) =>
    one(
      `record of ${list}`,
      `xavp_params_explode("${list}", "p"); say("$xavp(p=>a) $xavp(p=>a[1]) $xavp(p=>b) $xavp(p=>c)"); xavp_params_explode("a=9", "p"); say("$xavp(p=>a) $xavp(p[1]=>a)");`,
    ),
  ),
  one(
    'record of a name twice, written again',
    'xavp_params_explode("a=1;a=2;b=3", "p"); xavp_params_implode("p", "$avp(o)"); say("$avp(o)");',
  ),
  ...['"X-None", "0"', '"X-Case", "0"', '"X-Case", "1"'].map((given) =>
    one(`remove_hf_idx(${given})`, `if (remove_hf_idx(${given})) say("$rc"); else say("F");`),
  ),
  ...['get_body_part', 'get_body_part_raw'].map((name) =>
    one(`${name} of a whole body`, `${name}("application/sdp", "$avp(x)"); say("$rc [$avp(x)]");`, {
      sent: [{ method: 'INVITE', body: SDP }],
    }),
  ),
]

/** Of a request within a dialog: before loose_route it is our Route at the top that tells the direction. */
const ROUTES_AT_THE_TOP = [
  `<sip:${PROXY};lr;ftag=to1>`,
  `<sip:${PROXY};lr;ftag=from1>`,
  `<sip:x@${PROXY};ftag=to1>, <sip:1.2.3.4;lr>`,
  `<sip:${PROXY};lr>`,
  '<sip:1.2.3.4;lr;ftag=to1>',
  `<sip:1.2.3.4;lr>, <sip:${PROXY};lr;ftag=to1>`,
]
const DIRECTIONS = ROUTES_AT_THE_TOP.flatMap((routes) =>
  ['', 'loose_route(); '].map((before) =>
    one(
      `direction by ${routes} ${before}`,
      `${before}say("$fti [$tti] $rdir(id) $rdir(name)"); is_direction("upstream"); say("$rc"); check_route_param("ftag=to1"); say("$rc");`,
      { sent: [{ method: 'BYE', lines: { To: 'To: <sip:bob@example.org>;tag=to1', Route: `Route: ${routes}` } }] },
    ),
  ),
)

const CHARGED = [
  'icid-value=abc123;icid-generated-at=1.2.3.4;orig-ioi=home1.net;term-ioi=home2.net',
  'icid-value=abc;icid-generated-at=1.2.3.4',
  'orig-ioi=home1.net',
].map((vector) =>
  one(`P-Charging-Vector: ${vector}`, 'say("[$pcv(all)] [$pcv(value)] [$pcv(genaddr)] [$pcv(orig)] [$pcv(term)]");', {
    sent: [{ headers: [`P-Charging-Vector: ${vector}`] }],
  }),
)

const CREDENTIALS = [
  one('client nonce and opaque', 'say("[$adc] [$ado]");', {
    sent: [
      {
        headers: [
          'Authorization: Digest username="u@d", realm="r", nonce="n", uri="sip:x", response="0", cnonce="cn", opaque="op", qop=auth, nc=00000001',
        ],
      },
    ],
  }),
]

const SENT_BRANCHES = [
  one(
    'the branch of a reply',
    `$rU = "sink"; append_branch("sip:second@${PROXY}"); setbflag(3); t_on_branch("B%%"); t_on_reply("Y%%"); t_on_failure("F%%"); t_relay();`,
    {
      blocks: `branch_route[B%%] { $rU = $rU + "b"; $du = "${SINK}"; say("[$T_branch(uri)] [$T_branch(flags)]"); }
onreply_route[Y%%] { say("$rs [$T_branch(uri)] [$T_branch(flags)] [$T(reply_reason)]"); }
failure_route[F%%] { say("[$T_branch(uri)] [$T_branch(flags)] [$T(reply_reason)]"); }`,
      sent: [{ method: 'INVITE' }],
      answers: {
        sinkb: [
          [180, 'Ringing'],
          [404, 'Nope'],
        ],
        secondb: [[486, 'Busy']],
      },
    },
  ),
]

export const FOUND: readonly ParityCase[] = [
  ...DIRECTIONS,
  ...CHARGED,
  ...CREDENTIALS,
  ...SENT_BRANCHES,
  ...RUNAWAYS,
  ...NUMBERS,
  ...FOLDED,
  ...UNTRACEABLE,
  ...REVERTED,
  ...BODIES,
  ...SPACES,
  ...REGISTRATIONS,
  ...SMALL,
  ...NUMBER_URIS,
  ...NUMBER_PARTIES,
  ...NUMBER_REGISTERED,
]
