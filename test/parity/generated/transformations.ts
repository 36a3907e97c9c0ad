// Owns transformations by chance: chains of them, over texts that tempt them.
import type { ParityCase } from '../case.ts'
import { RICH } from '../cases/messages.ts'
import { between, type Next, pick } from './random.ts'

const TEXTS = [
  'abc,def,ghi',
  'a;b=1;c="x;y";D=2',
  'sip:us%20er:pw@host.example:5070;transport=tcp;lr;x=y?h=v&g=w',
  'sips:host.example',
  '"Dis Play" <sip:u@h:5070;p=1>;tag=zz;q=0.5',
  'Plain Name <sip:u@h>',
  '<sip:u@h;lr>;x',
  '  padded  ',
  '12345',
  '0',
  '007',
  '+49 30 (12) 3',
  'MiXed Case',
  'aaa',
  'one\\ntwo\\nthree',
  'a=1&b=2',
  'x',
  'YWJj',
  '616263',
  'a%20b',
  '\\"quoted\\"',
]
const VARIABLES = [
  '$tu',
  '$fu',
  '$hdr(X-P)',
  '$hdr(X-NA)',
  '$hdr(X-Csv)',
  '$ua',
  '$rU',
  '$hdr(X-Nope)',
  '$avp(undef)',
  '$cs',
  '$sp',
]
const FIXED = [
  's.len',
  's.int',
  's.md5',
  's.sha256',
  's.toupper',
  's.tolower',
  's.trim',
  's.ltrim',
  's.rtrim',
  's.rmws',
  's.encode.hexa',
  's.encode.base64',
  's.unquote',
  's.unbracket',
  's.numeric',
  's.escape.common',
  's.unescape.common',
  's.escape.user',
  's.unescape.user',
  's.escape.param',
  's.unescape.param',
  's.urlencode.param',
  's.urldecode.param',
  's.escape.csv',
  's.corehash',
  'uri.user',
  'uri.host',
  'uri.passwd',
  'uri.params',
  'uri.headers',
  'uri.scheme',
  'uri.transport',
  'uri.port',
  'nameaddr.uri',
  'nameaddr.name',
  'tobody.user',
  'tobody.host',
  'tobody.display',
  'tobody.params',
  'param.count',
  'line.count',
]

function step(next: Next): string {
  if (next() < 0.4) return pick(next, FIXED)
  const character = pick(next, [',', ';', '=', ' ', 'e', 'a', '@', ':'])
  // 5.6.3 finds no blank: it takes it off its arguments.
  const visible = character.trim() || ';'
  const number = between(next, -3, 4)
  const text = pick(next, ['a', 'e', 'b', 'sip:', '1', 'zz', 'ab', 'X'])
  return pick(next, [
    `s.substr,${between(next, -4, 6)},${between(next, 0, 4)}`,
    `s.select,${number},${character}`,
    `s.strip,${between(next, 0, 6)}`,
    `s.striptail,${between(next, 0, 6)}`,
    `s.replace,${text},${pick(next, ['', 'y', 'longer'])}`,
    `s.rm,${text}`,
    `s.before,${visible}`,
    `s.after,${visible}`,
    `s.count,${visible}`,
    `s.prefixes,${between(next, 1, 4)}`,
    `param.value,${pick(next, ['a', 'b', 'c', 'D', 'x', 'q', 'none'])}`,
    `param.in,${pick(next, ['a', 'b', 'x', 'none'])}`,
    `param.name,${number}`,
    `param.valueat,${number}`,
    `uri.param,${pick(next, ['x', 'lr', 'transport', 'none'])}`,
    `line.at,${number}`,
    `line.sw,${text}`,
    `re.subst,/${pick(next, ['a', '[a-c]+', '^(.)', '(.)$', '[[:digit:]]+', '[^a]', 'b*', '.', '(e)(f)?', 'i|p'])}/${pick(next, ['', 'Z', '<&>', '\\\\1', '\\\\1-\\\\1', '$rU'])}/${pick(next, ['', 'g', 'i', 'gi', 's'])}`,
  ])
}

/** One to three transformations of a text or a variable: printed, computed with, and compared with nothing. */
export function transformationCase(next: Next): ParityCase {
  const chain = Array.from({ length: pick(next, [1, 1, 2, 2, 3]) }, () => `{${step(next)}}`).join('')
  const constant = next() < 0.65
  const source = constant ? `"${pick(next, TEXTS)}"` : pick(next, VARIABLES)
  const set = next() < 0.8
  const name = set ? 'var(v)' : constant ? 'rU' : source.slice(1)
  const within = `$(${name}${chain})`
  const literal = within.replaceAll('\\\\', '\\')
  // What changes nothing keeps the number of a variable that is text and number at the same time.
  const sum = /\{s\.un(?:quote|bracket)\}$/.test(chain) ? '' : `$var(x) = ${literal} + 1; say("[$var(x)]");`
  return {
    title: `transformation ${within} of ${source}`,
    route: `${set ? `$var(v) = ${source};` : ''} say("[${within}]"); $var(x) = ${literal}; say("[$var(x)]"); if (${literal} == $null) say("null"); else say("value"); if (${literal} == "") say("empty"); else say("full"); ${sum}`,
    sent: [RICH],
  }
}
