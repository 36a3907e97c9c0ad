// Owns the tables of our own SQLite file: Kamailio's names and columns, as far as modules here read or write them.

const TEXT = "TEXT NOT NULL DEFAULT ''"
const NUMBER = 'INTEGER NOT NULL DEFAULT 0'

/** Columns after `id`, by table. */
const TABLES: Readonly<Record<string, string>> = {
  version: `table_name ${TEXT}, table_version ${NUMBER}`,
  location: `ruid ${TEXT}, username ${TEXT}, domain TEXT, contact ${TEXT}, received TEXT, path TEXT,
    expires TEXT NOT NULL DEFAULT '2030-05-28 21:32:15', q REAL NOT NULL DEFAULT 1.0,
    callid TEXT NOT NULL DEFAULT 'Default-Call-ID', cseq INTEGER NOT NULL DEFAULT 1,
    last_modified TEXT NOT NULL DEFAULT '2000-01-01 00:00:01', flags ${NUMBER}, cflags ${NUMBER}, user_agent ${TEXT},
    socket TEXT, methods INTEGER, instance TEXT, reg_id ${NUMBER}, server_id ${NUMBER}, connection_id ${NUMBER},
    keepalive ${NUMBER}, "partition" ${NUMBER}, UNIQUE (ruid)`,
  subscriber: `username ${TEXT}, domain ${TEXT}, password ${TEXT}, ha1 ${TEXT}, ha1b ${TEXT}, email_address ${TEXT},
    rpid TEXT, UNIQUE (username, domain)`,
  uri: `username ${TEXT}, domain ${TEXT}, uri_user ${TEXT}, last_modified ${TEXT}`,
  dbaliases: `alias_username ${TEXT}, alias_domain ${TEXT}, username ${TEXT}, domain ${TEXT}`,
  speed_dial: `username ${TEXT}, domain ${TEXT}, sd_username ${TEXT}, sd_domain ${TEXT}, new_uri ${TEXT},
    fname ${TEXT}, lname ${TEXT}, description ${TEXT}`,
  domain: `domain ${TEXT}, did TEXT, last_modified ${TEXT}, UNIQUE (domain)`,
  domain_attrs: `did ${TEXT}, name ${TEXT}, type ${NUMBER}, value ${TEXT}, last_modified ${TEXT}`,
  address: `grp INTEGER NOT NULL DEFAULT 1, ip_addr ${TEXT}, mask INTEGER NOT NULL DEFAULT 32, port ${NUMBER}, tag TEXT`,
  trusted: `src_ip ${TEXT}, proto ${TEXT}, from_pattern TEXT, ruri_pattern TEXT, tag TEXT, priority ${NUMBER}`,
  acc: accounting(),
  missed_calls: accounting(),
  acc_cdrs: `start_time ${TEXT}, end_time ${TEXT}, duration REAL NOT NULL DEFAULT 0`,
  presentity: `username ${TEXT}, domain ${TEXT}, event ${TEXT}, etag ${TEXT}, expires ${NUMBER},
    received_time ${NUMBER}, body ${TEXT}, sender ${TEXT}, priority ${NUMBER}, ruid TEXT, UNIQUE (username, domain, event, etag)`,
  active_watchers: `presentity_uri ${TEXT}, watcher_username ${TEXT}, watcher_domain ${TEXT}, to_user ${TEXT},
    to_domain ${TEXT}, event TEXT NOT NULL DEFAULT 'presence', event_id TEXT, to_tag ${TEXT}, from_tag ${TEXT},
    callid ${TEXT}, local_cseq ${NUMBER}, remote_cseq ${NUMBER}, contact ${TEXT}, record_route TEXT, expires ${NUMBER},
    status INTEGER NOT NULL DEFAULT 2, reason TEXT, version ${NUMBER}, socket_info ${TEXT}, local_contact ${TEXT},
    from_user ${TEXT}, from_domain ${TEXT}, updated ${NUMBER}, updated_winfo ${NUMBER}, flags ${NUMBER},
    user_agent ${TEXT}, UNIQUE (callid, to_tag, from_tag)`,
  watchers: `presentity_uri ${TEXT}, watcher_username ${TEXT}, watcher_domain ${TEXT},
    event TEXT NOT NULL DEFAULT 'presence', status ${NUMBER}, reason TEXT, inserted_time ${NUMBER}`,
  usr_preferences: `uuid ${TEXT}, username ${TEXT}, domain ${TEXT}, attribute ${TEXT}, type ${NUMBER}, value ${TEXT},
    last_modified TEXT NOT NULL DEFAULT '2000-01-01 00:00:01'`,
  silo: `src_addr ${TEXT}, dst_addr ${TEXT}, username ${TEXT}, domain ${TEXT}, inc_time ${NUMBER}, exp_time ${NUMBER},
    snd_time ${NUMBER}, ctype ${TEXT}, body TEXT, extra_hdrs TEXT, callid ${TEXT}, status ${NUMBER}`,
  secfilter: `action ${NUMBER}, type ${NUMBER}, data ${TEXT}`,
  userblocklist: `username ${TEXT}, domain ${TEXT}, prefix ${TEXT}, allowlist ${NUMBER}`,
  globalblocklist: `prefix ${TEXT}, allowlist ${NUMBER}, description ${TEXT}`,
  htable: `key_name ${TEXT}, key_type ${NUMBER}, value_type ${NUMBER}, key_value ${TEXT}, expires ${NUMBER}`,
  dispatcher: `setid ${NUMBER}, destination ${TEXT}, flags ${NUMBER}, priority ${NUMBER}, attrs ${TEXT}, description ${TEXT}`,
  dialog: `hash_entry ${NUMBER}, hash_id ${NUMBER}, callid ${TEXT}, from_uri ${TEXT}, from_tag ${TEXT}, to_uri ${TEXT},
    to_tag ${TEXT}, caller_cseq ${TEXT}, callee_cseq ${TEXT}, caller_route_set TEXT, callee_route_set TEXT,
    caller_contact ${TEXT}, callee_contact ${TEXT}, caller_sock ${TEXT}, callee_sock ${TEXT}, state ${NUMBER},
    start_time ${NUMBER}, timeout ${NUMBER}, sflags ${NUMBER}, iflags ${NUMBER}, toroute_name TEXT, req_uri ${TEXT},
    xdata TEXT, UNIQUE (hash_entry, hash_id)`,
  dialog_vars: `hash_entry ${NUMBER}, hash_id ${NUMBER}, dialog_key ${TEXT}, dialog_value ${TEXT},
    UNIQUE (hash_entry, hash_id, dialog_key)`,
  dialplan: `dpid ${NUMBER}, pr ${NUMBER}, match_op ${NUMBER}, match_exp ${TEXT}, match_len ${NUMBER},
    subst_exp ${TEXT}, repl_exp ${TEXT}, attrs ${TEXT}`,
  mtree: `tprefix ${TEXT}, tvalue ${TEXT}`,
  dr_gateways: `gwid INTEGER, type ${NUMBER}, address ${TEXT}, strip ${NUMBER}, pri_prefix TEXT, attrs TEXT, description ${TEXT}`,
  dr_rules: `ruleid INTEGER, groupid ${TEXT}, prefix ${TEXT}, timerec ${TEXT}, priority ${NUMBER}, routeid ${TEXT},
    gwlist ${TEXT}, description ${TEXT}`,
  dr_gw_lists: `gwlist ${TEXT}, description ${TEXT}`,
  dr_groups: `username ${TEXT}, domain ${TEXT}, groupid ${NUMBER}, description ${TEXT}`,
  uacreg: `l_uuid ${TEXT}, l_username ${TEXT}, l_domain ${TEXT}, r_username ${TEXT}, r_domain ${TEXT}, realm ${TEXT},
    auth_username ${TEXT}, auth_password ${TEXT}, auth_ha1 ${TEXT}, auth_proxy ${TEXT}, expires ${NUMBER},
    flags ${NUMBER}, reg_delay ${NUMBER}, contact_addr ${TEXT}, socket ${TEXT}`,
}

/** The columns of both tables of accounting, those of the stock configuration's extras among them. */
function accounting(): string {
  const extra = ['src_user', 'src_domain', 'src_ip', 'dst_ouser', 'dst_user', 'dst_domain']
  return `method ${TEXT}, from_tag ${TEXT}, to_tag ${TEXT}, callid ${TEXT}, sip_code ${TEXT}, sip_reason ${TEXT},
    time ${TEXT}, time_attr ${NUMBER}, time_exten ${NUMBER}, ${extra.map((name) => `${name} ${TEXT}`).join(', ')}`
}

/** Makes every table that is not there yet. */
export const OWN_SCHEMA = Object.entries(TABLES)
  .map(([table, columns]) => `CREATE TABLE IF NOT EXISTS ${table} (id INTEGER PRIMARY KEY AUTOINCREMENT, ${columns});`)
  .join('\n')
