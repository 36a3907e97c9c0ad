// Owns the micro benchmark of src/sip: microseconds for each step on the INVITE of the signalling benchmark.
// Run: node test/bench/sip.bench.ts

import {
  applyEdits,
  buildReply,
  type MessageEdit,
  parseMessage,
  SipRequest,
  StreamFramer,
  validateRequest,
} from '../../src/sip/index.ts'
import { benchInvite } from '../sip/fixtures.ts'
import { report } from './figures.ts'

const wire = Buffer.from(benchInvite, 'latin1')
let sink = 0
const ROUNDS = 11
const BATCHES = 100
const BATCH = 200

/** Best and median of the rounds, each over `BATCHES` batches of fresh strings, as a transport makes them. */
function measure(name: string, step: (raw: string) => number): void {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    let spent = 0
    for (let batch = 0; batch < BATCHES; batch++) {
      const messages = Array.from({ length: BATCH }, () => wire.toString('latin1'))
      const start = performance.now()
      for (const raw of messages) sink += step(raw)
      spent += performance.now() - start
    }
    times.push((spent * 1000) / (BATCHES * BATCH))
  }
  times.sort((a, b) => a - b)
  report({ group: 'sip', name, unit: 'us', value: times[ROUNDS >> 1]!, best: times[0]! })
}

function parse(raw: string): SipRequest {
  const result = parseMessage(raw)
  if (!result.ok || !(result.message instanceof SipRequest)) throw new Error('the benchmark message does not parse')
  return result.message
}

measure('parse (index of header lines)', (raw) => parse(raw).headerCount)
measure('parse + Via, Call-ID, CSeq, tags', (raw) => {
  const m = parse(raw)
  return m.topVia!.branch.length + m.callId.length + m.cseqNumber + m.fromTag.length + m.toTag.length
})
measure('parse + the above + validateRequest', (raw) => {
  const m = parse(raw)
  const read = m.topVia!.branch.length + m.callId.length + m.cseqNumber + m.fromTag.length + m.toTag.length
  return read + (validateRequest(m) === undefined ? 1 : 0)
})
measure('parse + 100 Trying', (raw) => buildReply(parse(raw), 100).length)
measure('parse + forward (R-URI, Via, Record-Route, Max-Forwards)', (raw) => {
  const m = parse(raw)
  const hops = m.findId(6)
  const edits: MessageEdit[] = [
    { at: m.requestUriStart, remove: m.requestUri.length, text: 'sip:87000@127.0.0.1:5090' },
    { at: m.firstLineEnd, remove: 0, text: 'Record-Route: <sip:127.0.0.1:5060;lr>\r\n' },
    { at: m.firstLineEnd, remove: 0, text: 'Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK4711\r\n' },
    { at: m.valueStart(hops), remove: m.valueEnd(hops) - m.valueStart(hops), text: String(m.maxForwards! - 1) },
  ]
  return Buffer.from(applyEdits(m.raw, edits), 'latin1').length
})
measure('framer, whole message in one chunk', (raw) => new StreamFramer().push(raw).length)
if (sink === 0) console.log(sink)
