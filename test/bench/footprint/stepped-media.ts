// Owns the process that is stepped through for `--media`: a relay, warm, and offer, answer and delete of one call between marks.
// Between RTP and SRTP, as at the border; sockets are opened, no packet passes.
// usage: stepped-media STEPPER FILE-OF-STEPS FILE-OF-MAPS
import { setTimeout as delay } from 'node:timers/promises'
import { createEmbeddedRelay, type MediaRequest } from '../../../src/media/index.ts'
import { finish, follow, mark } from './steps.ts'

const WARM = 8_000
/** Calls that are open at a time. */
const OPEN = 100

const description = (port: number, profile: string, attributes: readonly string[]): string =>
  [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} ${profile} 8 0 101`,
    ...attributes,
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-16',
    'a=ptime:20',
    'a=sendrecv',
    '',
  ].join('\r\n')
/** A string from the wire is flat and hashes nothing yet. */
const fresh = (text: string): string => Buffer.from(text, 'latin1').toString('latin1')
const BOTH = 'replace-origin replace-session-connection ICE=remove'
const OUT = `${BOTH} direction=inside direction=outside RTP/SAVP SDES-only-AES_CM_128_HMAC_SHA1_80`
const IN = `${BOTH} direction=outside direction=inside RTP/AVP`
const KEY = 'WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz'

const [stepper = '', steps = '', maps = ''] = process.argv.slice(2)
const relay = createEmbeddedRelay({ interfaces: ['inside/127.0.0.1', 'outside/127.0.0.2'], portMax: 60_000 })
const ends: MediaRequest[] = []
let marked = false

/** What a relay begins with an operation it has done when it returns; what is left is to be heard of it. */
function counted<Told>(operation: () => Promise<Told>): Promise<Told> {
  mark(marked)
  const told = operation()
  mark(marked)
  return told
}

async function call(number: number): Promise<void> {
  const base = { callId: `c${number}@127.0.0.1`, fromTag: `f${number}`, receivedFrom: '127.0.0.1' }
  const toTag = `t${number}`
  const offer = { ...base, flags: OUT, sdp: fresh(description(40_000, 'RTP/AVP', [])) }
  const { sdp } = await counted(() => relay.offer(offer))
  const crypto = /a=crypto:\d+ \S+ inline:/.exec(sdp)![0] + KEY
  const answer = { ...base, toTag, flags: IN, sdp: fresh(description(40_010, 'RTP/SAVP', [crypto])) }
  await counted(() => relay.answer(answer))
  ends.push({ ...base, toTag, flags: '' })
  if (ends.length > OPEN) await counted(() => relay.delete(ends.shift()!))
}

for (let number = 1; number <= WARM; number++) {
  await call(number)
  if (number % 50 === 0) await delay(0)
}
await follow(stepper, steps)
for (let number = WARM + 1; number <= WARM + 300; number++) await call(number)
marked = true
for (let number = WARM + 301; number <= WARM + 303; number++) await call(number)
finish(maps)
