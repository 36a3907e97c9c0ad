// Owns the test of the RFC call flows: a proxy of RFC 3665 receives this and must emit that.

import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  appendHeaderEdit,
  parseMessage,
  removeHeaderEdit,
  type SipMessage,
  type SipReply,
  type SipRequest,
  type Transport,
} from '../../src/sip/index.ts'
import type { MemoryEndpoint } from '../../src/transport/index.ts'
import { branchTo, createRig, last, type Rig, recordRoute, trace } from './rig.ts'

const FOLDER = new URL('../../../shared/corpora/callflows/', import.meta.url)
const present = existsSync(new URL('PROXY_PAIRS.tsv', FOLDER))
if (!present) console.warn('call flows of the RFCs are not here: the proxy pairs are skipped')

const UPSTREAM = '10.0.0.20'
const DOWNSTREAM = '10.0.0.21'
const OWN = '10.0.0.5'

interface Pair {
  source: string
  proxy: string
  received: string
  what: string
  emitted: string
}

function pairs(): Pair[] {
  const lines = readFileSync(new URL('PROXY_PAIRS.tsv', FOLDER), 'latin1').trim().split('\n').slice(1)
  return lines.map((line) => {
    const [source = '', proxy = '', received = '', what = '', emitted = ''] = line.split('\t')
    return { source, proxy, received, what, emitted }
  })
}

function text(id: string): string {
  return readFileSync(new URL(`rfc3665/${id}.sip`, FOLDER), 'latin1')
}

function parsed(wire: string): SipMessage {
  const result = parseMessage(wire)
  if (!result.ok) throw new Error(result.reason)
  return result.message
}

/** Where RFC 3665 itself misprints `received` of a Via between one hop and the next. */
const MISPRINTED = ['rfc3665-112', 'rfc3665-042', 'rfc3665-043']

/** Headers as a set of lines, lists taken apart; the branch of the topmost Via of a request is the proxy's own affair, and so is where `received` stands. */
function headers(message: SipMessage, emitted: string): string[] {
  const lines: string[] = []
  const own = 'method' in message ? message.topVia?.branch : undefined
  for (let i = 0; i < message.headerCount; i++) {
    const name = message.headerName(i)
    let value = message
      .headerValue(i)
      .replace(/\s*;\s*/g, ';')
      .replace(/\s+/g, ' ')
    if (own !== undefined) value = value.replace(own, 'OWN')
    if (MISPRINTED.includes(emitted)) value = value.replace(/;received=[\d.]+/, '')
    const values = /^(?:Record-)?Route$/i.test(name) ? value.split(', ') : [value]
    for (const each of values) lines.push(`${name}: ${each}`)
  }
  return lines.sort()
}

/** A proxy that does what the flow's proxy does besides RFC 3261 16: its Record-Route, headers it consumed, its location service. */
async function proxyOf(
  received: SipRequest,
  expected: SipRequest,
): Promise<{ rig: Rig; up: MemoryEndpoint; down: MemoryEndpoint }> {
  const own = expected.topVia!
  const inbound = received.topVia!
  const out = own.transport.toLowerCase() as Transport
  const kinds = new Set([inbound.transport.toLowerCase(), out])
  const rig = await createRig({
    listen: [...kinds].map((kind) => `${kind}:${OWN}:5060 advertise ${own.host}:${own.port ?? 5060}`),
  })
  rig.router.onRequest = (context) => {
    const { request } = context
    const edits = []
    const challenge = request.find('Proxy-Authorization')
    if (challenge >= 0 && expected.find('Proxy-Authorization') < 0) edits.push(removeHeaderEdit(request, challenge))
    // loose_route(): the Routes that name this proxy are used up.
    const routes = expected.nameAddrs('Route').map(({ uri }) => `<${uri}>`)
    if (request.find('Route') >= 0) {
      edits.push(removeHeaderEdit(request, request.find('Route')))
      if (routes.length > 0) edits.push(appendHeaderEdit(request, `Route: ${routes.join(', ')}`))
    }
    if (expected.nameAddrs('Record-Route').length > request.nameAddrs('Record-Route').length) {
      const uri = expected.nameAddrs('Record-Route')[0]!.uri.replace(/^sip:|;lr$/g, '')
      edits.push(recordRoute(context, { inbound: uri, outbound: uri, double: 'never' }))
    }
    void context.relay({
      branches: [branchTo(expected.requestUri, { nextHop: `sip:${DOWNSTREAM};transport=${out}`, edits })],
    })
  }
  const up = rig.end(
    expected.vias()[1]?.params.get('received') ?? UPSTREAM,
    inbound.transport.toLowerCase() as Transport,
  )
  return { rig, up, down: rig.end(DOWNSTREAM, out) }
}

describe.skipIf(!present)('RFC 3665', () => {
  const all = present ? pairs() : []
  const requests = all.filter(({ what }) => !/^\d/.test(what))
  const replies = all.filter(({ what }) => /^\d/.test(what))

  test.each(requests.map((pair) => [`${pair.what} ${pair.received} -> ${pair.emitted}`, pair] as const))(
    '%s',
    async (_name, pair) => {
      const received = parsed(text(pair.received)) as SipRequest
      const expected = parsed(text(pair.emitted)) as SipRequest
      const { rig, up, down } = await proxyOf(received, expected)
      await rig.send(up, received.raw)
      const sent = parsed(last(down).wire) as SipRequest
      expect(sent.method).toBe(expected.method)
      expect(sent.requestUri).toBe(expected.requestUri)
      expect(headers(sent, pair.emitted)).toEqual(headers(expected, pair.emitted))
      expect(sent.body).toBe(expected.body)
    },
  )

  test.each(replies.map((pair) => [`${pair.what} ${pair.received} -> ${pair.emitted}`, pair] as const))(
    '%s',
    async (_name, pair) => {
      const received = parsed(text(pair.received)) as SipReply
      const expected = parsed(text(pair.emitted)) as SipReply
      // The request that this answers, through the same proxy of the same flow.
      const asked = requests.findLast(
        (candidate) =>
          candidate.source === pair.source &&
          candidate.proxy === pair.proxy &&
          parsed(text(candidate.received)).cseqMethod === received.cseqMethod &&
          parsed(text(candidate.received)).cseqNumber === received.cseqNumber &&
          parsed(text(candidate.emitted)).vias().length === received.vias().length,
      )
      expect(asked).toBeDefined()
      const { rig, up, down } = await proxyOf(
        parsed(text(asked!.received)) as SipRequest,
        parsed(text(asked!.emitted)) as SipRequest,
      )
      await rig.send(up, text(asked!.received))
      const branch = last(down).message!.topVia!.branch
      await rig.answer(down, last(down), received.raw.replace(received.topVia!.branch, branch))
      expect(trace(up)).toContain(pair.what)
      const sent = parsed(last(up).wire) as SipReply
      expect(sent.status).toBe(expected.status)
      expect(headers(sent, pair.emitted)).toEqual(headers(expected, pair.emitted))
      expect(sent.body).toBe(expected.body)
    },
  )
})
