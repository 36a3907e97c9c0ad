// Owns the service of module topoh: what tells of other hops leaves masked (Via, Record-Route, Contact, if asked the Call-ID), and comes back clear.
import {
  bracketHost,
  HeaderId,
  type MessageEdit,
  type NameAddr,
  parseUri,
  type SipMessage,
  SipReply,
  SipRequest,
  type Via,
} from '../sip/index.ts'
import type { Flow } from '../transport/index.ts'
import { changed, isLocalMethod, type MessageMask, methodOf, sparing } from './mask.ts'
import { Parameters } from './parameters.ts'
import type { Service, ServiceHost } from './service.ts'
import { TopologyCipher } from './topoh-cipher.ts'

/** Directions of transactions that are remembered, for what is made here of a request: ACK and CANCEL. */
const MOST_BRANCHES = 20_000
/** Values of one header that are masked or cleared: as many as a message may have Vias. Whoever sends more hides nothing by it. */
const MOST_VALUES = 128

/**
 * Calls are spread over up to eight workers by a hash of the Call-ID, modulo their number: a masked one that agrees
 * modulo all of these numbers goes to the worker of the clear one.
 */
const WORKERS = 840

/** Kamailio's, which everybody knows. */
const PUBLIC_KEY = '_static_value_'

/** Which way a message goes: `d` from the caller, `u` to him. Kamailio's cookie in the Via has it as well: TH=div. */
type Direction = 'd' | 'u'

const COOKIE = /;TH=([du])[a-z]{2}/

interface Settings {
  readonly cipher: TopologyCipher
  readonly address: string
  readonly callId: boolean
  readonly uriParameter: string
  readonly uriPrefix: string
  readonly viaParameter: string
  readonly viaPrefix: string
  readonly callIdPrefix: string
}

function settingsOf(parameters: Parameters): Settings {
  return {
    cipher: new TopologyCipher(parameters.text('mask_key', PUBLIC_KEY)),
    address: parameters.text('mask_ip', '127.0.0.8'),
    callId: parameters.on('mask_callid'),
    uriParameter: parameters.text('uparam_name', 'line'),
    uriPrefix: parameters.text('uparam_prefix', 'sr-'),
    viaParameter: parameters.text('vparam_name', 'branch'),
    viaPrefix: parameters.text('vparam_prefix', 'z9hG4bKsr-'),
    callIdPrefix: parameters.text('callid_prefix', '!!:'),
  }
}

class TopologyMask implements MessageMask {
  readonly #host: ServiceHost
  readonly #settings: Settings
  readonly #directions = new Map<string, Direction>()
  readonly #callIds = new Map<string, string>()

  readonly spares: MessageMask['spares']

  constructor(host: ServiceHost, settings: Settings, eventMode: number) {
    this.#host = host
    this.#settings = settings
    this.spares = sparing(host, 'topoh', eventMode)
  }

  received(message: SipMessage, _flow: Flow): SipMessage {
    if (isLocalMethod(methodOf(message))) return message
    const edits: MessageEdit[] = []
    const encodedCallId = this.#clearCallId(message, edits)
    for (const name of ['Contact', 'Refer-To', 'Referred-By', 'Route', 'Record-Route'])
      for (const address of addresses(message, name)) this.#clearAddress(address, edits)
    const [top, ...others] = message.vias()
    if (message instanceof SipRequest) {
      const clear = this.#clearUri(message.requestUri)
      if (clear !== undefined)
        edits.push({ at: message.requestUriStart, remove: message.requestUri.length, text: clear })
      if (top)
        edits.push(cookie(top, `${this.#directionOf(message, encodedCallId)}${message.toTag === '' ? 'i' : 'c'}v`))
    } else {
      const below = others[0] && this.#clearVia(message, others[0])
      const cameUp = COOKIE.exec(below ?? '')?.[1] === 'u'
      if (top) edits.push(cookie(top, cameUp ? 'dcv' : 'ucv'))
    }
    for (const via of others) {
      const clear = this.#clearVia(message, via)
      if (clear !== undefined) edits.push({ at: via.start, remove: via.end - via.start, text: clear })
    }
    return changed(message, edits)
  }

  unmarked(message: SipMessage): string {
    const edits: MessageEdit[] = []
    for (const via of message.vias()) this.#withoutCookie(message, via, edits)
    return changed(message, edits).raw
  }

  sending(message: SipMessage): string {
    if (isLocalMethod(methodOf(message))) return message.raw
    const vias = message.vias()
    const edits: MessageEdit[] = []
    // What the routes were shown of it goes no further.
    const marked = vias.map((via) => this.#withoutCookie(message, via, edits))
    if (message instanceof SipRequest) this.#hideRequest(message, vias, marked[1], edits)
    else if (message instanceof SipReply) this.#hideReply(message, marked[0], edits)
    return changed(message, edits).raw
  }

  #hideRequest(
    request: SipRequest,
    vias: readonly Via[],
    direction: Direction | undefined,
    edits: MessageEdit[],
  ): void {
    const [top, ...others] = vias
    // One that was made here has no Via below its own: an ACK or CANCEL goes the way of its INVITE.
    const way = direction ?? this.#directions.get(top?.branch ?? '') ?? this.#ownDirection(request, edits)
    if (top && request.method === 'INVITE' && this.#settings.callId) this.#remember(top.branch, way)
    if (this.#settings.callId && way === 'd') this.#maskCallId(request, edits)
    if (others.length === 0) return
    for (const via of others) {
      // With its cookie: the reply brings it back, and with it the way that it has to go.
      const plain = request.raw.slice(via.start, via.end)
      edits.push({ at: via.start, remove: via.end - via.start, text: this.#maskedVia(via, plain) })
    }
    for (const route of addresses(request, 'Record-Route'))
      if (!this.#isOwn(route)) this.#maskAddress(request, route, edits)
    this.#maskContacts(request, edits)
  }

  #hideReply(reply: SipReply, direction: Direction | undefined, edits: MessageEdit[]): void {
    // The caller's side knows the Call-ID as it is. A reply that was made here goes back as its request came.
    if (this.#settings.callId && direction === 'u') this.#maskCallId(reply, edits)
    const routes = addresses(reply, 'Record-Route')
    // Above ours stand the hops behind us; those below are the receiver's own.
    const own = routes.findIndex((route) => this.#isOwn(route))
    for (const route of routes.slice(0, Math.max(0, own))) this.#maskAddress(reply, route, edits)
    this.#maskContacts(reply, edits)
  }

  /** The way of a request that no route was shown: from the caller, unless a header says otherwise (dialog's own requests). */
  #ownDirection(request: SipRequest, edits: MessageEdit[]): Direction {
    const at = request.find('TH')
    if (at < 0)
      return request.toTag === '' && this.#host.isLocal(parseUri(request.requestUri)?.host ?? '', undefined) ? 'u' : 'd'
    const start = request.headerStart(at)
    edits.push({ at: start, remove: request.headerEnd(at) - start, text: '' })
    return request.headerValue(at).startsWith('u') ? 'u' : 'd'
  }

  #remember(branch: string, way: Direction): void {
    this.#directions.set(branch, way)
    if (this.#directions.size > MOST_BRANCHES) this.#directions.delete(this.#directions.keys().next().value!)
  }

  /** Who has the dialog's From of our Record-Route sends down; without one, a masked Call-ID is the callee's. */
  #directionOf(request: SipRequest, encodedCallId: boolean): Direction {
    if (request.toTag === '') return encodedCallId ? 'u' : 'd'
    for (const route of addresses(request, 'Route')) {
      const tag = this.#isOwn(route) ? parseUri(route.uri)?.params.get('ftag') : undefined
      if (tag) return tag === request.fromTag ? 'd' : 'u'
    }
    return encodedCallId ? 'u' : 'd'
  }

  #isOwn(route: NameAddr): boolean {
    const uri = parseUri(route.uri)
    return uri !== undefined && this.#host.isLocal(uri.host, uri.port)
  }

  #withoutCookie(message: SipMessage, via: Via, edits: MessageEdit[]): Direction | undefined {
    const found = COOKIE.exec(message.raw.slice(via.paramStart, via.end))
    if (found === null) return undefined
    edits.push({ at: via.paramStart + found.index, remove: found[0].length, text: '' })
    return found[1] as Direction
  }

  #maskCallId(message: SipMessage, edits: MessageEdit[]): void {
    const at = message.findId(HeaderId.CallId)
    if (at < 0) return
    const [start, end] = [message.valueStart(at), message.valueEnd(at)]
    edits.push({ at: start, remove: end - start, text: this.#maskedCallId(message.callId) })
  }

  #maskedCallId(callId: string): string {
    const known = this.#callIds.get(callId)
    if (known !== undefined) return known
    const stem = `${this.#settings.callIdPrefix}${this.#settings.cipher.mask(callId)}.`
    const wanted = this.#host.callHash(callId) % WORKERS
    let number = 0
    // One in 840 fits; who never finds one is served all the same, where one worker serves.
    while (number < 20 * WORKERS && this.#host.callHash(stem + number.toString(36)) % WORKERS !== wanted) number++
    const masked = stem + number.toString(36)
    this.#callIds.set(callId, masked)
    if (this.#callIds.size > MOST_BRANCHES) this.#callIds.delete(this.#callIds.keys().next().value!)
    return masked
  }

  #clearCallId(message: SipMessage, edits: MessageEdit[]): boolean {
    const { callIdPrefix, cipher, callId } = this.#settings
    const at = message.findId(HeaderId.CallId)
    if (!callId || at < 0 || !message.callId.startsWith(callIdPrefix)) return false
    const clear = cipher.unmask(message.callId.slice(callIdPrefix.length).replace(/\.[0-9a-z]+$/, ''))
    if (clear === undefined) return false
    const [start, end] = [message.valueStart(at), message.valueEnd(at)]
    edits.push({ at: start, remove: end - start, text: clear })
    return true
  }

  #maskContacts(message: SipMessage, edits: MessageEdit[]): void {
    for (const contact of addresses(message, 'Contact'))
      if (contact.uri !== '*') this.#maskAddress(message, contact, edits)
  }

  #maskAddress(message: SipMessage, { uri, uriStart, uriEnd }: NameAddr, edits: MessageEdit[]): void {
    const { address, uriParameter, uriPrefix, cipher } = this.#settings
    const masked = `sip:${bracketHost(address)};${uriParameter}=${uriPrefix}${cipher.mask(uri)}`
    // Without <> its parameter would be one of the header.
    const text = message.raw[uriStart - 1] === '<' ? masked : `<${masked}>`
    edits.push({ at: uriStart, remove: uriEnd - uriStart, text })
  }

  #clearAddress({ uri, uriStart, uriEnd }: NameAddr, edits: MessageEdit[]): void {
    const clear = this.#clearUri(uri)
    if (clear !== undefined) edits.push({ at: uriStart, remove: uriEnd - uriStart, text: clear })
  }

  /** Headers of a URI (Refer-To's Replaces) were put there after it was masked. */
  #clearUri(text: string): string | undefined {
    const { address, uriParameter, uriPrefix, cipher } = this.#settings
    if (!text.includes(uriPrefix)) return undefined
    const uri = parseUri(text)
    const value = uri?.host === bracketHost(address) ? uri.params.get(uriParameter) : undefined
    if (!value?.startsWith(uriPrefix)) return undefined
    const clear = cipher.unmask(value.slice(uriPrefix.length))
    const question = text.indexOf('?')
    return clear === undefined || question < 0 ? clear : clear + text.slice(question)
  }

  #maskedVia(via: Via, plain: string): string {
    const { address, viaParameter, viaPrefix, cipher } = this.#settings
    return `SIP/2.0/${via.transport} ${bracketHost(address)};${viaParameter}=${viaPrefix}${cipher.mask(plain)}`
  }

  #clearVia(message: SipMessage, via: Via): string | undefined {
    const { viaParameter, viaPrefix, cipher } = this.#settings
    if (!message.raw.slice(via.start, via.end).includes(viaPrefix)) return undefined
    const value = via.params.get(viaParameter)
    return value?.startsWith(viaPrefix) ? cipher.unmask(value.slice(viaPrefix.length)) : undefined
  }
}

function addresses(message: SipMessage, name: string): readonly NameAddr[] {
  return message.nameAddrs(name).slice(0, MOST_VALUES)
}

function cookie(via: Via, text: string): MessageEdit {
  return { at: via.paramStart, remove: 0, text: `;TH=${text}` }
}

export function createTopoh(host: ServiceHost): Service {
  let mask: MessageMask | undefined
  return {
    module: 'topoh',
    configure(given, loaded) {
      const parameters = new Parameters(given)
      if (loaded && parameters.text('mask_key', PUBLIC_KEY) === PUBLIC_KEY)
        host.log.warn(
          {},
          'topoh masks with the key that every installation has: whoever knows it reads what is hidden; set modparam("topoh", "mask_key", "...")',
        )
      mask = loaded ? new TopologyMask(host, settingsOf(parameters), parameters.number('event_mode', 3)) : undefined
    },
    mask: () => mask,
  }
}
