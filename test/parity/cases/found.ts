// Owns cases that chance has found to differ: each in its shortest form.
import { type ParityCase, SINK } from '../case.ts'

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

export const FOUND: readonly ParityCase[] = [...RUNAWAYS, ...NUMBERS, ...FOLDED, ...UNTRACEABLE, ...REVERTED]
