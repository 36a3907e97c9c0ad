// Owns the service of module topos: what tells of other hops stays here, in tables, and messages leave without it.
import {
  bracketed,
  bracketHost,
  type MessageEdit,
  parseUri,
  type ReadUri,
  type SipMessage,
  SipReply,
  SipRequest,
} from '../sip/index.ts'
import type { Flow } from '../transport/index.ts'
import {
  changed,
  type Destination,
  isLocalMethod,
  type MessageMask,
  methodOf,
  replaced,
  sparing,
  withoutHeaders,
} from './mask.ts'
import type { ParameterCheck } from './parameter-checks.ts'
import { Parameters } from './parameters.ts'
import type { Service, ServiceHost } from './service.ts'
import { type DialogRecord, ToposRecords } from './topos-records.ts'

/** The Contact that the called side sees of the caller, and the other way round: Kamailio's own beginnings. */
const SHOWN_TO_B = 'btpsh-'
const SHOWN_TO_A = 'atpsh-'
const SHOWN = /^([ab])tpsh-([0-9a-z]{1,64})$/

/** Requests that carry no Contact of ours, and replies that get none where they have none. */
const NO_CONTACT = new Set(['BYE', 'CANCEL', 'PRACK'])

/** RFC 3261 12.1, RFC 6665, RFC 3515: others are only passing, and anybody may send as many as he likes. */
const BEGINS_DIALOG = new Set(['INVITE', 'SUBSCRIBE', 'REFER'])

/** `contact_mode`: the id stands as user of the Contact, or in a parameter of it. */
const IN_PARAMETER = 1

interface Settings {
  readonly contactHost: string
  readonly contactMode: number
  readonly contactParameter: string
}

/** Kamailio keeps its own hops apart from others by their addresses, and so do we. */
type IsOwn = (uri: string) => boolean

class ToposMask implements MessageMask {
  readonly #isOwn: IsOwn
  readonly #records: ToposRecords
  readonly #settings: Settings

  readonly spares: MessageMask['spares']

  constructor(records: ToposRecords, isOwn: IsOwn, settings: Settings, spares: MessageMask['spares']) {
    this.spares = spares
    this.#records = records
    this.#isOwn = isOwn
    this.#settings = settings
  }

  received(message: SipMessage, _flow: Flow): SipMessage {
    if (isLocalMethod(methodOf(message))) return message
    if (message instanceof SipRequest) return this.#receivedRequest(message)
    return message instanceof SipReply ? this.#receivedReply(message) : message
  }

  /** A request that the far end sent to a Contact of ours: to whom, and by which hops, is known here. */
  #receivedRequest(request: SipRequest): SipRequest {
    const target = this.#shown(request.uri)
    const dialog = target && this.#records.dialog(target.id)
    if (target === undefined || dialog === undefined) return request
    const toA = target.side === 'b'
    const leg = toA ? undefined : (dialog.legs[request.toTag] ?? Object.values(dialog.legs).at(-1))
    const contact = toA ? dialog.aContact : leg?.contact
    if (!contact) return request
    const behind = toA ? dialog.aRoutes : (leg?.routes ?? [])
    // Who sends it stands on the other side: his own end of ours comes first.
    const own = toA ? dialog.own : dialog.own.toReversed()
    const edits = replaced(request, 'Route', [...own, ...behind])
    edits.push({ at: request.requestUriStart, remove: request.requestUri.length, text: contact })
    return changed(request, edits) as SipRequest
  }

  #receivedReply(reply: SipReply): SipReply {
    const [top] = reply.vias()
    const record = top === undefined ? undefined : this.#records.branch(top.branch)
    if (top === undefined || record === undefined) return reply
    const own = reply.raw.slice(top.start, top.end)
    const edits = replaced(reply, 'Via', [own, ...record.vias])
    const routes = [...record.own, ...record.routes]
    // RFC 3261 12.1.1: final failures carry none.
    if (routes.length > 0) edits.push(...replaced(reply, 'Record-Route', [...listed(reply), ...routes]))
    return changed(reply, edits) as SipReply
  }

  sending(message: SipMessage, to: Destination): string {
    if (isLocalMethod(methodOf(message))) return message.raw
    if (message instanceof SipRequest) return this.#sendingRequest(message, to)
    return message instanceof SipReply ? this.#sendingReply(message) : message.raw
  }

  #sendingRequest(request: SipRequest, to: Destination): string {
    const [top, ...others] = request.vias()
    // What was made here tells of nobody.
    if (top === undefined || others.length === 0) return request.raw
    const begins = request.toTag === ''
    const dialog = begins ? this.#begun(request, to) : this.#dialogOf(request)
    const routes = listed(request)
    this.#records.keepBranch(top.branch, {
      vias: others.map((via) => request.raw.slice(via.start, via.end)),
      own: routes.filter((route) => this.#isOwn(route)),
      routes: routes.filter((route) => !this.#isOwn(route)),
    })
    const edits: MessageEdit[] = replaced(request, 'Via', [request.raw.slice(top.start, top.end)])
    edits.push(...withoutHeaders(request, 'Record-Route'))
    if (dialog === undefined) return changed(request, edits).raw
    const fromA = request.fromTag === dialog.aTag
    // RFC 3261 12.2: a request within the dialog may change where its sender is reached.
    if (!begins) this.#moved(request, dialog, fromA)
    if (NO_CONTACT.has(request.method)) edits.push(...withoutHeaders(request, 'Contact'))
    else edits.push(...replaced(request, 'Contact', [fromA ? dialog.shownToB : dialog.shownToA]))
    return changed(request, edits).raw
  }

  #sendingReply(reply: SipReply): string {
    const dialog = this.#dialogOf(reply)
    if (dialog === undefined) return reply.raw
    const toA = reply.fromTag === dialog.aTag
    const method = reply.cseqMethod
    const routes = listed(reply)
    const own = routes.map((route) => this.#isOwn(route))
    const [firstOwn, lastOwn] = [own.indexOf(true), own.lastIndexOf(true)]
    const contact = reply.nameAddrs('Contact')[0]?.uri
    const settled = reply.status > 100 && reply.status < 300
    if (settled && toA && reply.toTag !== '' && (contact !== undefined || firstOwn >= 0))
      this.#records.learn(dialog.id, reply.toTag, {
        contact,
        // A request to him passes the hops behind us in the order in which they stand below one another, from ours on.
        routes: firstOwn < 0 ? undefined : routes.slice(0, firstOwn).toReversed(),
      })
    else if (settled && !toA && contact !== undefined)
      this.#records.change(dialog.id, (before) => ({ ...before, aContact: contact }))
    const edits: MessageEdit[] = []
    if (routes.length > 0) edits.push(...replaced(reply, 'Record-Route', lastOwn < 0 ? [] : routes.slice(lastOwn + 1)))
    // A redirection names somebody else.
    if (reply.status >= 300 && reply.status < 400) return changed(reply, edits).raw
    const final = reply.status >= 200 && reply.status < 300
    if (method === 'MESSAGE' || NO_CONTACT.has(method)) edits.push(...withoutHeaders(reply, 'Contact'))
    else if (contact !== undefined || final)
      edits.push(...replaced(reply, 'Contact', [toA ? dialog.shownToA : dialog.shownToB]))
    return changed(reply, edits).raw
  }

  /** The dialog of a first request: that of a branch before it, or a new one. */
  #begun(request: SipRequest, to: Destination): DialogRecord {
    const routes = listed(request)
    const own = routes.filter((route) => this.#isOwn(route))
    const contact = request.nameAddrs('Contact')[0]?.uri
    const known = this.#records.dialogOf(request.callId, request.fromTag)
    const id = known?.id ?? this.#records.newId()
    const place = (route: string | undefined): ReadUri | undefined => {
      const found = bracketed(route ?? '')
      return found === undefined ? undefined : parseUri(found)
    }
    const users = { a: parseUri(request.requestUri)?.user ?? '', b: parseUri(contact ?? '')?.user ?? '' }
    const dialog: DialogRecord = {
      id,
      callId: request.callId,
      aTag: request.fromTag,
      aContact: contact ?? known?.aContact ?? '',
      aRoutes: routes.filter((route) => !this.#isOwn(route)),
      own,
      // The uppermost of ours is the side that this leaves by (RFC 5658).
      shownToB: this.#contact(SHOWN_TO_B + id, users.b, place(own[0]), to),
      shownToA: this.#contact(SHOWN_TO_A + id, users.a, place(own.at(-1)), to),
      legs: known?.legs ?? {},
    }
    if (BEGINS_DIALOG.has(request.method)) this.#records.keep(dialog, 'lasting')
    else if (known === undefined) this.#records.keep(dialog, 'passing')
    return dialog
  }

  #contact(key: string, user: string, place: ReadUri | undefined, to: Destination): string {
    const { contactHost, contactMode, contactParameter } = this.#settings
    const { listener } = to
    const advertised = listener?.advertised
    const host = contactHost || (place?.host ?? bracketHost(advertised?.host ?? listener?.address ?? to.address))
    const port = place === undefined ? (advertised?.port ?? listener?.port) : place.port
    const transport =
      place === undefined ? (to.transport === 'udp' ? undefined : to.transport) : place.params.get('transport')
    const where = `${host}${port === undefined || port === 5060 ? '' : `:${port}`}${transport ? `;transport=${transport}` : ''}`
    if (contactMode !== IN_PARAMETER) return `<sip:${key}@${where}>`
    return `<sip:${user === '' ? '' : `${user}@`}${where};${contactParameter}=${key}>`
  }

  /** Whose Contact of ours a Request-URI is. */
  #shown(uri: ReadUri | undefined): { side: 'a' | 'b'; id: string } | undefined {
    if (uri === undefined) return undefined
    const text =
      this.#settings.contactMode === IN_PARAMETER ? uri.params.get(this.#settings.contactParameter) : uri.user
    const [, side, id] = SHOWN.exec(text ?? '') ?? []
    return side === undefined || id === undefined ? undefined : { side: side as 'a' | 'b', id }
  }

  #dialogOf(message: SipMessage): DialogRecord | undefined {
    const { callId, fromTag, toTag } = message
    return this.#records.dialogOf(callId, fromTag) ?? (toTag === '' ? undefined : this.#records.dialogOf(callId, toTag))
  }

  #moved(request: SipRequest, dialog: DialogRecord, fromA: boolean): void {
    const contact = request.nameAddrs('Contact')[0]?.uri
    if (contact === undefined) return
    if (!fromA) this.#records.learn(dialog.id, request.fromTag, { contact, routes: undefined })
    else if (contact !== dialog.aContact)
      this.#records.change(dialog.id, (before) => ({ ...before, aContact: contact }))
  }
}

/** Values of Record-Route, each with its brackets. */
function listed(message: SipMessage): string[] {
  return message.nameAddrs('Record-Route').map(({ start, end }) => message.raw.slice(start, end))
}

/** What is wrong with one parameter of the module. */
export const checkTopos: ParameterCheck = ({ name, value }) => {
  if (name === 'contact_mode' && value !== 0 && value !== 1)
    return {
      message: 'contact_mode is 0 (the user of the Contact) or 1 (a parameter of it)',
      hint: 'Values of the script for the Contact (2) are not taken here.',
    }
  if (name === 'context' && `${value}`.length > 12) return { message: 'context has at most 12 characters' }
  return undefined
}

export function createTopos(host: ServiceHost): Service {
  let parameters = new Parameters([])
  let mask: MessageMask | undefined
  const records = new ToposRecords(host.store, host.ids, () => ({
    dialog: Math.max(1, parameters.number('dialog_expire', 10_800)),
    branch: Math.max(1, parameters.number('branch_expire', 180)),
  }))
  const isOwn: IsOwn = (route) => {
    const uri = parseUri(bracketed(route) ?? route)
    return uri !== undefined && host.isLocal(uri.host, uri.port)
  }
  return {
    module: 'topos',
    commands: { 'topos.sizes': () => records.sizes },
    configure(given, loaded) {
      parameters = new Parameters(given)
      const settings = {
        contactHost: parameters.text('contact_host'),
        contactMode: parameters.number('contact_mode'),
        contactParameter: parameters.text('cparam_name', 'tps'),
      }
      const spares = sparing(host, 'topos', parameters.number('event_mode', 3))
      mask = loaded ? new ToposMask(records, isOwn, settings, spares) : undefined
    },
    mask: () => mask,
  }
}
