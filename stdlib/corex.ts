// Owns module corex: what is asked of a message besides its text, and further flags.
import { code, declarations, int, text } from './declaration.ts'
import { define } from './define.ts'
import { currentRun } from './runtime.ts'

const corex = declarations('corex')

export const isIncoming = define(
  corex(
    'is_incoming',
    [],
    'True in the events of packets that came in (nio_intercept), which do not exist here: false, as in Kamailio without them.',
    'is_incoming()',
  ),
  () => -1,
)

export const isFakedMsg = define(
  corex(
    'is_faked_msg',
    [],
    'True in routes that run without a message that came: failure routes and events.',
    'is_faked_msg()',
  ),
  () => code(currentRun().kind === 'failure' || currentRun().kind === 'event'),
)

const LAST_XFLAG = 95

function flagIndex(flag: number | string): number | undefined {
  const index = Number(flag)
  return Number.isInteger(index) && index >= 0 && index <= LAST_XFLAG ? index : undefined
}

export const setxflag = define(
  corex('setxflag', [int('flag')], 'Sets an extended flag, 0 to 95, of the transaction.', 'setxflag("40");'),
  (flag: number | string) => {
    const index = flagIndex(flag)
    if (index !== undefined) currentRun().state.extendedFlags.add(index)
    return code(index !== undefined)
  },
)

export const resetxflag = define(
  corex('resetxflag', [int('flag')], 'Clears an extended flag.', 'resetxflag("40");'),
  (flag: number | string) => {
    const index = flagIndex(flag)
    if (index !== undefined) currentRun().state.extendedFlags.delete(index)
    return code(index !== undefined)
  },
)

export const isxflagset = define(
  corex('isxflagset', [int('flag')], 'True if the extended flag is set.', 'isxflagset("40")'),
  (flag: number | string) => code(currentRun().state.extendedFlags.has(flagIndex(flag) ?? -1)),
)

/** Flags that only tell Kamailio's own modules how to treat a message; what they ask for is the rule here. */
const INTERNAL_FLAGS: readonly string[] = ['USE_UAC_FROM', 'USE_UAC_TO']

function internalFlag(kamailio: string, doc: string, act: (name: string) => number) {
  return define(corex(kamailio, [text('flag')], doc, `${kamailio}("USE_UAC_FROM");`), (flag: string) =>
    INTERNAL_FLAGS.includes(flag.toUpperCase()) ? act(flag.toUpperCase()) : -1,
  )
}

export const msgIflagSet = internalFlag('msg_iflag_set', 'Sets an internal flag of the message.', (name) => {
  currentRun().state.internalFlags.add(name)
  return 1
})
export const msgIflagReset = internalFlag('msg_iflag_reset', 'Clears an internal flag of the message.', (name) => {
  currentRun().state.internalFlags.delete(name)
  return 1
})
export const msgIflagIsSet = internalFlag('msg_iflag_is_set', 'True if the internal flag is set.', (name) =>
  currentRun().state.internalFlags.has(name) ? 1 : -2,
)
