// Owns cases of statements: loops, switches, return codes, ends of routes.
import type { ParityCase } from '../case.ts'

const one = (title: string, route: string, blocks = ''): ParityCase => ({ title, route, blocks })

export const STATEMENTS: readonly ParityCase[] = [
  one(
    'rc after calls',
    'is_method("INVITE"); say("$rc $retcode $?"); is_method("OPTIONS"); say("$rc"); route(R5); say("$rc"); route(RNEG); say("$rc"); route(RNONE); say("$rc");',
  ),
  one('rc of a false if', 'route(A%%); say("$rc");', 'route[A%%] { if (is_method("INVITE")) { return 7; } }'),
  one('rc of an assignment', 'route(A%%); say("$rc");', 'route[A%%] { $var(q) = 0; }'),
  one('return 0 ends', 'route(A%%); say("not reached $rc");', 'route[A%%] { say("in"); return 0; }'),
  one('return without value', 'route(A%%); say("$rc");', 'route[A%%] { return; }'),
  one(
    'return of an expression',
    'route(A%%); say("$rc"); $var(x) = route(A%%); say("$var(x)");',
    'route[A%%] { return 2 + 3 * 2; }',
  ),
  one('return of a variable', '$var(v) = -9; route(A%%); say("$rc");', 'route[A%%] { return $var(v); }'),
  one('return of a text', 'route(A%%); say("$rc");', 'route[A%%] { $var(t) = "12"; return $var(t); }'),
  one('return of a function', 'route(A%%); say("$rc");', 'route[A%%] { return is_method("INVITE"); }'),
  one('return of a negated function', 'route(A%%); say("$rc");', 'route[A%%] { return !is_method("INVITE"); }'),
  one('exit in a route', 'route(A%%); say("not reached");', 'route[A%%] { say("in"); exit; }'),
  one('exit with a value', 'route(A%%); say("not reached");', 'route[A%%] { exit(3); }'),
  one('drop in a route', 'route(A%%); say("not reached");', 'route[A%%] { say("in"); drop; }'),
  one(
    'break outside of loops',
    'route(A%%); say("after $rc");',
    'route[A%%] { say("in"); break; say("not reached"); }',
  ),
  one(
    'break within if outside of loops',
    'route(A%%); say("after $rc");',
    'route[A%%] { if (1 == $var(never) + 1) { break; } say("rest"); }',
  ),
  one(
    'while and break',
    '$var(i) = 0; while ($var(i) < 5) { $var(i) = $var(i) + 1; if ($var(i) == 3) break; } say("$var(i)");',
  ),
  one(
    'nested while and break',
    '$var(i) = 0; $var(n) = 0; while ($var(i) < 3) { $var(i) = $var(i) + 1; $var(j) = 0; while (1) { $var(j) = $var(j) + 1; $var(n) = $var(n) + 1; if ($var(j) == 2) break; } } say("$var(i) $var(n)");',
  ),
  one('runaway while', '$var(i) = 0; while (1) { $var(i) = $var(i) + 1; } say("$var(i) $rc");'),
  one('while of a negative number', '$var(i) = -3; while ($var(i)) { $var(i) = $var(i) + 1; } say("$var(i)");'),
  one(
    'while of a text',
    '$var(i) = "3"; $var(n) = 0; while ($var(i)) { $var(i) = $var(i) - 1; $var(n) = $var(n) + 1; } say("$var(i) $var(n)");',
  ),
  one('return within while', 'route(A%%); say("$rc");', 'route[A%%] { while (1) { return 4; } }'),
  one(
    'rc after while',
    'route(A%%); say("$rc");',
    'route[A%%] { $var(i) = 2; while ($var(i) > 0) { $var(i) = $var(i) - 1; } }',
  ),
  one(
    'switch of numbers falls through',
    '$var(f) = ""; switch (2) { case 1: $var(f) = $var(f) + "1"; case 2: $var(f) = $var(f) + "2"; case 3: $var(f) = $var(f) + "3"; break; default: $var(f) = $var(f) + "d"; } say("$var(f)");',
  ),
  one(
    'switch of texts falls through',
    '$var(f) = ""; switch ($rm) { case "INVITE": $var(f) = $var(f) + "1"; case "OPTIONS": $var(f) = $var(f) + "2"; case /"^XX": $var(f) = $var(f) + "3"; default: $var(f) = $var(f) + "d"; } say("$var(f)");',
  ),
  one(
    'switch minds case',
    '$var(f) = ""; switch ($rm) { case "options": $var(f) = "lc"; break; case /"^opt": $var(f) = "re"; break; default: $var(f) = "d"; } say("$var(f)");',
  ),
  one(
    'switch by regex',
    'switch ($rU) { case /"^bob": say("bob"); break; case /"^al": say("al"); break; default: say("d"); }',
  ),
  one('switch without default', 'switch ($rU) { case "x": say("x"); break; case "y": say("y"); } say("after $rc");'),
  one('switch default first', 'switch ($rU) { default: say("d"); case "alice": say("a"); break; case "y": say("y"); }'),
  one(
    'switch default first, unmatched',
    'switch ($rU) { default: say("d"); case "x": say("x"); break; case "y": say("y"); }',
  ),
  one(
    'switch of undefined',
    'switch ($avp(undef)) { case "": say("empty"); break; case "x": say("x"); break; default: say("d"); }',
  ),
  one(
    'switch of undefined by number',
    'switch ($avp(undef)) { case 0: say("0"); break; case 1: say("1"); break; default: say("d"); }',
  ),
  one(
    'switch of a text by numbers',
    '$var(t) = "2"; switch ($var(t)) { case 1: say("1"); break; case 2: say("2"); break; default: say("d"); }',
  ),
  one(
    'switch of a wrong text by numbers',
    '$var(t) = "two"; switch ($var(t)) { case 0: say("0"); break; case 2: say("2"); break; default: say("d"); }',
  ),
  one(
    'switch of a number by texts',
    '$var(t) = 2; switch ($var(t)) { case "1": say("1"); break; case "2": say("2"); break; default: say("d"); }',
  ),
  one(
    'switch of return codes',
    'is_method("INVITE"); switch ($rc) { case -1: say("neg"); break; case 1: say("pos"); break; default: say("d"); }',
  ),
  one(
    'switch with return',
    'route(A%%); say("$rc");',
    'route[A%%] { switch ($rm) { case "OPTIONS": return 3; default: return 4; } }',
  ),
  one(
    'switch in while',
    '$var(i) = 0; $var(f) = ""; while ($var(i) < 3) { switch ($var(i)) { case 1: $var(f) = $var(f) + "one"; break; default: $var(f) = $var(f) + "d"; } $var(i) = $var(i) + 1; } say("$var(f)");',
  ),
  one('if without parentheses', 'if is_method("OPTIONS") say("yes"); else say("no");'),
  one(
    'else if chain',
    'if ($rU == "x") { say("x"); } else if ($rU == "alice") { say("alice"); } else { say("else"); }',
  ),
  one('dangling else', 'if (is_method("OPTIONS")) if (is_method("INVITE")) say("a"); else say("b");'),
  one('empty statements', ';; { ; } say("ok");'),
  one('route by expression', '$var(n) = "R5"; route($var(n)); say("$rc"); route("R" + "5"); say("$rc");'),
  one('route by unknown expression', '$var(n) = "Nowhere"; route($var(n)); say("after $rc");'),
  one('route by number', 'route(77); say("$rc"); route("77"); say("$rc");', 'route[77] { return 77; }'),
  one(
    'recursion',
    '$var(d) = 0; route(A%%); say("$var(d) $rc");',
    'route[A%%] { $var(d) = $var(d) + 1; if ($var(d) < 5) route(A%%); return $var(d); }',
  ),
  one('quoted route name', 'route(A-%%); say("$rc");', 'route["A-%%"] { return 6; }'),
  one('call in the middle of text', '$var(x) = "a" + $_s(b$rm) + "c"; say("$var(x)");'),
  one('preset variable', 'say("$var(preset)");'),
  one(
    'defines',
    '#!ifdef DEFNUM\nsay("defined DEFNUM SUBME $def(DEFNUM) $defn(DEFNUM)");\n#!else\nsay("not");\n#!endif\n#!ifndef NOPE\nsay("ndef");\n#!endif\n#!ifdef MOD_tm\nsay("mod");\n#!endif\n#!ifdef KAMAILIO_5_6\nsay("version");\n#!endif\n',
  ),
  one(
    'directive inside an expression',
    'if (1 == 1\n#!ifdef NOPE\n&& 0 == 1\n#!else\n&& 2 == 2\n#!endif\n) say("in"); else say("out");',
  ),
  one('comments', '/* one */ say("a"); // two\n# three\nsay("b"); /* say("c"); */'),
  one(
    'flags',
    'setflag(3); setflag(named_flag); if (isflagset(3)) say("3 $mf $mF"); resetflag(3); if (isflagset(3)) say("still"); else say("gone $mf"); if (isflagset("other_flag")) say("o"); else say("no o");',
  ),
  one(
    'branch flags',
    'setbflag(6); say("$bf $bF"); if (isbflagset(6)) say("set"); resetbflag(6); say("$bf"); if (isbflagset(6)) say("set"); else say("not");',
  ),
  one(
    'script flags',
    'setsflag(4); say("$sf $sF"); if (issflagset(4)) say("set"); resetsflag(4); say("$sf"); if (issflagset(4)) say("set"); else say("not");',
  ),
  one('highest flag', 'setflag(31); say("$mf $mF");'),
  one('flag out of range', 'setflag(32); say("$mf");'),
  one('undefined function', 'no_such_function("x");'),
  one('undefined route', 'route(NO_SUCH_ROUTE_%%);'),
  one('empty block', 'if (1 == 1) { }'),
  one('plus equals', '$var(x) += 1;'),
  one('type clash', '$var(x) = 1 + 2 + "a";'),
  one('assignment to a transformation', '$(var(x){s.len}) = 1;'),
  one('assignment to a read-only variable', '$si = "1.2.3.4";'),
  one('unknown variable', 'say("$nosuchvar");'),
  one('unknown transformation', 'say("$(rU{s.nosuch})");'),
  one('wrong regex', 'if ($rU =~ "a(b") say("yes"); else say("no");'),
  one('wrong regex at run time', '$var(p) = "a(b"; if ($rU =~ $var(p)) say("yes"); else say("no"); say("on");'),
  one('log', 'log("plain\\n"); log(1, "level\\n"); say("ok $rc");'),
  one(
    'xlog family',
    'xerr("P|%%|xerr|E\\n"); xalert("P|%%|xalert|E\\n"); xcrit("P|%%|xcrit|E\\n"); xwarn("P|%%|xwarn|E\\n"); xnotice("P|%%|xnotice|E\\n"); xinfo("P|%%|xinfo|E\\n"); xdbg("P|%%|xdbg|E\\n"); xlog("P|%%|default|E\\n"); xlog("L_WARN", "P|%%|warn|E\\n"); xlog("L_INFO", "P|%%|info|E\\n"); $var(level) = -1; xlog("$var(level)", "P|%%|byvar|E\\n"); xlog("L_NOTICE", "P|%%|notice|E\\n"); say("$rc");',
  ),
  one(
    'xlog levels and facility',
    'xlog("LOG_LOCAL1", "L_ERR", "P|%%|facility|E\\n"); xlog("L_CRIT", "P|%%|crit|E\\n"); xlog("L_ALERT", "P|%%|alert|E\\n"); xlog("L_DBG", "P|%%|dbg|E\\n");',
  ),
]
