// Owns the tests of finding header lines: long and compact names mixed, messages asked in turns, very many lines.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  canonicalHeaderName,
  HeaderId,
  headerIdOf,
  parseMessage,
  type SipMessage,
  UNBOUNDED_PARSE_LIMITS,
} from '../../src/sip/index.ts'

const NAMES = [
  'Via',
  'v',
  'VIA',
  'From',
  'f',
  'To',
  't',
  'Call-ID',
  'i',
  'CSeq',
  'Contact',
  'm',
  'c',
  'Content-Type',
  'l',
  'Route',
  'Record-Route',
  'X-Via',
  'Vi',
  'Max-Forwards',
  'Min-SE',
  '3x',
  '~tilde',
]

function messageOf(names: readonly string[]): SipMessage {
  const lines = names.map((name, i) => `${name}${i % 3 === 0 ? ' ' : ''}: ${name === 'l' ? 0 : i}`)
  const parsed = parseMessage(['OPTIONS sip:a@b SIP/2.0', ...lines, '', ''].join('\r\n'), UNBOUNDED_PARSE_LIMITS)
  const message = parsed.ok ? parsed.message : parsed.partial
  if (message === undefined) throw new Error('it does not parse')
  return message
}

const IDS = [...new Set(NAMES.map(headerIdOf))].filter((id) => id !== HeaderId.Other)

test('each id is found at its lines in order, whichever message was asked before', () => {
  const names = fc.array(fc.constantFrom(...NAMES), { maxLength: 40 })
  fc.assert(
    fc.property(names, names, (one, other) => {
      const messages = [one, other].map((list) => ({ list, message: messageOf(list) }))
      for (const id of IDS) {
        for (const { list, message } of messages) {
          const found: number[] = []
          for (let at = message.findId(id); at >= 0; at = message.findId(id, at + 1)) found.push(at)
          expect(found).toEqual(list.flatMap((name, i) => (headerIdOf(name) === id ? [i] : [])))
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('a thousand lines are searched to the last', () => {
  const list = Array.from({ length: 1000 }, (_, i) =>
    i % 250 === 249 ? 'Route' : i % 2 === 0 ? 'Record-Route' : 'X-Other',
  )
  const message = messageOf(list)
  const found: number[] = []
  for (let at = message.findId(HeaderId.Route); at >= 0; at = message.findId(HeaderId.Route, at + 1)) found.push(at)
  expect(found).toEqual([249, 499, 749, 999])
  expect(message.findId(HeaderId.Via)).toBe(-1)
})

test('a name is known in either case of each letter, and with no other char in its place', () => {
  for (const id of Object.values(HeaderId)) {
    if (id === HeaderId.Other) continue
    const name = canonicalHeaderName(id)
    for (let at = 0; at < name.length; at++) {
      for (let code = 0; code < 256; code++) {
        const char = String.fromCharCode(code)
        const isSame = /[a-z]/i.test(char) ? char.toLowerCase() === name[at]!.toLowerCase() : char === name[at]
        const found = headerIdOf(name.slice(0, at) + char + name.slice(at + 1))
        if ((found === id) !== isSame) expect.fail(`${name} with char ${code} at ${at} is header ${found}`)
      }
    }
    expect(headerIdOf(name.toLowerCase())).toBe(id)
    expect(headerIdOf(`${name}x`)).not.toBe(id)
  }
})
