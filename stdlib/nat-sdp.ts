// Owns fix_nated_sdp: the lines of a session description that name the sender's own address.
import { bodyEdit } from '../src/sip/index.ts'
import { parseAddress } from './ip-address.ts'
import { currentRun } from './runtime.ts'
import { bodyLines, sdpSpan } from './sdp-lines.ts'
import { numberParameter, textParameter } from './settings.ts'

const ACTIVE = 0x01
const MEDIA = 0x02
const MARK = 0x04
const ORIGIN = 0x08

const markLine = textParameter('nathelper', 'nortpproxy_str', 'a=nortpproxy:yes\r\n')
const appendOld = numberParameter('nathelper', 'append_sdp_oldmediaip', 1)

/** Changes the SDP; Kamailio's code: 1 an address was changed, 2 lines were added alone, -1 there is no SDP. */
export function fixSdp(flags: number, address: string): number {
  const run = currentRun()
  const { message, raw } = run
  const span = sdpSpan(message)
  if (span === undefined) return -1
  const family = parseAddress(address)?.length === 16 ? 'IP6' : 'IP4'
  const old = { media: [] as string[], origin: [] as string[] }
  const replaced = (line: string, wanted: RegExp, list: string[]): string =>
    line.replace(wanted, (_, before: string, was: string) => {
      list.push(was)
      return `${before}${family} ${address}`
    })
  const mark = (flags & MARK) === 0 ? '' : /\r\n$/.test(markLine()) ? markLine() : `${markLine()}\r\n`
  const marks = (flags & ACTIVE) !== 0 ? 'a=direction:active\r\n' : ''
  let inMedia = false
  let body = ''
  for (const { start, end } of bodyLines(raw, span)) {
    let line = raw.slice(start, end)
    if ((flags & MEDIA) !== 0) {
      line = replaced(line, /^(c=IN )IP[46] ([^\s/]+)/, old.media)
      line = replaced(line, /^(a=rtcp:\d+ IN )IP[46] ([^\s/]+)/, [])
    }
    if ((flags & ORIGIN) !== 0) line = replaced(line, /^(o=.* IN )IP[46] (\S+)/, old.origin)
    // What marks a stream stands at its end.
    if (line.startsWith('m=') && inMedia) body += marks
    if (line.startsWith('m=')) inMedia = true
    body += line
  }
  if (!/\n$/.test(body)) body += '\r\n'
  if (inMedia) body += marks
  body += mark
  if (appendOld() !== 0) for (const was of [...old.media, ...old.origin]) body += `a=oldmediaip:${was}\r\n`
  const whole = raw.slice(message.bodyStart, span.start) + body + raw.slice(span.end)
  for (const change of bodyEdit(message, whole)) run.addEdit(change)
  return (flags & (MEDIA | ORIGIN)) === 0 ? 2 : 1
}
