// Owns the service of module nat_traversal: sources that are pinged for as long as what they asked for lasts.
import { parseUri } from '../sip/index.ts'
import { fieldsOf, Parameters, textOf, wholeOf } from './parameters.ts'
import type { Service, ServiceHost } from './service.ts'

/** Sources by URI: the id of the listener that they reach. */
const SOURCES = 'nat-keepalive'
const PING_MILLIS = 5000
/** Longest that a source is pinged for one request. */
const MOST_SECONDS = 86_400

export function createNatTraversal(host: ServiceHost): Service {
  let parameters = new Parameters([])
  let timer: { cancel(): void } | undefined
  let closed = false

  function ping(uri: string, listener: number): void {
    const headers = parameters.text('keepalive_extra_headers')
    const method = parameters.text('keepalive_method', 'NOTIFY')
    const own = method === 'NOTIFY' ? 'Event: keep-alive\r\n' : ''
    const address = host.listeners()[listener]?.address ?? '127.0.0.1'
    void host.send({
      method,
      uri,
      from: `<${parameters.text('keepalive_from', `sip:keepalive@${address}`)}>`,
      headers: own + (headers === '' || headers.endsWith('\n') ? headers : `${headers}\r\n`),
      listener,
      frTimer: PING_MILLIS,
    })
  }

  function schedule(): void {
    const seconds = Math.max(1, parameters.number('keepalive_interval', 60))
    timer = host.clock.setTimer(seconds * 1000, () => {
      if (host.store.lease(SOURCES, seconds * 2.5))
        for (const [uri, listener] of host.store.entries(SOURCES)) ping(uri, Number(listener))
      if (!closed) schedule()
    })
  }

  return {
    module: 'nat_traversal',
    operations: {
      keep(_run, args) {
        const given = fieldsOf(args)
        const uri = textOf(given.uri, 512)
        const seconds = Math.min(MOST_SECONDS, wholeOf(given.seconds))
        if (parseUri(uri) === undefined) return -1
        if (seconds <= 0) host.store.delete(SOURCES, uri)
        else {
          const left = host.store.remaining(SOURCES, uri) ?? 0
          host.store.set(SOURCES, uri, String(wholeOf(given.listener)), Math.max(left, seconds))
        }
        return 1
      },
    },
    configure(list) {
      parameters = new Parameters(list)
    },
    start: schedule,
    close() {
      closed = true
      timer?.cancel()
    },
  }
}
