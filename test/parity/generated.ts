// Owns cases made by chance from a seed: expressions, edits of the message, targets and branches.
import { type Answer, HERE, type ParityCase, SINK, SINK_PORT } from './case.ts'
import { SDP } from './cases/messages.ts'

type Next = () => number

/** mulberry32: the same numbers for the same seed everywhere. */
export function random(seed: number): Next {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

const pick = <T>(next: Next, list: readonly T[]): T => list[Math.floor(next() * list.length)]!
const several = (next: Next, most: number, make: () => string): string[] =>
  Array.from({ length: 1 + Math.floor(next() * most) }, make)

const ATOMS = [
  '0',
  '1',
  '5',
  '-1',
  '7',
  '"abc"',
  '""',
  '"5"',
  '"a,b;c"',
  '$var(zero)',
  '$var(one)',
  '$var(minus)',
  '$var(five)',
  '$var(empty)',
  '$var(abc)',
  '$var(s5)',
  '$var(s05)',
  '$var(neg)',
  '$var(mixed)',
  '$avp(undef)',
  '$avp(int)',
  '$avp(text)',
  '$vn(null)',
  '$rU',
  '$rd',
  '$rm',
  '$sp',
  '$hdr(X-Nope)',
  '$hdr(X-A)',
  '$cs',
  '$(rU{s.len})',
  '$(var(abc){s.int})',
  '$(hdr(X-A){s.toupper})',
  '$(ru{uri.param,foo})',
  '$(rU{s.substr,1,2})',
  '$(avp(undef){s.len})',
  'is_method("OPTIONS")',
  'is_method("INVITE")',
  'has_totag()',
  'is_present_hf("X-A")',
  'route(R5)',
  'route(RNEG)',
  'route(RTRUE)',
  '$null',
]
const OPERATORS = [
  '+',
  '+',
  '+',
  '-',
  '*',
  '/',
  'mod',
  '&',
  '|',
  '^',
  '<<',
  '>>',
  '==',
  '==',
  '!=',
  '=~',
  'eq',
  'ne',
  'ieq',
  'ine',
  '>',
  '<',
  '>=',
  '<=',
  '&&',
  '&&',
  '||',
  '||',
  'and',
  'or',
]
const UNARY = ['!', '-', '(int)', '(str)', 'not ', 'defined ', '~']
const SETUP = `$var(zero) = 0; $var(one) = 1; $var(minus) = -1; $var(five) = 5; $var(empty) = ""; $var(abc) = "abc"; $var(s5) = "5"; $var(s05) = "05"; $var(neg) = "-3"; $var(mixed) = "12abc"; $vn(null) = $null; $avp(int) = 3; $avp(text) = "at";`

export function expression(next: Next, depth: number): string {
  const kind = next()
  if (depth === 0 || kind < 0.2) return pick(next, ATOMS)
  if (kind < 0.32) return `${pick(next, UNARY)}${pick(next, ATOMS)}`
  if (kind < 0.48) return `(${expression(next, depth - 1)})`
  if (kind < 0.52) return `strlen(${pick(next, ATOMS.slice(9, 20))})`
  if (kind < 0.56) return `strempty(${pick(next, ATOMS.slice(9, 20))})`
  if (kind < 0.6)
    return `selval(${expression(next, depth - 1)}, ${pick(next, ATOMS.slice(9, 20))}, ${pick(next, ATOMS.slice(9, 20))})`
  const operator = pick(next, OPERATORS)
  const right =
    operator === '=~'
      ? pick(next, ['"^a"', '"[0-9]+"', '$var(abc)', '"^$"', '"B"', '"^(op|x)"'])
      : expression(next, depth - 1)
  return `${expression(next, depth - 1)} ${operator} ${right}`
}

function expressionCase(next: Next): ParityCase {
  const text = expression(next, 3)
  return {
    title: `expression ${text}`,
    route: `${SETUP} $var(r) = "kept"; $var(r) = ${text}; say("[$var(r)] $rc"); if (${text}) say("T"); else say("F"); $avp(r) = ${text}; say("[$avp(r)]");`,
    sent: [{ uri: `sip:alice@${HERE}:49510;foo=bar`, headers: ['X-A: one'] }],
  }
}

const NAMES = ['X-A', 'X-B', 'Subject', 'User-Agent', 'Contact', 'X-New', 'x-low', 'Call-ID', 'X-None']
const WORDS = [
  'one',
  'two',
  'World',
  'X-A',
  'Hello',
  'a',
  'PCMU',
  'rtpmap',
  'nothing',
  'low',
  '[0-9]+',
  '^X-',
  'o',
  '(H)(e)',
  'ua/1',
]
const TEXTS = ['', 'new', '$rU', 'a b', 'x, y', '0', 'Zz']

function edit(next: Next): string {
  const name = pick(next, NAMES)
  const other = pick(next, NAMES)
  const word = pick(next, WORDS).replaceAll('/', '\\/')
  const text = pick(next, TEXTS)
  const plain = text.replace('$rU', 'user')
  const flags = pick(next, ['', 'g', 'i', 'gi'])
  switch (Math.floor(next() * 16)) {
    case 0:
      return `append_hf("${name}: ${text}\\r\\n");`
    case 1:
      return `append_hf("${name}: ${text}\\r\\n", "${other}");`
    case 2:
      return `insert_hf("${name}: ${text}\\r\\n");`
    case 3:
      return `insert_hf("${name}: ${text}\\r\\n", "${other}");`
    case 4:
      return `remove_hf("${pick(next, ['X-A', 'X-B', 'Subject', 'User-Agent', 'Contact', 'x-low', 'X-New', 'X-None'])}");`
    case 5:
      return `remove_hf_re("${pick(next, ['^X-[AB]', 'ject$', '^x', 'agent', 'zzz'])}");`
    case 6:
      return `subst_hf("${pick(next, ['X-A', 'X-B', 'Subject', 'User-Agent', 'X-None'])}", "/${word}/${plain}/${flags}", "${pick(next, ['a', 'f', 'l'])}");`
    case 7:
      return `subst_body("/${word}/${plain}/${flags}");`
    case 8:
      return 'msg_apply_changes();'
    case 9:
      return `if (is_present_hf("${name}")) say("present"); else say("absent");`
    case 10:
      return `say("[$hdr(${name})] [$(hdr(${name})[-1])] $hdrc(${name})");`
    case 11:
      return `if (search("${word}")) say("found"); else say("not");`
    case 12:
      return `if (search_body("${word}")) say("found"); else say("not");`
    case 13:
      return pick(next, [
        'record_route();',
        'add_rr_param(";x=1");',
        'force_rport();',
        'sdp_remove_line_by_prefix("a=rtpmap");',
        'sdp_remove_media("video");',
        'sdp_remove_line_by_prefix("a=", "audio");',
      ])
    case 14:
      return `replace_body${pick(next, ['', '_all'])}("${word}", "${plain}");`
    default:
      return `append_to_reply("${name}: ${text}\\r\\n");`
  }
}

function editCase(next: Next): ParityCase {
  const edits = several(next, 6, () => edit(next))
  const sdp = next() < 0.4
  const end = next() < 0.8 ? `$du = "${SINK}"; t_relay();` : 'sl_send_reply("404", "Nope");'
  const headers = [
    'X-A: one',
    'X-A: two',
    'X-B: three, four',
    'Subject: Hello World',
    'User-Agent: ua/1',
    'x-low: low',
  ].filter(() => next() < 0.8)
  return {
    title: `edits ${edits.join(' ')}`,
    route: `${edits.map((text) => `${text} say("$rc");`).join(' ')} ${end}`,
    sent: [{ method: sdp ? 'INVITE' : 'OPTIONS', headers, ...(sdp ? { body: SDP } : {}) }],
  }
}

const sink = (user: string) => `sip:${user}@${HERE}:${SINK_PORT}`

function target(next: Next): string {
  const user = pick(next, ['b1', 'b2', 'b3', 'b4'])
  return pick(next, [
    `$ru = "${sink(user)}";`,
    `$rU = "${user}";`,
    `$rd = "${HERE}"; $rp = ${SINK_PORT};`,
    `$du = "${SINK}";`,
    '$du = $null;',
    `append_branch("${sink(user)}");`,
    'append_branch();',
    `prefix("${pick(next, ['0', '00', 'x'])}");`,
    `strip(${pick(next, [0, 1, 2])});`,
    `strip_tail(${pick(next, [0, 1])});`,
    `setuser("${user}");`,
    `rewritehostport("${HERE}:${SINK_PORT}");`,
    `rewritehost("${HERE}");`,
    `rewriteport("${SINK_PORT}");`,
    `seturi("${sink(user)};p=1");`,
    'revert_uri();',
    'say("$ru [$du] $rU $rd $rp");',
    'say("[$branch(count)] [$(branch(uri)[0])] [$(branch(dst_uri)[0])] [$(branch(uri)[1])]");',
    'setbflag(3);',
    'setflag(4);',
    'clear_branches();',
    'remove_branch(0);',
    `subst_user("/b/${pick(next, ['c', 'bb'])}/");`,
    `rewritehostporttrans("${HERE}:${SINK_PORT}");`,
    'userphone();',
    'record_route();',
    'append_hf("X-Req: $rU\\r\\n");',
  ])
}

function branchCase(next: Next): ParityCase {
  const ops = several(next, 6, () => target(next))
  const again = several(next, 4, () => target(next))
  const status = (): readonly Answer[] => [
    ...(next() < 0.4 ? [[180, 'Ringing'] as const] : []),
    [pick(next, [200, 200, 404, 486, 503, 302, 603, 480, 500]), 'Final'],
  ]
  const method = pick(next, ['INVITE', 'INVITE', 'OPTIONS'])
  const fails = next() < 0.6
  const branches = next() < 0.6
  const dropped = next() < 0.2
  // The last resort keeps whatever was left from going back to the proxy.
  const guard = `if ($du == $null && $rp != ${SINK_PORT}) { $du = "${SINK}"; }`
  return {
    title: `targets ${ops.join(' ')}${fails ? ` failure: ${again.join(' ')}` : ''}`,
    route: `${ops.map((text) => `${text} say("$rc $ru [$du]");`).join(' ')} ${guard} ${fails ? 't_on_failure("F%%");' : ''} ${branches ? 't_on_branch("B%%");' : ''} t_on_reply("R%%"); t_relay(); say("relayed $rc");`,
    blocks: `onreply_route[R%%] { say("R $rs"); }
${branches ? `branch_route[B%%] { say("B $ru [$du] $mf $bf"); append_hf("X-Br: $rU\\r\\n"); ${dropped ? 'if ($rU =~ "2") drop;' : ''} }` : ''}
${fails ? `failure_route[F%%] { say("F $T_reply_code $ru [$du]"); ${again.join(' ')} ${guard} ${next() < 0.5 ? 't_relay(); say("$rc");' : 't_reply("488", "Custom"); say("$rc");'} }` : ''}`,
    sent: [{ method, uri: sink('b1') }],
    answers: { b1: status(), b2: status(), b3: status(), b4: status(), '*': status() },
  }
}

/** So many cases of one seed. */
export function generated(count: number, seed: number): ParityCase[] {
  const next = random(seed)
  return Array.from({ length: count }, () => {
    const kind = next()
    const made = kind < 0.4 ? expressionCase(next) : kind < 0.7 ? editCase(next) : branchCase(next)
    return { ...made, generated: true }
  })
}
