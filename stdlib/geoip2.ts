// Owns module geoip2: where an address is, by a MaxMind database.
import { declarations, text } from './declaration.ts'
import { define } from './define.ts'
import { definePvClass } from './pv.ts'
import { PvSyntaxError } from './pv-format.ts'
import { currentRun } from './runtime.ts'
import { askNow } from './service.ts'

const MODULE = 'geoip2'
const geoip2 = declarations(MODULE)

type Facts = Readonly<Record<string, string | number>>

const KEYS = ['cc', 'tz', 'zip', 'lat', 'lon', 'city', 'regc', 'regn', 'metro', 'contc', 'nmask']

const MOST_CONTAINERS = 100

/** What was found, by the name that the script gave it, of each transaction. */
const found = new WeakMap<object, Map<string, Facts>>()

export const geoip2Match = define(
  geoip2(
    'geoip2_match',
    [text('address'), text('container')],
    'Looks an address up; $gip2(container=>key) then tells of it. False if it is in no network of the database.',
    'if (geoip2_match("$si", "src") && $gip2(src=>cc) == "DE") xlog("$gip2(src=>city)\\n");',
  ),
  (address: string, container: string) => {
    const { state } = currentRun()
    const facts = askNow<Facts | null>(MODULE, 'find', { address })
    let named = found.get(state)
    if (named === undefined) found.set(state, (named = new Map()))
    if (facts === null) {
      named.delete(container)
      return -1
    }
    if (named.size < MOST_CONTAINERS || named.has(container)) named.set(container, facts)
    else throw new Error(`A transaction keeps at most ${MOST_CONTAINERS} places that geoip2_match has found.`)
    return 1
  },
)

definePvClass(
  {
    name: 'gip2',
    module: MODULE,
    inner: { name: 'container=>key' },
    doc: 'What geoip2_match found: cc (country), tz (time zone), zip, lat, lon, city, regc and regn (code and name of the region), metro, contc (continent), nmask (bits of the network).',
  },
  (inner) => {
    const [, container = '', key = ''] = /^\s*([^=]+?)\s*=>\s*(\w+)\s*$/.exec(inner.text) ?? []
    if (!KEYS.includes(key)) throw new PvSyntaxError(`$gip2(container=>key) has the keys ${KEYS.join(', ')}`, 0)
    return { get: () => found.get(currentRun().state)?.get(container)?.[key] ?? null }
  },
)
