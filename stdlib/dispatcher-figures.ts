// Owns what module dispatcher tells of its sets: ds_dsg_fetch with $dsg, and $dsv of its events.
import { declarations, int } from './declaration.ts'
import { define } from './define.ts'
import { definePvClass } from './pv.ts'
import { askNow } from './service.ts'

const MODULE = 'dispatcher'
const dispatcher = declarations(MODULE)

interface Counts {
  readonly count: number
  readonly active: number
  readonly inactive: number
}
const fetched = new Map<string, Counts>()
const MOST_FETCHED = 1000

export const dsDsgFetch = define(
  dispatcher('ds_dsg_fetch', [int('set')], 'Reads the figures of a set for $dsg.', 'ds_dsg_fetch("1");'),
  (set: number | string) => {
    const counts = askNow<Counts | null>(MODULE, 'counts', { set: Number(set) })
    if (counts === null) return -1
    if (fetched.size < MOST_FETCHED) fetched.set(`${Number(set)}`, counts)
    return 1
  },
)

definePvClass(
  {
    name: 'dsg',
    module: MODULE,
    inner: { name: 'set=>figure' },
    doc: 'A figure of a set that ds_dsg_fetch has read: count, active, pactive, inactive, pinactive.',
  },
  (inner) => ({
    get() {
      const [set = '', figure = ''] = inner.format().split('=>')
      const counts = fetched.get(set.trim())
      if (counts === undefined) return null
      const percent = (part: number) => (counts.count === 0 ? 0 : Math.floor((part * 100) / counts.count))
      switch (figure.trim()) {
        case 'count':
          return counts.count
        case 'active':
          return counts.active
        case 'inactive':
          return counts.inactive
        case 'pactive':
          return percent(counts.active)
        case 'pinactive':
          return percent(counts.inactive)
        default:
          return null
      }
    },
  }),
)

definePvClass(
  {
    name: 'dsv',
    module: MODULE,
    inner: { name: 'part', values: ['code', 'reason', 'flags'] },
    routes: ['event'],
    doc: 'In event_route[dispatcher:dst-up] and dst-down: status and reason of the probe that told, and the flags of the destination.',
  },
  (inner) => ({
    get: () => askNow<Record<string, string | number> | null>(MODULE, 'event')?.[inner.text.trim()] ?? null,
  }),
)
