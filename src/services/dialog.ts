// Owns the service of module dialog: which calls it follows, how they go from state to state, and what scripts ask of them.
import { randomInt } from 'node:crypto'
import { chain, type Databases } from '../database/index.ts'
import type { CallSummary, RequestContext } from '../proxy/index.ts'
import { parseUri, type SipMessage, type SipReply, SipRequest } from '../sip/index.ts'
import type { Flow } from '../transport/index.ts'
import { DialogDatabase } from './dialog-database.ts'
import { RaisedNumbers } from './dialog-numbers.ts'
import { DialogProfiles } from './dialog-profiles.ts'
import { otherSide, reoffer, retarget, sendWithin } from './dialog-requests.ts'
import type { RestoredDialog } from './dialog-rows.ts'
import { dialogCommands } from './dialog-rpc.ts'
import { ANSWERED, CONFIRMED, Dialog, type DialogValue, EARLY, ENDED, UNCONFIRMED } from './dialog-state.ts'
import { DialogTable } from './dialog-table.ts'
import { bridge, refer } from './dialog-transfer.ts'
import { readContext, readDialog, writeContext } from './dialog-views.ts'
import { fieldsOf, Parameters, textOf, wholeOf } from './parameters.ts'
import type { Service, ServiceHost, ServiceRun } from './service.ts'

const MOST_DIALOGS = 200_000
const MOST_VARIABLES = 200
/** How long an ended dialog is still known: requests of its end come late. */
const LINGER_MILLIS = 5000
/** Calls whose time ended while nobody served them are hung up so soon after the start. */
const SOONEST_MILLIS = 1000

export function createDialog(host: ServiceHost, databases: Databases): Service {
  let parameters = new Parameters([])
  const profiles = new DialogProfiles(host.store)
  const dialogs = new DialogTable()
  const numbers = new RaisedNumbers()
  /** Workers share tables: their numbers lie far apart. */
  let serial = randomInt(1, 2 ** 30)
  const database = new DialogDatabase(host, databases, restore)

  const seconds = () => Math.floor(host.clock.wallclock() / 1000)
  const socketOf = ({ listener }: Flow) => ({
    id: listener.id,
    text: `${listener.transport}:${listener.address}:${listener.port}`,
  })
  const own = (uri: string): boolean => {
    const parsed = parseUri(uri)
    return parsed !== undefined && host.isLocal(parsed.host, parsed.port)
  }

  /** The dialog that the run is about: the one asked for, that of its event, or that of its message. */
  function dialogOf(run: ServiceRun, args: unknown): Dialog | undefined {
    const { dialog } = fieldsOf(args)
    if (typeof dialog === 'string') return dialogs.get(dialog)
    const event = run.event as { dialog?: string } | undefined
    if (event?.dialog !== undefined) return dialogs.get(event.dialog)
    return dialogs.size === 0 ? undefined : ofMessage(run.message)
  }
  function ofMessage(message: SipMessage): Dialog | undefined {
    const found = dialogs.find(message.callId, message.fromTag, message.toTag)
    // RFC 3261 22.2: the INVITE with credentials has the Call-ID and tag of the one that was challenged, and begins anew.
    const isNext = found?.state === ENDED && message.toTag === '' && message.cseqNumber !== found.invite.cseqNumber
    return isNext ? undefined : found
  }

  function begin(invite: SipRequest, flow: Flow): Dialog | undefined {
    if (dialogs.size >= MOST_DIALOGS) {
      host.log.warn({ dialogs: dialogs.size }, 'too many dialogs: one more is not followed')
      return undefined
    }
    const dialog = new Dialog(invite, socketOf(flow), serial++, seconds(), {
      lifetime: parameters.number('default_timeout', 43_200),
      timeoutBye: false,
    })
    dialogs.add(dialog)
    return dialog
  }

  function event(name: string, dialog: Dialog, message: SipMessage): void {
    void host.event({ name: `dialog:${name}`, message, data: { dialog: dialog.key } })
  }

  function end(dialog: Dialog, name: 'end' | 'failed', message: SipMessage): void {
    if (dialog.state === ENDED) return
    dialog.state = ENDED
    dialog.ended = seconds()
    dialog.timer?.cancel()
    profiles.removeAll(dialog)
    database.changed(dialog)
    event(name, dialog, message)
    dialog.timer = host.clock.setTimer(LINGER_MILLIS, () => dialogs.remove(dialog))
  }

  function expire(dialog: Dialog): void {
    dialog.expires = seconds() + dialog.lifetime
    arm(dialog, dialog.lifetime * 1000)
    profiles.renew(dialog)
    database.changed(dialog)
  }

  function arm(dialog: Dialog, millis: number): void {
    dialog.timer?.cancel()
    dialog.timer = host.clock.setTimer(millis, () => {
      const answered = dialog.state === ANSWERED || dialog.state === CONFIRMED
      host.log.info({ callId: dialog.callId, seconds: dialog.lifetime }, 'a dialog has lived as long as it may')
      if (answered && dialog.timeoutBye) hangUp(dialog, 'all')
      end(dialog, 'end', dialog.invite)
    })
  }

  /** Ends a call from here; the dialog is over with it. */
  function hangUp(dialog: Dialog, side: string, why = ''): number {
    if (dialog.state < ANSWERED || dialog.state === ENDED) return -1
    const headers = `${parameters.text('bye_extra_hdrs')}${why}`
    for (const each of ['caller', 'callee'] as const)
      if (side === 'all' || side === each) void sendWithin(host, dialog, each, { method: 'BYE', headers })
    end(dialog, 'end', dialog.invite)
    return 1
  }

  function inDialog(context: RequestContext): void {
    const { request } = context
    const dialog = ofMessage(request)
    if (dialog === undefined || request.toTag === '') return
    const side = dialog.direction(request.fromTag, request.toTag)
    if (side === undefined) return
    const party = dialog[side]
    if (request.method === 'ACK') {
      if (dialog.state === ANSWERED) {
        dialog.state = CONFIRMED
        database.changed(dialog)
      }
      numbers.raise(context, party.addedBeforeInvite)
      return
    }
    if (request.method === 'INVITE') party.addedBeforeInvite = party.added
    if (request.method === 'INVITE' || request.method === 'UPDATE') retarget(party, request)
    if (request.method !== 'CANCEL') {
      party.cseq = `${request.cseqNumber + party.added}`
      numbers.raise(context, party.added)
    }
    if (request.method === 'BYE') end(dialog, dialog.active ? 'end' : 'failed', request)
    else if (dialog.active && !dialog.properties.has('timeout-noreset')) expire(dialog)
    else database.changed(dialog)
  }

  function answered(context: RequestContext, status: number, reply: SipReply | undefined): void {
    const { request } = context
    if (request.method !== 'INVITE') return
    const dialog = ofMessage(request)
    if (dialog === undefined) return
    const side = dialog.direction(request.fromTag, request.toTag)
    if (request.toTag !== '' && side !== undefined && status >= 200 && status < 300 && reply !== undefined) {
      retarget(dialog[otherSide(side)], reply)
      database.changed(dialog)
    }
    if (request.toTag !== '' || dialog.state >= ANSWERED) return
    if (status > 100 && status < 200) dialog.state = EARLY
    else if (status >= 300) end(dialog, 'failed', request)
    else if (status >= 200 && reply !== undefined) {
      dialog.answer(reply, socketOf(context.flow), own)
      dialog.state = ANSWERED
      dialog.started = seconds()
      expire(dialog)
      event('start', dialog, request)
    }
  }

  function restore({ dialog, profiles: counted }: RestoredDialog): boolean {
    if (dialogs.size >= MOST_DIALOGS || dialogs.get(dialog.key) !== undefined) return false
    dialogs.add(dialog)
    for (const [name, value] of counted) profiles.add(dialog, name, value)
    arm(dialog, Math.max(SOONEST_MILLIS, (dialog.expires - seconds()) * 1000))
    return true
  }

  return {
    module: 'dialog',
    operations: {
      manage(run, args) {
        const { message } = run
        if (!(message instanceof SipRequest)) return null
        const known = ofMessage(message)
        if (message.toTag !== '') return known === undefined ? null : { did: '' }
        if (known !== undefined || message.method !== 'INVITE') return null
        const dialog = begin(message, run.flow)
        if (dialog === undefined) return null
        const { variables, lifetime, context } = fieldsOf(args)
        for (const [name, value] of Object.entries(fieldsOf(variables)))
          dialog.variables.set(name, value as DialogValue)
        if (wholeOf(lifetime) > 0) dialog.lifetime = wholeOf(lifetime)
        for (const [name, value] of Object.entries(fieldsOf(context))) writeContext(dialog, name, value as DialogValue)
        return { did: dialog.did }
      },
      known: (run, args) => (dialogOf(run, args) === undefined ? -1 : 1),
      get(run, args) {
        const dialog = dialogOf(run, args)
        return dialog === undefined ? null : readDialog(dialog, textOf(fieldsOf(args).name))
      },
      context(run, args) {
        const dialog = dialogOf(run, args)
        return dialog === undefined ? null : readContext(dialog, textOf(fieldsOf(args).name), run.message)
      },
      setContext(run, args) {
        const dialog = dialogOf(run, args)
        const { name, value } = fieldsOf(args)
        if (dialog === undefined) return -1
        if (writeContext(dialog, textOf(name), value as DialogValue) && dialog.active) expire(dialog)
        database.changed(dialog)
        return 1
      },
      variable: (run, args) => dialogOf(run, args)?.variables.get(textOf(fieldsOf(args).name)) ?? null,
      setVariable(run, args) {
        const dialog = dialogOf(run, args)
        const { name, value } = fieldsOf(args)
        if (dialog === undefined) return -1
        if (typeof value !== 'string' && typeof value !== 'number') dialog.variables.delete(textOf(name))
        else if (dialog.variables.size < MOST_VARIABLES) dialog.variables.set(textOf(name, 256), value)
        database.changed(dialog)
        return 1
      },
      find(_run, args) {
        const { callId, fromTag, toTag } = fieldsOf(args)
        return dialogs.find(textOf(callId), textOf(fromTag), textOf(toTag))?.key ?? null
      },
      flag(run, args) {
        const dialog = dialogOf(run, args)
        const { flag, action } = fieldsOf(args)
        const bit = 1 << wholeOf(flag)
        if (dialog === undefined) return -1
        if (action === 'set') dialog.flags |= bit
        else if (action === 'reset') dialog.flags &= ~bit
        else return (dialog.flags & bit) !== 0 ? 1 : -1
        database.changed(dialog)
        return 1
      },
      property(run, args) {
        const dialog = dialogOf(run, args)
        const { name, action } = fieldsOf(args)
        if (dialog === undefined) return -1
        if (action === 'set') dialog.properties.add(textOf(name))
        else dialog.properties.delete(textOf(name))
        database.changed(dialog)
        return 1
      },
      timeout(run, args) {
        const dialog = dialogOf(run, args)
        const lifetime = wholeOf(fieldsOf(args).seconds)
        if (dialog === undefined || lifetime <= 0) return -1
        dialog.lifetime = lifetime
        if (dialog.active) expire(dialog)
        return 1
      },
      profileTimeout(_run, args) {
        const { profile, value, seconds: given } = fieldsOf(args)
        for (const dialog of dialogs.all()) {
          const own = dialog.profiles.get(textOf(profile))
          if (own === undefined || (typeof value === 'string' && own !== value)) continue
          dialog.lifetime = Math.max(1, wholeOf(given))
          if (dialog.active) expire(dialog)
        }
        return 1
      },
      profile(run, args) {
        const dialog = dialogOf(run, args)
        const { profile, value, action } = fieldsOf(args)
        if (dialog === undefined || dialog.state === ENDED || profiles.kind(textOf(profile)) === undefined) return -1
        if (action === 'set' || action === 'unset') {
          const name = textOf(profile)
          const done = action === 'set' ? profiles.add(dialog, name, textOf(value)) : profiles.remove(dialog, name)
          database.changed(dialog)
          return done ? 1 : -1
        }
        const own = dialog.profiles.get(textOf(profile))
        return own !== undefined && (value === undefined || own === value) ? 1 : -1
      },
      /** Reads the dialogs of a Call-ID that another process wrote. */
      load(_run, args) {
        const callId = textOf(fieldsOf(args).callId)
        return callId === '' ? -1 : chain(database.load(MOST_DIALOGS, callId), (found) => (found > 0 ? 1 : -1))
      },
      size(_run, args) {
        const { profile, value } = fieldsOf(args)
        return profiles.size(textOf(profile), typeof value === 'string' ? value : undefined) ?? -1
      },
      count: () => [...dialogs.all()].filter((each) => each.active).length,
      bye(run, args) {
        const dialog = dialogOf(run, args)
        return dialog === undefined ? -1 : hangUp(dialog, textOf(fieldsOf(args).side))
      },
      refer(run, args) {
        const { side, address } = fieldsOf(args)
        const dialog = dialogOf(run, args)
        if (dialog === undefined || dialog.state < ANSWERED || dialog.state === ENDED) return -1
        if (side !== 'caller' && side !== 'callee') return -1
        return refer(host, parameters, dialog, side, textOf(address)) ? 1 : -1
      },
      bridge(_run, args) {
        const { from, to, proxy } = fieldsOf(args)
        return bridge(host, parameters, { from: textOf(from), to: textOf(to), proxy: textOf(proxy) }) ? 1 : -1
      },
      within(run, args) {
        const { side, method, headers, body, contentType } = fieldsOf(args)
        const dialog = dialogOf(run, args)
        if (dialog === undefined || !dialog.active || !/^[A-Z]+$/.test(textOf(method))) return -1
        const content = textOf(body)
        for (const each of ['caller', 'callee'] as const)
          if (side === 'all' || side === each)
            void sendWithin(host, dialog, each, {
              method: textOf(method),
              headers: textOf(headers),
              ...(content === '' ? {} : { body: content, contentType: textOf(contentType) }),
            })
        return 1
      },
    },
    commands: dialogCommands({
      all: () => [...dialogs.all()].sort((a, b) => a.entry - b.entry || a.id - b.id),
      find: (callId, fromTag) => dialogs.find(callId, fromTag, ''),
      terminate: (dialog) => void hangUp(dialog, 'all'),
      bridge: (wanted) => bridge(host, parameters, wanted),
      profiles,
      now: seconds,
    }),
    configure(given) {
      parameters = new Parameters(given)
      profiles.configure(parameters.text('profiles_with_value'), parameters.text('profiles_no_value'))
      database.configure(parameters, dialogs.all())
    },
    start: () => database.start(MOST_DIALOGS),
    requestBegan(context) {
      if (dialogs.size > 0) inDialog(context)
    },
    replyEdits: (context) => numbers.restore(context),
    requestAnswered(context, status, _reason, reply) {
      if (dialogs.size > 0) answered(context, status, reply)
    },
    callEnded(call: CallSummary) {
      const dialog = dialogs.size === 0 ? undefined : dialogs.find(call.callId, call.fromTag, '')
      // An INVITE that ended without a reply of its own, or whose transaction was given up.
      if (dialog !== undefined && (dialog.state === UNCONFIRMED || dialog.state === EARLY))
        end(dialog, 'failed', dialog.invite)
    },
    async reoffer(callId, tag, sdp) {
      const dialog = dialogs
        .ofCall(callId)
        .find(({ active, caller, callee }) => active && (caller.tag === tag || callee.tag === tag))
      return dialog && reoffer(host, dialog, dialog.caller.tag === tag ? 'caller' : 'callee', sdp)
    },
    // What rtpengine's b2b-url does to a Kamailio beside it.
    mediaTimedOut(callId, reason) {
      const text = reason.replace(/["\\\r\n]/g, '')
      for (const dialog of dialogs.ofCall(callId))
        if (hangUp(dialog, 'all', `Reason: SIP;cause=408;text="${text}"\r\n`) > 0)
          host.log.info({ callId, reason: text }, 'a call without media was ended')
    },
    async close() {
      for (const dialog of dialogs.all()) dialog.timer?.cancel()
      await database.close()
    },
  }
}
