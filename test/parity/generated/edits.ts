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
  switch (Math.floor(next() * 16)) {
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
    default:
      return `append_to_reply("${name}: ${text}\\r\\n");`
  }
}

export function editCase(next: Next): ParityCase {
  const edits = several(next, 6, () => edit(next))
  const sdp = next() < 0.4
  const end = next() < 0.8 ? `$du = "${SINK}"; t_relay();` : 'sl_send_reply("404", "Nope");'
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
    sent: [{ method: sdp ? 'INVITE' : 'OPTIONS', headers, ...(sdp ? { body: SDP } : {}) }],
  }
}
