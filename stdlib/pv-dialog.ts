// Owns the pseudo-variables of module dialog.
import { SipRequest } from '../src/sip/index.ts'
import { askDialog, keepContext, keepVariable, pendingOf } from './dialog-run.ts'
import { definePv, definePvClass, type PvValue } from './pv.ts'
import { currentRun } from './runtime.ts'
import { askNow } from './service.ts'

const MODULE = 'dialog'

definePvClass(
  {
    name: 'dlg_var',
    module: MODULE,
    inner: { name: 'name' },
    writable: true,
    doc: 'A variable of the dialog; kept for it where it has not begun yet.',
  },
  (inner) => ({
    get() {
      const name = inner.format().trim()
      return pendingOf()?.get(name) ?? askDialog<PvValue>('variable', { name })
    },
    set(value) {
      const name = inner.format().trim()
      if (askDialog<number>('setVariable', { name, value: value ?? null }) < 0) keepVariable(name, value ?? null)
    },
  }),
)

const PROPERTIES = [
  'h_id',
  'h_entry',
  'ref',
  'callid',
  'from_uri',
  'to_uri',
  'req_uri',
  'from_tag',
  'to_tag',
  'from_cseq',
  'to_cseq',
  'from_rs',
  'to_rs',
  'from_contact',
  'to_contact',
  'from_bindaddr',
  'to_bindaddr',
  'state',
  'lifetime',
  'start_ts',
  'dflags',
  'sflags',
  'toroute',
]

definePvClass(
  {
    name: 'dlg',
    module: MODULE,
    inner: { name: 'property', values: PROPERTIES },
    doc: 'A property of the dialog of the message, or of the one that dlg_get has found.',
  },
  (inner) => {
    const name = inner.text.trim()
    return { get: () => askDialog<PvValue>('get', { name }) }
  },
)

definePvClass(
  {
    name: 'dlg_ctx',
    module: MODULE,
    inner: {
      name: 'property',
      values: ['on', 'flags', 'timeout_route', 'timeout_bye', 'timeout', 'set', 'dir', 'timeout_route_id', 'to_route'],
    },
    writable: true,
    doc: 'A property of the message’s dialog that may be assigned, before it begins as well: timeout, timeout_bye, timeout_route.',
  },
  (inner) => {
    const name = inner.text.trim()
    return {
      get: () => askDialog<PvValue>('context', { name }) ?? (name === 'timeout_route' ? null : 0),
      set(value) {
        if (askDialog<number>('setContext', { name, value: value ?? null }) < 0) keepContext(name, value ?? null)
      },
    }
  },
)

definePv({ name: 'DLG_count', module: MODULE, doc: 'How many dialogs are up.' }, () => askNow<number>(MODULE, 'count'))

/** Kamailio 5.6: only a request within the dialog has these. */
function within(name: string): PvValue {
  const { message } = currentRun()
  return message instanceof SipRequest && message.toTag !== '' ? askDialog<PvValue>('get', { name }) : null
}

definePv({ name: 'DLG_status', module: MODULE, doc: 'The state of the dialog that the request belongs to.' }, () =>
  within('state'),
)

definePv({ name: 'DLG_lifetime', module: MODULE, doc: 'Seconds since the dialog was answered.' }, () => {
  const started = within('start_ts')
  return typeof started === 'number' && started > 0 ? Math.max(0, Math.floor(Date.now() / 1000) - started) : null
})
