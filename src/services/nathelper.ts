// Owns the service of module nathelper: pings that keep the way to registered contacts open, as bare datagrams or as OPTIONS.
import { chain } from '../database/index.ts'
import { bracketed, parseUri } from '../sip/index.ts'
import { Parameters } from './parameters.ts'
import { socketOf } from './registrar-lookup.ts'
import { rpcNumber } from './rpc-fault.ts'
import type { Service, ServiceHost } from './service.ts'
import type { Contact } from './usrloc-contact.ts'
import type { Usrloc } from './usrloc-tables.ts'

/** Four zeros: no message, so whoever gets it drops it. */
const EMPTY_PING = '\0\0\0\0'
/** How often a part of the contacts is pinged. */
const SLICE_MILLIS = 1000
const PING_MILLIS = 5000

export function createNathelper(host: ServiceHost, usrloc: Usrloc): Service {
  let parameters = new Parameters([])
  let timer: { cancel(): void } | undefined
  let closed = false
  let switchedOff = false

  const bit = (name: string): number => {
    const flag = parameters.number(name, -1)
    return flag < 0 || flag > 31 ? 0 : 1 << flag
  }

  function wanted(contact: Contact): boolean {
    if ((contact.cflags & bit('natping_disable_bflag')) !== 0) return false
    return !parameters.on('ping_nated_only') || (contact.cflags & usrloc.natFlag) !== 0
  }

  function ping(contact: Contact): void {
    const first = bracketed(contact.path)
    const nextHop = first ?? (contact.received === '' ? contact.address : contact.received)
    const uri = parseUri(nextHop)
    if (uri === undefined) return
    const listener = host.listeners().find((one) => socketOf(one) === contact.socket)
    const sip = (contact.cflags & bit('sipping_bflag')) !== 0 && parameters.has('sipping_from')
    if (sip) {
      void host.send({
        method: parameters.text('sipping_method', 'OPTIONS'),
        uri: contact.address,
        nextHop,
        from: `<${parameters.text('sipping_from')}>`,
        ...(contact.path === '' ? {} : { headers: `Route: ${contact.path}\r\n` }),
        ...(listener === undefined ? {} : { listener: listener.id }),
        frTimer: PING_MILLIS,
      })
      return
    }
    // A connection is kept open by its own means.
    const transport = uri.params.get('transport')?.toLowerCase() ?? 'udp'
    if (transport !== 'udp' || uri.scheme === 'sips') return
    host.datagram({ address: uri.host, port: uri.port ?? 5060, listener: listener?.id }, EMPTY_PING)
  }

  async function contacts(): Promise<Contact[]> {
    const found: Contact[] = []
    for (const domain of usrloc.domains())
      found.push(...(await chain(usrloc.tables(domain), (tables) => tables.all(domain))))
    return found.filter(wanted)
  }

  /** All contacts of one round, spread over its seconds. */
  function round(list: readonly Contact[], slices: number, slice: number): void {
    list.forEach((contact, i) => {
      if (i % slices === slice) ping(contact)
    })
    if (slice + 1 < slices && !closed) timer = host.clock.setTimer(SLICE_MILLIS, () => round(list, slices, slice + 1))
    else schedule(SLICE_MILLIS)
  }

  function schedule(millis: number): void {
    if (closed) return
    timer = host.clock.setTimer(millis, () => {
      const seconds = parameters.number('natping_interval', 0)
      if (seconds <= 0 || switchedOff || !host.store.lease('natping', seconds * 2.5)) {
        schedule(Math.max(1, seconds) * 1000)
        return
      }
      contacts().then(
        (list) => round(list, Math.max(1, Math.floor(seconds)), 0),
        (error: unknown) => {
          host.log.error({ error: error instanceof Error ? error.message : String(error) }, 'contacts were not pinged')
          schedule(seconds * 1000)
        },
      )
    })
  }

  return {
    module: 'nathelper',
    commands: {
      'nathelper.enable_ping': (list) => {
        switchedOff = rpcNumber(list, 0, 'the switch') === 0
        return ''
      },
    },
    configure(list) {
      parameters = new Parameters(list)
    },
    start() {
      schedule(Math.max(1, parameters.number('natping_interval', 0)) * 1000)
    },
    close() {
      closed = true
      timer?.cancel()
    },
  }
}
