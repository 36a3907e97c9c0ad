// Owns the tests of stream framing: any cut of the bytes gives the same messages, keep-alives, bounds, errors that end it.

import { describe, expect, test } from 'vitest'
import { DEFAULT_PARSE_LIMITS, type FramedItem, StreamFramer } from '../../src/sip/index.ts'
import { benchInvite } from './fixtures.ts'

const options = 'OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP x\r\nl: 0\r\n\r\n'

function frame(stream: string, size = stream.length, limits = DEFAULT_PARSE_LIMITS): FramedItem[] {
  const framer = new StreamFramer(limits)
  const items: FramedItem[] = []
  for (let i = 0; i < stream.length; i += size) items.push(...framer.push(stream.slice(i, i + size)))
  return items
}

const message = (raw: string): FramedItem => ({ kind: 'message', raw })

describe('messages', () => {
  const stream = benchInvite + options + benchInvite

  test.each([1, 2, 3, 7, 64, 1000, 1e6])('in chunks of %i bytes', (size) => {
    expect(frame(stream, size)).toEqual([message(benchInvite), message(options), message(benchInvite)])
  })

  test('a body that looks like an end, and bytes of any value', () => {
    const body = '\r\n\r\nOPTIONS\0\xff'
    const raw = `MESSAGE sip:a@b SIP/2.0\r\nContent-Length:\r\n ${body.length}\r\n\r\n${body}`
    for (const size of [1, 5, 500]) expect(frame(raw + options, size)).toEqual([message(raw), message(options)])
  })

  test('bare LF ends lines as it does for the parser', () => {
    const raw = 'OPTIONS sip:a@b SIP/2.0\nContent-Length: 2\n\nhi'
    for (const size of [1, 500]) expect(frame(raw + options, size)).toEqual([message(raw), message(options)])
  })

  test('partial tells that a message is begun', () => {
    const framer = new StreamFramer()
    expect(framer.partial).toBe(false)
    framer.push(options.slice(0, 20))
    expect(framer.partial).toBe(true)
    framer.push(options.slice(20))
    expect(framer.partial).toBe(false)
  })
})

describe('keep-alive (RFC 5626)', () => {
  test.each([1, 100])('ping and pong around messages, chunks of %i', (size) => {
    const kinds = frame(`\r\n\r\n${options}\r\n${options}\r\n\r\n\r\n\r\n`, size).map((item) => item.kind)
    expect(kinds).toEqual(['ping', 'message', 'pong', 'message', 'ping', ...(size === 1 ? ['ping'] : [])])
  })

  test('a flood of pings in one chunk counts once', () => {
    expect(frame('\r\n\r\n'.repeat(10_000)).map((item) => item.kind)).toEqual(['ping'])
  })

  test('a CRLF alone is a pong once it is known not to be half a ping', () => {
    const framer = new StreamFramer()
    expect(framer.push('\r\n').map((item) => item.kind)).toEqual([])
    expect(framer.settle().map((item) => item.kind)).toEqual(['pong'])
    expect(framer.settle()).toEqual([])
    expect(framer.push('\r\n\r\n').map((item) => item.kind)).toEqual(['ping'])
  })
})

describe('errors', () => {
  test.each([
    ['no Content-Length', 'OPTIONS sip:a@b SIP/2.0\r\nX: y\r\n\r\n', 400],
    ['malformed', 'OPTIONS sip:a@b SIP/2.0\r\nContent-Length: -999\r\n\r\n', 400],
    ['contradictory', 'OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 1\r\nl: 2\r\n\r\n', 400],
    ['body beyond the limit', 'OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 99999999\r\n\r\n', 413],
  ])('%s ends the stream', (_, head, status) => {
    const items = frame(options + head + options)
    expect(items.map((item) => item.kind)).toEqual(['message', 'error'])
    expect(items[1]).toMatchObject({ status, head })
  })

  test('a head without end is bounded', () => {
    const limits = { ...DEFAULT_PARSE_LIMITS, messageBytes: 1000 }
    const framer = new StreamFramer(limits)
    let pushed = 0
    let items: FramedItem[] = []
    while (items.length === 0 && pushed < 5000) {
      items = framer.push('X'.repeat(100))
      pushed += 100
    }
    expect(items).toMatchObject([{ kind: 'error', status: 513 }])
    expect(pushed).toBe(1100)
    expect(framer.push(options)).toEqual([])
  })

  test('head and body together are bounded', () => {
    const limits = { ...DEFAULT_PARSE_LIMITS, messageBytes: 60 }
    expect(frame('OPTIONS sip:a@b SIP/2.0\r\nl: 30\r\n\r\n', 5, limits)).toMatchObject([{ kind: 'error', status: 513 }])
  })
})

test('the work grows with the bytes, not with their square', () => {
  const body = 'x'.repeat(60_000)
  const raw = `MESSAGE sip:a@b SIP/2.0\r\n${'X: y\r\n'.repeat(200)}Content-Length: ${body.length}\r\n\r\n${body}`
  const framer = new StreamFramer()
  const start = performance.now()
  let messages = 0
  for (let round = 0; round < 3; round++) for (const byte of raw) messages += framer.push(byte).length
  expect(messages).toBe(3)
  expect(performance.now() - start).toBeLessThan(2000)
})
