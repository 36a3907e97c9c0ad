// Owns the tests of the engine's small parts: metrics, log, error replies, SDP in bodies, positions of configuration keys.
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { configPositions } from '../../src/engine/config-positions.ts'
import { createLogger, errorReply, Metrics } from '../../src/engine/index.ts'
import { LogBudget } from '../../src/engine/log-budget.ts'
import { nearestKey } from '../../src/engine/nearest-key.ts'
import { randomHex } from '../../src/engine/random-hex.ts'
import { findSdp } from '../../src/engine/sdp-body.ts'
import { ERROR_CODES, type ErrorCode, SignalboxError } from '../../src/errors.ts'
import { parseMessage } from '../../src/sip/index.ts'

describe('metrics', () => {
  test('numbers are read when the text is asked for', async () => {
    const metrics = new Metrics()
    const calls = metrics.counter('calls_total', 'Calls.', ['status'])
    calls.add({ status: '200' })
    calls.with({ status: '486' }).value += 2
    let level = 1
    metrics.gauge('level', 'A level.', () => level)
    metrics.reading('seen_total', 'Seen.', () => [[{ transport: 'udp' }, 7]], ['transport'])
    expect(await metrics.text()).toContain('calls_total{status="200"} 1\ncalls_total{status="486"} 2')
    level = 5
    calls.add({ status: '200' }, 3)
    const text = await metrics.text()
    expect(text).toContain('calls_total{status="200"} 4')
    expect(text).toContain('level 5')
    expect(text).toContain('seen_total{transport="udp"} 7')
  })

  test('label sets are bounded', async () => {
    const metrics = new Metrics()
    const family = metrics.counter('many_total', 'Many.', ['name'])
    for (let n = 0; n < 3000; n++) family.add({ name: `n${n}` })
    expect((await metrics.text()).split('\n').filter((line) => line.startsWith('many_total{')).length).toBe(1000)
  })
})

describe('log', () => {
  async function lines(level: 'info' | 'warn', format: 'json' | 'pretty') {
    const written: string[] = []
    const log = await createLogger({ level, format, destination: { write: (line) => void written.push(line) } })
    return { log, written }
  }

  test('one JSON object a line, quiet below its level, secrets hidden', async () => {
    const { log, written } = await lines('info', 'json')
    log.debug({}, 'not seen')
    log.child({ callId: 'c1' }).info({ key: 'secret', tls: { key: 'secret' } }, 'seen')
    expect(written).toHaveLength(1)
    expect(JSON.parse(written[0]!)).toMatchObject({ level: 'info', callId: 'c1', key: '[hidden]', msg: 'seen' })
    expect(written[0]).not.toContain('secret')
    expect([log.enabled('debug'), log.enabled('info')]).toEqual([false, true])
    log.level = 'debug'
    expect(log.enabled('debug')).toBe(true)
  })

  test('pretty for people', async () => {
    const { log, written } = await lines('info', 'pretty')
    log.warn({ callId: 'c1' }, 'look here')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(written.join('')).toMatch(/WARN.*look here.*c1/)
  })
})

describe('error replies', () => {
  test('every code has a reply that stands for an error', () => {
    for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
      const { status, reason } = errorReply(new SignalboxError(code, 'x'))
      expect([400, 500, 503]).toContain(status)
      expect(reason).not.toBe('')
    }
    expect(errorReply(new SignalboxError('ERR_LIMIT', 'x')).headers).toMatch(/^Retry-After: \d+\r\n$/)
    expect(errorReply(new TypeError('x')).status).toBe(500)
  })
})

describe('SDP in a body', () => {
  const message = (type: string, body: string) => {
    const parsed = parseMessage(
      `INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    if (!parsed.ok) throw new Error(parsed.reason)
    return parsed.message
  }

  test('alone', () => {
    const sdp = findSdp(message('application/sdp', 'v=0\r\n'))
    expect(sdp?.text).toBe('v=0\r\n')
    expect(sdp?.replace('v=1\r\n')).toBe('v=1\r\n')
    expect(findSdp(message('text/plain', 'v=0\r\n'))).toBeUndefined()
    expect(findSdp(message('application/sdp', ''))).toBeUndefined()
  })

  test('as a part, with the other parts kept', () => {
    const body = [
      'preamble',
      '--edge',
      'Content-Type: application/isup',
      '',
      '\u0001\u0000\u00ff',
      '--edge',
      'Content-Type: application/sdp',
      'Content-Disposition: session',
      '',
      'v=0',
      's=-',
      '--edge--',
      '',
    ].join('\r\n')
    const sdp = findSdp(message('multipart/mixed; boundary="edge"', body))
    expect(sdp?.text).toBe('v=0\r\ns=-')
    expect(sdp?.replace('v=9')).toBe(body.replace('v=0\r\ns=-', 'v=9'))
  })

  test.each([
    ['multipart/mixed', '--edge\r\n'],
    ['multipart/mixed;boundary=edge', ''],
    ['multipart/mixed;boundary=edge', '--edge'],
    ['multipart/mixed;boundary=edge', '--edge\r\nContent-Type: application/sdp\r\n'],
    ['multipart/mixed;boundary=edge', '--edge\r\n\r\n--edge--'],
  ])('%s %j: none', (type, body) => {
    expect(findSdp(message(type, body))).toBeUndefined()
  })
})

describe('positions of keys', () => {
  test('nested, quoted, shorthand, spread and after strings that look like code', () => {
    const source = [
      'export const config = {',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: source text of a script
      "  listen: [`udp:${x ? '}' : ']'}`, 'b'],",
      '  ...more,',
      "  'tls': { profiles: { a: { key } } }, // comment: {",
      '  fn(1, { inner: 2 }), hosts: {},',
      '} satisfies Config',
    ].join('\n')
    const at = (path: string) => {
      const position = configPositions(source).get(path)
      return position && `${position.line}:${position.column}`
    }
    expect(['listen', 'listen.1', 'tls', 'tls.profiles.a', 'tls.profiles.a.key', 'hosts'].map(at)).toEqual([
      '2:3',
      '2:36',
      '4:3',
      '4:24',
      '4:29',
      '5:24',
    ])
    expect(at('more')).toBeUndefined()
  })

  test('text that never ends ends the search', () => {
    for (const text of [
      'export const config = {',
      'export const config = { a: [',
      "export const config = { a: 'x",
      'nothing',
    ])
      expect(configPositions(text)).toBeInstanceOf(Map)
  })

  test('the nearest known key', () => {
    const known = ['listen', 'alias', 'timers', 'limits', 'isolateMegabytes']
    expect(nearestKey('lisetn', known)).toBe('listen')
    expect(nearestKey('isolateMegaBytes', known)).toBe('isolateMegabytes')
    expect(nearestKey('completely', known)).toBeUndefined()
  })
})

test('random digits never repeat', () => {
  const seen = new Set(Array.from({ length: 5000 }, () => randomHex(8)))
  expect(seen.size).toBe(5000)
  expect(randomHex(12)).toMatch(/^[0-9a-f]{24}$/)
  expect(randomHex(5000)).toHaveLength(10_000)
})

test('a flood of trouble is not a flood of lines', () => {
  const clock = new ManualClock()
  const budget = new LogBudget(clock, 3)
  expect([1, 2, 3, 4, 5].map(() => budget.take())).toEqual([0, 0, 0, undefined, undefined])
  clock.advance(1000)
  expect([budget.take(), budget.take()]).toEqual([2, 0])
})
