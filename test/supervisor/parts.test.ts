// Owns the tests of the supervisor's parts by themselves: slot, watchdog, history, relay service, last words.
import { describe, expect, test, vi } from 'vitest'
import type { EngineConfig, ScriptRun } from '../../src/engine/index.ts'
import { createFakeRelay } from '../../src/media/index.ts'
import { parseMessage, parseVia } from '../../src/sip/index.ts'
import { FatalMessages } from '../../src/supervisor/fatal-messages.ts'
import { lastWords } from '../../src/supervisor/last-words.ts'
import { mergeMetrics, WorkerMetrics } from '../../src/supervisor/merged-metrics.ts'
import { processStat } from '../../src/supervisor/process-stat.ts'
import { ProgramHistory } from '../../src/supervisor/program-history.ts'
import { createRelayClient } from '../../src/supervisor/relay-client.ts'
import { RelayService } from '../../src/supervisor/relay-service.ts'
import { SLOT_BYTES, SlotReader, SlotWriter } from '../../src/supervisor/slot-memory.ts'
import { StallWatch } from '../../src/supervisor/stall-watch.ts'
import { Watchdog } from '../../src/supervisor/watchdog.ts'

const INVITE = [
  'INVITE sip:bob@10.0.0.9 SIP/2.0',
  'Via: SIP/2.0/UDP 10.0.0.8:5062;branch=z9hG4bK1;rport',
  'From: <sip:alice@10.0.0.8>;tag=a',
  'To: <sip:bob@10.0.0.9>',
  'Call-ID: c\u00e91',
  'CSeq: 1 INVITE',
  'Content-Length: 0',
  '',
  '',
].join('\r\n')

function run(raw = INVITE): ScriptRun {
  const parsed = parseMessage(raw)
  if (!parsed.ok) throw new Error(parsed.reason)
  const listener = { id: 3, transport: 'udp' as const, address: '10.0.0.5', port: 5060 }
  const flow = {
    id: 1,
    transport: 'udp' as const,
    listener,
    remoteAddress: '10.0.0.8',
    remotePort: 40_000,
    reliable: false,
  }
  return { message: parsed.message, flow, program: { version: 7 } } as unknown as ScriptRun
}

function slot() {
  const memory = new ArrayBuffer(SLOT_BYTES)
  return { writer: new SlotWriter(memory), reader: new SlotReader(memory) }
}

describe('the slot', () => {
  test('shows the message that a script works on, and nothing in between', () => {
    const { writer, reader } = slot()
    expect(reader.read()).toBeUndefined()
    writer.enter(run())
    expect(reader.read()).toEqual({
      program: 7,
      isRequest: true,
      transport: 'udp',
      listener: 3,
      remoteAddress: '10.0.0.8',
      remotePort: 40_000,
      flow: 1,
      message: INVITE,
    })
    writer.leave()
    writer.leave()
    expect(reader.read()).toBeUndefined()
    const before = reader.sequence
    writer.enter(run())
    writer.enter(run())
    expect(reader.sequence % 2).toBe(1)
    expect(reader.sequence).toBeGreaterThan(before + 1)
  })

  test('takes the longest message', () => {
    const { writer, reader } = slot()
    const head = INVITE.replace('Content-Length: 0', 'Content-Length: 65000')
    const long = `${head}${'x'.repeat(65_000)}`
    writer.enter(run(long))
    expect(reader.read()?.message === long).toBe(true)
  })

  test('what a dying process left damaged is read without harm', () => {
    const memory = new ArrayBuffer(SLOT_BYTES)
    new Uint8Array(memory).fill(0xff)
    const reading = new SlotReader(memory).read()
    expect(reading?.transport).toBe('udp')
    expect(lastWords(reading!)).toBeUndefined()
  })
})

describe('last words', () => {
  const reading = (more: object = {}, raw = INVITE) => {
    const { writer, reader } = slot()
    writer.enter(run(raw))
    return { ...reader.read()!, ...more }
  }

  test('500 to where the request came from, with received and rport', () => {
    const words = lastWords(reading())!
    expect([words.address, words.port]).toEqual(['10.0.0.8', 40_000])
    expect(words.wire).toMatch(/^SIP\/2.0 500 Server Internal Error\r\n/)
    expect(words.wire).toMatch(/\r\nTo: <sip:bob@10.0.0.9>;tag=\w+\r\n/)
    const via = parseVia(/Via: (.*)\r\n/.exec(words.wire)![1]!)
    expect(via?.params.get('rport')).toBe('40000')
  })

  test('without rport, to the port of the Via', () => {
    expect(lastWords(reading({}, INVITE.replace(';rport', '')))?.port).toBe(5062)
  })

  test('over the connection that the request came by', () => {
    expect(lastWords(reading())?.flow).toBeUndefined()
    expect(lastWords(reading({ transport: 'tcp', flow: 77 }))?.flow).toBe(77)
  })

  test('none for an ACK, for what does not parse', () => {
    expect(lastWords(reading({}, INVITE.replaceAll('INVITE', 'ACK')))).toBeUndefined()
    expect(lastWords(reading({ message: 'nonsense' }))).toBeUndefined()
  })
})

describe('the watchdog', () => {
  function watched() {
    let now = 0
    let stat = { cpuMillis: 0, residentBytes: 1000 }
    const { writer, reader } = slot()
    const dog = new Watchdog(1, reader, {
      bounds: () => ({ hangMillis: 400, residentBytes: 10_000_000 }),
      now: () => now,
      stat: () => stat,
    })
    /** Looks every 50 ms; `load` is the share of a processor that the worker has. */
    const pass = (millis: number, load: number, beats = true) => {
      for (let t = 0; t < millis; t += 50) {
        now += 50
        stat = { ...stat, cpuMillis: stat.cpuMillis + 50 * load }
        if (beats) writer.beat()
        const verdict = dog.verdict()
        if (verdict) return `${verdict} at ${now}`
      }
      return undefined
    }
    return { writer, pass, grow: (bytes: number) => (stat = { ...stat, residentBytes: bytes }) }
  }

  test('a run that computes for too long is the end', () => {
    const { writer, pass } = watched()
    writer.enter(run())
    expect(pass(2000, 1, false)).toMatch(/a run of its script has not ended for 400 ms at 450/)
  })

  test('runs that end are not, however many', () => {
    const { writer, pass } = watched()
    for (let n = 0; n < 100; n++) {
      writer.enter(run())
      expect(pass(100, 1)).toBeUndefined()
      writer.leave()
    }
  })

  test('a worker that gets no processor is given time', () => {
    const { writer, pass } = watched()
    writer.enter(run())
    expect(pass(3000, 0, false)).toBeUndefined()
    expect(pass(3000, 0, false)).toMatch(/has not ended for 5000 ms|not answered for 5000 ms/)
  })

  test('one that does not answer outside of a script ends too', () => {
    const { pass } = watched()
    expect(pass(4900, 1, false)).toBeUndefined()
    expect(pass(500, 1, false)).toMatch(/it has not answered for 5000 ms/)
  })

  test('one that holds too much memory ends', () => {
    const { pass, grow } = watched()
    grow(20_000_000)
    expect(pass(1000, 0.1)).toMatch(/it holds 19 MB, more than 10/)
  })

  test('the kernel tells of this process', () => {
    const stat = processStat(process.pid)!
    expect(stat.residentBytes).toBeGreaterThan(10_000_000)
    expect(stat.cpuMillis).toBeGreaterThan(0)
    expect(processStat(2 ** 22 + 1)).toBeUndefined()
  })
})

describe('the history of programs', () => {
  const accept = (history: ProgramHistory) => {
    const version = history.nextVersion()
    history.accept({ version, script: {} as never, config: {} as EngineConfig })
    return version
  }

  test('the second kill withdraws a program for its predecessor', () => {
    const history = new ProgramHistory()
    const [first, second] = [accept(history), accept(history)]
    expect(history.blame(second).verdict).toBe('kept')
    expect(history.blame(second)).toMatchObject({ verdict: 'withdrawn', predecessor: { version: first } })
    expect(history.active?.version).toBe(first)
    history.blame(first)
    expect(history.blame(first).verdict).toBe('alone')
    expect(history.active?.version).toBe(first)
  })

  test('an older program, still in use by transactions, is dropped without a word', () => {
    const history = new ProgramHistory()
    const [, second, third] = [accept(history), accept(history), accept(history)]
    history.blame(second!)
    expect(history.blame(second!).verdict).toBe('kept')
    expect(history.active?.version).toBe(third)
    history.blame(third!)
    expect(history.blame(third!)).toMatchObject({ predecessor: { version: 1 } })
    expect(history.nextVersion()).toBe(4)
  })
})

test('fatal messages are kept for as long as they may come again', () => {
  let now = 0
  const fatal = new FatalMessages(() => now)
  fatal.add('one')
  now = 20_000
  fatal.add('two')
  expect(fatal.recent()).toEqual(['one', 'two'])
  now = 40_000
  expect(fatal.recent()).toEqual(['two'])
})

describe('the relay across processes', () => {
  const SDP = 'v=0\r\no=- 1 1 IN IP4 10.0.0.8\r\ns=-\r\nc=IN IP4 10.0.0.8\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n'
  const request = (callId: string) => ({ callId, fromTag: 'a', flags: '', sdp: SDP })

  test('operations, errors with their code, and time-outs reach the worker', async () => {
    const fake = createFakeRelay()
    const service = new RelayService(fake)
    const client = createRelayClient((message) => {
      if (message.type !== 'media') return
      const { id, command, request: given } = message
      service.perform(command, given).then(
        (result) => client.receive({ type: 'media-result', id, ...(result ? { result } : {}) }),
        (error) => client.receive({ type: 'media-result', id, error: { code: error.code, message: error.message } }),
      )
    })
    service.onTimeout = (callId, reason, stats) =>
      client.receive({ type: 'media-timeout', callId, reason, ...(stats ? { stats } : {}) })
    expect((await client.offer(request('one'))).sdp).toContain('v=0')
    await client.offer(request('two'))
    expect(service.calls).toEqual(['one', 'two'])
    fake.failNext()
    await expect(client.answer(request('one'))).rejects.toMatchObject({ code: 'ERR_MEDIA' })
    await client.delete(request('one'))
    expect(service.calls).toEqual(['two'])
    const ended = new Promise((resolve) => {
      client.onTimeout = (...told) => resolve(told)
    })
    const stats = { callId: 'two', created: 1, streams: [] }
    fake.onTimeout?.('two', 'media timeout', stats)
    expect(await ended).toEqual(['two', 'media timeout', stats])
    expect(service.callCount).toBe(0)
  })

  test('commands of scripts reach the relay, and the keys of their calls the worker', async () => {
    const fake = createFakeRelay()
    const service = new RelayService(fake)
    await service.perform('offer', request('one'))
    await service.perform('control', { ...request('one'), control: 'block DTMF' })
    expect(fake.operations.at(-1)).toMatchObject({ command: 'control', request: { control: 'block DTMF' } })
    const client = createRelayClient(() => undefined)
    const told: string[] = []
    client.onDtmf = ({ callId, digit }) => told.push(`${callId} ${digit}`)
    service.onDtmf = (event) => client.receive({ type: 'media-dtmf', event })
    const key = {
      tag: 'a',
      tags: ['a'],
      address: '',
      event: 5,
      digit: '5',
      durationMillis: 80,
      volume: 10,
      timestamp: 1,
    }
    fake.onDtmf?.({ ...key, callId: 'one' })
    // Somebody drives the relay over NG: that call is none of the worker's.
    fake.onDtmf?.({ ...key, callId: 'another' })
    expect(told).toEqual(['one 5'])
  })

  test('a relay that is replaced keeps its calls, and closes after the last', async () => {
    const [old, young] = [createFakeRelay(), createFakeRelay()]
    let closed = 0
    const close = old.close.bind(old)
    old.close = async () => {
      closed++
      await close()
    }
    const service = new RelayService(old)
    await service.perform('offer', request('one'))
    service.replace(young)
    await service.perform('offer', request('two'))
    await service.perform('answer', request('one'))
    expect(old.operations.map((each) => each.command)).toEqual(['offer', 'answer'])
    expect(young.operations.map((each) => each.command)).toEqual(['offer'])
    expect(closed).toBe(0)
    await service.perform('delete', request('one'))
    expect(closed).toBe(1)
    service.replace(undefined)
    await expect(service.perform('offer', request('three'))).rejects.toThrow(/no media relay is set up/)
  })
})

describe('metrics of several', () => {
  test('are added up by name and labels; of the greatest, the greatest is shown', () => {
    const worker = (calls: number, stall: number, more = '') =>
      `# HELP calls Calls.\n# TYPE calls gauge\ncalls ${calls}\n\n# HELP by By.\n# TYPE by counter\nby{a="x y"} 1\n${more}\n# HELP stall_max_seconds S.\n# TYPE stall_max_seconds gauge\nstall_max_seconds ${stall}\n`
    expect(mergeMetrics([worker(2, 0.5), worker(3, 0.25, 'by{a="z"} 4\n'), ''])).toBe(
      '# HELP calls Calls.\n# TYPE calls gauge\ncalls 5\n\n# HELP by By.\n# TYPE by counter\nby{a="x y"} 2\nby{a="z"} 4\n\n# HELP stall_max_seconds S.\n# TYPE stall_max_seconds gauge\nstall_max_seconds 0.5\n',
    )
  })

  test('what a worker counted stays when it dies or answers late, what it showed goes with it', () => {
    const metrics = new WorkerMetrics()
    const [one, two, next] = [{ gone: false }, { gone: false }, { gone: false }]
    const text = (calls: number, open: number) =>
      `# HELP calls Calls.\n# TYPE calls counter\ncalls{status="200"} ${calls}\n\n# HELP open Open.\n# TYPE open gauge\nopen ${open}\n`
    const shown = () => mergeMetrics(metrics.texts()).match(/^(?:calls\{.*|open) \d+$/gm)
    metrics.told(one, text(100, 5))
    metrics.told(two, text(30, 2))
    expect(shown()).toEqual(['calls{status="200"} 130', 'open 7'])
    metrics.told(two, undefined)
    expect(shown()).toEqual(['calls{status="200"} 130', 'open 7'])
    one.gone = true
    metrics.told(next, text(1, 1))
    expect(shown()).toEqual(['calls{status="200"} 131', 'open 3'])
    // An answer that was under way when it died is in what is kept, or comes too late.
    metrics.told(one, text(101, 5))
    next.gone = true
    expect(shown()).toEqual(['calls{status="200"} 131', 'open 2'])
  })
})

test('the longest stall is for how long the event loop stood still, from the time of service on', async () => {
  const stalls = new StallWatch(5)
  stalls.begin()
  expect(stalls.longestMillis).toBe(0)
  // The first sample begins to count, so that a stall may have to be repeated.
  await vi.waitFor(() => {
    const before = performance.now()
    while (performance.now() - before < 300);
    expect(stalls.longestMillis).toBeGreaterThan(290)
  })
  expect(stalls.metrics()).toMatch(/^signalbox_event_loop_stall_max_seconds 0\.(?:29|[3-9]\d)\d\d$/m)
})
