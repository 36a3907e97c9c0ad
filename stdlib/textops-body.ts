// Owns module textops, its bodies: asking for them, setting and removing them, and those of replies made here.
import { type BodyPart, bodyParts, boundaryOf } from './body-parts.ts'
import type { PvReference } from './contract.ts'
import { ANY_ROUTE, define } from './define.ts'
import { edit, endOfHeaders, removeHeaderLine } from './message-edits.ts'
import { currentRun } from './runtime.ts'
import { toBytes } from './text.ts'
import { textops } from './textops-declaration.ts'

/** The media type of a Content-Type value, in lower case. */
function mediaType(value: string): string {
  const semicolon = value.indexOf(';')
  return (semicolon < 0 ? value : value.slice(0, semicolon)).trim().toLowerCase()
}

export const hasBody = define(
  {
    ...textops(
      'hasBody',
      'has_body',
      [{ name: 'type', kind: 'string', constant: true, optional: true }],
      'True if the message has a body, of that media type when one is given.',
      'has_body("application/sdp")',
    ),
    routes: ANY_ROUTE,
  },
  (type?: string) => {
    const { message } = currentRun()
    if (message.bodyStart >= message.raw.length) return -1
    if (type === undefined || type === '') return 1
    return mediaType(message.contentType) === mediaType(type) ? 1 : -1
  },
)

export const removeBody = define(
  textops('removeBody', 'remove_body', [], 'Removes the body; Content-Type stays.', 'remove_body();'),
  () => {
    const { message, raw } = currentRun()
    if (message.bodyStart < raw.length) edit(message.bodyStart, raw.length - message.bodyStart, '')
    return 1
  },
)

export const setBody = define(
  textops(
    'setBody',
    'set_body',
    [
      { name: 'text', kind: 'string' },
      { name: 'type', kind: 'string' },
    ],
    'Gives the message another body and Content-Type.',
    'set_body("hello", "text/plain");',
  ),
  (text: string, type: string) => {
    const run = currentRun()
    const { message, raw } = run
    const index = message.find('Content-Type')
    if (index >= 0) removeHeaderLine(message, index)
    edit(endOfHeaders(message), 0, `Content-Type: ${toBytes(type)}\r\n`)
    // The last body is the body.
    const whole = raw.length - message.bodyStart
    run.edits = run.edits.filter(({ at, remove }) => at !== message.bodyStart || remove !== whole)
    edit(message.bodyStart, whole, toBytes(text))
    return 1
  },
)

/** What a body for replies of ours is (set_reply_body). */
export const setReplyBody = define(
  textops(
    'setReplyBody',
    'set_reply_body',
    [
      { name: 'text', kind: 'string' },
      { name: 'type', kind: 'string' },
    ],
    'Gives the replies that are made here a body.',
    'set_reply_body("hello", "text/plain");',
    ['request', 'failure', 'branch'],
  ),
  (text: string, type: string) => {
    currentRun().state.replyBody = { text: toBytes(text), type: toBytes(type) }
    return 1
  },
)

const MOST_PARTS = 100
function partsOfMessage(): BodyPart[] {
  const parts: BodyPart[] = []
  for (const part of bodyParts(currentRun().message)) if (parts.push(part) === MOST_PARTS) break
  return parts
}
const TYPE = { name: 'type', kind: 'string' } as const
const VARIABLE = { name: 'variable', kind: 'pv' } as const

/** Puts a body that is of the type as a whole into the variable. */
function wholeBody(type: string, target: PvReference): number {
  const { message, raw } = currentRun()
  if (message.bodyStart >= raw.length || mediaType(message.contentType) !== mediaType(type)) return -1
  target.set(raw.slice(message.bodyStart))
  return 1
}

export const getBodyPart = define(
  textops(
    'getBodyPart',
    'get_body_part',
    [TYPE, VARIABLE],
    'Puts the content of the part of that type of a multipart body, or a whole body of that type, into a variable.',
    'get_body_part("application/sdp", "$var(sdp)");',
  ),
  (type: string, target: PvReference) => {
    const part = partsOfMessage().find((one) => one.type === type.toLowerCase())
    if (part === undefined) return wholeBody(type, target)
    // With the blank line's own end before it, as Kamailio.
    target.set(currentRun().raw.slice(part.content - 2, part.end))
    return 1
  },
)

export const getBodyPartRaw = define(
  textops(
    'getBodyPartRaw',
    'get_body_part_raw',
    [TYPE, VARIABLE],
    'As get_body_part, with the headers of a part and the boundary after it.',
    'get_body_part_raw("application/sdp", "$var(part)");',
  ),
  (type: string, target: PvReference) => {
    const { raw } = currentRun()
    const part = partsOfMessage().find((one) => one.type === type.toLowerCase())
    if (part === undefined) return wholeBody(type, target)
    const lineEnd = raw.indexOf('\n', part.end)
    target.set(raw.slice(part.start, lineEnd < 0 ? raw.length : lineEnd + 1))
    return 1
  },
)

export const filterBody = define(
  textops(
    'filterBody',
    'filter_body',
    [TYPE],
    'Keeps of a multipart body the content of the part of that type alone; Content-Type stays.',
    'filter_body("application/sdp");',
  ),
  (type: string) => {
    const { message, raw } = currentRun()
    const part = partsOfMessage().find((one) => one.type === type.toLowerCase())
    if (part === undefined) return -1
    const end = raw.startsWith('\r\n', part.end - 2) ? part.end - 2 : part.end
    edit(message.bodyStart, part.content - message.bodyStart, '')
    edit(end, raw.length - end, '')
    return 1
  },
)

export const removeBodyPart = define(
  textops(
    'removeBodyPart',
    'remove_body_part',
    [TYPE],
    'Removes the part of that type from a multipart body.',
    'remove_body_part("application/isup");',
  ),
  (type: string) => {
    const part = partsOfMessage().find((one) => one.type === type.toLowerCase())
    if (part === undefined) return -1
    const line = currentRun().raw.lastIndexOf('\n', part.start - 2) + 1
    edit(line, part.end - line, '')
    return 1
  },
)

export const appendBodyPart = define(
  textops(
    'appendBodyPart',
    'append_body_part',
    [{ name: 'text', kind: 'string' }, TYPE, { name: 'disposition', kind: 'string', optional: true }],
    'Adds a part to a multipart body; false for any other body.',
    'append_body_part("$var(text)", "text/plain");',
  ),
  (text: string, type: string, disposition?: string) => {
    const { message, raw } = currentRun()
    const boundary = boundaryOf(message)
    if (boundary === undefined) return -1
    const closing = raw.lastIndexOf(`--${boundary}`)
    if (closing < message.bodyStart) return -1
    edit(closing, 0, partText(boundary, text, type, disposition))
    return 1
  },
)

function partText(boundary: string, text: string, type: string, disposition = ''): string {
  const second = disposition === '' ? '' : `Content-Disposition: ${toBytes(disposition)}\r\n`
  return `--${boundary}\r\nContent-Type: ${toBytes(type)}\r\n${second}\r\n${toBytes(text)}\r\n`
}

export const setBodyMultipart = define(
  textops(
    'setBodyMultipart',
    'set_body_multipart',
    [
      { name: 'text', kind: 'string', optional: true },
      { ...TYPE, optional: true },
      { name: 'boundary', kind: 'string', optional: true },
    ],
    'Makes the body a multipart one: of the text given, or of the body that there is.',
    'set_body_multipart();',
  ),
  (text?: string, type?: string, named?: string) => {
    const boundary = named ?? 'unique-boundary-1'
    const { message, raw } = currentRun()
    if (text === undefined && message.bodyStart >= raw.length) return -1
    const index = message.find('Content-Type')
    const first = partText(boundary, text ?? message.body, type ?? message.contentType)
    if (index >= 0) removeHeaderLine(message, index)
    edit(
      endOfHeaders(message),
      0,
      `Content-Type: multipart/mixed;boundary="${toBytes(boundary)}"\r\nMime-Version: 1.0\r\n`,
    )
    edit(
      message.bodyStart,
      raw.length - message.bodyStart,
      `${first}--${boundary}${text === undefined ? '--' : ''}\r\n`,
    )
    return 1
  },
)

export const isAudioOnHold = define(
  textops(
    'isAudioOnHold',
    'is_audio_on_hold',
    [],
    'True if the SDP puts audio on hold: sendonly, inactive, or the address 0.0.0.0.',
    'is_audio_on_hold()',
  ),
  () => {
    const { body } = currentRun().message
    const audio = /^m=audio [\s\S]*?(?=^m=|(?![\s\S]))/m.exec(body)?.[0]
    if (audio === undefined) return -1
    const session = body.slice(0, body.search(/^m=/m))
    const held = /^a=(?:sendonly|inactive)\b/m
    const direction = /^a=(?:sendrecv|recvonly|sendonly|inactive)\b/m.test(audio) ? audio : session
    const address = /^c=IN IP4 (\S+)/m.exec(audio)?.[1] ?? /^c=IN IP4 (\S+)/m.exec(session)?.[1]
    return held.test(direction) || address === '0.0.0.0' ? 1 : -1
  },
)
