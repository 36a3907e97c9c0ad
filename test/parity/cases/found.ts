// Owns cases that chance has found to differ: each in its shortest form.
import { type ParityCase, SINK } from '../case.ts'
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
].map((text) =>
  one(
    `folded ${text}`,
    `$var(r) = "kept"; $var(r) = ${text}; say("[$var(r)] $rc"); if (${text}) say("T"); else say("F"); while (${text}) { say("W"); break; }`,
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

export const FOUND: readonly ParityCase[] = [
  ...RUNAWAYS,
  ...NUMBERS,
  ...FOLDED,
  ...UNTRACEABLE,
  ...REVERTED,
  ...BODIES,
  ...SPACES,
]
