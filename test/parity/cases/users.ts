// Owns cases of registrar, usrloc, nathelper, path, auth and permissions.
import { HERE, type ParityCase, PROXY, SENDER_PORT, type Sent, SINK_PORT } from '../case.ts'

const CONTACT = `<sip:alice@${HERE}:${SINK_PORT}>`
const register = (contact: string, headers: readonly string[] = [], more: Partial<Sent> = {}): Sent => ({
  method: 'REGISTER',
  uri: `sip:${PROXY}`,
  lines: { Contact: contact === '' ? '' : `Contact: ${contact}` },
  headers,
  ...more,
})
/** Every case has a user of its own, so that cases do not see one another's contacts. */
const SAVE = 'save("location", "0x00", "sip:%%@example.com"); $var(rc) = $rc; say("rc=$var(rc)");'
const SHOW =
  'if (reg_fetch_contacts("location", "sip:%%@example.com", "%%")) { $var(i) = 0; while ($var(i) < $(ulc(%%=>count))) { say("$(ulc(%%=>addr)[$var(i)]) q=$(ulc(%%=>q)[$var(i)]) m=$(ulc(%%=>methods)[$var(i)]) p=$(ulc(%%=>path)[$var(i)]) r=$(ulc(%%=>received)[$var(i)]) ua=$(ulc(%%=>user_agent)[$var(i)]) aor=$(ulc(%%=>aor)[$var(i)])"); $var(i) = $var(i) + 1; } } else { say("none"); }'

const REGISTERS: readonly (readonly [title: string, ...sent: Sent[]])[] = [
  ['plain', register(CONTACT)],
  ['expires header', register(CONTACT, ['Expires: 120'])],
  ['expires parameter', register(`${CONTACT};expires=100`, ['Expires: 120'])],
  ['less than the least', register(`${CONTACT};expires=5`)],
  ['not a number', register(`${CONTACT};expires=abc`)],
  ['huge', register(CONTACT, ['Expires: 999999999'])],
  ['zero of nothing', register(`${CONTACT};expires=0`)],
  ['nothing to list', register('')],
  ['q', register(`${CONTACT};q=0.35`)],
  ['q without a digit before the point', register(`${CONTACT};q=.3`)],
  ['three of one q', register('<sip:a@10.1.1.1>, <sip:b@10.1.1.2>, <sip:c@10.1.1.3>')],
  ['three of two q', register('<sip:a@10.1.1.1>;q=0.5, <sip:b@10.1.1.2>, <sip:c@10.1.1.3>;q=0.5')],
  ['q of 1', register(`${CONTACT};q=1.0`)],
  ['q that is none', register(`${CONTACT};q=7`)],
  ['display name and parameters', register(`"A B" ${CONTACT};foo=bar;expires=70`)],
  ['without brackets', register(`sip:alice@${HERE}:${SINK_PORT};expires=80`)],
  ['two contacts', register('<sip:a@10.1.1.1>;q=0.2, <sip:b@10.1.1.2:5070;transport=tcp>;q=0.9')],
  ['star without expires', register('*')],
  ['star of nothing', register('*', ['Expires: 0'])],
  ['star and another', register(`*, ${CONTACT}`, ['Expires: 0'])],
  ['methods', register(`${CONTACT};methods="INVITE, ACK, BYE"`)],
  ['Allow', register(CONTACT, ['Allow: INVITE, OPTIONS'])],
  ['user agent', register(CONTACT, ['User-Agent: phone 1'])],
  ['path', register(CONTACT, ['Path: <sip:p.example;lr>', 'Supported: path'])],
  ['path without support', register(CONTACT, ['Path: <sip:p.example;lr>'])],
  ['two paths', register(CONTACT, ['Path: <sip:p1.example;lr>', 'Path: <sip:p2.example;lr>', 'Supported: path'])],
  ['instance', register(`${CONTACT};+sip.instance="<urn:uuid:1>";reg-id=1`)],
  ['instance without reg-id', register(`${CONTACT};+sip.instance="<urn:uuid:1>"`)],
]

const cseq = (number: number): Partial<Sent> => ({
  lines: { CSeq: `CSeq: ${number} REGISTER`, Contact: `Contact: ${CONTACT}` },
  after: /^SIP\/2\.0 \d/,
})
const SEQUENCES: readonly (readonly [title: string, ...sent: Sent[]])[] = [
  ['renewed', register(CONTACT), register(CONTACT, ['Expires: 100'], cseq(8))],
  ['the same CSeq', register(CONTACT), register(CONTACT, ['Expires: 100'], cseq(7))],
  ['an older CSeq', register(CONTACT), register(CONTACT, ['Expires: 100'], cseq(6))],
  ['removed', register(CONTACT), register(CONTACT, ['Expires: 0'], cseq(8))],
]

const lookup = (title: string, statement: string, more: Partial<ParityCase> = {}): ParityCase => ({
  title,
  route: `if (is_method("REGISTER")) { ${SAVE} exit; } ${statement} $var(rc) = $rc; say("rc=$var(rc) ru=$ru du=$du br=$(branch(uri)[0])"); if ($var(rc) < 0) { sl_send_reply("404", "none"); exit; } t_relay();`,
  sent: [register(CONTACT), { method: 'MESSAGE', after: /^SIP\/2\.0 200/, lines: { CSeq: 'CSeq: 9 MESSAGE' } }],
  ...more,
})

const LOOKUPS: readonly ParityCase[] = [
  lookup('lookup finds', 'lookup("location", "sip:%%@example.com");'),
  lookup('lookup of nobody', 'lookup("location", "sip:no-%%@example.com");'),
  lookup('lookup of the R-URI', '$ru = "sip:%%@example.com"; lookup("location");'),
  lookup('lookup, two contacts', '$ru = "sip:%%@example.com"; lookup("location");', {
    sent: [
      register(`<sip:a@${HERE}:${SINK_PORT}>;q=0.2, <sip:b@${HERE}:${SINK_PORT}>;q=0.9`),
      { method: 'MESSAGE', after: /^SIP\/2\.0 200/, lines: { CSeq: 'CSeq: 9 MESSAGE' } },
    ],
    answers: { '*': [[404, 'No']] },
  }),
  lookup('lookup with a Path', '$ru = "sip:%%@example.com"; lookup("location");', {
    sent: [
      register(CONTACT, [`Path: <sip:${HERE}:${SINK_PORT};lr>`, 'Supported: path']),
      { method: 'MESSAGE', after: /^SIP\/2\.0 200/, lines: { CSeq: 'CSeq: 9 MESSAGE' } },
    ],
  }),
  lookup('lookup_to_dset', 'lookup_to_dset("location", "sip:%%@example.com"); $ru = $(branch(uri)[0]);', {
    answers: { '*': [[404, 'No']] },
  }),
  lookup('lookup_branches', '$ru = "sip:%%@example.com"; lookup_branches("location");'),
  lookup(
    'registered and unregister',
    'if (registered("location", "sip:%%@example.com")) say("there"); unregister("location", "sip:%%@example.com"); say("un=$rc"); registered("location", "sip:%%@example.com");',
  ),
  lookup('registered, nobody', 'registered("location", "sip:no-%%@example.com");'),
]

const registrations = [...REGISTERS, ...SEQUENCES].map(
  ([title, ...sent]): ParityCase => ({ title: `save: ${title}`, route: `${SAVE} ${SHOW}`, sent }),
)

const SAVES: readonly ParityCase[] = [
  {
    title: 'save without a reply, and reg_send_reply',
    route: 'save("location", "0x02", "sip:%%@example.com"); say("$rc"); reg_send_reply();',
    sent: [register(CONTACT)],
  },
  {
    title: 'save of one contact alone',
    route: `if ($cs == 7) { ${SAVE} exit; } save("location", "0x04", "sip:%%@example.com"); say("$rc"); ${SHOW}`,
    sent: [
      register(CONTACT),
      register('', [], {
        lines: { CSeq: 'CSeq: 8 REGISTER', Contact: 'Contact: <sip:other@10.0.0.1>' },
        after: /^SIP\/2\.0 200/,
      }),
    ],
  },
  {
    title: 'save with the address that it came from',
    route: `fix_nated_register(); say("$rc $avp(RECEIVED)"); ${SAVE} ${SHOW}`,
    sent: [register('<sip:alice@10.0.0.1>')],
  },
]

const CONTACTS = [
  '<sip:alice@10.0.0.1:5062>',
  `<sip:alice@${HERE}:${SENDER_PORT}>`,
  `<sip:alice@${HERE}:${SENDER_PORT};alias=1.2.3.4~5~1>`,
  '"A" <sip:alice@host.example;transport=tcp>;q=0.5',
  'sip:alice@192.168.1.1;x=1',
  '*',
  '',
  '<sip:a@100.64.1.1>;x=1, <sip:b@1.2.3.4>',
]
const FIXES = [
  'fix_nated_contact()',
  'set_contact_alias()',
  'set_contact_alias("1")',
  'add_contact_alias()',
  'add_contact_alias("9.8.7.6", "77", "tcp")',
  'add_contact_alias("9.8.7.6", "77", "smoke")',
  'add_rcv_param()',
  'set_alias_to_pv("$avp(alias)")',
]
const send = `$ru = "sip:sink@${HERE}:${SINK_PORT}"; t_relay();`
const nat = CONTACTS.flatMap((contact) => [
  ...FIXES.map(
    (statement): ParityCase => ({
      title: `${statement} of Contact: ${contact}`,
      route: `${statement}; $var(rc) = $rc; say("rc=$var(rc) $avp(alias)"); ${send}`,
      sent: [{ lines: { Contact: contact === '' ? '' : `Contact: ${contact}` } }],
    }),
  ),
  {
    title: `nat_uac_test of Contact: ${contact}`,
    route: `$var(o) = "";${[1, 2, 4, 8, 16, 32, 64, 128, 256, 512].map((flag) => ` if (nat_uac_test("${flag}")) $var(o) = $var(o) + "${flag},";`).join('')} say("$var(o)"); sl_send_reply("200", "OK");`,
    sent: [{ lines: { Contact: contact === '' ? '' : `Contact: ${contact}` } }],
  },
])

const SDP =
  'v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=rtcp:4001\r\nm=video 4002 RTP/AVP 31\r\nc=IN IP4 10.0.0.2\r\n'
const sdps = ['1', '2', '4', '8', '3', '10'].map(
  (flags): ParityCase => ({
    title: `fix_nated_sdp ${flags}`,
    route: `fix_nated_sdp("${flags}"); $var(rc) = $rc; say("$var(rc)"); if (nat_uac_test("8")) say("private"); if (nat_uac_test("256")) say("differs"); ${send}`,
    sent: [{ method: 'INVITE', body: SDP }],
    answers: { '*': [[486, 'Busy']] },
  }),
)

const ALIASES = [
  'alias=1.2.3.4~5060~1',
  'alias=1.2.3.4~5060~2;x=1',
  'x=1;alias=[::1]~5060~3',
  'alias=bad',
  'y',
  'alias=1.1.1.1~1~1;alias=2.2.2.2~2~1',
]
const rest: readonly ParityCase[] = [
  ...ALIASES.map(
    (params): ParityCase => ({
      title: `handle_ruri_alias of ;${params}`,
      route: 'handle_ruri_alias(); $var(rc) = $rc; say("$var(rc) $ru $du"); sl_send_reply("200", "OK");',
      sent: [{ uri: `sip:bob@10.0.0.1;${params}` }],
    }),
  ),
  {
    title: 'is_rfc1918',
    route: `${['10.1.1.1', '172.15.0.1', '172.31.1.1', '192.168.0.1', '100.64.1.1', '100.128.0.1', '169.254.1.1', 'host', '11.1.1.1'].map((ip) => `if (is_rfc1918("${ip}")) say("${ip}");`).join(' ')} sl_send_reply("200", "OK");`,
  },
  ...[
    'add_path()',
    'add_path("us")',
    'add_path("us", "a=b;c")',
    'add_path_received()',
    'add_path_received("us", "a=b")',
  ].map(
    (statement): ParityCase => ({
      title: statement,
      route: `${statement}; $var(rc) = $rc; say("$var(rc)"); ${send}`,
      sent: [
        register(CONTACT),
        register(CONTACT, ['Path: <sip:before.example;lr>'], { lines: { CSeq: 'CSeq: 8 REGISTER' } }),
      ],
    }),
  ),
]

const digest = (realm: string) =>
  `Digest username="alice", realm="${realm}", nonce="bm9uY2U=", uri="sip:x", response="0123456789abcdef0123456789abcdef"`
const CREDENTIALS = [
  [],
  [`Authorization: ${digest('example.com')}`],
  [`Proxy-Authorization: ${digest('example.com')}`],
  [`Proxy-Authorization: ${digest('other.example')}`],
  ['Authorization: Basic Zm9v'],
]
const AUTHS = [
  'pv_www_authenticate("example.com", "secret", "0")',
  'pv_proxy_authenticate("example.com", "secret", "0")',
  'pv_auth_check("$fd", "secret", "0", "1")',
  'has_credentials("example.com")',
  'consume_credentials()',
]
const auth: readonly ParityCase[] = [
  ...['OPTIONS', 'REGISTER'].flatMap((method) =>
    [
      'auth_challenge("$fd", "0")',
      'auth_challenge("$fd", "1")',
      'auth_challenge("$fd", "2")',
      'auth_challenge("$fd", "17")',
      'www_challenge("r", "1")',
      'proxy_challenge("r", "0")',
    ].map(
      (statement): ParityCase => ({
        title: `${statement} of ${method}`,
        route: `${statement}; $var(rc) = $rc; say("$var(rc)");`,
        sent: [{ method }],
      }),
    ),
  ),
  ...CREDENTIALS.flatMap((headers) =>
    AUTHS.map(
      (statement): ParityCase => ({
        title: `${statement} with ${headers[0] ?? 'nothing'}`,
        route: `${statement}; $var(rc) = $rc; say("$var(rc) $au $ar $aU $adu $aa"); sl_send_reply("200", "OK");`,
        sent: [{ headers }],
      }),
    ),
  ),
]

export const USERS: readonly ParityCase[] = [...registrations, ...SAVES, ...LOOKUPS, ...nat, ...sdps, ...rest, ...auth]
