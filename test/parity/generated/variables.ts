// Owns variables by chance: stacks of $avp, trees of $xavp, $xavu, flags, and the functions that test and move them.
import type { ParityCase } from '../case.ts'
import { between, type Next, pick, several } from './random.ts'

const VALUES = [
  '1',
  '2',
  '-7',
  '"x"',
  '"two words"',
  '""',
  '"12"',
  '$rU',
  '$avp(a)',
  '$avp(b)',
  '$var(v)',
  '$xavp(r=>f)',
  '$rm',
]

function place(next: Next): string {
  const [name, field] = [pick(next, ['r', 's']), pick(next, ['f', 'g'])]
  return pick(next, [
    '$avp(a)',
    '$avp(b)',
    `$(avp(${pick(next, ['a', 'b'])})[${pick(next, ['*', '0', '1', '2'])}])`,
    `$xavp(${name}=>${field})`,
    `$xavp(${name}[0]=>${field})`,
    `$xavp(${name}[${between(next, 0, 2)}]=>${field})`,
    `$xavp(${name}[0]=>${field}[${between(next, 0, 1)}])`,
    `$xavu(u=>${field})`,
    '$xavu(w)',
    `$xavi(I=>${field.toUpperCase()})`,
    '$var(v)',
    '$vn(w%%)',
    '$shv(s%%)',
  ])
}

function operation(next: Next): string {
  const kind = next()
  if (kind < 0.55) return `${place(next)} = ${next() < 0.12 ? '$null' : pick(next, VALUES)};`
  const [name, field] = [pick(next, ['r', 's']), pick(next, ['f', 'g'])]
  const flag = between(next, 0, 6)
  return pick(next, [
    `pv_unset("${pick(next, ['$avp(a)', '$avp(b)', `$xavp(${name}=>${field})`, '$var(v)'])}"); say("$rc");`,
    `if (pv_isset("${pick(next, ['$avp(a)', '$avp(b)', `$xavp(${name}=>${field})`, '$xavu(u=>f)'])}")) say("set"); else say("unset");`,
    `if (is_int("${pick(next, ['$avp(a)', '$avp(b)', '$var(v)', '$xavp(r=>f)'])}")) say("int"); else say("no int");`,
    `if (not_empty("${pick(next, ['$avp(a)', '$avp(b)', '$var(v)'])}")) say("full"); else say("empty");`,
    `if (defined ${pick(next, ['$avp(a)', `$xavp(${name}=>${field})`, '$vn(w%%)'])}) say("defined"); else say("undefined");`,
    `if (typeof("${pick(next, ['$avp(a)', '$avp(b)', '$var(v)'])}", "${pick(next, ['int', 'str', 'null'])}")) say("type"); else say("other type");`,
    `$xavp(${name}) = $null;`,
    `$xavp(${name}[${between(next, 0, 1)}]) = $null;`,
    'avp_copy("$avp(a)", "$avp(b)"); say("$rc");',
    'avp_copy("$avp(a)", "$avp(b)/g"); say("$rc");',
    'avp_delete("$avp(a)"); say("$rc");',
    'avp_delete("$avp(a)/g"); say("$rc");',
    `if (avp_check("$avp(${pick(next, ['a', 'b'])})", "${pick(next, ['eq', 'ne', 'gt', 'lt'])}/${pick(next, ['i:2', 's:x', '$rU'])}")) say("checked"); else say("not");`,
    `setflag(${flag}); say("$mf $mF");`,
    `resetflag(${flag}); say("$mf");`,
    `if (isflagset(${flag})) say("flag"); else say("no flag");`,
    `setbflag(${flag}); say("$bf $bF");`,
    `resetbflag(${flag}); say("$bf");`,
    `if (isbflagset(${flag})) say("bflag"); else say("no bflag");`,
    `setsflag(${flag}); say("$sf");`,
    `resetsflag(${flag}); say("$sf");`,
    `if (issflagset(${flag})) say("sflag"); else say("no sflag");`,
    `$mf = ${between(next, 0, 9)}; say("$mf");`,
    `$bf = ${between(next, 0, 9)}; say("$bf");`,
    '$var(v) = $avp(a) + $avp(b); say("$var(v)");',
    '$var(v) = $cnt($avp(a)); say("$var(v)");',
    `if ($avp(a) == $avp(b)) say("same"); else say("differ");`,
    `if ($xavp(${name}=>${field}) == $avp(a)) say("same"); else say("differ");`,
  ])
}

const SHOWS = [
  '[$avp(a)] [$(avp(a)[1])] [$(avp(a)[*])] [$(avp(a)[-1])] $cnt($avp(a))',
  '[$avp(b)] [$(avp(b)[2])] [$(avp(b)[*])]',
  '[$xavp(r=>f)] [$xavp(r[1]=>f)] [$xavp(r=>f[1])] [$xavp(r[0]=>g)] [$xavp(r[2]=>f)]',
  '[$xavp(s=>f)] [$xavp(s=>g)] [$xavp(s[1]=>g)] [$xavp(s=>g[1])]',
  '[$xavu(u=>f)] [$xavu(u=>g)] [$xavu(w)] [$xavi(i=>f)] [$xavi(I=>G)]',
  '[$var(v)] [$vn(w%%)] [$shv(s%%)]',
]

/** Changes of variables, each of them shown, and all of them seen again from the replies' and the branch's route. */
export function variableCase(next: Next): ParityCase {
  const operations = several(next, 9, () => operation(next))
  const all = SHOWS.map((format) => `say("${format}");`).join(' ')
  return {
    title: `variables ${operations.join(' ')}`,
    route: `$var(v) = 0; ${operations.map((text) => `${text} say("${pick(next, SHOWS)}");`).join(' ')} ${all}`,
  }
}
