// Owns the fuzz of the transport layer: whatever arrives, in whatever pieces, the layer lives and good messages pass.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { createMemoryNetwork } from '../../src/transport/index.ts'
import { optionsRequest } from './requests.ts'

const RUNS = Number(process.env.FUZZ_RUNS ?? 300)

const bytes = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 300,
})
const good = fc.constant(optionsRequest({ via: 'Via: SIP/2.0/TCP 10.0.0.9;branch=z9hG4bK1' }))
/** A request with some bytes of it replaced, taken away or doubled. */
const damaged = fc
  .tuple(good, fc.array(fc.tuple(fc.nat(250), fc.nat(12), bytes), { minLength: 1, maxLength: 4 }))
  .map(([text, cuts]) =>
    cuts.reduce((out, [at, length, put]) => out.slice(0, at) + put.slice(0, 20) + out.slice(at + length), text),
  )
const input = fc.oneof(
  bytes,
  damaged,
  good,
  fc.constantFrom('\r\n\r\n', '\r\n', '\0\0\0\0', '', 'SIP/2.0 200 OK\r\n\r\n'),
)

test('any datagrams', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(input, { maxLength: 8 }), async (datagrams) => {
      const net = createMemoryNetwork(new ManualClock())
      const layer = net.transport({ listen: ['udp:10.0.0.5:5060'] })
      const seen: string[] = []
      await layer.start({ onMessage: ({ callId }) => void seen.push(callId) })
      const far = net.endpoint('udp', '10.0.0.9', 5060)
      for (const wire of [...datagrams, optionsRequest({ callId: 'last' })])
        far.send(wire, { address: '10.0.0.5', port: 5060 })
      await net.settle()
      expect(seen.at(-1)).toBe('last')
      expect(layer.stats().userErrors).toBe(0)
      await layer.close()
    }),
    { numRuns: RUNS },
  )
}, 600_000)

test('any bytes on a stream, in any pieces', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(input, { maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 20 }),
      async (parts, sizes) => {
        const clock = new ManualClock()
        const net = createMemoryNetwork(clock)
        const layer = net.transport({ listen: ['tcp:10.0.0.5:5060'], limits: { partialMillis: 1000 } })
        const seen: string[] = []
        await layer.start({ onMessage: ({ callId }) => void seen.push(callId) })
        const to = { address: '10.0.0.5', port: 5060 }
        const bad = net.endpoint('tcp', '10.0.0.9', 5060)
        const stream = parts.join('')
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i % sizes.length]!
          bad.send(stream.slice(at, at + size), to)
          at += size
        }
        await net.settle()
        clock.advance(1000)
        await net.settle()
        net.endpoint('tcp', '10.0.0.8', 5060).send(optionsRequest({ callId: 'last' }), to)
        await net.settle()
        expect(seen.at(-1)).toBe('last')
        expect(layer.stats()).toMatchObject({ userErrors: 0, writeBytes: 0 })
        await layer.close()
        expect([layer.stats().connections.open, clock.pending]).toEqual([0, 0])
      },
    ),
    { numRuns: RUNS },
  )
}, 600_000)
