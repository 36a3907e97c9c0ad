// Owns the core parameters: which are known, of what type, and which have no meaning here and why.

export interface CoreParameter {
  /** `n` a number (yes and no are 1 and 0), `s` a text, `-` either. */
  readonly type: 'n' | 's' | '-'
  /** Why it does nothing here; undefined: it does its work. */
  readonly noMeaning: string | undefined
}

const WORKS = `listen:- alias:- debug:n port:n max_while_loops:n children:n auto_aliases:n
  disable_tcp:n enable_tls:n disable_tls:n tls_port_no:n server_header:s server_signature:n user_agent_header:s
  advertised_address:- advertised_port:n tcp_connection_lifetime:n tcp_max_connections:n tcp_connect_timeout:n
  tls_max_connections:n tcp_crlf_ping:n force_rport:n udp_mtu:n udp_mtu_try_proto:-`

const REASONS: Readonly<Record<string, string>> = {
  'memory is managed by the runtime': `memlog:n memdbg:n memsum:n mem_join:n mem_safety:n mem_status_mode:n
    mem_summary:n memstatistics:n shm:s shm_mem_size:n shm_force_alloc:n mlock_pages:n pkg_mem_size:n maxbuffer:n
    pv_buffer_size:n pv_buffer_slots:n pv_cache_limit:n pv_cache_action:n locks_ongoing:n real_time:n`,
  'processes are laid out by signalbox itself': `socket_workers:n tcp_children:n async_workers:n async_workers_group:s
    async_nonblock:n async_usleep:n route_locks_size:n user:s group:s uid:s gid:s chroot:s workdir:s wdir:s rundir:s
    runtime_dir:s pidfile:s open_files_limit:n disable_core_dump:n children_sock:n daemonize:n modinit_delay:n
    wait_worker1_mode:n wait_worker1_time:n wait_worker1_usleep:n cfgengine:s onsend_route_reply:n
    stats_name_separator:s kemi.onsend_route_callback:s rtimer:n fork:n`,
  'the socket is always chosen by the route to the destination': 'mhomed:n',
  'Warning headers are not written here': 'sip_warning:n',
  'the log is written by signalbox, see --log-level and --log-format': `log_stderror:n log_prefix:s log_facility:- log_name:s log_prefix_mode:n log_color:n
    log_engine_type:s log_engine_data:s corelog:n cfgengine_log:n latency_log:n latency_limit_db:n
    latency_limit_action:n latency_cfg_log:n msg_time:n log_custom:s xlog:n`,
  'names are resolved as RFC 3263 says': `dns:n rev_dns:n dns_try_naptr:n dns_try_ipv6:n use_dns_cache:n
    use_dns_failover:n dns_retr_time:n dns_retr_no:n dns_servers_no:n dns_srv_lb:n dns_srv_loadbalancing:n
    dns_naptr_ignore_rfc:n dns_tls_pref:n dns_tcp_pref:n dns_udp_pref:n dns_sctp_pref:n dns_cache_flags:n
    dns_cache_init:n dns_cache_mem:n dns_cache_gc_interval:n dns_cache_negative_ttl:n dns_cache_min_ttl:n
    dns_cache_max_ttl:n dns_cache_del_nonexp:n dns_cache_rec_pref:n dns_cache_delete_nonexpired:n
    dns_use_search_list:n dns_search_full_match:n use_dst_blacklist:n use_dst_blocklist:n dst_blacklist_expire:n
    dst_blacklist_mem:n dst_blacklist_init:n dst_blacklist_gc_interval:n dst_blacklist_mask:n dst_blocklist_expire:n
    dst_blocklist_mem:n dst_blocklist_init:n dst_blocklist_gc_interval:n enable_blacklist:n enable_whitelist:n
    use_dns_naptr:n`,
  'connections are handled by the transport of signalbox': `tcp_accept_no_cl:n tcp_rd_buf_size:n tcp_accept_aliases:n
    tcp_async:n tcp_buf_write:n tcp_keepalive:n tcp_keepidle:n tcp_keepintvl:n tcp_keepcnt:n tcp_send_timeout:n
    tcp_reuse_port:n tcp_conn_wq_max:n tcp_wq_max:n tcp_wq_blk_size:n tcp_fd_cache:n
    tcp_delayed_ack:n tcp_defer_accept:n tcp_linger2:n tcp_connection_match:n tcp_source_ipv4:- tcp_source_ipv6:-
    tcp_poll_method:- poll_method:- tcp_no_connect:n tcp_syncnt:n tcp_accept_haproxy:n tcp_cloexec:n tcp_clone_rcvbuf:n
    tcp_script_mode:n tcp_accept_iplimit:n tcp_check_timer:n tcp_wait_data:n tls_threads_mode:n tls_log:n
    tls_verify:n tls_method:- tls_certificate:s tls_private_key:s tls_ca_list:s udp4_raw:n udp4_raw_mtu:n udp4_raw_ttl:n
    udp_receiver_mode:n tos:- pmtu_discovery:n auto_bind_ipv6:n bind_ipv6_link_local:n ipv6_hex_style:s
    http_reply_parse:n mcast_loopback:n mcast_ttl:n mcast:s check_via:n reply_to_via:n received_route_mode:n
    phone2tel:n xavp_via_params:s xavp_via_fields:s xavp_via_reply_params:s via_params:s ip_free_bind:n
    max_recursive_level:n max_branches:n version_table:s sql_buffer_size:n syn_branch:n loopback:n local_rport:n uri_host_extra_chars:s
    hdr_name_extra_chars:s stun_refresh_interval:n stun_allow_stun:n stun_allow_fp:n`,
  'the modules are part of signalbox': 'mpath:s loadpath:s',
  'SCTP is not spoken here': `enable_sctp:n disable_sctp:n sctp_children:n sctp_autoclose:n sctp_max_assocs:n
    sctp_socket_rcvbuf:n sctp_socket_sndbuf:n`,
  'identifiers are unique without it': 'server_id:n',
  'it is a parameter of tm': 'fr_timer:n fr_inv_timer:n wt_timer:n',
  'it is a parameter of topoh': 'topoh_hiding:n',
}

function entries(text: string, noMeaning: string | undefined): [string, CoreParameter][] {
  return text
    .split(/\s+/)
    .filter((entry) => entry !== '')
    .map((entry) => {
      const at = entry.lastIndexOf(':')
      return [entry.slice(0, at), { type: entry.slice(at + 1) as CoreParameter['type'], noMeaning }]
    })
}

/** Every known core parameter. */
export const CORE_PARAMETERS: ReadonlyMap<string, CoreParameter> = new Map([
  ...Object.entries(REASONS).flatMap(([reason, text]) => entries(text, reason)),
  ...entries(WORKS, undefined),
])
