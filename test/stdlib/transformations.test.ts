// Owns the tests of transformations and of the codecs under them; values are those that Kamailio 5.6.3 gives.
import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { bindPv, declaredTransformations, parsePv } from '../../stdlib/pseudo-variables.ts'
import { variableSlot } from '../../stdlib/pv-variables.ts'
import { base64Decode, base64Encode, hexDecode, hexEncode, md5, sha256 } from '../../stdlib/string-codecs.ts'

function transform(value: string | number, transformations: string) {
  variableSlot('t').value = value
  return bindPv(parsePv(`$(var(t)${transformations})`)).get()
}

test.each([
  ['hello world', '{s.len}', 11],
  ['hello world', '{s.substr,0,5}', 'hello'],
  ['hello world', '{s.substr,6,0}', 'world'],
  ['hello world', '{s.substr,-5,3}', 'wor'],
  ['hello world', '{s.substr,20,1}', undefined],
  ['a,b,c', '{s.select,1,,}', 'b'],
  ['a,b,c', '{s.select,-1,,}', 'c'],
  ['a,b,c', '{s.select,9,,}', ''],
  ['12abc', '{s.int}', undefined],
  ['0x10', '{s.int}', undefined],
  ['  x ', '{s.trim}', 'x'],
  ['a\'b"c\\d', '{s.escape.common}', 'a\\\'b\\"c\\\\d'],
  ['a b@c;d', '{s.escape.user}', 'a%20b%40c;d'],
  ['a b@c;d', '{s.escape.param}', 'a%20b%40c%3bd'],
  ['a%20b', '{s.unescape.user}', 'a b'],
  ['abc', '{s.prefixes,2}', 'a,ab'],
  ['a.b.a', '{s.replace,a,xx}', 'xx.b.xx'],
  ['abc', '{s.toupper}{s.len}', 3],
  ['sip:us:pw@h.com:5080;transport=TCP;p=v?X=1', '{uri.params}', 'transport=TCP;p=v'],
  ['sip:us:pw@h.com:5080;transport=TCP;p=v?X=1', '{uri.tosocket}', 'tcp:h.com:5080'],
  ['sip:us@h.com', '{uri.port}', ''],
  ['not a uri', '{uri.host}', undefined],
  ['"Na" <sip:u@h;x=1>;tag=5;q', '{nameaddr.uri}', 'sip:u@h;x=1'],
  ['"Na" <sip:u@h;x=1>;tag=5;q', '{tobody.params}', 'tag=5;q'],
  ['a=1;b="x;y";c', '{param.value,b}', 'x;y'],
  ['a=1;b=2;c', '{param.count}', 3],
  ['a=1&b=2', '{param.value,b,&}', '2'],
  ['l1\r\nl2', '{line.at,1}', 'l2'],
  ['abc123def', '{re.subst,/([a-z]+)([0-9]+)/\\2-\\1/}', '123-abcdef'],
  ['abc', '{re.subst,/[a-b]/x/g}', 'xxc'],
  ['abc', '{re.subst,/Z/x/}', 'abc'],
  ['aaa', '{re.subst,/^a*$/<\\0>/}', '<aaa>'],
  ["o'b", '{sql.val}', "'o\\'b'"],
  [5, '{sql.val}', '5'],
  ['http://h/p?a=1', '{url.querystring}', 'a=1'],
])('%j %s', (value, transformations, expected) => {
  expect(transform(value, transformations)).toBe(expected)
})

test('null stays nothing through every transformation', () => {
  for (const name of declaredTransformations().keys()) {
    const { parameters } = declaredTransformations().get(name)!.meta
    const args = parameters.map(({ kind }) => (name === 're.subst' ? '/a/b/' : kind === 'int' ? '1' : 'a'))
    const text = [name, ...args].join(',')
    // SQL has a literal for null.
    const expected = name.startsWith('sql.') ? 'NULL' : undefined
    expect(bindPv(parsePv(`$(null{${text}})`)).get() ?? undefined, text).toBe(expected)
  }
})

describe('codecs agree with the reference', () => {
  test('md5 and sha256 at every block border', () => {
    for (let length = 0; length < 200; length++) {
      const bytes = randomBytes(length)
      const text = bytes.toString('latin1')
      expect(md5(text)).toBe(createHash('md5').update(bytes).digest('hex'))
      expect(sha256(text)).toBe(createHash('sha256').update(bytes).digest('hex'))
    }
  })
  test('base64 and hexadecimal', () => {
    for (let length = 0; length < 50; length++) {
      const bytes = randomBytes(length)
      const text = bytes.toString('latin1')
      expect(base64Encode(text)).toBe(bytes.toString('base64'))
      expect(base64Decode(bytes.toString('base64'))).toBe(text)
      expect(hexDecode(hexEncode(text))).toBe(text)
    }
    expect(base64Decode('a*b')).toBeUndefined()
    expect(hexDecode('xy')).toBeUndefined()
  })
})
