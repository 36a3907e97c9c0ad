// Owns module debugger: what a script writes about itself to the log.
import { declarations, optional, text } from './declaration.ts'
import { define } from './define.ts'
import { currentRun, opNow } from './runtime.ts'

const debugger_ = declarations('debugger')

export const dbgSipMsg = define(
  debugger_(
    'dbg_sip_msg',
    [optional(text('level')), optional(text('facility'))],
    'Writes the message with the changes made so far to the log.',
    'dbg_sip_msg();',
    ['request', 'reply', 'event'],
  ),
  (_level?: string, _facility?: string) => {
    const run = currentRun()
    opNow('log', { level: -1, text: `${run.raw.slice(0, 16_384)} (${run.edits.length} changes)` })
    return 1
  },
)

export const dbgPvDump = define(
  debugger_(
    'dbg_pv_dump',
    [optional(text('mask')), optional(text('level'))],
    'Writes the AVPs and records of the transaction to the log.',
    'dbg_pv_dump();',
  ),
  (_mask?: string, _level?: string) => {
    const { state } = currentRun()
    const avps = Object.fromEntries([...state.avps].map(([name, values]) => [name, values]))
    opNow('log', { level: 3, text: JSON.stringify({ avp: avps, xavp: [...state.xavps.keys()] }).slice(0, 16_384) })
    return 1
  },
)

export const dbgBreakpoint = define(
  debugger_(
    'dbg_breakpoint',
    [text('mode')],
    "Stops in Kamailio's interactive debugger; there is none here, see `signalbox trace`.",
    'dbg_breakpoint("1");',
  ),
  (_mode: string) => 1,
)
