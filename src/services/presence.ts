// Owns the service of module presence: SUBSCRIBE and PUBLISH answered, watchers notified (RFC 6665, RFC 3903, RFC 3856, RFC 4235).
import type { RequestContext } from '../proxy/index.ts'
import { bracketed, bracketHost, parseUri, type SipRequest } from '../sip/index.ts'
import type { Listener } from '../transport/index.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import { PresenceState, type Publication, type Subscription } from './presence-state.ts'
import type { Service, ServiceHost, ServiceRun } from './service.ts'

/** Event packages that are served, with the type of their documents. */
const PACKAGES: Readonly<Record<string, string>> = {
  presence: 'application/pidf+xml',
  dialog: 'application/dialog-info+xml',
  'message-summary': 'application/simple-message-summary',
}
const ALLOW_EVENTS = `Allow-Events: ${Object.keys(PACKAGES).join(', ')}\r\n`
const MOST_BODY = 65_536
const NOTIFY_MILLIS = 10_000

/** The two modules of Kamailio that say how presence works here. */
export function createPresence(host: ServiceHost): readonly Service[] {
  let parameters = new Parameters([])
  let xml = new Parameters([])
  const now = () => Math.floor(host.clock.wallclock() / 1000)
  const state = new PresenceState(host.store, now)
  const timers = new Map<string, { cancel(): void }>()
  let closed = false

  /** Does something once, later; a second wish of that name replaces the first. */
  function later(name: string, seconds: number, work: () => void): void {
    timers.get(name)?.cancel()
    if (closed) return
    const timer = host.clock.setTimer(seconds * 1000, () => {
      timers.delete(name)
      work()
    })
    timers.set(name, timer)
  }

  function lifetime(request: SipRequest): number {
    const given = request.header('Expires')?.trim()
    const wish =
      given !== undefined && /^\d{1,9}$/.test(given) ? Number(given) : parameters.number('default_expires', 3600)
    return Math.min(wish, parameters.number('max_expires', 3600))
  }

  /** The package and id of the Event header; undefined for one that is not served. */
  function eventOf(request: SipRequest): { event: string; id: string } | undefined {
    const header = request.header('Event') ?? request.header('o') ?? ''
    const [name = '', ...params] = header.split(';').map((part) => part.trim())
    const id = params.find((param) => /^id=/i.test(param))?.slice(3) ?? ''
    return Object.hasOwn(PACKAGES, name.toLowerCase()) ? { event: name.toLowerCase(), id } : undefined
  }

  const presentityOf = (text: string): string | undefined => {
    const uri = parseUri(text)
    return uri?.user === undefined ? undefined : `sip:${uri.user}@${uri.host.toLowerCase()}`
  }

  const contactOf = ({ transport, address, port, advertised }: Listener): string => {
    const where = `${bracketHost(advertised?.host ?? address)}:${advertised?.port ?? port}`
    return parameters.text('server_address') || `sip:${where}${transport === 'udp' ? '' : `;transport=${transport}`}`
  }

  function answer(context: RequestContext, status: number, reason: string, headers = '', toTag?: string): number {
    const spec = { status, reason, headers, body: '', mode: 'auto' as const }
    return context.reply(toTag === undefined ? spec : { ...spec, toTag }) === 1 && status < 300 ? 1 : -1
  }

  function notify(id: string, ended?: string): void {
    const subscription = state.next(id)
    if (subscription === undefined) return
    const { presentity, event, eventId, status, expires } = subscription
    const document = status === 'active' ? state.current(presentity, event) : undefined
    const left = Math.max(0, expires - now())
    const standing = ended === undefined ? `${status};expires=${left}` : `terminated;reason=${ended}`
    const [first] = subscription.route
    const routes = subscription.route.map((value) => `Route: ${value}\r\n`).join('')
    if (ended !== undefined) state.unsubscribe(subscription)
    const sent = host.send({
      method: 'NOTIFY',
      uri: subscription.contact,
      ...(first === undefined ? {} : { nextHop: bracketed(first) ?? first }),
      listener: subscription.listener,
      from: `<${subscription.localUri}>;tag=${subscription.localTag}`,
      to: `<${subscription.remoteUri}>;tag=${subscription.remoteTag}`,
      callId: subscription.callId,
      cseq: subscription.localCseq,
      headers: `${routes}Event: ${event}${eventId === '' ? '' : `;id=${eventId}`}\r\nContact: <${subscription.localContact}>\r\nSubscription-State: ${standing}\r\n`,
      ...(document === undefined ? {} : { body: document.body, contentType: document.type }),
      frTimer: NOTIFY_MILLIS,
    })
    void sent.then(({ status: code }) => {
      // RFC 6665 4.2.2: whoever does not know the subscription, or does not answer, has none any more.
      if (ended === undefined && (code === 481 || code === 408 || code === 404 || code === 489)) {
        timers.get(`s:${id}`)?.cancel()
        state.unsubscribe(subscription)
      }
    })
  }

  function tell(presentity: string, event: string): void {
    for (const { id } of state.subscriptions(presentity, event)) notify(id)
  }

  function subscribe(run: ServiceRun, args: unknown): number {
    const { context } = run
    if (context === undefined) return -1
    const { request, flow } = context
    const asked = eventOf(request)
    if (asked === undefined) return answer(context, 489, 'Bad Event', ALLOW_EVENTS)
    const seconds = lifetime(request)
    const contact = request.nameAddrs('Contact')[0]?.uri
    if (contact === undefined || parseUri(contact) === undefined) return answer(context, 400, 'Bad Request')
    const localContact = contactOf(flow.listener)
    const headers = `Expires: ${seconds}\r\nContact: <${localContact}>\r\n`
    const refreshed = request.toTag !== ''
    const localTag = refreshed ? request.toTag : host.ids.tag()
    const id = `${request.callId};${request.fromTag};${localTag}`
    const known = refreshed ? state.subscription(id) : undefined
    if (refreshed && known === undefined) return answer(context, 481, 'Subscription does not exist')
    // RFC 3261 12.2.2: older than what came before.
    if (known !== undefined && request.cseqNumber <= known.remoteCseq)
      return answer(context, 500, 'Server Internal Error')
    const presentity = known?.presentity ?? presentityOf(textOf(fieldsOf(args).uri, 512) || request.requestUri)
    if (presentity === undefined) return answer(context, 404, 'Not Found')
    const status = asked.event !== 'presence' || xml.on('force_active') ? 'active' : 'pending'
    const subscription: Subscription = {
      id,
      presentity,
      event: asked.event,
      eventId: asked.id,
      status,
      callId: request.callId,
      localTag,
      remoteTag: request.fromTag,
      localUri: request.to?.uri ?? presentity,
      remoteUri: request.from?.uri ?? '',
      contact,
      route: known?.route ?? request.headerList('Record-Route'),
      remoteCseq: request.cseqNumber,
      localCseq: known?.localCseq ?? 0,
      localContact,
      listener: flow.listener.id,
      expires: now() + seconds,
    }
    if (!state.subscribe(subscription)) return answer(context, 503, 'Service Unavailable')
    const code = answer(context, 202, 'OK', headers, refreshed ? undefined : localTag)
    if (seconds === 0) {
      timers.get(`s:${id}`)?.cancel()
      notify(id, 'timeout')
      return code
    }
    later(`s:${id}`, seconds, () => notify(id, 'timeout'))
    notify(id)
    return code
  }

  function publish(run: ServiceRun, args: unknown): number {
    const { context } = run
    if (context === undefined) return -1
    const { request } = context
    const asked = eventOf(request)
    if (asked === undefined) return answer(context, 489, 'Bad Event', ALLOW_EVENTS)
    const presentity = presentityOf(textOf(fieldsOf(args).uri, 512) || request.requestUri)
    if (presentity === undefined) return answer(context, 404, 'Not Found')
    const { event } = asked
    const before = request.header('SIP-If-Match')?.trim() ?? ''
    const old = before === '' ? undefined : state.publication(presentity, event, before)
    // RFC 3903 6, step 4.
    if (before !== '' && old === undefined) return answer(context, 412, 'Conditional request failed')
    const { body } = request
    if (body.length > MOST_BODY) return answer(context, 413, 'Request Entity Too Large')
    if (body === '' && old === undefined) return answer(context, 400, 'Missing or Invalid Event State')
    const seconds = lifetime(request)
    const etag = `a.${now()}.${host.ids.tag()}`
    const headers = `Expires: ${seconds}\r\nSIP-ETag: ${etag}\r\n`
    timers.get(`p:${before}`)?.cancel()
    if (seconds === 0) {
      state.unpublish(presentity, event, before)
      const code = answer(context, 200, 'OK', headers)
      tell(presentity, event)
      return code
    }
    const publication: Publication = {
      etag,
      type: body === '' ? old!.type : request.contentType || PACKAGES[event]!,
      body: body === '' ? old!.body : body,
      at: host.clock.wallclock(),
    }
    if (!state.publish(presentity, event, publication, seconds, before))
      return answer(context, 503, 'Service Unavailable')
    const code = answer(context, 200, 'OK', headers)
    later(`p:${etag}`, seconds, () => {
      state.unpublish(presentity, event, etag)
      tell(presentity, event)
    })
    // RFC 3903 6, step 6: a refresh changes nothing.
    if (body !== '') tell(presentity, event)
    return code
  }

  const named = (args: unknown): { presentity: string; event: string } => {
    const given = fieldsOf(args)
    return { presentity: presentityOf(textOf(given.uri, 512)) ?? '', event: textOf(given.event, 64) }
  }

  return [
    {
      module: 'presence',
      operations: {
        subscribe,
        publish,
        refresh(_run, args) {
          const { presentity, event } = named(args)
          tell(presentity, event)
          return 1
        },
        /** Without rules of users, force_active decides. */
        status: () => (xml.on('force_active') ? 1 : 2),
        watched(_run, args) {
          const { presentity, event } = named(args)
          return state.subscriptions(presentity, event).length > 0
        },
      },
      commands: {
        'presence.refreshWatchers': ([uri, event]) => {
          tell(presentityOf(textOf(uri, 512)) ?? '', textOf(event, 64))
          return ''
        },
      },
      configure(list) {
        parameters = new Parameters(list)
      },
      close() {
        closed = true
        for (const timer of timers.values()) timer.cancel()
        timers.clear()
      },
    },
    {
      module: 'presence_xml',
      configure(list) {
        xml = new Parameters(list)
      },
    },
  ]
}
