// Owns the names of Kamailio's modules.

/** Modules that files load. */
export const KNOWN_MODULES: ReadonlySet<string> = new Set(
  'acc alias_db app_jsdt app_lua app_perl app_python app_python3 app_python3s app_ruby app_sqlang async auth auth_db auth_ephemeral avp avpops benchmark carrierroute cdp cdp_avp cfg_rpc cfgutils cnxcc core corex counters ctl db_cluster db_flatstore db_kazoo db_mysql db_postgres db_redis db_sqlite db_text debugger dialog dialog_ng dialplan dispatcher diversion dlgs dmq dmq_usrloc domain drouting enum evapi evrexec exec geoip geoip2 group htable http_async_client http_client ims_auth ims_charging ims_dialog ims_icscf ims_ipsec_pcscf ims_isc ims_qos ims_registrar_pcscf ims_registrar_scscf ims_usrloc_pcscf ims_usrloc_scscf ipops jansson janssonrpcc json jsonrpcs kazoo keepalive kemix kex lcr ldap mangler math maxfwd mi_datagram mi_fifo mi_rpc mqueue msilo msrp mysql nat_traversal nathelper nats ndb_redis nghttp2 outbound path pdt permissions pike presence presence_dialoginfo presence_mwi presence_xml pua pua_reginfo pv regex registrar rr rtc_gw rtimer rtjson rtpengine rtpping rtpproxy sanity sctp sdpops secfilter secsipid signaling sipcapture sipdump siptrace siputils sl smsops speeddial sqlops ss7ops statistics statsd stirshaken stun tcpops textops textopsx timer tls tm tmx topoh topos topos_redis tsilo uac uac_redirect uri_db userblacklist userblocklist usrloc utils uuid websocket xcap_server xhttp xhttp_pi xhttp_prom xhttp_rpc xlog xmlops xmlrpc'.split(
    ' ',
  ),
)
