// Owns module dialog: calls that are followed from their INVITE to their end, with variables, profiles and time limits.
import { SipRequest } from '../src/sip/index.ts'
import type { Parameter, PvReference } from './contract.ts'
import { declarations } from './declaration.ts'
import { define, defineWaiting } from './define.ts'
import { askDialog, chooseDialog, pendingOf, takePending } from './dialog-run.ts'
import './pv-dialog.ts'
import { bindPv } from './pv.ts'
import { parsePv } from './pv-format.ts'
import { addRrParam } from './rr.ts'
import { currentRun } from './runtime.ts'
import { ask, askNow } from './service.ts'
import { parameterOf } from './settings.ts'

const MODULE = 'dialog'
const text = (name: string): Parameter => ({ name, kind: 'string' })
const optional = (name: string): Parameter => ({ name, kind: 'string', optional: true })

const dialog = declarations(MODULE)

const timeoutVariable = parameterOf(MODULE, 'timeout_avp', undefined as PvReference['get'] | undefined, (name) => {
  const { get } = bindPv(parsePv(`${name}`))
  return () => get() ?? null
})

export const dlgManage = define(
  {
    ...dialog(
      'dlg_manage',
      [],
      'Begins to follow the call of an INVITE; for a request within a dialog, true if it is one that is followed.',
      'dlg_manage();',
    ),
    routes: ['request', 'event'],
  },
  () => {
    const { message } = currentRun()
    if (!(message instanceof SipRequest)) return -1
    const lifetime = Number(timeoutVariable()?.() ?? 0)
    const made = askNow<{ did: string } | null>(MODULE, 'manage', { ...takePending(), lifetime })
    if (made === null) return -1
    if (made.did !== '') addRrParam(`;did=${made.did}`)
    return 1
  },
)

export const isKnownDlg = define(
  dialog('is_known_dlg', [], 'True if the message belongs to a dialog that is followed.', 'is_known_dlg()'),
  () => askDialog<number>('known') ?? -1,
)

const FLAG: readonly Parameter[] = [{ name: 'flag', kind: 'int' }]

function flagged(action: 'is' | 'set' | 'reset', flag: number | string): number {
  const number = Number(flag)
  return Number.isInteger(number) && number >= 0 && number < 32
    ? askDialog<number>('flag', { flag: number, action })
    : -1
}

export const dlgIsflagset = define(
  dialog('dlg_isflagset', FLAG, 'True if that flag of the dialog is set.', 'dlg_isflagset("1")'),
  (flag: number | string) => flagged('is', flag),
)

export const dlgSetflag = define(
  dialog('dlg_setflag', FLAG, 'Sets a flag of the dialog.', 'dlg_setflag("1");'),
  (flag: number | string) => flagged('set', flag),
)

export const dlgResetflag = define(
  dialog('dlg_resetflag', FLAG, 'Clears a flag of the dialog.', 'dlg_resetflag("1");'),
  (flag: number | string) => flagged('reset', flag),
)

const SIDES = ['caller', 'callee', 'all']

export const dlgBye = define(
  dialog(
    'dlg_bye',
    [{ ...text('side'), values: SIDES }],
    'Sends BYE to one side of an answered call, or to both, and ends the dialog.',
    'dlg_bye("all");',
  ),
  (side: string) => askDialog<number>('bye', { side: side.toLowerCase() }),
)

export const dlgRefer = define(
  dialog(
    'dlg_refer',
    [{ ...text('side'), values: ['caller', 'callee'] }, text('address')],
    'Asks the one who talks with that side to call another address (RFC 3515), as 5.6.3 does, and takes leave of him.',
    'dlg_refer("caller", "sip:announcement@example.com");',
  ),
  (side: string, address: string) => askDialog<number>('refer', { side: side.toLowerCase(), address }),
)

export const dlgBridge = define(
  dialog(
    'dlg_bridge',
    [text('from'), text('to'), text('proxy')],
    'Calls one address, over a proxy unless it is empty, and refers it to another: INVITE on hold, REFER, BYE.',
    'dlg_bridge("sip:alice@example.com", "sip:bob@example.com", "sip:127.0.0.1:5080");',
  ),
  (from: string, to: string, proxy: string) => askNow<number>(MODULE, 'bridge', { from, to, proxy }),
)

const THREE: readonly Parameter[] = [text('callId'), text('fromTag'), text('toTag')]

function keyOf(callId: string, fromTag: string, toTag: string): string | null {
  return askNow<string | null>(MODULE, 'find', { callId, fromTag, toTag: toTag === '<null>' ? '' : toTag })
}

export const dlgGet = define(
  dialog(
    'dlg_get',
    THREE,
    'Makes another dialog the one that $dlg and $dlg_var mean, for the rest of the run.',
    'dlg_get("$var(callid)", "$var(ft)", "$var(tt)");',
  ),
  (callId: string, fromTag: string, toTag: string) => {
    const key = keyOf(callId, fromTag, toTag)
    if (key === null) return -1
    chooseDialog(key)
    return 1
  },
)

export const dlgSetVar = define(
  dialog(
    'dlg_set_var',
    [...THREE, text('name'), text('value')],
    'Puts a variable into another dialog.',
    'dlg_set_var("$ci", "$ft", "$tt", "x", "1");',
  ),
  (callId: string, fromTag: string, toTag: string, name: string, value: string) => {
    const key = keyOf(callId, fromTag, toTag)
    return key === null ? -1 : askNow<number>(MODULE, 'setVariable', { dialog: key, name, value })
  },
)

export const dlgGetVar = define(
  dialog(
    'dlg_get_var',
    [...THREE, text('name'), { name: 'result', kind: 'pv' }],
    'Reads a variable of another dialog.',
    'dlg_get_var("$ci", "$ft", "$tt", "x", "$var(x)");',
  ),
  (callId: string, fromTag: string, toTag: string, name: string, result: PvReference) => {
    const key = keyOf(callId, fromTag, toTag)
    if (key === null) return -1
    result.set(askNow<string | number | null>(MODULE, 'variable', { dialog: key, name }))
    return 1
  },
)

export const dlgReqWithin = define(
  {
    ...dialog(
      'dlg_req_within',
      [...THREE, { ...text('side'), values: SIDES }, text('method')],
      'Sends a request of ours within a dialog.',
      'dlg_req_within("$ci", "$ft", "$tt", "caller", "INFO", "", "", "");',
    ),
    overloads: [
      [
        ...THREE,
        { ...text('side'), values: SIDES },
        text('method'),
        text('headers'),
        text('contentType'),
        text('body'),
      ],
    ],
  },
  (
    callId: string,
    fromTag: string,
    toTag: string,
    side: string,
    method: string,
    headers?: string,
    contentType?: string,
    body?: string,
  ) => {
    const key = keyOf(callId, fromTag, toTag)
    if (key === null) return -1
    return askDialog<number>('within', { dialog: key, side: side.toLowerCase(), method, headers, contentType, body })
  },
)

export const dlgSetTimeout = define(
  {
    ...dialog(
      'dlg_set_timeout',
      [{ name: 'seconds', kind: 'int' }],
      'How many seconds the dialog may last from now on.',
      'dlg_set_timeout("3600");',
    ),
    overloads: [[{ name: 'seconds', kind: 'int' }, text('entry'), text('id')]],
  },
  (seconds: number | string, entry?: string, id?: string) =>
    askDialog<number>('timeout', {
      seconds: Number(seconds),
      ...(entry === undefined ? {} : { dialog: `${entry}:${id}` }),
    }),
)

export const dlgSetTimeoutByProfile = define(
  dialog(
    'dlg_set_timeout_by_profile',
    [text('profile'), text('value'), { name: 'seconds', kind: 'int', optional: true }],
    'How many seconds each dialog of a profile may last from now on.',
    'dlg_set_timeout_by_profile("caller", "$fU", "60");',
  ),
  (profile: string, value: string, seconds?: number | string) =>
    askNow<number>(
      MODULE,
      'profileTimeout',
      seconds === undefined ? { profile, seconds: Number(value) } : { profile, value, seconds: Number(seconds) },
    ),
)

const PROPERTIES = ['ka-src', 'ka-dst', 'timeout-noreset']

function property(action: 'set' | 'reset', name: string): number {
  return PROPERTIES.includes(name) ? askDialog<number>('property', { name, action }) : -1
}

export const dlgSetProperty = define(
  dialog(
    'dlg_set_property',
    [text('property')],
    'Gives the dialog a property: timeout-noreset, ka-src, ka-dst.',
    'dlg_set_property("timeout-noreset");',
  ),
  (name: string) => property('set', name),
)

export const dlgResetProperty = define(
  dialog(
    'dlg_reset_property',
    [text('property')],
    'Takes a property away from the dialog.',
    'dlg_reset_property("timeout-noreset");',
  ),
  (name: string) => property('reset', name),
)

const PROFILE: readonly Parameter[] = [text('profile'), optional('value')]

export const setDlgProfile = define(
  dialog('set_dlg_profile', PROFILE, 'Counts the dialog in a profile.', 'set_dlg_profile("caller", "$fU");'),
  (profile: string, value?: string) => askDialog<number>('profile', { profile, value, action: 'set' }),
)

export const unsetDlgProfile = define(
  dialog(
    'unset_dlg_profile',
    PROFILE,
    'Counts the dialog in a profile no more. Not in request_route.',
    'unset_dlg_profile("caller", "$fU");',
  ),
  // Kamailio 5.6: refused where the dialog has just been made.
  (profile: string, value?: string) =>
    currentRun().kind === 'request' ? -1 : askDialog<number>('profile', { profile, value, action: 'unset' }),
)

export const isInProfile = define(
  dialog(
    'is_in_profile',
    PROFILE,
    'True if the dialog is counted in that profile, with that value where one is given.',
    'is_in_profile("caller", "$fU")',
  ),
  (profile: string, value?: string) => askDialog<number>('profile', { profile, value, action: 'is' }),
)

const RESULT: Parameter = { name: 'size', kind: 'pv' }

export const getProfileSize = define(
  {
    ...dialog(
      'get_profile_size',
      [text('profile'), RESULT],
      'How many dialogs a profile counts, of one value or of all.',
      'get_profile_size("caller", "$fU", "$var(n)");',
    ),
    overloads: [[text('profile'), text('value'), RESULT]],
  },
  (profile: string, second: string | PvReference, third?: PvReference) => {
    const value = typeof second === 'string' ? second : undefined
    const size = askNow<number>(MODULE, 'size', { profile, value })
    const result = third ?? (second as PvReference)
    if (size < 0) return -1
    result.set(size)
    return 1
  },
)

export const dlgRemoteProfile = define(
  dialog(
    'dlg_remote_profile',
    [text('command'), text('profile'), text('value'), text('uid'), text('expires')],
    'Counts a dialog that another machine follows. Not provided: always false.',
    'dlg_remote_profile("add", "caller", "x", "1", "60");',
  ),
  () => -1,
)

export const dlgDbLoadCallid = defineWaiting(
  dialog(
    'dlg_db_load_callid',
    [text('callId')],
    'Goes on with the dialogs of a Call-ID that stand in the database: true if there were any that are not followed yet.',
    'dlg_db_load_callid("$ci");',
  ),
  (callId: string) => ask<number>(MODULE, 'load', { callId }),
)

/** A variable of the dialog for a TypeScript route: `$dlg_var(name)`. */
export function dlgVar(name: string): string | number | null {
  return pendingOf()?.get(name) ?? askDialog<string | number | null>('variable', { name })
}
