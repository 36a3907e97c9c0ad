// Owns what modules of Kamailio that signalbox does not have are for, and what to use in their place.

const BY_MODULE: Readonly<Record<string, string>> = {
  'app_lua app_perl app_python app_python3 app_python3s app_ruby app_jsdt app_sqlang':
    'Programs of other languages do not run here: write the route in TypeScript; `signalbox convert` makes a .ts of a .cfg.',
  'exec evrexec':
    'Routes have no shell: ask a service of yours with http_client_query() or http_async_query(), or compute it in a TypeScript route.',
  'kazoo nats rabbitmq':
    'signalbox drives no message broker: hand events on with http_async_query(), or take commands by jsonrpc_dispatch().',
  evapi: 'Hand events on with http_async_query(), and take answers in event_route[xhttp:request].',
  sipcapture: 'signalbox is no capture server: sip_trace() sends HEP to one, such as Homer.',
  'msrp smsops': 'signalbox carries SIP and media, no MSRP and no SMS: relay such traffic to a server of its own.',
  'ss7ops sigtran': 'signalbox reads no ISUP: leave that to the gateway.',
  'ims_auth ims_charging ims_dialog ims_icscf ims_ipsec_pcscf ims_isc ims_qos ims_registrar_pcscf ims_registrar_scscf ims_usrloc_pcscf ims_usrloc_scscf cdp cdp_avp':
    'signalbox is no IMS core, and speaks no Diameter: relay to one.',
  'lcr carrierroute pdt prefix_route':
    'Use do_routing() of drouting, dp_translate() of dialplan or mt_match() of mtree over the same prefixes.',
  cnxcc: 'Limit calls by dlg_set_timeout() and dialog profiles, and account for them with acc.',
  'statsd xhttp_prom': 'The figures are served to Prometheus at /metrics of the admin address.',
  'xhttp_pi janssonrpcc': 'Use jsonrpc_dispatch() of jsonrpcs.',
  geoip: 'Its database format is no longer made: load geoip2, and write geoip2_match() and $gip2().',
  nghttp2: 'Answer HTTP in event_route[xhttp:request].',
  'xcap_server presence_xml pua pua_reginfo rls dlgs':
    'Presence here is accepting and notifying: keep documents on a presence server, and relay to it.',
  'secsipid stirshaken':
    'Signing and checking of Identity headers is a service of its own: ask one with http_client_query().',
  'ldap db_redis': 'Keep users in PostgreSQL, MySQL or SQLite, or ask a directory with http_client_query().',
  'dmq dmq_usrloc':
    'Workers of one signalbox share their tables already; several machines share them by their database or by Redis.',
  rtjson: 'Read the answer with jansson_get() and add branches with append_branch().',
  enum: 'Ask for the NAPTR records by a service of yours, with http_client_query().',
  xmlops: 'Read XML in a TypeScript route.',
}

const WAYS: ReadonlyMap<string, string> = new Map(
  Object.entries(BY_MODULE).flatMap(([modules, way]) => modules.split(' ').map((module) => [module, way] as const)),
)

/** Functions and variables whose module is there all the same. */
const BY_NAME: Readonly<Record<string, string>> = {
  ws_send: 'It came after 5.6: t_relay() carries SIP to a WebSocket whose flow the registrar or outbound knows.',
  tel2sip2: 'It came after 5.6: use tel2sip().',
  sdp_iterator_start: 'It came after 5.6: use sdp_get_line_startswith().',
  http_client_request_v2pk: 'It came after 5.6: use http_client_query().',
  abort: 'It ends the whole server for a debugger: write exit, or drop.',
}

/** What to use in place of a module, or of one of its names; undefined where nothing is known. */
export function insteadOf(module: string, name = ''): string | undefined {
  return BY_NAME[name] ?? WAYS.get(module)
}
