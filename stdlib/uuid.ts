// Owns module uuid: $uuid(kind), a new identifier each time it is read.
import { definePvClass } from './pv.ts'
import { askNow } from './service.ts'

definePvClass(
  {
    name: 'uuid',
    module: 'uuid',
    inner: { name: 'kind', values: ['g', 'r', 't', 's'] },
    doc: 'A new UUID (RFC 9562): g and r by chance (version 4), t and s with the time in it (version 1).',
  },
  (inner) => {
    const kind = inner.text.trim()
    return { get: () => askNow<string>('uuid', kind === 't' || kind === 's' ? 'timed' : 'random') }
  },
)
