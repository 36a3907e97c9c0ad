// Owns R-URIs, destinations, branches and their answers by chance.
import { type Answer, HERE, type ParityCase, SINK, SINK_PORT } from '../case.ts'
import { type Next, pick, several } from './random.ts'

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
    `append_branch("${sink(user)}", "${pick(next, ['0.1', '0.5', '1', '0.5'])}");`,
    `$(branch(uri)[${pick(next, [0, 1])}]) = "${sink(user)}";`,
    `$(branch(dst_uri)[0]) = "${SINK}";`,
    'setbflag(5, 0);',
    'resetbflag(3);',
    `$bf = ${pick(next, [0, 1, 12])};`,
    'say("[$bf] [$(branch(flags)[0])] [$(branch(Q)[0])] [$mf]");',
    'if (isbflagset(3)) say("b3"); else say("no b3");',
    'if (isdsturiset()) say("du"); else say("no du");',
    'resetdsturi();',
    '$avp(n) = $rU;',
    'say("[$avp(n)] [$(avp(n)[*])] $T_branch_idx");',
    '$rp = $null;',
    'rewriteport("");',
    `rewriteuri("sip:${HERE}:${SINK_PORT};transport=udp");`,
    'uri_param("transport", "udp"); say("$rc");',
    'add_uri_param("x=1");',
    'msg_apply_changes();',
    'remove_branch(1);',
  ])
}

/** What a failure route may ask of what has happened. */
const ASKED =
  'say("F $T_reply_code $ru [$du] $T_branch_idx $mf"); if (t_check_status("4[0-9][0-9]")) say("4xx"); if (t_any_replied()) say("any"); if (t_branch_replied()) say("replied"); if (t_is_canceled()) say("canceled"); if (t_grep_status("486")) say("486");'

/** The last resort keeps whatever was left from going back to the proxy. */
const GUARD = `if ($du == $null && $rp != ${SINK_PORT}) { $du = "${SINK}"; }`

function answersOf(next: Next): Readonly<Record<string, readonly Answer[]>> {
  const status = (): readonly Answer[] => {
    const code = pick(next, [200, 200, 404, 486, 503, 302, 603, 480, 500, 401, 407, 408, 487])
    const lines = code === 302 ? [`Contact: <${sink('b4')}>`] : next() < 0.1 ? ['X-Reply: 1'] : []
    return [...(next() < 0.4 ? [[180, 'Ringing'] as const] : []), [code, 'Final', ...lines]]
  }
  return { b1: status(), b2: status(), b3: status(), b4: status(), '*': status() }
}

const RINGS: readonly Answer[] = [[180, 'Ringing']]

export function branchCase(next: Next): ParityCase {
  const ops = several(next, 6, () => target(next))
  const again = several(next, 4, () => target(next))
  const third = several(next, 2, () => target(next))
  const method = pick(next, ['INVITE', 'INVITE', 'OPTIONS'])
  const fails = next() < 0.6
  const branches = next() < 0.6
  const dropped = next() < 0.2
  const serial = next() < 0.15
  // Of an INVITE that its caller cancels, every branch rings, or is silent: what answers finally would race the CANCEL.
  const canceled = method === 'INVITE' && next() < 0.12
  const answers = canceled
    ? { b1: RINGS, b2: RINGS, b3: [[183, 'Progress']] as const, b4: [], '*': RINGS }
    : answersOf(next)
  const goes = next()
  const onward =
    goes < 0.35
      ? 't_relay(); say("$rc");'
      : goes < 0.6
        ? `t_on_failure("G%%"); t_on_branch("B%%"); t_relay(); say("$rc");`
        : goes < 0.7
          ? 'if (t_next_contacts()) { t_relay(); } say("$rc $ru");'
          : goes < 0.8
            ? 'exit;'
            : 't_reply("488", "Custom"); say("$rc");'
  // Of a ringing that the script drops, 5.6.3 forgets that there is something to cancel.
  const reply = canceled
    ? ''
    : pick(next, ['', '', 'append_hf("X-Re: $rs\\r\\n");', 'if ($rs == 180) drop;', 'remove_hf("X-Reply");'])
  return {
    title: `targets ${ops.join(' ')}${fails ? ` failure: ${again.join(' ')}` : ''}`,
    route: `${canceled ? 'if (is_method("CANCEL")) { t_relay(); exit; }' : ''} ${ops.map((text) => `${text} say("$rc $ru [$du]");`).join(' ')} ${serial ? 't_load_contacts(); say("$rc $branch(count)"); t_next_contacts(); say("$rc $ru $branch(count)");' : ''} ${GUARD} ${fails ? 't_on_failure("F%%");' : ''} ${branches ? 't_on_branch("B%%");' : ''} t_on_reply("R%%"); t_relay(); say("relayed $rc");`,
    blocks: `onreply_route[R%%] { say("R $rs [$avp(n)] $bf"); ${reply} }
branch_route[B%%] { say("B $ru [$du] $mf $bf $T_branch_idx"); append_hf("X-Br: $rU\\r\\n"); ${dropped ? 'if ($rU =~ "2") drop;' : ''} }
failure_route[F%%] { ${ASKED} ${again.map((text) => `${text} say("$rc $ru [$du]");`).join(' ')} ${GUARD} ${onward} }
failure_route[G%%] { ${ASKED} ${third.join(' ')} ${GUARD} t_relay(); say("$rc"); }`,
    sent: [
      { method, uri: sink('b1'), branch: 'z9hG4bKour%%x0' },
      ...(canceled
        ? [
            {
              method: 'CANCEL',
              uri: sink('b1'),
              branch: 'z9hG4bKour%%x0',
              after: /^SIP\/2\.0 18[03]/,
              lines: { CSeq: 'CSeq: 7 CANCEL' },
            },
          ]
        : []),
    ],
    answers,
    // Long enough for what nobody cancels to time out.
    ...(canceled && { wait: 7000 }),
  }
}
