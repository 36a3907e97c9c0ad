// Owns the parameters of the modules that signalbox has: their names and types.

function blockLists(word: string, column: string): string {
  const names = (table: string) =>
    ['table', 'id_col', 'username_col', 'domain_col', 'prefix_col', `${column}_col`, 'description_col'].map(
      (name) => `${table}_${name}:s`,
    )
  return ['use_domain:n match_mode:n db_url:s', ...names(`user${word}`), ...names(`global${word}`)].join(' ')
}

/** rtpengine's variables for the quality of each side of a call. */
function mosOfSides(): string {
  const of = (which: string, side: string, measures: readonly string[]) =>
    measures.map((measure) => `mos_${which}${measure}_${side}_pv:s`)
  const measures = ['', '_packetloss', '_jitter', '_roundtrip', '_roundtrip_leg']
  return ['A', 'B']
    .flatMap((side) => [
      `mos_${side}_label_pv:s`,
      ...of('min', side, ['_at', ...measures]),
      ...of('max', side, ['_at', ...measures]),
      ...of('average', side, ['_samples', ...measures]),
    ])
    .join(' ')
}

/** `n` a number, `s` a string, `-` either. */
const TABLE: Readonly<Record<string, string>> = {
  tm: `fr_timer:n fr_inv_timer:n max_inv_lifetime:n max_noninv_lifetime:n wt_timer:n delete_timer:n retr_timer1:n
    retr_timer2:n noisy_ctimer:n restart_fr_on_each_reply:n auto_inv_100:n auto_inv_100_reason:s unix_tx_timeout:n
    aggregate_challenges:n reparse_invite:n ac_extra_hdrs:s blst_503:n blst_503_def_timeout:n blst_503_min_timeout:n
    blst_503_max_timeout:n blst_methods_add:n blst_methods_lookup:n cancel_b_method:n unmatched_cancel:n ruri_matching:n
    via1_matching:n pass_provisional_replies:n default_code:n default_reason:s disable_6xx_block:n local_ack_mode:n
    failure_reply_mode:n faked_reply_prio:n local_cancel_reason:n e2e_cancel_reason:n remap_503_500:n
    failure_exec_mode:n dns_reuse_rcv_socket:n event_callback:s relay_100:n rich_redirect:n contacts_avp:s
    contact_flows_avp:s fr_timer_avp:s fr_inv_timer_avp:s xavp_contact:s exec_time_check:n reply_relay_mode:n
    enable_uac_fr:n reparse_on_dns_failover:n on_sl_reply:s callid_matching:n callid_cseq_matching:n event_callback_lres_sent:s`,
  rr: `append_fromtag:n enable_full_lr:n enable_double_rr:n add_username:n enable_socket_mismatch_warning:n
    custom_user_avp:s force_send_socket:n sockname_mode:n ignore_sips:n`,
  sl: 'default_code:n default_reason:s bind_tm:n rich_redirect:n event_callback_fl_ack:s event_callback_lres_sent:s',
  maxfwd: 'max_limit:n',
  sanity: 'default_checks:n uri_checks:n proxy_require:s autodrop:n noreply:n',
  xlog: `buf_size:n force_color:n long_format:n log_facility:s log_colors:s methods_filter:n prefix:s prefix_mode:n`,
  siputils: `ring_timeout:n options_accept:s options_accept_encoding:s options_accept_language:s options_support:s
    contact_flds_separator:s rpid_prefix:s rpid_suffix:s rpid_avp:s e164_max_len:n`,
  pv: 'shvset:s varset:s avp_aliases:s',
  corex:
    'alias_subdomains:s nio_intercept:n nio_min_msg_len:n nio_msg_avp:s nio_is_incoming:n dns_cache:s evcb_reply_out:s',
  rtpengine: `rtpengine_sock:s rtpengine_disable_tout:n aggressive_redetection:n rtpengine_tout_ms:n
    rtpengine_allow_op:n queried_nodes_limit:n rtpengine_retr:n extra_id_pv:s setid_avp:s force_send_interface:s
    read_sdp_pv:s write_sdp_pv:s rtp_inst_pvar:s hash_table_size:n hash_table_tout:n hash_algo:n setid_default:n
    media_duration:s mos_min_pv:s mos_max_pv:s mos_average_pv:s mos_min_at_pv:s mos_max_at_pv:s
    mos_min_packetloss_pv:s mos_max_packetloss_pv:s mos_average_packetloss_pv:s mos_min_jitter_pv:s
    mos_max_jitter_pv:s mos_average_jitter_pv:s mos_min_roundtrip_pv:s mos_max_roundtrip_pv:s
    mos_average_roundtrip_pv:s mos_average_samples_pv:s control_cmd_tos:n ping_mode:n db_url:s table_name:s
    setid_col:s url_col:s weight_col:s disabled_col:s dtmf_event:s dtmf_event_callid:s dtmf_event_source_tag:s
    dtmf_event_tags:s dtmf_event_type:s dtmf_event_timestamp:s dtmf_event_source_ip:s dtmf_event_duration:s
    dtmf_event_volume:s dtmf_event_digit:s dtmf_events_sock:s move_calls:n wsapi:s ${mosOfSides()}`,
  tls: `tls_method:s verify_certificate:n require_certificate:n private_key:s ca_list:s ca_path:s certificate:s crl:s
    verify_depth:n cipher_list:s send_timeout:n connection_timeout:n handshake_timeout:n tls_disable_compression:n
    ssl_release_buffers:n ssl_freelist_max_len:n ssl_max_send_fragment:n ssl_read_ahead:n send_close_notify:n
    con_ct_wq_max:n ct_wq_max:n ct_wq_blk_size:n tls_log:n tls_debug:n low_mem_threshold1:n low_mem_threshold2:n
    tls_force_run:n config:s xavp_cfg:s event_callback:s engine:s engine_config:s engine_algorithms:s
    verify_client:s rand_engine:s init_mode:n keylog_mode:n keylog_file:s keylog_peer:s server_name:s server_id:s session_cache:n session_id:s renegotiation:n`,
  async: 'workers:n ms_timer:n return:n',
  counters: 'script_counter:s script_cnt_grp_name:s',
  http_async_client: `workers:n connection_timeout:n timeout:n tls_version:n tls_verify_host:n tls_verify_peer:n
    tls_client_cert:s tls_client_key:s tls_ca_path:s curl_verbose:n curl_follow_redirect:n memory_manager:s
    authmethod:n tcp_keepalive:n tcp_ka_idle:n tcp_ka_interval:n hash_size:n`,
  http_client: `httpcon:s config_file:s httpredirect:n default_http_conn:s keep_connections:n connection_timeout:n
    useragent:s maxdatasize:n netinterface:s query_result:n query_maxdatasize:n timeout_mode:n tlsversion:n
    verify_peer:n verify_host:n tlscacert:s tlsclientcert:s tlsclientkey:s cipher_suites:s tlsmode:n authmethod:n
    cacert:s clientcert:s clientkey:s httpproxy:s client_cert:s client_key:s`,
  jsonrpcs: `transport:n pretty_format:n fifo_name:s fifo_mode:- fifo_group:- fifo_user:- fifo_reply_dir:s
    dgram_socket:s dgram_mode:- dgram_group:- dgram_user:- dgram_timeout:n tcp_socket:s`,
  uac: `rr_from_store_param:s rr_to_store_param:s restore_mode:s restore_dlg:n restore_passwd:s restore_from_avp:s
    restore_to_avp:s credential:s auth_realm_avp:s auth_username_avp:s auth_password_avp:s reg_db_url:s
    reg_db_table:s reg_contact_addr:s reg_timer_interval:n reg_retry_interval:n reg_random_delay:n reg_active:n
    reg_gc_interval:n default_socket:s event_callback:s reg_hash_size:n reg_use_domain:n reg_keep_callid:n force_ha1:n`,
  dialplan: `db_url:s table_name:s dpid_col:s pr_col:s match_op_col:s match_exp_col:s match_len_col:s subst_exp_col:s
    repl_exp_col:s attrs_col:s attrs_pvar:s fetch_rows:n match_dynamic:n append_branch:n reload_delta:n`,
  drouting: `db_url:s drd_table:s drr_table:s drg_table:s drl_table:s ruri_avp:s attrs_avp:s use_domain:n
    drg_user_col:s drg_domain_col:s drg_grpid_col:s sort_order:n fetch_rows:n force_dns:n reload_delta:n
    enable_keepalive:n`,
  mtree: `db_url:s db_table:s tname_column:s tprefix_column:s tvalue_column:s char_list:s fetch_rows:n pv_value:s
    pv_values:s pv_dstid:s pv_weight:s pv_count:s mt_tree_type:n mtree:s mt_ignore_duplicates:n
    mt_allow_duplicates:n tree_type:n`,
  ndb_redis: `server:s init_without_redis:n connect_timeout:n cmd_timeout:n cluster:n disable_time:n
    allowed_timeouts:n flush_on_reconnect:n allow_dynamic_nodes:n debug:n`,
  siptrace: `db_url:s table:s trace_flag:n trace_on:n traced_user_avp:s trace_table_avp:s duplicate_uri:s
    trace_to_database:n trace_local_ip:s trace_sl_acks:n xheaders_write:n xheaders_read:n hep_mode_on:n hep_version:n
    hep_capture_id:n insert_interval:n force_send_sock:s send_sock_addr:s send_sock_name:s data_mode:n
    trace_init_mode:n trace_mode:n evcb_msg:s auth_key:s trace_delayed:n trace_dialog_ack:n trace_dialog_spiral:n
    date_column:s callid_column:s traced_user_column:s msg_column:s method_column:s status_column:s fromip_column:s
    toip_column:s fromtag_column:s direction_column:s trace_db_mode:n`,
  uac_redirect: `default_filter:s deny_filter:s accept_filter:s acc_function:s acc_db_table:s bflags:n
    flags_hdr_mode:n q_value:n`,
  xhttp: 'url_match:s url_skip:s event_callback:s timeout_s:n timeout_ms:n',
  msilo: `db_url:s db_table:s sc_mid:s sc_from:s sc_to:s sc_uri_user:s sc_uri_host:s sc_body:s sc_ctype:s sc_exp_time:s
    sc_inc_time:s sc_snd_time:s sc_stored_hdrs:s sc_callid:s sc_status:s from_address:s contact_hdr:s extra_hdrs:s
    offline_message:s content_type_hdr:s reminder:s outbound_proxy:s expire_time:n check_time:n send_time:n
    clean_period:n use_contact:n snd_time_avp:s add_date:n max_messages:n add_contact:n extra_hdrs_avp:s
    skip_notification_flag:n`,
  geoip2: 'path:s resolver:s',
  uuid: '',
  benchmark: 'enable:n granularity:n loglevel:n register:s',
  sipdump: 'enable:n mode:n wait:n rotate:n folder:s fprefix:s fage:n event_callback:s',
  outbound: 'force_outbound_flag:n force_no_outbound_flag:n flow_token_secret:s',
  xhttp_rpc: 'xhttp_rpc_root:s xhttp_rpc_buf_size:n',
  tsilo: 'hash_size:n use_domain:n',
  keepalive: 'ping_interval:n destination:s ping_from:s delete_counter:n',
  topoh: `mask_key:s mask_ip:s mask_callid:n uparam_name:s uparam_prefix:s vparam_name:s vparam_prefix:s callid_prefix:s
    sanity_checks:n uri_prefix_checks:n event_callback:s event_mode:n`,
  topos: `storage:s db_url:s mask_callid:n sanity_checks:n branch_expire:n dialog_expire:n clean_interval:n
    event_callback:s event_mode:n contact_host:s contact_mode:n cparam_name:s xavu_cfg:s xavu_field_a_contact:s
    xavu_field_b_contact:s xavu_field_contact_host:s rr_update:n context:s`,
  websocket: `keepalive_mechanism:n keepalive_timeout:n keepalive_processes:n keepalive_interval:n ping_application_data:s
    sub_protocols:n cors_mode:n verbose_list:n event_callback:s timer_interval:n rm_delay_interval:n`,
  xmlrpc: 'route:s autoconversion:n escape_cr:n double_lf_to_crlf:n mode:n url_skip:s url_match:s event_callback:s',
  jansson: 'auto_convert:n',
  json: '',
  mqueue: 'db_url:s mqueue:s mqueue_name:s mqueue_size:n mqueue_addmode:n',
  pike: 'sampling_time_unit:n reqs_density_per_unit:n remove_latency:n pike_log_level:n',
  pipelimit: `db_url:s plp_table_name:s plp_pipeid_column:s plp_limit_column:s plp_algorithm_column:s timer_interval:n
    timer_mode:n load_fetch:n hash_size:n reply_code:n reply_reason:s clean_unused:n`,
  ratelimit: 'timer_interval:n queue:s pipe:s reply_code:n reply_reason:s hash_size:n default_algorithm:s',
  rtimer: 'timer:s exec:s default_interval:n',
  statistics: 'variable:s',
  ctl: 'binrpc:s fifo:s mode:- user:- group:- autoconversion:n binrpc_max_body_size:n binrpc_struct_max_body_size:n binrpc_buffer_size:n',
  cfg_rpc: '',
  dialog: `enable_stats:n hash_size:n rr_param:s dlg_flag:n timeout_avp:s default_timeout:n early_timeout:n
    noack_timeout:n end_timeout:n dlg_extra_hdrs:s dlg_match_mode:n detect_spirals:n db_url:s db_mode:n
    db_update_period:n db_fetch_rows:n db_skip_load:n table_name:s vars_table_name:s bridge_controller:s
    bridge_contact:s initial_cbs_inscript:n send_bye:n wait_ack:n ka_timer:n ka_interval:n ka_failed_limit:n
    timer_procs:n track_cseq_updates:n lreq_callee_headers:s event_callback:s h_id_start:n h_id_step:n
    keep_proxy_rr:n dlg_filter_mode:n dlg_ctxiuid_mode:n dlg_mode:n enable_dmq:n profiles_with_value:s
    profiles_no_value:s bye_early_code:n bye_early_reason:s timeout_noreset:n call_id_column:s from_uri_column:s from_tag_column:s to_uri_column:s to_tag_column:s from_cseq_column:s to_cseq_column:s from_route_column:s to_route_column:s from_contact_column:s to_contact_column:s from_sock_column:s to_sock_column:s h_id_column:s h_entry_column:s state_column:s start_time_column:s timeout_column:s sflags_column:s toroute_name_column:s vars_h_id_column:s vars_h_entry_column:s vars_key_column:s vars_value_column:s`,
  dispatcher: `list_file:s db_url:s table_name:s setid_col:s destination_col:s flags_col:s priority_col:s attrs_col:s
    force_dst:n flags:n use_default:n xavp_dst:s xavp_ctx:s xavp_dst_mode:n xavp_ctx_mode:n hash_pvar:s attrs_pvname:s
    setid_pvname:s ds_ping_method:s ds_ping_from:s ds_ping_interval:n ds_ping_latency_stats:n
    ds_latency_estimator_alpha:n ds_ping_reply_codes:s ds_probing_mode:n ds_probing_threshold:n ds_inactive_threshold:n
    ds_hash_size:n ds_hash_expire:n ds_hash_initexpire:n ds_hash_check_interval:n outbound_proxy:s ds_default_socket:s
    ds_default_sockname:s ds_timer_mode:n event_callback:s ds_attrs_none:n ds_db_extra_attrs:s ds_load_mode:n
    reload_delta:n ds_dns_mode:n ds_dns_interval:n ds_dns_ttl:n`,
  htable: `htable:s db_url:s key_name_column:s key_type_column:s value_type_column:s key_value_column:s
    expires_column:s array_size_suffix:s fetch_rows:n timer_interval:n db_expires:n enable_dmq:n dmq_init_sync:n
    timer_procs:n event_callback:s event_callback_mode:n`,
  usrloc: `hash_size:n ruid_column:s user_column:s domain_column:s contact_column:s expires_column:s q_column:s
    callid_column:s cseq_column:s methods_column:s flags_column:s cflags_column:s user_agent_column:s
    received_column:s socket_column:s path_column:s instance_column:s reg_id_column:s server_id_column:s
    connection_id_column:s keepalive_column:s partition_column:s last_modified_column:s use_domain:n
    desc_time_order:n timer_interval:n db_url:s db_mode:n db_load:n db_insert_update:n db_update_as_insert:n
    db_check_update:n db_timer_clean:n matching_mode:n cseq_delay:n fetch_rows:n nat_bflag:- preload:s db_ops_ruid:n
    db_raw_fetch_type:n db_insert_null:n timer_procs:n xavp_contact:s handle_lost_tcp:n close_expired_tcp:n
    expires_type:n server_id_filter:n skip_remote_socket:n rm_expired_delay:n version_table:n ka_mode:n ka_method:s
    ka_domain:s ka_from:s ka_filter:n ka_timeout:n ka_loglevel:n ka_logmsg:s load_rank:n db_clean_tcp:n`,
  registrar: `default_expires:n default_expires_range:n expires_range:n min_expires:n max_expires:n min_expires_mode:n
    default_q:n append_branches:n case_sensitive:n received_param:s received_avp:s max_contacts:n retry_after:n
    sock_flag:n sock_hdr_name:s sock_mode:n method_filtering:n use_path:n path_mode:n path_use_received:n
    path_check_local:n reg_callid_avp:s aor_avp:s realm_prefix:s xavp_cfg:s xavp_rcd:s xavp_rcd_mask:n gruu_enabled:n
    outbound_mode:n regid_mode:n flow_timer:n contact_max_size:n event_callback:s lookup_filter_mode:n
    use_expired_contacts:n`,
  nathelper: `force_socket:s natping_interval:n ping_nated_only:n natping_processes:n natping_socket:s received_avp:s
    sipping_bflag:- sipping_from:s sipping_method:s natping_disable_bflag:- nortpproxy_str:s keepalive_timeout:n
    udpping_from_path:n append_sdp_oldmediaip:n filter_server_id:n nat_addr_mode:n alias_name:s`,
  auth: `auth_checks_register:n auth_checks_no_dlg:n auth_checks_in_dlg:n qop:s nonce_count:n one_time_nonce:n
    nid_pool_no:n nc_array_size:n nc_array_order:n otn_in_flight_no:n otn_in_flight_order:n secret:s nonce_expire:n
    nonce_auth_max_drift:n force_stateless_reply:n realm_prefix:s use_domain:n algorithm:s add_authinfo_hdr:n`,
  auth_db: `db_url:s user_column:s domain_column:s password_column:s password_column_2:s calculate_ha1:n use_domain:n
    load_credentials:s version_table:n force_generate_avps:n`,
  acc: `early_media:n failed_transaction_flag:- failed_filter:s report_ack:n report_cancels:n detect_direction:n
    log_level:n log_facility:s log_flag:- log_missed_flag:- log_extra:s db_url:s db_flag:- db_missed_flag:- db_extra:s
    db_table_acc:s db_table_missed_calls:s db_insert_mode:n acc_method_column:s acc_from_tag_column:s
    acc_to_tag_column:s acc_callid_column:s acc_sip_code_column:s acc_sip_reason_column:s acc_time_column:s
    acc_extra_size:n acc_extra_nullable:n acc_prepare_flag:- acc_prepare_always:n multi_leg_info:s time_mode:n
    time_attr:s time_exten:s time_format:s reason_from_hf:n clone_msg:n cdr_enable:n cdr_log_enable:n
    cdr_expired_dlg_enable:n cdr_start_on_confirmed:n cdr_on_failed:n cdr_facility:n cdr_extra:s cdr_extra_size:n
    cdr_extra_nullable:n cdr_start_id:s cdr_end_id:s cdr_duration_id:s cdrs_table:s cdr_skip:s`,
  sqlops: 'sqlcon:s sqlres:s tr_buf_size:n results_maxsize:n connect_mode:n',
  presence: `db_url:s presentity_table:s active_watchers_table:s watchers_table:s clean_period:n db_update_period:n
    waitn_time:n notifier_poll_rate:n notifier_processes:n force_delete:n startup_mode:n to_tag_pref:s
    expires_offset:n max_expires:n min_expires:n min_expires_action:n server_address:s subs_htable_size:n
    pres_htable_size:n subs_db_mode:n publ_cache:n enable_sphere_check:n timeout_rm_subs:n send_fast_notify:n
    fetch_rows:n db_table_lock_type:n local_log_level:n subs_remove_match:n xavp_cfg:s retrieve_order:n
    retrieve_order_by:s sip_uri_match:n cseq_offset:n pres_subs_mode:n delete_same_subs:n timer_mode:n
    subs_respond_200:n presence_uri_match:n enable_dmq:n`,
  presence_xml: `db_url:s xcap_table:s force_active:n pidf_manipulation:n integrated_xcap_server:n xcap_server:s
    disable_presence:n disable_winfo:n disable_bla:n disable_xcapdiff:n passive_mode:n xcapauth_userdel_reason:s
    force_dummy_presence:n force_presence_single_body:n presence_single_body_priorities:s presence_single_body_lookup_element:s default_expires:n`,
  nat_traversal: `contact_match:n keepalive_interval:n keepalive_method:s keepalive_from:s keepalive_extra_headers:s
    keepalive_state_file:s`,
  alias_db: `db_url:s user_column:s domain_column:s alias_user_column:s alias_domain_column:s use_domain:n
    domain_prefix:s append_branches:n`,
  speeddial: `db_url:s user_column:s domain_column:s sd_user_column:s sd_domain_column:s new_uri_column:s use_domain:n
    domain_prefix:s`,
  uri_db: `db_url:s uri_table:s db_table:s user_column:s domain_column:s uriuser_column:s use_uri_table:n use_domain:n`,
  secfilter: 'db_url:s table_name:s action_col:s type_col:s data_col:s dst_exact_match:n',
  userblocklist: blockLists('blocklist', 'allowlist'),
  userblacklist: blockLists('blacklist', 'whitelist'),
  domain: `db_url:s domain_table:s domain_col:s did_col:s domain_attrs_table:s name_col:s type_col:s value_col:s
    register_myself:n`,
  permissions: `default_allow_file:s default_deny_file:s check_all_branches:n allow_suffix:s deny_suffix:s
    address_file:s db_url:s address_table:s grp_col:s ip_addr_col:s mask_col:s port_col:s db_mode:n trusted_table:s
    source_col:s proto_col:s from_col:s ruri_col:s tag_col:s priority_col:s peer_tag_avp:s peer_tag_mode:n
    max_subnets:n load_backends:n reload_delta:n trusted_cleanup_interval:n`,
  path: 'use_received:n received_format:n received_name:s enable_r2:n sockname_mode:n',
  rtpproxy: `rtpproxy_sock:s rtpproxy_disable_tout:n rtpproxy_tout:n rtpproxy_retr:n nortpproxy_str:s timeout_socket:s
    ice_candidate_priority_avp:s extra_id_pv:s db_url:s table_name:s rtp_inst_pvar:s`,
  db_mysql: `ping_interval:n timeout_interval:n auto_reconnect:n insert_delayed:n update_affected_found:n opt_ssl_mode:n
    unsigned_type:n info:n server_timezone:n`,
  db_postgres: 'retries:n timeout:n tcp_keepalive:n lockset:n bytea_output_escape:n opt_ssl_mode:n',
  db_sqlite: 'db_set_readonly:s db_set_journal_mode:s',
  tmx: ' precheck_trans:n',
  textops: '',
  textopsx: '',
  sdpops: '',
  ipops: '',
  kex: '',
  cfgutils: `initial_probability:n hash_file:s shvset:s varset:s lock_set_size:n initial_gflags:n`,
  avpops: `db_url:s avp_table:s use_domain:n uuid_column:s username_column:s domain_column:s attribute_column:s
    value_column:s type_column:s db_scheme:s`,
  debugger: `cfgtrace:n breakpoint:n log_level:n log_level_name:s log_facility:s log_prefix:s log_assign:n step_usleep:n
    step_loops:n mod_hash_size:n mod_level_mode:n mod_level:s mod_facility_mode:n mod_facility:s reset_msgid:n
    cfgpkgcheck:n cfgtest:n cfgtrace_format:n`,
  regex: 'file:s max_groups:n group_max_size:n pcre_caseless:n pcre_multiline:n pcre_dotall:n pcre_extended:n',
}

export type ParameterType = 'n' | 's' | '-'

/** Types by parameter, by module. A module that is not here has parameters that are not known. */
export const MODULE_PARAMETERS: ReadonlyMap<string, ReadonlyMap<string, ParameterType>> = new Map(
  Object.entries(TABLE).map(([module, text]) => [
    module,
    new Map(
      text
        .split(/\s+/)
        .filter((entry) => entry !== '')
        .map((entry) => {
          const [name, type] = entry.split(':')
          return [name!, type as ParameterType] as const
        }),
    ),
  ]),
)

/** Modules whose work is done here, by functions of ours or by the engine itself. */
export const PROVIDED_MODULES: ReadonlySet<string> = new Set(Object.keys(TABLE))

const IN_XAVP = 'Destinations stand in $xavp(_dsdst_=>uri), $xavp(_dsdst_=>attrs) and so on: see xavp_dst.'

/** What became of parameters that older files set. */
export const DROPPED_PARAMETERS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...Object.fromEntries(
      ['dst_avp', 'grp_avp', 'cnt_avp', 'sock_avp', 'attrs_avp', 'dstid_avp'].map((name) => [
        `dispatcher:${name}`,
        IN_XAVP,
      ]),
    ),
    'nathelper:rtpproxy_sock': 'It is a parameter of module rtpproxy.',
    'registrar:nat_flag': 'It is nat_bflag of usrloc, a branch flag.',
    'auth_db:plain_password_column': 'It is password_column, with calculate_ha1.',
    'domain:db_mode': 'Domains are always read at the start, and again by domain.reload.',
  }),
)

const ENDS_WITH_SERVER = 'it is kept in tables that the workers share, and ends with the server.'
const NO_XAVU = 'Contacts are made without values of the script: contact_mode is 0 or 1, the host is contact_host.'
const NO_DMQ = 'workers of one signalbox share their tables without it; several machines do by their database.'

/** Parameters that are accepted, and do nothing unless they are 0 or empty: why. */
export const PARAMETERS_WITHOUT_MEANING: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'dialog:enable_dmq': NO_DMQ,
    'htable:enable_dmq': NO_DMQ,
    'topos:db_url': ENDS_WITH_SERVER,
    'topos:storage': ENDS_WITH_SERVER,
    'topos:xavu_cfg': NO_XAVU,
    'topos:xavu_field_a_contact': NO_XAVU,
    'topos:xavu_field_b_contact': NO_XAVU,
    'topos:xavu_field_contact_host': NO_XAVU,
  }),
)

const RESTORED_ALWAYS = 'messages that come in are always given back what was hidden.'

/** Event routes that 5.6.3 runs and that are never run here: why. */
export const EVENTS_WITHOUT_MEANING: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'topos:msg-incoming': RESTORED_ALWAYS,
    'topos:msg-receiving': RESTORED_ALWAYS,
  }),
)
