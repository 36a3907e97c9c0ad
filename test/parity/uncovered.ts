// Owns the list of what no parity case compares, each with the reason.

/** Modules that need tables, peers or packages which Kamailio's far end of these tests has not got: they have tests of their own. */
export const UNCOVERED_MODULES: ReadonlySet<string> = new Set(
  'acc alias_db async auth auth_db benchmark counters dialog dialplan sipdump dispatcher domain drouting geoip2 htable http_async_client http_client jansson json jsonrpcs keepalive mqueue msilo mtree nat_traversal nathelper ndb_redis path permissions pike pipelimit presence ratelimit registrar secfilter userblocklist userblacklist rtpengine rtpproxy siptrace speeddial sqlops statistics uac uac_redirect uri_db websocket xhttp xhttp_rpc xmlrpc usrloc outbound topoh topos rtimer tls tsilo uuid'.split(
    ' ',
  ),
)

const REASONS: Readonly<Record<string, string>> = {
  '5.6.3 crashes or refuses to start':
    'remove_hf_value2 assign_hf_value2 set_uri_user set_uri_host $conid {s.decode.base58',
  'a number, a time or a text of the machine itself':
    '$RANDOM $mi $mbu $env $sruid $TS $Ts $Tb $TF $Tf $TV $pp $? $cfg $stat',
  'the order differs: a suspended request goes on after the script that named it': 't_suspend t_continue',
  'only in the failure of a branch, or a CANCEL of its own':
    't_reuse_branch t_next_contact_flow t_relay_cancel t_is_retr_async_reply',
  'a table is asked': 'avp_db_load avp_db_store avp_db_delete avp_db_query',
  'a name server is asked': 'dns_query dns_sys_match_ip dns_int_match_ip $dns',
  'waits a whole second, stops in a debugger, or writes what only Kamailio writes':
    'sleep dbg_breakpoint dbg_sip_msg dbg_pv_dump xinfol xnoticel xwarnl xerrl xcritl xalertl $HN $C t_lookup_cancel pv_xavp_print pv_xavu_print pv_xavi_print avp_print shm_status pkg_summary shm_summary sdp_print $sdp',
  'a request of our own has other tags and Call-ID every time': 't_uac_send',
  'a file or credentials are needed':
    'pcre_match_group is_user set_source_address append_rpid_hf is_rpid_user_e164 is_uri',
  '5.6.3 does not do it, or wrongly':
    'xavu_params_explode xavu_params_implode sdp_transport contact_param_decode contact_param_decode_ruri decode_contact_header remove_body_part',
  'the module of these transformations is not there': '{url.querystring {url.path {sql.val {sql.val.str {sql.val.int',
}

/** Functions by name, variables with `$`, transformations with `{`. */
export const UNCOVERED: ReadonlySet<string> = new Set(Object.values(REASONS).flatMap((names) => names.split(' ')))
