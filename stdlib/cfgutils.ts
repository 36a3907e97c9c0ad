// Owns module cfgutils: chance, global flags, locks, waits, routes by name, the hash of texts.

import { coreHash } from './core-hash.ts'
import { code, declarations, int, optional, text } from './declaration.ts'
import { define, defineWaiting } from './define.ts'
import { after, drive } from './pending.ts'
import { routeOf } from './program-table.ts'
import { definePv } from './pv.ts'
import { ask } from './service.ts'
import { numberParameter } from './settings.ts'
import { requestView } from './views.ts'

const cfgutils = declarations('cfgutils')

const initialProbability = numberParameter('cfgutils', 'initial_probability', 0)
let probability: number | undefined
const current = () => probability ?? Math.min(100, Math.max(0, initialProbability()))

export const randSetProb = define(
  cfgutils('rand_set_prob', [int('percent')], 'Sets the chance of rand_event, in percent.', 'rand_set_prob("4");'),
  (percent: number | string) => {
    const value = Number(percent)
    if (!(value >= 0 && value <= 100)) return -1
    probability = value
    return 1
  },
)
export const randResetProb = define(
  cfgutils('rand_reset_prob', [], 'Sets the chance of rand_event back to its first value.', 'rand_reset_prob();'),
  () => {
    probability = undefined
    return 1
  },
)
export const randGetProb = define(
  cfgutils('rand_get_prob', [], 'Gives the chance of rand_event in percent as its code.', 'rand_get_prob();'),
  current,
)
export const randEvent = define(
  cfgutils('rand_event', [optional(int('percent'))], 'True by chance.', 'if (rand_event()) forward();'),
  (percent?: number | string) => code(Math.random() * 100 < (percent === undefined ? current() : Number(percent))),
)

definePv({ name: 'RANDOM', module: 'cfgutils', doc: 'A random number that is not negative.' }, () =>
  Math.floor(Math.random() * 2_147_483_648),
)

/** Global flags live as long as the worker's program. */
let globalFlags = 0
const bit = (flag: number | string) => {
  const index = Number(flag)
  return Number.isInteger(index) && index >= 0 && index <= 31 ? 1 << index : 0
}
export const setGflag = define(
  cfgutils('set_gflag', [int('flag')], 'Sets a flag that all messages share.', 'set_gflag("4");'),
  (flag: number | string) => {
    globalFlags |= bit(flag)
    return code(bit(flag) !== 0)
  },
)
export const resetGflag = define(
  cfgutils('reset_gflag', [int('flag')], 'Clears a flag that all messages share.', 'reset_gflag("4");'),
  (flag: number | string) => {
    globalFlags &= ~bit(flag)
    return code(bit(flag) !== 0)
  },
)
export const isGflag = define(
  cfgutils('is_gflag', [int('flag')], 'True if the flag that all messages share is set.', 'is_gflag("4")'),
  (flag: number | string) => code((globalFlags & bit(flag)) !== 0),
)

/** Locks exist where lock_set_size is set, as in Kamailio. One message runs at a time in a worker, so they never wait. */
const lockSetSize = numberParameter('cfgutils', 'lock_set_size', 0)
function lockFunction(kamailio: string, doc: string) {
  return define(cfgutils(kamailio, [text('key')], doc, `${kamailio}("$ci");`), (_key: string) =>
    code(lockSetSize() > 0),
  )
}
export const lock = lockFunction(
  'lock',
  'Holds a lock by name. Needs modparam lock_set_size; a run is never interrupted here.',
)
export const unlock = lockFunction('unlock', 'Releases a lock.')
export const trylock = lockFunction('trylock', 'Holds a lock if it is free.')

const LONGEST_WAIT = 60_000
function wait(milliseconds: number) {
  return ask<number>('cfgutils', 'sleep', { milliseconds: Math.min(LONGEST_WAIT, Math.max(0, milliseconds || 0)) })
}
export const sleep = defineWaiting(
  cfgutils('sleep', [int('seconds')], 'Waits so many seconds, at most 60. Only this message waits.', 'sleep("1");'),
  (seconds: number | string) => wait(Number(seconds) * 1000),
)
export const usleep = defineWaiting(
  cfgutils('usleep', [int('microseconds')], 'Waits so many microseconds. Only this message waits.', 'usleep("5000");'),
  (microseconds: number | string) => wait(Math.ceil(Number(microseconds) / 1000)),
)

export const checkRouteExists = define(
  cfgutils(
    'check_route_exists',
    [text('name')],
    'True if there is a route block of that name.',
    'check_route_exists("NATDETECT")',
  ),
  (name: string) => code(routeOf('route', name) !== undefined),
)

export const coreHashOf = define(
  {
    ...cfgutils(
      'core_hash',
      [text('one'), text('other'), int('size')],
      'A number from 1 to 2^size that is the same for the same texts, as the code.',
      'core_hash("$ci", "", "8");',
    ),
    name: 'coreHashOf',
  },
  (one: string, other: string, size: number | string) => {
    const bits = Number(size)
    const slots = bits > 0 && bits < 31 ? 2 ** bits : 2
    return (coreHash(one, other) % slots) + 1
  },
)

/** What looks at Kamailio's memory has nothing to look at. */
function memory(kamailio: string) {
  return define(
    cfgutils(
      kamailio,
      [],
      'Kamailio writes the state of its memory to the log; there is none of that kind here.',
      `${kamailio}();`,
    ),
    () => 1,
  )
}
export const pkgStatus = memory('pkg_status')
export const shmStatus = memory('shm_status')
export const pkgSummary = memory('pkg_summary')
export const shmSummary = memory('shm_summary')

export const routeIfExists = defineWaiting(
  cfgutils(
    'route_if_exists',
    [text('name')],
    'Runs the route block of that name, where there is one.',
    'route_if_exists("LOCAL");',
  ),
  (name: string) => {
    const route = routeOf('route', name)
    if (route === undefined) return -1
    return after(drive(route(requestView)), (result) => (typeof result === 'number' ? result : 1))
  },
)
