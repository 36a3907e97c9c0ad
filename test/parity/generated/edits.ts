// Owns edits of a message by chance: headers and bodies, before and after msg_apply_changes.
import { type ParityCase, SINK } from '../case.ts'
import { SDP } from '../cases/messages.ts'
import { type Next, pick, several } from './random.ts'

const NAMES = ['X-A', 'X-B', 'Subject', 'User-Agent', 'Contact', 'X-New', 'x-low', 'X-None']
const WORDS = [
  'one',
  'two',
  'World',
  'X-A',
  'Hello',
  'a',
  'PCMU',
  'rtpmap',
  'nothing',
  'low',
  '[0-9]+',
  '^X-',
  'o',
  '(H)(e)',
  'ua/1',
]
const TEXTS = ['', 'new', '$rU', 'a b', 'x, y', '0', 'Zz']

function edit(next: Next): string {
  const name = pick(next, NAMES)
  const other = pick(next, NAMES)
  const word = pick(next, WORDS).replaceAll('/', '\\/')
  const text = pick(next, TEXTS)
  const plain = text.replace('$rU', 'user')
  const flags = pick(next, ['', 'g', 'i', 'gi'])
  switch (Math.floor(next() * 24)) {
    case 0:
      return `append_hf("${name}: ${text}\\r\\n");`
    case 1:
      return `append_hf("${name}: ${text}\\r\\n", "${other}");`
    case 2:
      return `insert_hf("${name}: ${text}\\r\\n");`
    case 3:
      return `insert_hf("${name}: ${text}\\r\\n", "${other}");`
    case 4:
      return `remove_hf("${pick(next, ['X-A', 'X-B', 'Subject', 'User-Agent', 'Contact', 'x-low', 'X-New', 'X-None'])}");`
    case 5:
      return `remove_hf_re("${pick(next, ['^X-[AB]', 'ject$', '^x', 'agent', 'zzz'])}");`
    case 6:
      return `subst_hf("${pick(next, ['X-A', 'X-B', 'Subject', 'User-Agent', 'X-None'])}", "/${word}/${plain}/${flags}", "${pick(next, ['a', 'f', 'l'])}");`
    case 7:
      return `subst_body("/${word}/${plain}/${flags}");`
    case 8:
      return 'msg_apply_changes();'
    case 9:
      return `if (is_present_hf("${name}")) say("present"); else say("absent");`
    case 10:
      return `say("[$hdr(${name})] [$(hdr(${name})[-1])] $hdrc(${name})");`
    case 11:
      return `if (search("${word}")) say("found"); else say("not");`
    case 12:
      return `if (search_body("${word}")) say("found"); else say("not");`
    case 13:
      return pick(next, [
        'record_route();',
        'add_rr_param(";x=1");',
        'force_rport();',
        'sdp_remove_line_by_prefix("a=rtpmap");',
        'sdp_remove_media("video");',
        'sdp_remove_line_by_prefix("a=", "audio");',
      ])
    case 14:
      return `replace_body${pick(next, ['', '_all'])}("${word}", "${plain}");`
    case 15:
      // What a transaction and the far end know the request by stays: 5.6.3 crashes when it answers one without Via.
      return `remove_hf_exp("${pick(next, ['^X-', '^[A-Z]', 'zzz', '^(Subject|User)'])}", "${pick(next, ['-A', 'X-B', '^Con', '^Max|^Con|^X-C'])}|^Via|^Fr|^To|^Call|^CSeq");`
    case 16:
      return `replace("${pick(next, ['one', 'World', 'three', 'PCMU', 'nothing', 'two|four'])}", "${plain}");`
    case 17:
      return `replace_hdrs("${pick(next, ['one', 'World', 'three', 'nothing'])}", "${plain}");`
    case 18:
      return `replace_str${pick(next, ['', '_all'])}("${pick(next, ['one', 'three', 'nothing', 'ua'])}", "${plain}", "${pick(next, ['a', 'f'])}");`
    case 19:
      return `subst("/${pick(next, ['X-B: (three)', 'Hello( World)?', '(low)$', '(zzz)', '^Subject: (H[a-z]*)'])}/${pick(next, ['X-B: 3', 'Bye\\\\1', 'X-N: y', ''])}/${flags}");`
    case 20:
      return pick(next, [
        'remove_hf_value("X-B[0]"); say("$rc");',
        'remove_hf_value("X-B[*]"); say("$rc");',
        'insert_hf_value("X-B", "new"); say("$rc");',
        'append_hf_value("X-B", "new"); say("$rc");',
        'append_hf_value("X-B[1]", "new"); say("$rc");',
        'insert_hf_value("X-B[1]", "new"); say("$rc");',
        'assign_hf_value("X-B[0]", "set"); say("$rc");',
        'insert_hf_value("X-B[0]", "new"); say("$rc");',
        'include_hf_value("X-B", "four"); say("$rc");',
        'include_hf_value("X-B", "five"); say("$rc");',
        'exclude_hf_value("X-B", "four"); say("$rc");',
        'if (hf_value_exists("X-B", "four")) say("exists"); else say("none");',
      ])
    case 21:
      return pick(next, [
        'set_body("hello", "text/plain");',
        'set_body("$rU says", "text/x");',
        'remove_body();',
        'if (has_body("application/sdp")) say("sdp"); else say("no sdp");',
        'say("$rb");',
        'say("$cl $cT $bs");',
        'append_body_part("part", "text/plain"); say("$rc");',
        'filter_body("application/sdp"); say("$rc");',
      ])
    case 22:
      return pick(next, [
        'sdp_remove_codecs_by_name("PCMU"); say("$rc");',
        'sdp_remove_codecs_by_id("101", "audio"); say("$rc");',
        'sdp_keep_codecs_by_name("PCMU,telephone-event", "audio"); say("$rc");',
        'sdp_keep_codecs_by_id("31"); say("$rc");',
        'if (sdp_with_media("video")) say("video"); else say("no video");',
        'if (sdp_with_codecs_by_name("PCMU")) say("codec"); else say("no codec");',
        'if (sdp_with_active_media("audio")) say("active"); else say("inactive");',
        'sdp_get_line_startswith("$avp(line)", "m="); say("$rc [$avp(line)]");',
        'sdp_get("$avp(sdp)"); say("$rc [$(avp(sdp){s.len})]");',
        'sdp_remove_transport("RTP/SAVP"); say("$rc");',
      ])
    case 23:
      return pick(next, [
        'if (is_present_hf_pv("X-A")) say("present"); else say("absent");',
        'if (starts_with("$hdr(X-A)", "o")) say("starts"); else say("not");',
        'if (cmp_istr("$hdr(Subject)", "hello world")) say("equal"); else say("not");',
        'if (is_audio_on_hold()) say("hold"); else say("no hold");',
        'if (search_hf("X-B", "three", "a")) say("found"); else say("not");',
        'if (fnmatch("$hdr(Subject)", "Hel*")) say("fn"); else say("not");',
        'search_append("Hello", "!"); say("$rc");',
        'search_append_body("sendrecv", "x"); say("$rc");',
      ])
    default:
      return `append_to_reply("${name}: ${text}\\r\\n");`
  }
}

export function editCase(next: Next): ParityCase {
  const edits = several(next, 6, () => edit(next))
  const later = next() < 0.3 ? several(next, 3, () => edit(next)) : []
  const sdp = next() < 0.4
  const end =
    next() < 0.85
      ? `$du = "${SINK}"; ${later.length > 0 ? 't_on_branch("B%%"); t_on_reply("R%%");' : ''} t_relay();`
      : 'sl_send_reply("404", "Nope");'
  const inBranch = later.filter((text) => /^(?:append_hf|insert_hf|remove_hf|subst_hf)\(/.test(text))
  const headers = [
    'X-A: one',
    'X-A: two',
    'X-B: three, four',
    'Subject: Hello World',
    'User-Agent: ua/1',
    'x-low: low',
  ].filter(() => next() < 0.8)
  return {
    title: `edits ${edits.join(' ')}`,
    route: `${edits.map((text) => `${text} say("$rc");`).join(' ')} ${end}`,
    blocks:
      later.length === 0
        ? ''
        : `branch_route[B%%] { ${inBranch.join(' ')} say("B"); } onreply_route[R%%] { ${inBranch.join(' ')} say("R"); }`,
    sent: [{ method: sdp ? 'INVITE' : 'OPTIONS', headers, ...(sdp ? { body: SDP } : {}) }],
  }
}
