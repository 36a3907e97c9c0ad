// Owns module siptrace: copies of messages for a capture server.
import { declarations, optional, text } from './declaration.ts'
import { define } from './define.ts'
import { askNow } from './service.ts'

const siptrace = declarations('siptrace')

export const sipTrace = define(
  siptrace(
    'sip_trace',
    [optional(text('uri')), optional(text('correlation')), optional(text('mode'))],
    'Sends a copy of the message, and of the replies to it, to duplicate_uri or the URI given; mode m: of the message only.',
    'sip_trace();',
  ),
  (address?: string, correlation?: string, mode?: string) =>
    askNow<number>('siptrace', 'trace', { address, correlation, mode }),
)

export const sipTraceMode = define(
  siptrace(
    'sip_trace_mode',
    [text('mode')],
    'As sip_trace, with the mode alone: m the message, t its transaction.',
    'sip_trace_mode("t");',
  ),
  (mode: string) => askNow<number>('siptrace', 'trace', { mode }),
)
