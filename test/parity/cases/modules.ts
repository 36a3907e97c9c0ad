// Owns cases of modules that need the world: shared tables, destinations, dialogs, limits, queues, From and To rewritten.
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HERE, type ParityCase, THERE } from '../case.ts'

const LIST = `1 sip:${HERE}:6001
1 sip:${HERE}:6002;transport=udp 0 10 weight=50;duid=d2
1 sip:${HERE}:6003 0 20 duid=d3;maxload=2
2 sip:${HERE}:6011 0 0 my=attribute
3 sip:${HERE}:6021 1
3 sip:${HERE}:6022 4
3 sip:${HERE}:6023 2
3 sip:${HERE}:6024 8
${Array.from({ length: 17 }, (_, i) => `7 sip:${HERE}:${6100 + i}`).join('\n')}
`

const file = join(tmpdir(), `parity-dispatcher-${process.pid}-${HERE}.list`)

/** Writes the lists of destinations, one for each of the two. */
export function writeLists(): void {
  writeFileSync(file, LIST)
  writeFileSync(file.replaceAll(HERE, THERE), LIST.replaceAll(HERE, THERE))
}

/** Below the head of every file. */
export const MODULES_HEAD = `${'htable dispatcher dialog pike ratelimit pipelimit mqueue statistics uac'
  .split(' ')
  .map((name) => `loadmodule "${name}.so"`)
  .join('\n')}
modparam("htable", "htable", "a=>size=4;")
modparam("htable", "htable", "e=>size=4;autoexpire=100;initval=7;updateexpire=0;")
modparam("dispatcher", "list_file", "${file}")
modparam("dispatcher", "flags", 2)
modparam("dispatcher", "hash_pvar", "$var(h)")
modparam("dialog", "profiles_with_value", "caller")
modparam("dialog", "profiles_no_value", "inbound")
modparam("pike", "sampling_time_unit", 60)
modparam("pike", "reqs_density_per_unit", 5)
modparam("ratelimit", "timer_interval", 60)
modparam("ratelimit", "pipe", "0:TAILDROP:1")
modparam("mqueue", "mqueue", "name=q;size=3")
modparam("statistics", "variable", "mine")
modparam("uac", "restore_mode", "auto")
`

const says = (title: string, route: string): ParityCase => ({ title, route })
const twice = (count: number, call: string) =>
  `$var(i%%) = 0; $var(s%%) = ""; while ($var(i%%) < ${count}) { ${call}; $var(s%%) = $var(s%%) + " " + $rc; $var(i%%) = $var(i%%) + 1; } say("$var(s%%)");`

/** Keys of a case begin with its name: all cases share the tables. */
const TABLES: ParityCase[] = [
  says(
    '$sht of texts and numbers',
    'say("[$sht(a=>%%x)]"); $sht(a=>%%x) = "12"; $sht(a=>%%n) = 5; $var(v) = $sht(a=>%%x) + 1; say("$var(v)"); $var(v) = $sht(a=>%%n) + 1; say("$var(v) [$sht(a=>%%x)] [$sht(a=>%%n)]");',
  ),
  says(
    '$sht with initval',
    'say("[$sht(e=>%%q)] [$shtinc(e=>%%q)] [$sht(e=>%%q)] [$shtdec(e=>%%q)]"); $sht(e=>%%q) = $null; say("[$sht(e=>%%q)]");',
  ),
  says(
    '$sht taken away',
    '$sht(a=>%%x) = 1; $sht(a=>%%x) = $null; if ($sht(a=>%%x) == $null) say("null"); sht_rm("a", "%%x"); say("$rc");',
  ),
  says(
    '$shtinc and $shtdec',
    '$sht(a=>%%n) = 5; $sht(a=>%%s) = "x"; say("[$shtinc(a=>%%n)] [$shtinc(a=>%%none)] [$shtdec(a=>%%n)] [$shtinc(a=>%%s)]");',
  ),
  says(
    '$shtex',
    '$sht(e=>%%k) = 1; $sht(a=>%%k) = 1; say("[$shtex(a=>%%k)] [$shtex(e=>%%none)]"); $shtex(e=>%%k) = 50; $shtex(a=>%%k) = 50; say("[$shtex(e=>%%k)] [$shtex(a=>%%k)]");',
  ),
  says(
    '$shtcn and $shtcv',
    '$sht(a=>%%1) = "%%v"; $sht(a=>%%2) = "%%v"; $sht(a=>%%3) = 3; say("[$shtcn(a=>^%%)] [$shtcn(a=>~~^%%[12])] [$shtcn(a=>%~%%)] [$shtcn(a=>~%%%1)] [$shtcn(a=>==%%3)] [$shtcv(a=>%%v)] [$shtcv(a=>==%%v)] [$shtcv(a=>%~%%)] [$shtcn(a=>=%%1)]");',
  ),
  says(
    'keys with variables',
    '$var(k) = "dyn"; $sht(a=>%%$var(k)::$si) = "d"; say("[$sht(a=>%%dyn::127.0.77.1)] [$(sht(a=>%%$var(k)::$si){s.len})]");',
  ),
  says(
    'sht_match_name',
    '$sht(a=>%%k) = "%%v"; sht_match_name("a", "eq", "%%k"); say("$rc"); sht_match_name("a", "re", "^%%"); say("$rc"); sht_match_name("a", "eq", "%%none"); say("$rc"); sht_has_name("a", "sw", "%%"); say("$rc"); sht_match_str_value("a", "eq", "%%v"); say("$rc");',
  ),
  says(
    'sht_rm_name and its like',
    '$sht(a=>%%1) = "a"; $sht(a=>%%2) = "b"; $sht(a=>%%3) = 3; sht_rm_name_re("a=>^%%1"); say("$rc [$sht(a=>%%1)]"); sht_rm_name("a", "eq", "%%2"); say("$rc [$sht(a=>%%2)]"); sht_rm_value_re("a=>^%%none"); say("$rc [$sht(a=>%%3)]");',
  ),
  says(
    'sht_lock',
    'sht_lock("a=>%%"); say("$rc"); sht_unlock("a=>%%"); say("$rc"); if (sht_reset("none")) say("yes"); else say("no $rc");',
  ),
  says(
    'an iterator that does not stand',
    'if (sht_iterator_start("%%", "none")) say("yes"); else say("no $rc"); if (sht_iterator_next("%%none")) say("yes"); else say("no $rc"); say("[$shtitkey(%%none)] [$shtitval(%%none)]");',
  ),
]

const SHOW =
  'say("$var(rc) $du $ru [$xavp(_dsdst_=>uri)] [$xavp(_dsdst_=>grp)] [$xavp(_dsdst_=>attrs)] [$xavp(_dsdst_[1]=>uri)] [$xavp(_dsdst_[2]=>uri)] [$xavp(_dsctx_=>cnt)]");'
const choosing = (call: string): ParityCase => says(call, `$var(h) = "%%"; $var(rc) = ${call}; ${SHOW}`)

const DESTINATIONS: ParityCase[] = [
  ...[0, 1, 2, 7].map((algorithm) => choosing(`ds_select_dst("7", "${algorithm}")`)),
  ...[
    'sip:bob@example.com;transport=udp',
    'sip:bob@example.com:5060',
    'sip:bob@example.com:5080;x=y',
    'sips:bob@example.com:5061',
    'sip:example.com',
  ].map((uri) => says(`hash of ${uri}`, `$ru = "${uri}"; ds_select_dst("7", "3"); say("$du");`)),
  choosing('ds_select_dst("1", "8")'),
  choosing('ds_select_dst("1", "8", "2")'),
  choosing('ds_select_dst("1", "55")'),
  choosing('ds_select_dst("99", "4")'),
  choosing('ds_select_dst("3", "8")'),
  choosing('ds_select_domain("1", "8")'),
  choosing('ds_select("1", "8")'),
  choosing('ds_select_routes("2=8;1=8", "1")'),
  says(
    'failover through the set',
    'ds_select_dst("1", "8"); say("$du"); ds_next_dst(); say("$rc $du"); ds_next_dst(); say("$rc $du"); ds_next_dst(); say("$rc $du [$xavp(_dsdst_=>uri)]");',
  ),
  says(
    'failover of domains',
    'ds_select_domain("1", "8"); ds_next_domain(); say("$rc $ru $du"); ds_set_dst(); say("$rc $du");',
  ),
  says('nothing was chosen', 'ds_next_dst(); say("$rc"); ds_mark_dst("ip"); say("$rc");'),
  says(
    'ds_is_from_list',
    `ds_is_from_list(); say("$rc"); ds_is_from_list("2", "0", "sip:${HERE}:6011"); say("$rc"); ds_is_from_list("2", "0", "sip:${HERE}:6012"); say("$rc"); ds_is_from_list("2", "1", "sip:${HERE}:6012"); say("$rc"); ds_is_from_list("1", "3", "sip:${HERE}:1"); say("$rc");`,
  ),
  says(
    'ds_list_exists and ds_is_active',
    `ds_list_exists("1"); say("$rc"); ds_list_exists("99"); say("$rc"); ds_is_active("3"); say("$rc"); ds_is_active("3", "sip:${HERE}:6021"); say("$rc"); ds_is_active("99"); say("$rc");`,
  ),
]

const LIMITS: ParityCase[] = [
  says('pike of one source', twice(14, 'pike_check_ip("10.1.2.3")')),
  says('pike of nonsense', 'pike_check_ip("nonsense"); say("$rc");'),
  says('pl_check', `${twice(7, 'pl_check("%%", "TAILDROP", "4")')} pl_check("%%none"); say("$rc");`),
  says('statistics', 'update_stat("mine", "+1"); say("$rc"); reset_stat("mine"); say("$rc"); say("[$stat(none)]");'),
  says(
    'mqueue that is none',
    'mq_add("none", "k", "v"); say("$rc"); mq_size("none"); say("$rc"); mq_fetch("none"); say("$rc");',
  ),
]

const SINK_DU = `$du = "sip:${HERE}:49512";`
const replaced = (call: string): ParityCase => ({
  title: `From and To: ${call}`,
  route: `record_route(); ${call}; say("$rc [$fu] [$tu]"); ${SINK_DU} t_relay();`,
  sent: [{ method: 'INVITE' }],
})

const REWRITTEN: ParityCase[] = [
  'uac_replace_from("New Name", "sip:new@new.example.com")',
  'uac_replace_from("sip:new@n.com")',
  'uac_replace_from("\\"Q N\\"", "")',
  'uac_replace_from("", "sip:new@new.example.com")',
  'uac_replace_from("", "")',
  'uac_replace_to("To N", "sip:newto@verylong.new.example.com")',
  'uac_replace_to("sip:c@d")',
].map(replaced)

const DIALOGS: ParityCase[] = [
  says(
    'a dialog before it is one',
    '$dlg_var(x) = "before"; say("[$dlg_var(x)] [$DLG_status]"); is_known_dlg(); say("$rc"); dlg_manage(); say("$rc");',
  ),
  {
    title: 'a dialog that fails',
    route: `$dlg_var(x) = "before"; dlg_manage(); say("$rc [$dlg_var(x)]"); dlg_manage(); say("$rc"); dlg_setflag("1"); dlg_isflagset("1"); say("$rc"); dlg_resetflag("1"); dlg_isflagset("1"); say("$rc");
set_dlg_profile("caller", "%%"); say("$rc"); is_in_profile("caller", "%%"); say("$rc"); is_in_profile("caller", "zz"); say("$rc"); is_in_profile("inbound"); say("$rc"); get_profile_size("caller", "%%", "$var(n)"); say("$rc $var(n)"); unset_dlg_profile("caller", "%%"); say("$rc");
dlg_set_timeout("50"); say("$rc [$dlg(state)] [$dlg(callid)] [$dlg(from_uri)] [$dlg(to_uri)] [$dlg(lifetime)] [$dlg(from_tag)] [$dlg(to_tag)] [$dlg(from_cseq)]"); dlg_set_property("timeout-noreset"); say("$rc"); ${SINK_DU} t_relay();`,
    sent: [{ method: 'INVITE' }],
    answers: { '*': [[486, 'Busy']] },
  },
]

export const MODULE_CASES: readonly ParityCase[] = [...TABLES, ...DESTINATIONS, ...LIMITS, ...REWRITTEN, ...DIALOGS]
