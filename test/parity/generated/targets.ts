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
  ])
}

export function branchCase(next: Next): ParityCase {
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
