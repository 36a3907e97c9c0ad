// Owns the streams of messages, plain and not, that the tests of front and loans write in pieces.
import type { Socket } from 'node:net'
import { dice } from './dice.ts'
import { tick } from './front-rig.ts'
import { optionsRequest } from './requests.ts'

/** A text of that many bytes, which holds what could be taken for a message. */
export const body = (length: number): string => 'SIP/2.0\r\n\r\nbody '.repeat(1 + length / 16).slice(0, length)
/** What a stream may hold, plain and not. */
const PIECES: ((id: string, n: number) => string)[] = [
  (callId) => optionsRequest({ callId }),
  (callId) => optionsRequest({ callId }),
  (callId, n) => optionsRequest({ callId, body: body(n) }),
  (callId, n) => optionsRequest({ callId, body: body(n * 40) }),
  (callId, n) => optionsRequest({ callId, body: body(n) }).replace('Content-Length', 'l'),
  (callId, n) => optionsRequest({ callId, body: body(n) }).replace('Content-Length:', 'CONTENT-length \t :  \t'),
  (callId, n) => optionsRequest({ callId, body: body(n) }).replace('Content-Length: ', 'Content-Length:\r\n '),
  (callId, n) => optionsRequest({ callId, body: body(n), extra: `L: ${n}` }),
  (callId) => optionsRequest({ callId, extra: 'X: one\r\n\ttwo\r\nLanguage: none\r\nl-x: 3\r\nno colon' }),
  (callId) => optionsRequest({ callId }).replaceAll('\r\n', '\n'),
  (callId) => optionsRequest({ callId }).replace('From', '\r\rFrom'),
  (callId) => `GET /${callId} HTTP/1.1\r\nContent-Length: 0\r\n\r\n`,
  (callId) => `POST /${callId} HTTP/1.1\r\n\r\n`,
  (callId) => optionsRequest({ callId }).replace('Content-Length: 0', 'Content-Length: 0000000000'),
  (callId) => optionsRequest({ callId }).replace('Content-Length', '\u00ec'),
  (callId) => optionsRequest({ callId, extra: 'X: \u0000\u00ff\u0080' }),
  () => '\r\n\r\n',
  () => '\r\n',
  () => '\n\r\n',
]
const FATAL: ((id: string) => string)[] = [
  (callId) => optionsRequest({ callId }).replace('Content-Length: 0', 'Content-Length: -1'),
  (callId) => optionsRequest({ callId }).replace('Content-Length: 0', 'Content-Length: 99999999'),
  (callId) => optionsRequest({ callId }).replace('Content-Length: 0', 'Content-Length: 65530'),
  (callId) => optionsRequest({ callId }).replace('Content-Length: 0', 'X: y'),
  (callId) => optionsRequest({ callId, extra: 'Content-Length: 7' }),
  (callId) => optionsRequest({ callId }).replace('Content-Length: 0', 'Content-Length: 0 0'),
]

/** What a stream of that number holds; it is always the same. */
export function streamOf(seed: number): string {
  const roll = dice(seed)
  const parts = Array.from({ length: 5 + roll(25) }, (_, n) => PIECES[roll(PIECES.length)]!(`c${seed}-${n}`, roll(100)))
  if (roll(3) === 0) parts.push(FATAL[roll(FATAL.length)]!(`f${seed}`), optionsRequest({ callId: `after${seed}` }))
  return parts.join('')
}

export async function writeInPieces(socket: Socket, wire: string, seed: number): Promise<void> {
  const roll = dice(seed)
  const longest = 1 + roll(roll(3) === 0 ? 60 : 4000)
  for (let at = 0; at < wire.length; ) {
    const end = at + 1 + roll(longest)
    socket.write(wire.slice(at, end), 'latin1')
    at = end
    if (roll(2) === 0) await tick(0)
  }
}
