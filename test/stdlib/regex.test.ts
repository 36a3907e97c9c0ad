// Owns the proof that POSIX extended expressions match as glibc's do, in linear time.
import { describe, expect, test } from 'vitest'
import { posixRegex, RegexError } from '../../stdlib/regex.ts'

function groups(pattern: string, text: string, options = {}): (string | undefined)[] | undefined {
  const match = posixRegex(pattern, options).exec(text)
  if (!match) return undefined
  return Array.from({ length: match.length / 2 }, (_, i) =>
    match[i * 2]! < 0 ? undefined : text.slice(match[i * 2], match[i * 2 + 1]),
  )
}

describe('syntax', () => {
  test.each([
    ['a|ab|abc', 'xabcd', ['abc']],
    ['(a|ab)(c|bcd)(d*)', 'abcd', ['abcd', 'a', 'bcd', '']],
    ['[[:digit:]]+', 'ab 0123', ['0123']],
    ['[[:alpha:]_]+', '1_ab2', ['_ab']],
    ['[]x]+', 'a]x]', [']x]']],
    ['[^]x]+', ']ab]', ['ab']],
    ['[a-]+', 'x-a-', ['-a-']],
    ['[\\d]+', '5\\d', ['\\d']],
    ['a{2}', 'caaa', ['aa']],
    ['a{,2}b', 'aaab', ['aab']],
    ['a{1,}', 'baa', ['aa']],
    ['a**', 'aa', ['aa']],
    ['(a*)+', 'aa', ['aa', 'aa']],
    ['a\\.b', 'axb a.b', ['a.b']],
    ['\\w+', '--ab_1--', ['ab_1']],
    ['(^|,)b', 'a,b', [',b', ',']],
    ['()', 'x', ['', '']],
    ['}', 'a}', ['}']],
    [']', 'a]', [']']],
    ['a(b)?c', 'ac', ['ac', undefined]],
    ['a)', 'a)', ['a)']],
  ])('%s in %s', (pattern, text, expected) => {
    expect(groups(pattern, text)).toEqual(expected)
  })

  test('\\d is a d, not a digit', () => {
    expect(posixRegex('^\\d+$').test('05')).toBe(false)
    expect(posixRegex('^\\d$').test('d')).toBe(true)
  })

  test('bytes above 127 and NUL match as they are', () => {
    expect(groups('[^a]+', '\u00e9\u0000\u00ff')).toEqual(['\u00e9\u0000\u00ff'])
    expect(posixRegex('\u00e9', { ignoreCase: true }).test('\u00c9')).toBe(false)
  })

  test.each([
    ['(a', 'Unmatched ('],
    ['*a', 'Invalid preceding regular expression'],
    ['a|+', 'Invalid preceding regular expression'],
    ['a{x', 'Unmatched {'],
    ['[a', 'Unmatched ['],
    ['a\\', 'Trailing backslash'],
    ['a{3,2}', 'Invalid content of {}'],
    ['[[:nope:]]', 'Invalid character class name'],
    ['[[:constructor:]]', 'Invalid character class name'],
    ['(a)\\1', 'Back-references cannot be matched in linear time'],
    ['a{1001}', 'Counts above 1000 cannot be matched in linear time'],
    ['[b-a]', 'Invalid range end'],
  ])('%s is refused', (pattern, reason) => {
    expect(() => posixRegex(pattern)).toThrow(RegexError)
    expect(() => posixRegex(pattern)).toThrow(reason)
  })
})

describe('flags', () => {
  test('case', () => {
    expect(posixRegex('INVITE', { ignoreCase: true }).test('an invite')).toBe(true)
    expect(posixRegex('INVITE').test('an invite')).toBe(false)
    expect(posixRegex('[a-c]+X', { ignoreCase: true }).test('ABx')).toBe(true)
  })

  test('without newline mode the dot takes all, and anchors mean the whole text', () => {
    expect(groups('a.*c', 'a\nb\nc')).toEqual(['a\nb\nc'])
    expect(posixRegex('^b$').test('a\nb\nc')).toBe(false)
  })

  test('in newline mode a match stays within its line', () => {
    expect(groups('^b.*$', 'a\r\nb: x\r\nc', { newline: true })).toEqual(['b: x\r'])
    expect(posixRegex('a[^x]c', { newline: true }).test('a\nc')).toBe(false)
  })
})

test('search goes on from an offset, line by line', () => {
  const regex = posixRegex('^X: (.*)v(.*)$', { newline: true })
  const text = 'X: 1v1\r\nY: v\r\nX: 2v2\r\n'
  expect(regex.exec(text)).toEqual([0, 7, 3, 4, 5, 7])
  expect(regex.exec(text, 7)).toEqual([14, 21, 17, 18, 19, 21])
  expect(regex.exec(text, 21)).toBeUndefined()
})

test('an expression that backtracking engines hang on takes no time', () => {
  const started = performance.now()
  expect(posixRegex('^(a+)+$').test(`${'a'.repeat(5000)}!`)).toBe(false)
  expect(posixRegex('(x+x+)+y').test('x'.repeat(5000))).toBe(false)
  expect(performance.now() - started).toBeLessThan(1000)
})
