// Owns cases of what is a number, a text, nothing or a list at the same time: variables in every context, and the texts that transformations take apart.
import { type Answer, HERE, type ParityCase, SINK_PORT } from '../case.ts'
import { RICH } from './messages.ts'

const READABLE =
  'rm rs rr rv mt rb bs ci cs csb ua ct cT cl mf mF bf bF sf sF fu fU fd fn ft tu tU td tn tt ai pu pU pd re rt di dir dip dic au ar si sp siz su Ri Rp Ru Rn proto pr prid fs rU rd rp rP rz oU od op oP du dd dp dP br bR ds T_branch_idx T_reply_code rc retcode null'.split(
    ' ',
  )

/** One variable where a text, a number, a condition and nothing are wanted. */
const everywhere = (name: string): ParityCase => {
  const v = `$${name}`
  return {
    title: `${v} as number, text and condition`,
    route: `say("[${v}]"); $var(c) = 0 + ${v}; say("$var(c)"); $var(c) = ${v} + 1; say("$var(c)"); $var(d) = 1; $var(c) = $var(d) + ${v}; say("$var(c)"); if (${v} == "") say("T"); else say("F"); if (${v} != "") say("T"); else say("F"); if (${v} == $null) say("T"); else say("F"); if (${v}) say("T"); else say("F"); if (!${v}) say("T"); else say("F"); if (${v} == 1) say("T"); else say("F"); if ($var(d) == ${v}) say("T"); else say("F"); if (5 > ${v}) say("T"); else say("F"); $avp(c) = ${v}; $var(d) = $avp(c) + 1; say("$var(d)"); say("[$(${name}{s.len})]");`,
    sent: [RICH],
  }
}

const quoted = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\t', '\\t')}"`

/** Transformations of one text: printed, stored, and compared with nothing. */
const taken = (text: string, names: readonly string[]): ParityCase => ({
  title: `${names[0]?.split('.')[0]} of ${text}`,
  route: `$avp(v) = ${quoted(text)}; ${names
    .map((name) => {
      const pv = `$(avp(v){${name}})`
      return `say("[${pv}]"); $avp(x) = ${pv}; say("[$avp(x)]"); if (${pv} == $null) say("null"); else say("value");`
    })
    .join(' ')}`,
})

const LISTS =
  'a b|a =1|a= 1|a=1 x|a=1 ;b|a;b |a; b|a ;b| a;b|a=1 |a=1;|a=1;;b|;a|;;a| ;a|a=|a=;b|=a|a,b|a b;c|a="b" c|a="b"c|a="b|a=b"c"|a <b>|<sip:u@h;lr>;x|"a"=1|a=b=c|a;;|; |a; |;|a@b|a/b c|x y=1;b=2|b=2;x y|MiXed=1;B=2'.split(
    '|',
  )
const ADDRESSES =
  'sip:u@h|sip:u@h;x|sip:u@h;x=y?h=v|sip:u@h?h=v|sip:u@h x|tel:+12;tag=1|a:b|a@b|http://x|Name <x>|<x>|"N" sip:a@b|"N"|N <sip:a@b>;tag|N <sip:a@b> ;tag=1 ; q|N <sip:a@b> x|<sip:a@b>,<sip:c@d>|sip:a@b>|*|sip:a@b ;tag=1|  Name <sip:a@b>|N N <sip:a@b>;a="x;y";tag=3|<sip:a@b>;;tag=5|<sip:a@b>;tag=5;|<sip:a@b>;tag=5 x|"Q, <x>" <sip:a@b>;tag=1|  padded  '.split(
    '|',
  )
const NUMBERS =
  '2147483647 2147483648 4294967295 4294967296 -2147483648 -2147483649 99999999999 0x10 --5 1e3 -0x5'.split(' ')

const says = (title: string, route: string, more: Partial<ParityCase> = {}): ParityCase => ({ title, route, ...more })
const relayed = (route: string, more: Partial<ParityCase> = {}): ParityCase[] =>
  ['INVITE', 'OPTIONS'].map((method) => ({
    title: `${method}: ${route}`,
    route,
    sent: [{ method, uri: `sip:b1@${HERE}:${SINK_PORT}` }],
    ...more,
  }))

const ABSENCE: ParityCase[] = ['0', '7', '-1', '""', '"0"', '"x"'].map((value) =>
  says(
    `${value} beside an empty text`,
    `$avp(c) = ${value}; if ($avp(c) != "") say("T"); else say("F"); if ($avp(c) == "") say("T"); else say("F"); $var(r) = ($avp(c) != ""); say("$var(r)"); if (!($avp(c) != "")) say("T"); else say("F"); if ($avp(c) ne "") say("T"); else say("F"); if (strempty($avp(c))) say("T"); else say("F");`,
  ),
)

const CHOICES: ParityCase[] = [
  'selval(route(RTRUE), "a", "b")',
  'selval(is_method("INVITE"), "a", "b")',
  'selval(strempty($rU), "a", $rU)',
  'selval(1, strlen($rU), $rU)',
  'selval(1, is_method("OPTIONS"), $rU)',
  'selval(strempty($rU), strlen($rU), selval(is_method("OPTIONS"), "x", "y"))',
  'strlen(selval(1, "abc", $rU))',
  '"p" + selval(1, $rU + "x", $rU) + "z"',
  'selval(0, route(R5), route(RNEG))',
].map((text) => says(`$var(r) = ${text}`, `$var(r) = ${text}; say("$var(r) $rc");`))

const TYPES: ParityCase[] = [
  'while ("") { break; }',
  'while ("a" + $rU) { break; }',
  'while ((str)$rU) { break; }',
  'exit("x");',
  'return "x";',
  'return ("x" + $rU);',
  'return ($rU + "x");',
  'remove_hf(selval(is_method("INVITE"), "X-A", "X-B"));',
].map((text) => says(`taken or refused: ${text}`, `${text} say("on");`))

const FLAGS: ParityCase[] = ['mf', 'bf', 'sf'].flatMap((name) =>
  ['6', '"5"', '$null', '-1', '$avp(none)'].map((value) =>
    says(`$${name} = ${value}`, `$${name} = 6; $${name} = ${value}; say("$${name} $${name.replace('f', 'F')}");`),
  ),
)

const STACKS: ParityCase[] = [1, 2, 3].map((count) =>
  says(
    `$avp from its end, ${count} values`,
    `${Array.from({ length: count }, (_, i) => `$avp(a) = "${i}";`).join(' ')} say("[$(avp(a)[-1])] [$(avp(a)[-2])] [$(avp(a)[-3])] [$(avp(a)[0])] [$(avp(a)[1])] [$(avp(a)[*])]");`,
  ),
)

const FORKS: ParityCase[] = ['603', '404', '200'].flatMap((status) =>
  relayed(`append_branch("sip:b2@${HERE}:${SINK_PORT}"); t_on_reply("R%%"); t_relay(); say("$rc");`, {
    title: `a branch that rings after ${status}`,
    blocks: 'onreply_route[R%%] { say("R $rs"); }',
    answers: {
      b1: [[Number(status), 'First']],
      b2: [
        [180, 'Late'],
        [480, 'Second'],
      ],
    },
  }),
)

/** What failure routes ask about the branches, in every order of answers. */
const BRANCHES: ParityCase[] = (
  [
    ['[[486]]', undefined, 0],
    ['[[180],[486]]', undefined, 0],
    ['[[486]]', '[[404]]', 0],
    ['[[408]]', '[[486]]', 0],
    ['[[487]]', '[[488]]', 0],
    ['[[408]]', '[[480]]', 0],
    ['[]', '[[486]]', 3700],
    ['[[180]]', '[[486]]', 3700],
    ['[[180],[486]]', '[]', 3700],
    ['[]', '[[600]]', 3700],
    ['[[180]]', '[[503]]', 3700],
  ] as const
).map(([first, second, wait]) => {
  const answers = (text: string) => (JSON.parse(text) as [number][]).map(([status]): Answer => [status, 'Answer'])
  return {
    title: `branches ${first} and ${second}`,
    route: `$ru = "sip:b1@${HERE}:${SINK_PORT}"; ${second === undefined ? '' : `append_branch("sip:b2@${HERE}:${SINK_PORT}");`} t_on_failure("F%%"); t_relay();`,
    blocks:
      'failure_route[F%%] { say("$T_reply_code $T_branch_idx"); if (t_any_replied()) say("any"); if (t_branch_replied()) say("replied"); if (t_branch_timeout()) say("timeout"); if (t_any_timeout()) say("any timeout"); }',
    sent: [{ method: 'INVITE' }],
    answers: { b1: answers(first), ...(second !== undefined && { b2: answers(second) }) },
    wait,
  }
})

const CHECKS: ParityCase[] = ['3', '"3"', '"OPTIONS"', '"Abc"'].flatMap((value) =>
  ['i:3', 's:3', 's:abc', 's:options', '$rU', 's:OPTIONSX'].map((wanted) =>
    says(
      `avp_check of ${value} and ${wanted}`,
      `$avp(a) = ${value}; ${['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'EQ', 're'].map((operator) => `avp_check("$avp(a)", "${operator}/${wanted}"); say("${operator} $rc");`).join(' ')} avp_check("$avp(a)", "eq/${wanted}/i"); say("$rc");`,
    ),
  ),
)

/** Methods in the small letters that scripts write now and then. */
const METHODS: ParityCase[] = ['foo', 'options', 'OPTIONS'].map((method) =>
  says(
    `the method ${method} by its name`,
    ['foo', 'FOO', 'options', 'OPTIONS', 'invite|Options']
      .map((name) => `if (is_method("${name}")) say("T"); else say("F");`)
      .join(' '),
    { sent: [{ method }] },
  ),
)

export const CONVERSIONS: readonly ParityCase[] = [
  ...READABLE.map(everywhere),
  ...LISTS.map((text) =>
    taken(text, [
      'param.count',
      'param.value,a',
      'param.value,b',
      'param.name,0',
      'param.name,-1',
      'param.valueat,-1',
      'param.in,b',
    ]),
  ),
  ...ADDRESSES.map((text) =>
    taken(text, ['tobody.uri', 'tobody.user', 'tobody.host', 'tobody.display', 'tobody.params', 'tobody.tag']),
  ),
  ...ADDRESSES.map((text) => taken(text, ['nameaddr.uri', 'nameaddr.name', 'nameaddr.len'])),
  ...['', 'x'].map((text) => taken(text, ['line.count', 'line.at,0', 'line.sw,x', 're.subst,/x/y/', 's.decode.hexa'])),
  ...NUMBERS.map((text) =>
    says(
      `${text} as a number`,
      `$avp(v) = "${text}"; $var(c) = 0 + $avp(v); say("$var(c)"); $var(c) = (int)$avp(v); say("$var(c)"); if ($avp(v)) say("T"); else say("F"); say("[$(avp(v){s.int})]");`,
    ),
  ),
  says('lines counted and added to', '$avp(v) = "x"; $var(c) = $(avp(v){line.count}) + 1; say("$var(c)");'),
  says(
    'control characters escaped',
    '$avp(v) = "a\\nb"; say("[$(avp(v){s.escape.user})] [$(avp(v){s.escape.param})]");',
  ),
  says(
    'every sign escaped',
    '$avp(v) = "a&=+$,;?/b%:@[]<>{}|^~!*()._-#"; say("[$(avp(v){s.escape.user})] [$(avp(v){s.escape.param})]");',
  ),
  ...ABSENCE,
  ...CHOICES,
  ...TYPES,
  ...FLAGS,
  ...STACKS,
  ...FORKS,
  ...BRANCHES,
  ...CHECKS,
  ...METHODS,
  ...relayed('clear_branches(); t_relay(); say("$rc"); t_relay(); say("$rc");'),
  ...relayed('clear_branches(); t_newtran(); t_relay(); say("$rc");'),
  ...relayed('clear_branches(); t_relay(); say("$rc"); t_reply("404", "Mine"); say("$rc");'),
  ...relayed('clear_branches(); revert_uri(); t_relay(); say("$rc");'),
  ...relayed('setuser("bob"); clear_branches(); revert_uri(); t_relay(); say("$rc");'),
  ...relayed('userphone(); clear_branches(); userphone(); t_relay(); say("$rc");'),
  ...relayed('setbflag(3); clear_branches(); say("$bf"); t_relay(); say("$rc");'),
  ...relayed('setuser("b1"); t_on_failure("F%%"); t_relay();', {
    title: 'revert_uri in a failure route, the R-URI changed before',
    blocks: 'failure_route[F%%] { revert_uri(); t_relay(); say("$rc"); }',
    answers: { '*': [[404, 'NF']] },
  }),
  ...relayed('t_on_failure("F%%"); t_relay();', {
    title: 'revert_uri in a failure route',
    blocks: 'failure_route[F%%] { revert_uri(); t_relay(); say("$rc"); }',
    answers: { '*': [[404, 'NF']] },
  }),
]
