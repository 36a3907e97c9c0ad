// Owns the RPC commands of module dialog.
import type { DialogProfiles } from './dialog-profiles.ts'
import { ANSWERED, CONFIRMED, type Dialog, EARLY, UNCONFIRMED } from './dialog-state.ts'
import type { Bridge } from './dialog-transfer.ts'
import { RpcFault, rpcNumber, rpcText } from './rpc-fault.ts'
import type { ServiceCommand } from './service.ts'

export interface DialogCommandParts {
  all(): Iterable<Dialog>
  find(callId: string, fromTag: string): Dialog | undefined
  terminate(dialog: Dialog): void
  /** False: one of its addresses is none. */
  bridge(wanted: Bridge): boolean
  readonly profiles: DialogProfiles
  now(): number
}

const orNull = (text: string): string | null => (text === '' ? null : text)

export function dialogCommands(parts: DialogCommandParts): Record<string, ServiceCommand> {
  const described = (dialog: Dialog) => describeDialog(dialog, parts.now())
  const found = (given: readonly unknown[]): Dialog => {
    const dialog = parts.find(rpcText(given, 0, 'the Call-ID'), rpcText(given, 1, 'the From tag'))
    if (dialog === undefined) throw new RpcFault(404, 'Dialog not found')
    return dialog
  }
  const count = (...states: number[]) => [...parts.all()].filter((each) => states.includes(each.state)).length
  return {
    'dlg.list': () => [...parts.all()].map(described),
    'dlg.dlg_list': (given) => (given.length === 0 ? [...parts.all()].map(described) : described(found(given))),
    'dlg.briefing': () =>
      [...parts.all()].map((dialog) => ({
        h_entry: dialog.entry,
        h_id: dialog.id,
        from_uri: dialog.fromUri,
        to_uri: dialog.toUri,
        'call-id': dialog.callId,
        from_tag: dialog.caller.tag,
        to_tag: dialog.callee.tag,
      })),
    'dlg.stats_active'() {
      const [starting, connecting] = [count(UNCONFIRMED), count(EARLY)]
      const [answering, ongoing] = [count(ANSWERED), count(CONFIRMED)]
      return { starting, connecting, answering, ongoing, all: starting + connecting + answering + ongoing }
    },
    'dlg.terminate_dlg'(given) {
      parts.terminate(found(given))
      return ''
    },
    'dlg.end_dlg'(given) {
      const [entry, id] = [rpcNumber(given, 0, 'the entry'), rpcNumber(given, 1, 'the id')]
      const dialog = [...parts.all()].find((each) => each.entry === entry && each.id === id)
      if (dialog === undefined) throw new RpcFault(404, 'Dialog not found')
      parts.terminate(dialog)
      return ''
    },
    'dlg.bridge_dlg'(given) {
      const [from, to] = [rpcText(given, 0, 'the first address'), rpcText(given, 1, 'the second address')]
      const [, , proxy = '.', body = '.'] = given.map((each) => `${each}`)
      const offer = body === '.' ? {} : { body: body === '_' ? '' : body }
      if (!parts.bridge({ from, to, proxy, ...offer })) throw new RpcFault(500, 'Invalid address')
      return ''
    },
    'dlg.profile_get_size'(given) {
      const name = rpcText(given, 0, 'the profile')
      const size = parts.profiles.size(name, given.length > 1 ? rpcText(given, 1, 'the value') : undefined)
      if (size === undefined) throw new RpcFault(404, 'Profile not found')
      return size
    },
    'dlg.profile_list'(given) {
      const name = rpcText(given, 0, 'the profile')
      if (parts.profiles.kind(name) === undefined) throw new RpcFault(404, 'Profile not found')
      const value = given.length > 1 ? rpcText(given, 1, 'the value') : undefined
      return [...parts.all()]
        .filter((each) => each.profiles.has(name) && (value === undefined || each.profiles.get(name) === value))
        .map(described)
    },
  }
}

function describeDialog(dialog: Dialog, now: number): unknown {
  const { caller, callee } = dialog
  return {
    h_entry: dialog.entry,
    h_id: dialog.id,
    ref: 1,
    'call-id': dialog.callId,
    from_uri: dialog.fromUri,
    to_uri: dialog.toUri,
    state: dialog.state,
    start_ts: dialog.started,
    init_ts: dialog.initiated,
    end_ts: dialog.ended,
    duration: dialog.started === 0 ? 0 : (dialog.ended === 0 ? now : dialog.ended) - dialog.started,
    timeout: dialog.expires,
    lifetime: dialog.lifetime,
    dflags: 0,
    sflags: dialog.flags,
    iflags: 0,
    caller: {
      tag: caller.tag,
      contact: caller.contact,
      cseq: caller.cseq,
      route_set: caller.routes.join(','),
      socket: caller.socket,
    },
    callee: {
      tag: orNull(callee.tag),
      contact: orNull(callee.contact),
      cseq: orNull(callee.cseq),
      route_set: callee.tag === '' ? null : callee.routes.join(','),
      socket: orNull(callee.socket),
    },
    profiles: Object.fromEntries(dialog.profiles),
    variables: [...dialog.variables].map(([name, value]) => ({ [name]: value })),
  }
}
