// Owns module sipdump: a message written to its files, and $sipdump in its event route.
import { declarations, text } from './declaration.ts'
import { define } from './define.ts'
import { definePvClass } from './pv.ts'
import { askNow } from './service.ts'

const MODULE = 'sipdump'

export const sipdumpSend = define(
  declarations(MODULE)(
    'sipdump_send',
    [text('tag')],
    'Writes the message with that tag to the files of sipdump, or shows it to event_route[sipdump:msg].',
    'sipdump_send("refused");',
  ),
  (tag: string) => askNow<number>(MODULE, 'send', { tag }),
)

definePvClass(
  {
    name: 'sipdump',
    module: MODULE,
    inner: {
      name: 'part',
      values: ['tag', 'buf', 'len', 'af', 'proto', 'src_ip', 'src_port', 'dst_ip', 'dst_port'],
    },
    routes: ['event'],
    doc: 'In event_route[sipdump:msg]: tag (rcv, snd or that of sipdump_send), text and ends of the message.',
  },
  (inner) => {
    const part = inner.text.trim()
    return { get: () => askNow<Record<string, string | number> | null>(MODULE, 'event')?.[part] ?? null }
  },
)
