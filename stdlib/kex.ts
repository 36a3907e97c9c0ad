// Owns module kex: destination tests, formatted assignment, the script's own log level.
import type { PvReference } from './contract.ts'
import { code, declarations, format, int, variable } from './declaration.ts'
import { define } from './define.ts'
import { setDestination } from './request-uri.ts'
import { currentRun } from './runtime.ts'

const kex = declarations('kex')

export const isdsturiset = define(kex('isdsturiset', [], 'True if $du is set.', 'if (isdsturiset()) t_relay();'), () =>
  code(Boolean(currentRun().target?.nextHop)),
)

export const resetdsturi = define(kex('resetdsturi', [], 'Takes $du away.', 'resetdsturi();'), () => {
  if (currentRun().target === undefined) return -1
  setDestination(null)
  return 1
})

/** Puts a text with its variables replaced into a variable. */
function print(kamailio: string, doc: string) {
  return define(
    kex(kamailio, [variable('variable'), format('text')], doc, `${kamailio}("$avp(x)", "$rU at $rd");`),
    (target: PvReference, value: string) => {
      target.set(value)
      return 1
    },
  )
}
export const pvPrintf = print('pv_printf', 'Puts a text into a variable, the variables in it replaced.')
export const avpPrintf = print('avp_printf', 'As pv_printf.')

/** The log level of the run: lines of xlog above it are left out. */
export const setdebug = define(
  kex(
    'setdebug',
    [int('level')],
    'Sets the level up to which xlog writes, for the rest of the script.',
    'setdebug("3");',
  ),
  (level: number | string) => {
    const number = Number(level)
    if (!Number.isInteger(number)) return -1
    currentRun().logLevel = number
    return 1
  },
)
export const resetdebug = define(kex('resetdebug', [], 'Takes setdebug back.', 'resetdebug();'), () => {
  currentRun().logLevel = undefined
  return 1
})
