// Owns the tests of rings in shared memory and of the choice of a shard.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { callIdHash, callIdOf, shardOf } from '../../src/transport/call-shard.ts'
import { monotonicMicros, RING_HEADER, RingReader, RingWriter } from '../../src/transport/shared-ring.ts'

function ring(capacity = 1024) {
  const memory = new ArrayBuffer(RING_HEADER + capacity)
  return {
    memory,
    writer: new RingWriter(memory, 0, capacity),
    reader: new RingReader(memory, 0, capacity),
    words: new Int32Array(memory),
  }
}

describe('a ring', () => {
  test('gives what was written, in order, round and round', () => {
    const { writer, reader } = ring()
    const text = fc.string({ unit: 'binary-ascii', maxLength: 300 })
    let position = 0
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 8 }), (pairs) => {
        const written = pairs.filter(([prefix, body]) => writer.push(7, ++position, -1, 3, prefix, body, 9))
        const read: [string, string][] = []
        reader.drain(100, ({ kind, b, c, since, prefix, text: body }) => {
          expect([kind, b, c, since]).toEqual([7, -1, 3, 9])
          read.push([prefix, body])
        })
        expect(read).toEqual(written)
        expect(reader.isEmpty).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('that is full drops and counts, and takes again when there is room', () => {
    const { writer, reader } = ring()
    let taken = 0
    while (writer.push(1, 0, 0, 0, '', 'x'.repeat(200), 0)) taken++
    expect(taken).toBe(4)
    expect(reader.dropped).toBe(1)
    expect(reader.drain(1, () => {})).toBe(1)
    expect(writer.push(1, 0, 0, 0, '', 'y'.repeat(200), 0)).toBe(true)
  })

  test('wakes a reader that sleeps once, and none that reads', () => {
    const { writer, reader } = ring()
    expect(writer.mustWake()).toBe(false)
    expect(reader.sleep()).toBe(true)
    writer.push(1, 0, 0, 0, '', 'a', 0)
    expect([writer.mustWake(), writer.mustWake()]).toEqual([true, false])
    expect(reader.sleep()).toBe(false)
  })

  test('a record is off the ring before it is taken: who dies of it does not meet it again', () => {
    const { memory, writer, reader } = ring()
    for (const name of ['deadly', 'next']) writer.push(1, 0, 0, 0, '', name, 0)
    expect(() =>
      reader.drain(9, () => {
        throw new Error('dead')
      }),
    ).toThrow('dead')
    const heir: string[] = []
    new RingReader(memory, 0, 1024).drain(9, ({ text }) => heir.push(text))
    expect(heir).toEqual(['next'])
  })

  test('that a dying process left damaged is read without harm', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(120), fc.integer()), { maxLength: 30 }), fc.integer(), (damage, head) => {
        const { words, reader } = ring(256)
        for (const [at, value] of damage) words[(RING_HEADER / 4 + at) % words.length] = value
        words[0] = head
        let texts = 0
        reader.drain(1000, ({ text }) => {
          texts += text.length
        })
        expect(texts).toBeLessThan(1e6)
      }),
      { numRuns: 2000 },
    )
  })

  test('marks of a lap where none can be end the reading', () => {
    const { words, reader } = ring(256)
    words.fill(-1, RING_HEADER / 4)
    for (const head of [33, 256, 0x7fffffff, -31]) {
      words[0] = head
      expect(reader.drain(9, () => {})).toBe(0)
      expect(reader.isEmpty).toBe(true)
    }
  })

  test('times are those of the whole machine', () => {
    const before = monotonicMicros()
    expect((monotonicMicros() - before) | 0).toBeGreaterThanOrEqual(0)
  })
})

describe('the shard of a message', () => {
  const message = (line: string) =>
    `OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a\r\n${line}\r\nContent-Length: 0\r\n\r\nCall-ID: body\r\n`
  test.each([
    ['Call-ID: abc@x', 'abc@x'],
    ['call-id :\t abc', 'abc'],
    ['i: abc  ', 'abc'],
    ['I:abc', 'abc'],
    ['Call-ID:\r\n  abc', 'abc'],
    ['Call-IDx: abc', ''],
    ['Contact: <sip:i:b>', ''],
    ['X-Call-ID: abc', ''],
  ])('%j', (line, id) => {
    expect(callIdOf(message(line))).toBe(id)
    expect(callIdOf(`\r\n\r\n${message(line)}`)).toBe(id)
  })

  test('a body, and what never ends, has none', () => {
    expect(callIdOf('OPTIONS sip:a SIP/2.0\r\n\r\nCall-ID: a\r\n')).toBe('')
    expect(callIdOf('Call-ID: a')).toBe('')
    expect(callIdOf('')).toBe('')
  })

  test('calls spread evenly, and one shard takes all', () => {
    const counts = [0, 0, 0]
    for (let n = 0; n < 3000; n++) counts[shardOf(`${n}-1234@127.0.0.1`, 3)]!++
    for (const count of counts) expect(count).toBeGreaterThan(850)
    expect(shardOf('anything', 1)).toBe(0)
    expect(callIdHash('')).toBe(callIdHash(''))
  })
})
