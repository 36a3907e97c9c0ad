// Owns what $dlg and $dlg_ctx show of a dialog, and what assigning to $dlg_ctx changes.
import type { SipMessage } from '../sip/index.ts'
import type { Dialog, DialogValue } from './dialog-state.ts'

const orNull = (text: string): string | null => (text === '' ? null : text)

const READERS: Readonly<Record<string, (dialog: Dialog) => DialogValue | null>> = {
  h_id: (dialog) => dialog.id,
  h_entry: (dialog) => dialog.entry,
  ref: () => 2,
  callid: (dialog) => dialog.callId,
  from_uri: (dialog) => dialog.fromUri,
  to_uri: (dialog) => dialog.toUri,
  req_uri: (dialog) => dialog.requestUri,
  from_tag: (dialog) => dialog.caller.tag,
  to_tag: (dialog) => orNull(dialog.callee.tag),
  from_cseq: (dialog) => dialog.caller.cseq,
  to_cseq: (dialog) => orNull(dialog.callee.cseq),
  from_rs: (dialog) => orNull(dialog.caller.routes.join(',')),
  to_rs: (dialog) => orNull(dialog.callee.routes.join(',')),
  from_contact: (dialog) => dialog.caller.contact,
  to_contact: (dialog) => orNull(dialog.callee.contact),
  from_bindaddr: (dialog) => dialog.caller.socket,
  to_bindaddr: (dialog) => orNull(dialog.callee.socket),
  state: (dialog) => dialog.state,
  lifetime: (dialog) => dialog.lifetime,
  start_ts: (dialog) => dialog.started,
  dflags: () => 0,
  sflags: (dialog) => dialog.flags,
  toroute: () => 0,
}

export function readDialog(dialog: Dialog, name: string): DialogValue | null {
  return Object.hasOwn(READERS, name) ? READERS[name]!(dialog) : null
}

export function readContext(dialog: Dialog, name: string, message: SipMessage): DialogValue | null {
  switch (name) {
    case 'timeout_bye':
      return dialog.timeoutBye ? 1 : 0
    case 'timeout_route':
      return orNull(dialog.timeoutRoute)
    case 'set':
      return 1
    case 'dir':
      return message.toTag === '' ? 1 : 0
    case 'flags':
      return dialog.flags
    default:
      return 0
  }
}

/** True when the lifetime was changed. */
export function writeContext(dialog: Dialog, name: string, value: DialogValue | null): boolean {
  switch (name) {
    case 'timeout':
      if (Number(value) > 0) dialog.lifetime = Number(value)
      return Number(value) > 0
    case 'timeout_bye':
      dialog.timeoutBye = Number(value) !== 0
      return false
    case 'timeout_route':
      dialog.timeoutRoute = `${value ?? ''}`
      return false
    case 'flags':
      dialog.flags = Number(value) | 0
      return false
    default:
      return false
  }
}
