// Owns the torture messages as data: RFC 4475's archive from its text, the reaction of ours to each, the shared tables and RFC 5118's messages.

import { gunzipSync } from 'node:zlib'
import { shared, sharedTable } from './fixtures.ts'

/** What a proxy does: forward, drop, or the status it answers with. */
export type Reaction = number | 'forward' | 'drop'

/** The reactions of ours that meet the RFC's text; the archive printed in the RFC has all of them. */
export const RFC4475: Record<string, Reaction> = {
  wsinv: 'forward',
  intmeth: 'forward',
  esc01: 'forward',
  escnull: 'forward',
  esc02: 'forward',
  lwsdisp: 'forward',
  longreq: 'forward',
  dblreq: 'forward',
  semiuri: 'forward',
  transports: 'forward',
  mpart01: 'forward',
  unreason: 'forward',
  noreason: 'forward',
  badinv01: 400,
  clerr: 400,
  ncl: 400,
  scalar02: 400,
  scalarlg: 'drop',
  quotbal: 400,
  ltgtruri: 400,
  lwsruri: 400,
  lwsstart: 400,
  trws: 400,
  escruri: 400,
  baddate: 'forward',
  regbadct: 'forward',
  badaspec: 400,
  baddn: 400,
  badvers: 505,
  mismatch01: 400,
  mismatch02: 501,
  bigcode: 'drop',
  badbranch: 'forward',
  insuf: 400,
  unkscm: 416,
  novelsc: 416,
  unksm2: 'forward',
  bext01: 420,
  invut: 'forward',
  regaut01: 'forward',
  multi01: 400,
  mcl01: 400,
  bcast: 'forward',
  zeromf: 483,
  cparam01: 'forward',
  cparam02: 'forward',
  regescrt: 'forward',
  sdp01: 'forward',
  inv2543: 'forward',
}

/** The messages printed as a base64 tar.gz at the end of RFC 4475. */
export function rfc4475Archive(): Map<string, string> {
  const files = new Map<string, string>()
  const text = shared('rfc/rfc4475.txt')
  if (text === undefined) {
    console.warn('SKIPPED: the text of RFC 4475 is absent')
    return files
  }
  const body = text.slice(
    text.lastIndexOf('-- BEGIN MESSAGE ARCHIVE --'),
    text.lastIndexOf('-- END MESSAGE ARCHIVE --'),
  )
  const lines = body.split('\n').filter((line) => /^ {3}[A-Za-z0-9+/=]+$/.test(line))
  const tar = gunzipSync(Buffer.from(lines.join(''), 'base64')).toString('latin1')
  for (let at = 0; at + 512 <= tar.length; ) {
    const name = tar.slice(at, tar.indexOf('\0', at))
    const size = Number.parseInt(tar.slice(at + 124, at + 135), 8)
    if (name === '' || Number.isNaN(size)) break
    if (name.endsWith('.dat')) files.set(name.replace(/^.*\//, '').slice(0, -4), tar.slice(at + 512, at + 512 + size))
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files
}

/** The shared table of RFC 4475 without `test`, of which nothing is asked but survival. */
export const table4475 = sharedTable('corpora/rfc4475/INDEX.tsv').filter((row) => row.id !== 'test')

export const table5118 = sharedTable('corpora/rfc5118/INDEX.tsv')

/** What the table lets a proxy do; any of its alternatives counts. */
export function listedReactions(expected: string): Reaction[] {
  const proxy = expected.split(';;')[0]!
  const found: Reaction[] = [...proxy.matchAll(/\b([45]\d\d)\b/g)].map((match) => Number(match[1]))
  if (/forward|parse|user part/.test(proxy)) found.push('forward')
  if (/drop|discarded/.test(proxy)) found.push('drop')
  return found
}

/** A message of RFC 5118's archive as a sender sends it: CRLF for its bare LF, its Content-Length mended. */
export function rfc5118AsSent(id: string): string {
  const [head = '', ...body] = shared(`corpora/rfc5118/archive/${id}`)!.split('\n\n')
  const content = body.length === 0 ? '' : body.join('\n\n').replaceAll('\n', '\r\n')
  const lines = head.trimEnd().replaceAll('\n', '\r\n')
  return `${lines.replace(/Content-Length:.*/i, `Content-Length: ${content.length}`)}\r\n\r\n${content}`
}
