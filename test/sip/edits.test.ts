// Owns the tests of edits: order, overlap, bodies and Content-Length, Record-Route.

import { describe, expect, test } from 'vitest'
import {
  appendHeaderEdit,
  applyEdits,
  bodyEdit,
  correctContentLength,
  headerValueEdit,
  type MessageEdit,
  prependHeaderEdit,
  type RecordRouteSpec,
  recordRouteLines,
  removeHeaderEdit,
  resolveRecordRoutes,
  serializeMessage,
} from '../../src/sip/index.ts'
import { benchInvite, request } from './fixtures.ts'

const edit = (at: number, remove: number, text: string): MessageEdit => ({ at, remove, text })

describe('applyEdits', () => {
  test.each<[string, MessageEdit[], string]>([
    ['nothing', [], '0123456789'],
    ['insert at both ends', [edit(0, 0, 'a'), edit(10, 0, 'z')], 'a0123456789z'],
    ['out of order', [edit(5, 1, 'b'), edit(2, 1, 'a')], '01a34b6789'],
    ['recorded order at one place', [edit(3, 0, 'a'), edit(3, 0, 'b'), edit(3, 0, 'c')], '012abc3456789'],
    ['insert then remove at one place', [edit(3, 0, 'a'), edit(3, 2, '')], '012a56789'],
    ['remove then insert at one place', [edit(3, 2, ''), edit(3, 0, 'a')], '012a56789'],
    ['two removals of one span', [edit(3, 2, ''), edit(3, 2, '')], '01256789'],
    ['two replacements of one span', [edit(3, 2, 'a'), edit(3, 2, 'b')], '012ab56789'],
    ['removal within a removal', [edit(2, 6, ''), edit(4, 1, '')], '0189'],
    ['removal that reaches further', [edit(2, 3, ''), edit(4, 4, '')], '0189'],
    ['text within a removed span goes', [edit(2, 6, 'kept'), edit(4, 0, 'gone')], '01kept89'],
    ['replacement within a removed span', [edit(2, 4, ''), edit(4, 4, 'gone')], '0189'],
    ['text at the end of a removed span stays', [edit(2, 4, ''), edit(6, 0, 'kept')], '01kept6789'],
    ['offsets outside', [edit(-5, 0, 'a'), edit(99, 5, 'z')], 'a0123456789z'],
    ['removal beyond the end', [edit(8, 99, 'z')], '01234567z'],
  ])('%s', (_, edits, expected) => {
    const before = JSON.stringify(edits)
    expect(applyEdits('0123456789', edits)).toBe(expected)
    expect(JSON.stringify(edits)).toBe(before)
  })
})

describe('on a message', () => {
  const message = request(benchInvite)

  test('header lines', () => {
    const userAgent = message.find('User-Agent')
    const edits = [
      removeHeaderEdit(message, message.find('Date')),
      headerValueEdit(message, userAgent, 'signalbox'),
      appendHeaderEdit(message, 'X-Last: 1'),
      prependHeaderEdit(message, 'X-First: 1'),
    ]
    const changed = request(serializeMessage(message, edits))
    expect(changed.headerName(0)).toBe('X-First')
    expect(changed.headerName(changed.headerCount - 1)).toBe('X-Last')
    expect(changed.header('Date')).toBeUndefined()
    expect(changed.header('User-Agent')).toBe('signalbox')
    expect(changed.body).toBe(message.body)
  })

  test('another body', () => {
    const changed = request(applyEdits(message.raw, bodyEdit(message, 'v=0\r\n')))
    expect([changed.body, changed.contentLength]).toEqual(['v=0\r\n', 5])
    const bare = request('OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP x\r\n\r\n')
    const filled = request(applyEdits(bare.raw, bodyEdit(bare, 'abc')))
    expect([filled.body, filled.contentLength]).toEqual(['abc', 3])
    expect(applyEdits(bare.raw, bodyEdit(bare, ''))).toBe(bare.raw)
  })

  test('an edit of the body sets Content-Length right', () => {
    const at = message.raw.indexOf('a=ptime')
    const wire = serializeMessage(message, [edit(at, 'a=ptime:20\r\n'.length, '')])
    expect(request(wire).contentLength).toBe(195)
    expect(request(wire).body).not.toContain('ptime')
  })

  test('an edit of the head leaves Content-Length alone', () => {
    const wire = serializeMessage(message, [edit(message.firstLineEnd, 0, 'X: y\r\n')])
    expect(wire).toBe(benchInvite.replace('\r\n', '\r\nX: y\r\n'))
  })
})

test.each([
  ['A\r\nl : 7 \r\n\r\nabc', 'A\r\nl : 3 \r\n\r\nabc'],
  ['A\r\nX: 1\r\n\r\nabc', 'A\r\nX: 1\r\nContent-Length: 3\r\n\r\nabc'],
  ['A\r\nX: 1\r\n\r\n', 'A\r\nX: 1\r\n\r\n'],
  ['A\r\nContent-Length:3\r\n\r\nabc', 'A\r\nContent-Length:3\r\n\r\nabc'],
  ['no line end', 'no line end'],
  // RFC 3261 7.3.1: the value behind a fold.
  ['A\r\nContent-Length:\r\n 7\r\nX: 1\r\n\r\nabc', 'A\r\nContent-Length:\r\n 3\r\nX: 1\r\n\r\nabc'],
  ['A\r\nX: 1\r\n l: 7\r\n\r\n abc', 'A\r\nX: 1\r\n l: 7\r\nContent-Length: 4\r\n\r\n abc'],
  // What parses with two that agree leaves with two that agree.
  ['A\r\nl: 7\r\nContent-Length: 7\r\n\r\nabc', 'A\r\nl: 3\r\nContent-Length: 3\r\n\r\nabc'],
  ['A\r\nContent-Length:\r\nX: 1\r\n\r\nabc', 'A\r\nContent-Length:3\r\nX: 1\r\n\r\nabc'],
])('Content-Length of %j', (wire, expected) => {
  expect(correctContentLength(wire)).toBe(expected)
})

describe('Record-Route', () => {
  const spec: RecordRouteSpec = {
    inbound: '10.0.0.5;transport=tcp',
    inboundTransport: 'tcp',
    params: ';lr',
    double: 'interface',
  }
  const out = { address: '25.25.25.5:5061;transport=tls', transport: 'tls' } as const

  test('double when the transport changes: the way out on top', () => {
    expect(recordRouteLines(spec, out)).toBe(
      'Record-Route: <sip:25.25.25.5:5061;transport=tls;r2=on;lr>\r\nRecord-Route: <sip:10.0.0.5;transport=tcp;r2=on;lr>\r\n',
    )
    expect(recordRouteLines({ ...spec, double: 'protocol' }, out)).toContain('r2=on')
  })

  test('single on the same side', () => {
    const same = { address: spec.inbound, transport: 'tcp' } as const
    expect(recordRouteLines(spec, same)).toBe('Record-Route: <sip:10.0.0.5;transport=tcp;lr>\r\n')
    expect(recordRouteLines({ ...spec, double: 'always', user: 'u' }, same)).toBe(
      'Record-Route: <sip:u@10.0.0.5;transport=tcp;r2=on;lr>\r\nRecord-Route: <sip:u@10.0.0.5;transport=tcp;r2=on;lr>\r\n',
    )
  })

  test('never, and an address given by the script', () => {
    expect(recordRouteLines({ ...spec, double: 'never', outbound: 'h' }, out)).toBe('Record-Route: <sip:h;lr>\r\n')
  })

  test('written out per branch', () => {
    const plain = edit(1, 0, 'x')
    const edits = [plain, { at: 2, remove: 0, text: '', recordRoute: spec }]
    const resolved = resolveRecordRoutes(edits, out)
    expect(resolved[0]).toBe(plain)
    expect(resolved[1]).toEqual({ at: 2, remove: 0, text: recordRouteLines(spec, out) })
    expect(resolveRecordRoutes([plain], out)).toEqual([plain])
  })
})
