// Owns cases that call each function of the vocabulary that no other group calls.
import { HERE, type ParityCase, type Sent } from '../case.ts'
import { SDP } from './messages.ts'

type Answers = NonNullable<ParityCase['answers']>

const KINDS_OF_ADDRESS =
  '10.1.2.3 8.8.8.8 127.0.0.1 169.254.1.1 224.0.0.1 239.1.1.1 100.64.0.1 100.128.0.1 192.0.2.1 198.18.0.1 240.0.0.1 255.255.255.255 255.255.255.254 0.0.0.0 0.1.2.3 192.88.99.1 172.16.0.1 172.32.0.1 192.168.1.1 203.0.113.1 198.51.100.1 192.0.0.1 ::1 64:ff9b::1 100::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2001::1 2001:100::1 2002::1 fec0::1 fe80::1 ::2 4000::1 ::ffff:1.2.3.4 [fe80::1] ff02::1 fd00::1 bogus'.split(
    ' ',
  )

export const VOCABULARY: readonly ParityCase[] = [
  {
    title: 'vocabulary 1: xavp_params_explode("a=1;b=xyz;c"',
    route: `xavp_params_explode("a=1;b=xyz;c", "r"); say("$rc [$xavp(r=>a)] [$xavp(r=>b)] [$xavp(r=>c)]"); xavp_params_implode("r", "$var(o)"); say("$rc [$var(o)]"); xavp_rm("r"); say("$rc [$xavp(r=>a)]"); xavp_rm("none"); say("$rc");`,
  },
  {
    title: 'vocabulary 2: xavp_params_explode("a=1;b=2"',
    route: `xavp_params_explode("a=1;b=2", "r"); xavp_copy("r", "0", "s"); say("$rc [$xavp(s=>a)] [$xavp(s=>b)]"); xavp_copy("none","0","t"); say("$rc"); xavp_slist_explode("x,y,z", ",", "t", "l"); say("$rc [$xavp(l=>v)] [$xavp(l[1]=>v)]");`,
  },
  {
    title: 'vocabulary 3: $var(e)=""; $var(z)=0; $var(n)=5; $var(t',
    route: `$var(e)=""; $var(z)=0; $var(n)=5; $var(t)="t"; not_empty("$var(e)"); say("$rc"); not_empty("$var(z)"); say("$rc"); not_empty("$var(n)"); say("$rc"); not_empty("$var(t)"); say("$rc"); not_empty("$avp(none)"); say("$rc"); pv_isset("$avp(none)"); say("$rc"); pv_isset("$var(e)"); say("$rc"); $avp(x)=1; $avp(x)=2; pv_unset("$avp(x)"); say("$rc [$(avp(x)[*])]"); is_int("$var(n)"); say("$rc"); is_int("$var(t)"); say("$rc"); $var(s)="12"; is_int("$var(s)"); say("$rc"); typeof("$var(t)", "str"); say("$rc"); typeof("$var(t)", "int"); say("$rc"); typeof("$avp(none)", "null"); say("$rc"); pv_unset("$var(t)"); say("[$var(t)]");`,
  },
  {
    title: 'vocabulary 4: $var(f)="a $rU b"; pv_evalx("$var(x)"',
    route: `$var(f)="a $rU b"; pv_evalx("$var(x)", "$var(f)"); say("$rc [$var(x)]"); pv_printf("$var(y)", "u $rU"); say("$rc $var(y)"); avp_printf("$avp(y)", "u $rU"); say("$rc $avp(y)");`,
  },
  {
    title: 'vocabulary 5: sbranch_reset(); say("$rc"); $sbranch(ur',
    route: `sbranch_reset(); say("$rc"); $sbranch(uri)="sip:sb@${HERE}:49512"; $sbranch(dst_uri)="sip:${HERE}:49512"; say("$sbranch(uri) $sbranch(dst_uri)"); sbranch_append(); say("$rc $branch(count) [$(branch(uri)[0])] [$(branch(dst_uri)[0])]"); sbranch_set_ruri(); say("$rc $ru $du");`,
  },
  {
    title: 'vocabulary 6: starts_with("abc"',
    route: `starts_with("abc", "ab"); say("$rc"); starts_with("abc","x"); say("$rc"); starts_with("",""); say("$rc"); str_find("hello","ll"); say("$rc"); str_find("hello","LL"); say("$rc"); str_ifind("hello","LL"); say("$rc"); str_find("hello","zz"); say("$rc"); cmp_str("a","a"); say("$rc"); cmp_str("a","A"); say("$rc"); cmp_istr("a","A"); say("$rc"); in_list("b","a,b,c",","); say("$rc"); in_list("B","a,b,c",","); say("$rc"); in_list("b","a, b ,c",","); say("$rc"); in_list("bb","a;b",";"); say("$rc"); in_list("","a,,b",","); say("$rc"); in_list_prefix("abc","x,ab,c",","); say("$rc"); in_list_prefix("abc","x,b",","); say("$rc");`,
  },
  {
    title: 'vocabulary: t_clean',
    route: `t_clean(); say("$rc"); t_newtran(); t_clean(); say("$rc"); t_reply("200", "OK"); t_clean(); say("$rc");`,
  },
  {
    title: 'vocabulary: fields of records',
    route: `xavp_child_sets("r", "a", "x$rU"); say("$rc [$xavp(r=>a)]"); xavp_child_seti("r", "n", "10"); say("$rc [$xavp(r=>n)]"); $var(n) = $xavp(r=>n) + 1; say("$var(n)"); xavp_child_sets("r", "a", "again"); say("$rc [$xavp(r=>a)] [$xavp(r=>a[1])]"); xavp_child_rm("r", "a"); say("$rc [$xavp(r=>a)] [$xavp(r=>n)]"); xavp_child_rm("r", "a"); say("$rc"); xavp_child_rm("none", "a"); say("$rc"); $xavp(s=>k) = "one"; $xavp(s=>k) = "two"; xavp_child_sets("s", "k", "three"); say("[$xavp(s=>k)] [$xavp(s[0]=>k)] [$xavp(s[1]=>k)]"); xavp_child_rm("s", "k"); say("$rc [$xavp(s=>k)] [$xavp(s[1]=>k)]");`,
  },
  {
    title: 'vocabulary: fields of records whose names any case fits',
    route: `xavi_child_sets("R", "A", "x$rU"); say("$rc [$xavi(r=>a)]"); xavi_child_seti("r", "N", "10"); say("$rc [$xavi(R=>n)]"); xavi_child_rm("r", "a"); say("$rc [$xavi(r=>a)]"); xavi_child_rm("r", "a"); say("$rc"); xavi_rm("R"); say("$rc [$xavi(r=>n)]"); xavi_rm("R"); say("$rc"); xavi_rm("never"); say("$rc");`,
  },
  {
    title: 'vocabulary: records from variables and back',
    route: `$var(keepa) = "one"; $var(keepn) = 7; pv_var_to_xavp("keepa", "k"); say("$rc [$xavp(k=>keepa)] [$xavp(k=>keepn)]"); pv_var_to_xavp("keepn", "k"); say("$rc [$xavp(k=>keepa)] [$xavp(k=>keepn)]"); pv_var_to_xavp("*", "all"); say("$rc [$xavp(all=>keepa)] [$xavp(all=>keepn)]"); $var(keepa) = "else"; $var(keepn) = 1; pv_xavp_to_var("all"); say("$rc $var(keepa) $var(keepn)"); pv_xavp_to_var("none"); say("$rc"); pv_var_to_xavp("neverset", "q"); say("$rc [$xavp(q=>neverset)]");`,
  },
  {
    title: 'vocabulary: ends_with',
    route: `ends_with("abc", "bc"); say("$rc"); ends_with("abc", "ab"); say("$rc"); ends_with("", ""); say("$rc"); ends_with("a", "aa"); say("$rc"); ends_with("abc", ""); say("$rc"); ends_with("ABC", "bc"); say("$rc"); starts_with("abc", "aa"); say("$rc"); starts_with("abc", "abcd"); say("$rc"); starts_with("", "a"); say("$rc"); starts_with("ABC", "abc"); say("$rc");`,
  },
  ...['detailed_ip_type', 'detailed_ipv4_type', 'detailed_ipv6_type'].map((name) => ({
    title: `vocabulary: ${name}`,
    route: KINDS_OF_ADDRESS.map(
      (one) => `$var(t) = "old"; ${name}("${one}", "$var(t)"); say("${one} $rc $var(t)");`,
    ).join(' '),
  })),
  {
    title: 'vocabulary 7: regex_substring("abc123def"',
    route: `regex_substring("abc123def", "[a-z]+([0-9]+)([a-z]+)", "1", "2", "$var(x)"); say("$rc [$var(x)]"); regex_substring("abc123def", "[0-9]+", "0", "0", "$var(x)"); say("$rc [$var(x)]"); regex_substring("abc", "[0-9]+", "0", "0", "$var(x)"); say("$rc"); fnmatch("alice@x","al*"); say("$rc"); fnmatch("alice","b*"); say("$rc"); fnmatch("abc","a?c"); say("$rc"); fnmatch("abc","[a-c]bc"); say("$rc");`,
  },
  {
    title: 'vocabulary 8: isdsturiset(); say("$rc"); $du="sip',
    route: `isdsturiset(); say("$rc"); $du="sip:x"; isdsturiset(); say("$rc"); resetdsturi(); say("$rc [$du]");`,
  },
  {
    title: 'vocabulary 9: is_incoming(); say("$rc"); is_faked_msg(',
    route: `is_incoming(); say("$rc"); is_faked_msg(); say("$rc"); setxflag("40"); say("$rc"); isxflagset("40"); say("$rc"); isxflagset("41"); say("$rc"); resetxflag("40"); isxflagset("40"); say("$rc"); setxflag("10"); say("$rc"); msg_iflag_set("USE_UAC_FROM"); say("$rc"); msg_iflag_is_set("USE_UAC_FROM"); say("$rc"); msg_iflag_is_set("USE_UAC_TO"); say("$rc"); is_socket_name("x"); say("$rc");`,
  },
  {
    title: 'vocabulary 10: compare_ips("1.2.3.4"',
    route: `compare_ips("1.2.3.4","1.2.3.4"); say("$rc"); compare_ips("::1","[::1]"); say("$rc"); compare_pure_ips("::1","[::1]"); say("$rc"); compare_ips("1.2.3.4","1.2.3.5"); say("$rc"); compare_ips("x","1.2.3.5"); say("$rc"); is_ipv6_reference("[::1]"); say("$rc"); is_ipv6_reference("::1"); say("$rc"); ip_type("1.2.3.4"); say("$rc"); ip_type("::1"); say("$rc"); ip_type("[::1]"); say("$rc"); ip_type("x"); say("$rc"); is_pure_ip("[::1]"); say("$rc"); is_pure_ip("::1"); say("$rc"); detailed_ip_type("10.0.0.1","$var(t)"); say("$rc $var(t)"); detailed_ip_type("8.8.8.8","$var(t)"); say("$rc $var(t)"); detailed_ip_type("127.0.0.1","$var(t)"); say("$rc $var(t)"); detailed_ip_type("fe80::1","$var(t)"); say("$rc $var(t)");`,
  },
  {
    title: 'vocabulary 11: check_route_exists("X"); say("$rc"); che',
    route: `check_route_exists("X"); say("$rc"); check_route_exists("nope"); say("$rc"); route_if_exists("q0b"); say("$rc"); lock("a"); say("$rc"); unlock("a"); say("$rc"); trylock("a"); say("$rc"); unlock("a"); rand_set_prob("100"); say("$rc"); rand_event(); say("$rc"); rand_get_prob(); say("$rc"); rand_set_prob("0"); rand_event(); say("$rc"); rand_get_prob(); say("$rc"); rand_reset_prob(); say("$rc"); set_gflag("1"); say("$rc"); is_gflag("1"); say("$rc"); reset_gflag("1"); say("$rc"); is_gflag("1"); say("$rc"); pkg_status(); say("$rc"); shm_summary(); say("$rc"); core_hash("a","b","4"); say("$rc"); usleep("10"); say("$rc");`,
  },
  {
    title: 'vocabulary 12: $avp(a)=1; $avp(a)=2; $avp(a)=3; is_avp_',
    route: `$avp(a)=1; $avp(a)=2; $avp(a)=3; is_avp_set("$avp(a)"); say("$rc"); is_avp_set("$avp(z)"); say("$rc"); avp_copy("$avp(a)","$avp(b)"); say("$rc [$(avp(b)[*])] [$(avp(a)[*])]"); avp_copy("$avp(a)","$avp(c)/g"); say("$rc [$(avp(c)[*])]"); avp_copy("$avp(a)","$avp(d)/gd"); say("$rc [$(avp(d)[*])] [$(avp(a)[*])]"); avp_delete("$avp(b)"); say("$rc [$avp(b)]"); avp_delete("$avp(c)/g"); say("$rc [$avp(c)]"); avp_delete("$avp(c)"); say("$rc");`,
  },
  {
    title: 'vocabulary 13: $avp(u)="sip',
    route: `$avp(u)="sip:new@h"; avp_pushto("$ru","$avp(u)"); say("$rc $ru"); avp_pushto("$ru","$avp(zz)"); say("$rc"); $avp(s)="abcabc"; avp_subst("$avp(s)","/b/X/"); say("$rc $avp(s)"); avp_subst("$avp(s)","/a/Y/g"); say("$rc $avp(s)"); avp_subst("$avp(s)","/zzz/Y/g"); say("$rc"); avp_subst("$avp(s)/$avp(t)","/c/Z/"); say("$rc $avp(s) $avp(t)"); $avp(n)=5; avp_op("$avp(n)","add/i:3"); say("$rc $avp(n)"); avp_op("$avp(n)","sub/i:1"); say("$rc $avp(n)"); avp_op("$avp(n)","mul/i:2"); say("$rc $avp(n)"); avp_op("$avp(n)","div/i:3"); say("$rc $avp(n)"); avp_op("$avp(n)","mod/i:3"); say("$rc $avp(n)"); avp_check("$avp(s)","eq/s:YXcYbc"); say("$rc"); avp_check("$avp(s)","re/s:^Y"); say("$rc"); avp_check("$avp(n)","gt/i:1"); say("$rc"); avp_check("$avp(n)","lt/i:1"); say("$rc"); avp_check("$avp(s)","eq/s:yxcybc/i"); say("$rc");`,
  },
  {
    title: 'vocabulary 14: pcre_match("abc123"',
    route: `pcre_match("abc123","^[a-z]+\\d+"); say("$rc"); pcre_match("abc","\\d"); say("$rc"); pcre_match("ABC","abc"); say("$rc"); pcre_match("abc","(?i)ABC"); say("$rc");`,
  },
  {
    title: 'vocabulary 15: append_hf_value("Supported"',
    route: `append_hf_value("Supported","new"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
    sent: JSON.parse(`[{"headers":["Supported: 100rel, timer,path","X-L: a, b;x=1;y=2","X-L: c"]}]`) as Sent[],
  },
  {
    title: 'vocabulary 16: insert_hf_value("Supported"',
    route: `insert_hf_value("Supported","new"); say("$rc"); insert_hf_value("X-None","nn"); say("$rc"); append_hf_value("X-N2","mm"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
    sent: JSON.parse(`[{"headers":["Supported: 100rel, timer,path","X-L: a, b;x=1;y=2","X-L: c"]}]`) as Sent[],
  },
  {
    title: 'vocabulary 17: remove_hf_value("Supported',
    route: `remove_hf_value("Supported[1]"); say("$rc"); remove_hf_value("X-L[*]"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
    sent: JSON.parse(`[{"headers":["Supported: 100rel, timer,path","X-L: a, b;x=1;y=2","X-L: c"]}]`) as Sent[],
  },
  {
    title: 'vocabulary 18: remove_hf_value("Supported"); say("$rc")',
    route: `remove_hf_value("Supported"); say("$rc"); assign_hf_value("X-L[1]","zz"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
    sent: JSON.parse(`[{"headers":["Supported: 100rel, timer,path","X-L: a, b;x=1;y=2","X-L: c"]}]`) as Sent[],
  },
  {
    title: 'vocabulary 19: include_hf_value("Supported"',
    route: `include_hf_value("Supported","path"); say("$rc"); include_hf_value("Supported","new"); say("$rc"); exclude_hf_value("Supported","timer"); say("$rc"); hf_value_exists("Supported","path"); say("$rc"); hf_value_exists("Supported","nope"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
    sent: JSON.parse(`[{"headers":["Supported: 100rel, timer,path","X-L: a, b;x=1;y=2","X-L: c"]}]`) as Sent[],
  },
  {
    title: 'vocabulary 20: remove_hf_value2("X',
    route: `$du="sip:${HERE}:49512"; t_relay();`,
    sent: JSON.parse(`[{"headers":["Supported: 100rel, timer,path","X-L: a, b;x=1;y=2","X-L: c"]}]`) as Sent[],
  },
  {
    title: 'vocabulary 21: keep_hf("',
    route: `keep_hf("^X-M|X-Case|Call|Via|From|To|CSeq"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
    sent: JSON.parse(`[{"headers":["Supported: 100rel, timer,path","X-L: a","X-M: c","P-X: 1"]}]`) as Sent[],
  },
  {
    title: 'vocabulary 22: remove_hf_pv("X',
    route: `remove_hf_pv("X-L"); say("$rc"); remove_hf_re_pv("^P-"); say("$rc"); is_present_hf_pv("X-L"); say("$rc"); remove_hf_idx("X-L","1"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
    sent: JSON.parse(`[{"headers":["X-L: a","X-L: b","P-X: 1"]}]`) as Sent[],
  },
  {
    title: 'vocabulary 23: replace_hdrs("exam',
    route: `replace_hdrs("exam[a-z]*","xx"); say("$rc"); search_str("abc","B"); say("$rc"); search_str("abc","z"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
  },
  {
    title: 'vocabulary 24: replace_hdrs_str("example"',
    route: `replace_hdrs_str("example","xx","f"); say("$rc"); replace_str("X-Case","X-CASE","a"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
  },
  {
    title: 'vocabulary 25: replace_body_str("audio"',
    route: `replace_body_str("audio","AUDIO","a"); say("$rc"); replace_body_atonce("^a=rt.*","a=gone"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
    sent: [{ method: 'INVITE', body: SDP }],
  },
  {
    title: 'vocabulary 26: search_append_body("a=send"',
    route: `search_append_body("a=send","x"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
    sent: [{ method: 'INVITE', body: SDP }],
  },
  {
    title: 'vocabulary 27: append_time(); say("$rc"); sl_send_reply',
    route: `append_time(); say("$rc"); sl_send_reply("200","OK");`,
  },
  {
    title: 'vocabulary 28: append_time_to_request(); say("$rc"); is',
    route: `append_time_to_request(); say("$rc"); is_privacy("id"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
  },
  {
    title: 'vocabulary 29: is_privacy("id"); say("$rc"); is_privacy',
    route: `is_privacy("id"); say("$rc"); is_privacy("user"); say("$rc"); is_privacy("header"); say("$rc");`,
    sent: JSON.parse(`[{"headers":["Privacy: id;header"]}]`) as Sent[],
  },
  {
    title: 'vocabulary 30: is_audio_on_hold(); say("$rc");',
    route: `is_audio_on_hold(); say("$rc");`,
    sent: [{ method: 'INVITE', body: SDP }],
  },
  {
    title: 'vocabulary 31: get_body_part("application',
    route: `get_body_part("application/sdp","$var(x)"); say("$rc [$var(x)]"); get_body_part("text/html","$var(x)"); say("$rc"); get_body_part_raw("text/plain","$var(y)"); say("$rc [$var(y)]"); filter_body("application/sdp"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
    sent: JSON.parse(
      `[{"method":"INVITE","type":"multipart/mixed;boundary=bb","body":"--bb\\r\\nContent-Type: application/sdp\\r\\n\\r\\nv=0\\r\\no=x\\r\\n--bb\\r\\nContent-Type: text/plain\\r\\n\\r\\nhello\\r\\n--bb--\\r\\n"}]`,
    ) as Sent[],
  },
  {
    title: 'vocabulary 32: set_body_multipart("text"',
    route: `set_body_multipart("text","text/plain","bnd"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
    sent: [{ method: 'INVITE', body: SDP }],
  },
  {
    title: 'vocabulary 33: append_body_part("hello"',
    route: `append_body_part("hello","text/plain"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
    sent: [{ method: 'INVITE', body: SDP }],
  },
  {
    title: 'vocabulary 34: is_first_hop(); say("$rc"); is_numeric("',
    route: `is_first_hop(); say("$rc"); is_numeric("12"); say("$rc"); is_numeric("1a"); say("$rc"); is_numeric(""); say("$rc"); is_alphanum("1a"); say("$rc"); is_alphanum("1_"); say("$rc"); is_alphanumex("1_","_"); say("$rc"); is_tel_number("+123"); say("$rc"); is_tel_number("12-3"); say("$rc"); is_gruu(); say("$rc"); is_gruu("sip:a@b;gr=x"); say("$rc"); is_gruu("sip:a@b;gr"); say("$rc"); is_supported("path"); say("$rc");`,
  },
  {
    title: 'vocabulary 35: cmp_uri("sip',
    route: `cmp_uri("sip:a@B","sip:a@b"); say("$rc"); cmp_uri("sip:a@b;transport=tcp","sip:a@b"); say("$rc"); cmp_uri("sip:A@b","sip:a@b"); say("$rc"); cmp_uri("sip:a@b:5060","sip:a@b"); say("$rc"); cmp_aor("sip:a@b;x=1","sip:a@B;y"); say("$rc"); cmp_aor("sip:a@b","sip:c@b"); say("$rc"); cmp_hdr_name("f","From"); say("$rc"); cmp_hdr_name("X-A","x-a"); say("$rc"); cmp_hdr_name("X-A","x-b"); say("$rc"); hdr_date_check("10"); say("$rc");`,
  },
  {
    title: 'vocabulary 36: hdr_date_check("10"); say("$rc"); is_sup',
    route: `hdr_date_check("10"); say("$rc"); is_supported("path"); say("$rc"); is_supported("timer"); say("$rc");`,
    sent: JSON.parse(`[{"headers":["Date: Sun, 22 Nov 2020 08:17:57 GMT","Supported: 100rel, path"]}]`) as Sent[],
  },
  {
    title: 'vocabulary 37: uri_param("user"); say("$rc"); uri_param',
    route: `uri_param("user"); say("$rc"); uri_param("user","phone"); say("$rc"); uri_param("ob"); say("$rc"); uri_param("none"); say("$rc"); uri_param_any("user"); say("$rc"); get_uri_param("a","$var(x)"); say("$rc $var(x)"); get_uri_param("zz","$var(x)"); say("$rc"); add_uri_param("b=2"); say("$rc $ru"); uri_param_rm("a"); say("$rc $ru"); uri_param_rm("zz"); say("$rc"); $var(u)="sip:x@h"; tel2sip("tel:+1-23;ext=4","host.x","$var(o)"); say("$rc $var(o)"); tel2sip("sip:a@b","host.x","$var(o)"); say("$rc $var(o)");`,
    sent: JSON.parse(`[{"uri":"sip:alice@${HERE}:49510;user=phone;a=1;ob"}]`) as Sent[],
  },
  {
    title: 'vocabulary 38: contact_param_encode("x"',
    route: `contact_param_encode("x","sip:1.1.1.1:5060"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
    sent: [{ lines: { Contact: 'Contact: <sip:alice@10.0.0.9:5070>' } }],
  },
  {
    title: 'vocabulary 39: contact_param_rm("ob"); say("$rc"); $du=',
    route: `contact_param_rm("ob"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
    sent: JSON.parse(`[{"lines":{"Contact":"Contact: <sip:a@1.1.1.1:5060;ob;x=1>"}}]`) as Sent[],
  },
  {
    title: 'vocabulary 40: encode_contact("enc"',
    route: `encode_contact("enc","10.0.0.5"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
  },
  {
    title: 'vocabulary 41: decode_contact(); say("$rc $ru $du");',
    route: `decode_contact(); say("$rc $ru $du");`,
    sent: JSON.parse(`[{"uri":"sip:enc*alice**10.9.9.9*5070*udp@${HERE}:49510"}]`) as Sent[],
  },
  {
    title: 'vocabulary 42: options_reply(); say("$rc");',
    route: `options_reply(); say("$rc");`,
    sent: JSON.parse(`[{"uri":"sip:${HERE}:49510"}]`) as Sent[],
  },
  { title: 'vocabulary 43: options_reply(); say("$rc");', route: `options_reply(); say("$rc");` },
  { title: 'vocabulary 44: sip_p_charging_vector("g"); say("$rc");', route: `sip_p_charging_vector("g"); say("$rc");` },
  {
    title: 'vocabulary 45: sdp_remove_codecs_by_name("PCMU"); say("',
    route: `sdp_remove_codecs_by_name("PCMU"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
    sent: [{ method: 'INVITE', body: SDP }],
  },
  {
    title: 'vocabulary 46: sdp_remove_codecs_by_name("telephone',
    route: `sdp_remove_codecs_by_name("telephone-event,iLBC"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
    sent: [{ method: 'INVITE', body: SDP }],
  },
  {
    title: 'vocabulary 47: sdp_remove_codecs_by_id("8',
    route: `sdp_remove_codecs_by_id("8,31","audio"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
    sent: [{ method: 'INVITE', body: SDP }],
  },
  {
    title: 'vocabulary 48: sdp_keep_codecs_by_name("PCMU"); say("$r',
    route: `sdp_keep_codecs_by_name("PCMU"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
    sent: [{ method: 'INVITE', body: SDP }],
  },
  {
    title: 'vocabulary 49: sdp_keep_codecs_by_id("0',
    route: `sdp_keep_codecs_by_id("0,101","audio"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
    sent: [{ method: 'INVITE', body: SDP }],
  },
  {
    title: 'vocabulary 50: sdp_with_codecs_by_name("PCMU"); say("$r',
    route: `sdp_with_codecs_by_name("PCMU"); say("$rc"); sdp_with_codecs_by_name("G729,iLBC"); say("$rc"); sdp_with_codecs_by_name("G729"); say("$rc"); sdp_with_codecs_by_id("8"); say("$rc"); sdp_with_codecs_by_id("99"); say("$rc"); sdp_with_ice(); say("$rc"); sdp_get_line_startswith("$avp(l)","a=send"); say("$rc $avp(l)"); sdp_get_line_startswith("$avp(l)","a=zzz"); say("$rc"); sdp_get("$avp(s)"); say("$rc $(avp(s){s.len})"); sdp_with_active_media("audio"); say("$rc"); sdp_with_active_media("text"); say("$rc"); sdp_get_address_family(); say("$rc");`,
    sent: [{ method: 'INVITE', body: SDP }],
  },
  {
    title: 'vocabulary 51: sdp_remove_transport("RTP',
    route: `sdp_remove_transport("RTP/SAVP"); say("$rc"); $du="sip:${HERE}:49512"; t_relay();`,
    sent: [{ method: 'INVITE', body: SDP }],
  },
  { title: 'vocabulary 52: sl_reply("404"', route: `sl_reply("404","No"); say("$rc");` },
  {
    title: 'vocabulary 53: is_maxfwd_lt("10"); say("$rc"); is_maxfw',
    route: `is_maxfwd_lt("10"); say("$rc"); is_maxfwd_lt("100"); say("$rc"); maxfwd_process("10"); say("$rc");`,
  },
  {
    title: 'vocabulary 54: t_is_set("failure_route"); say("$rc"); t',
    route: `t_is_set("failure_route"); say("$rc"); t_on_failure("X"); t_is_set("failure_route"); say("$rc"); t_is_set("branch_route"); say("$rc"); t_is_set("onreply_route"); say("$rc"); t_release(); say("$rc"); t_flush_flags(); say("$rc"); t_newtran(); t_flush_flags(); say("$rc"); t_save_lumps(); say("$rc"); t_any_replied(); say("$rc"); t_grep_status("486"); say("$rc"); t_set_auto_inv_100("0"); say("$rc"); t_retransmit_reply(); say("$rc"); t_release(); say("$rc");`,
    blocks: `failure_route[X] { exit; }`,
  },
  {
    title: 'vocabulary 55: $du="sip',
    route: `$du="sip:${HERE}:49512"; t_on_failure("X%%"); t_relay();`,
    sent: [{ method: 'INVITE' }],
    blocks: `failure_route[X%%] { say("$rc"); t_any_replied(); say("$rc"); t_grep_status("486"); say("$rc"); t_grep_status("404"); say("$rc"); t_drop_replies(); say("$rc"); $ru="sip:second@${HERE}:49512"; t_relay(); }`,
    answers: JSON.parse(`{"*":[[486,"Busy"]]}`) as Answers,
  },
  {
    title: 'vocabulary 56: $du="sip',
    route: `$du="sip:${HERE}:49512"; t_on_failure("X%%"); t_relay();`,
    sent: [{ method: 'INVITE' }],
    blocks: `failure_route[X%%] { t_drop_replies(); say("$rc"); }`,
    answers: JSON.parse(`{"*":[[486,"Busy"]]}`) as Answers,
  },
  {
    title: 'vocabulary 57: append_branch("sip',
    route: `append_branch("sip:b2@${HERE}:49512","0.5"); append_branch("sip:b3@${HERE}:49512","0.9"); $ru="sip:b1@${HERE}:49512"; t_load_contacts(); say("$rc $branch(count)"); t_next_contacts(); say("$rc $ru $branch(count)"); t_next_contacts(); say("$rc $ru"); t_next_contacts(); say("$rc $ru"); t_next_contacts(); say("$rc");`,
  },
  {
    title: 'vocabulary 58: $du="sip',
    route: `$du="sip:${HERE}:49512"; t_set_auto_inv_100("0"); t_relay(); t_reply_callid("%%","7","480","Gone"); say("$rc"); t_cancel_callid("%%","7","3"); say("$rc");`,
    sent: [{ method: 'INVITE' }],
    answers: JSON.parse(`{"*":[[180,"R"]]}`) as Answers,
    wait: 300,
  },
  {
    title: 'vocabulary 59: if (src_ip == myself) say("src"); if (ds',
    route: `if (src_ip == myself) say("src"); if (dst_ip == myself) say("dst"); if (to_uri == myself) say("to"); if (uri == myself) say("uri"); if (from_uri == myself) say("from");`,
  },
  {
    title: 'vocabulary 60: $var(r) = loose_route(); say("$var(r) $r',
    route: `$var(r) = loose_route(); say("$var(r) $ru [$du]"); if (is_direction("upstream")) say("up"); else say("down"); if (check_route_param("ftag=from1")) say("param"); else say("no param");`,
    sent: JSON.parse(
      `[{"method":"BYE","uri":"sip:${HERE}:49510;lr;ftag=other","headers":["Route: <sip:${HERE}:49512;lr;ftag=from1>"],"lines":{"To":"To: <sip:b@c>;tag=to1"}}]`,
    ) as Sent[],
  },
  {
    title: 'vocabulary 61: $var(r) = loose_route(); say("$var(r) $r',
    route: `$var(r) = loose_route(); say("$var(r) $ru [$du]"); if (is_direction("upstream")) say("up"); else say("down"); if (check_route_param("ftag=from1")) say("param"); else say("no param");`,
    sent: JSON.parse(
      `[{"method":"BYE","uri":"sip:${HERE}:49510;lr;ftag=other","headers":["Route: <sip:${HERE}:49510;lr;ftag=from1>","Route: <sip:${HERE}:49512;lr>"],"lines":{"To":"To: <sip:b@c>;tag=to1"}}]`,
    ) as Sent[],
  },
  {
    title: 'vocabulary 62: $var(r) = 5; $var(r) = ($var(x) = 4)',
    route: `$var(r) = 5; $var(r) = ($var(x) = 4) + 1; say("$rc");`,
  },
  { title: 'vocabulary 63: $var(r) = ($var(x) = 4); say("$rc");', route: `$var(r) = ($var(x) = 4); say("$rc");` },
  {
    title: 'vocabulary 64: is_method("INVITE"); say("$rc"); $avp(r)',
    route: `is_method("INVITE"); say("$rc"); $avp(r) = ($var(x) = 4) + 1; say("$rc"); $var(r) = 5; say("$rc"); $var(r) = ($var(x) = 4) + 1; say("$rc"); if (($var(x) = 4) == 1) say("$rc");`,
  },
  {
    title: 'vocabulary 65: if ($var(x) = 4) say("$rc"); is_method("',
    route: `if ($var(x) = 4) say("$rc"); is_method("INVITE"); if ($var(x) = 4) say("$rc"); if (($var(x) = 4) == 1) say("$rc");`,
  },
  {
    title: 'vocabulary 66: $var(e) = ""; $vn(null)=$null; $var(a)="',
    route: `$var(e) = ""; $vn(null)=$null; $var(a)="abc"; $var(x) = selval($vn(null), "y", "n"); say("$var(x)"); $var(x) = selval($var(a), "y", "n"); say("$var(x)");  $var(x) = selval($var(zero), $vn(null), "n"); say("$var(x)");  $var(x) = selval(1==1, $vn(null), "n"); say("$var(x)"); $var(x) = selval("5", 3, "n"); say("$var(x)");`,
  },
  {
    title: 'vocabulary 67: $var(x) = selval($vn(null) == 0',
    route: `$var(x) = selval($vn(null) == 0, $vn(null) + 1, "n"); say("$var(x)"); $var(x) = selval($hdr(X-Nope), 1, 2); say("$var(x)"); if (selval($vn(null), 1, 0)) say("a"); else say("b"); $avp(u) = selval(1 == 1, $avp(undef), 2); say("$avp(u)"); $var(q) = selval(1 == 1, $avp(undef), 2); say("$var(q)");`,
  },
  {
    title: 'vocabulary 68: alias',
    route: `alias: x
if (is_myself("sip:x@other.example.com:5090")) say("y"); else say("n");`,
  },
  {
    title: 'vocabulary: numbers in variables',
    route: `$var(n) = "+4912345"; $rU = $var(n); is_e164("$rU"); say("$rc"); is_uri_user_e164("$ru"); say("$rc"); $rU = "0491"; is_e164("$rU"); say("$rc"); is_uri_user_e164("$ru"); say("$rc");`,
  },
  {
    title: 'vocabulary: sockets',
    route: `$fs = "udp:${HERE}:49510"; say("$fs [$fsn]"); $fs = "udp:${HERE}:9"; say("[$fs]"); set_send_socket("udp:${HERE}:49510"); say("$rc $fs"); set_recv_socket("udp:${HERE}:49510"); say("$rc $Ri"); $fs = $null; say("[$fs]"); force_send_socket(udp:${HERE}:49510); say("$fs");`,
  },
  {
    title: 'vocabulary: our Via',
    route: `set_advertised_address("1.2.3.4"); set_advertised_port(5099); $du = "sip:${HERE}:49512"; t_relay();`,
  },
  {
    title: 'vocabulary: rport asked of the next hop',
    route: `add_local_rport(); $du = "sip:${HERE}:49512"; t_relay();`,
  },
  {
    title: 'vocabulary: connections',
    route: `set_reply_no_connect(); set_forward_no_connect(); set_reply_close(); set_forward_close(); say("done"); sl_send_reply("200", "OK");`,
  },
  {
    title: 'vocabulary: random and global flags',
    route: `rand_set_prob("100"); say("$rc"); if (rand_event()) say("always"); rand_set_prob("0"); if (rand_event()) say("ever"); else say("never"); set_gflag("3"); say("$rc"); if (is_gflag("3")) say("set"); reset_gflag("3"); if (is_gflag("3")) say("set"); else say("clear"); route_if_exists("RTRUE"); say("$rc"); check_route_exists("RTRUE"); say("$rc"); core_hash("a", "b", "4"); say("$rc"); usleep("10"); say("$rc");`,
  },
  {
    title: 'vocabulary: loose_route of modes',
    route: `$var(r) = loose_route_mode("1"); say("$var(r)"); $var(r) = loose_route_preloaded(); say("$var(r)"); record_route(); remove_record_route(); say("$rc"); setdebug("3"); say("$rc"); resetdebug(); say("$rc"); $du = "sip:${HERE}:49512"; t_relay();`,
  },
  {
    title: 'vocabulary: variables of sending and time',
    route: `say("[$snd(ip)] [$sndto(port)] [$sndfrom(ip)] [$ruid] $src_ip $fUl $tUl $rUl $bs [$tti] [$T_reply_ruid] $utimef(%Y) $cnt($avp(q))");`,
  },
  {
    title: 'vocabulary: more codecs of texts',
    route: `$var(v) = "abcde"; say("$(var(v){s.sha512}) $(var(v){s.encode.base64t}) $(var(v){s.encode.base64url}) $(var(v){s.encode.base64urlt})"); $var(a) = $(var(v){s.encode.base64t}); say("$(var(a){s.decode.base64t})"); $var(a) = $(var(v){s.encode.base64url}); say("$(var(a){s.decode.base64url})"); $var(a) = $(var(v){s.encode.base64urlt}); say("$(var(a){s.decode.base64urlt})"); $var(a) = $(var(v){s.encode.7bit}); say("$(var(a){s.decode.7bit})"); say("$(var(v){s.rbefore,b})");`,
  },
  {
    title: 'vocabulary: the rest of tm',
    route: `t_reset_max_lifetime(); t_reset_retr(); t_use_uac_headers(); say("$rc"); t_set_no_e2e_cancel_reason("1"); say("$rc"); t_flush_xflags(); say("$rc"); t_drop(); say("$rc"); t_newtran(); t_flush_xflags(); say("$rc");`,
  },
  {
    title: 'vocabulary: t_relay_to_tls',
    route: 't_relay_to_tls("127.0.0.9", "5061"); say("$rc");',
    sent: [{ method: 'INVITE' }],
  },
  {
    title: 'vocabulary: lines of the log',
    route: `xlogl("a\\n"); xdbgl("a\\n"); xbug("a\\n"); say("$rc");`,
  },
  {
    title: 'vocabulary: headers by pattern',
    route: `remove_hf_exp_pv("^X-", "^X-C"); say("$rc"); is_present_hf_re_pv("^X-"); say("$rc"); remove_hf_match("X-Case", "co", "zzz"); say("$rc"); msg_iflag_reset("USE_UAC_TO"); say("$rc"); set_send_socket_name("none"); say("$rc"); set_recv_socket_name("none"); say("$rc"); force_tcp_alias(); say("$rc"); rewriteuserpass("u:p"); say("$ru"); setuserpass("x:y"); say("$ru");`,
    sent: [{ headers: ['X-A: 1', 'X-B: 2'] }],
  },
  {
    title: 'vocabulary: places of the file',
    route: `say("$rdir(id) $rdir(name) [$route_uri] $time(year) $utime(year) $timef(%Y)");`,
  },
]
