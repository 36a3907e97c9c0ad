// Owns the edge: what stands between the sockets and everything else, and sees each message first and last.
import type { Log } from '../log.ts'
import type { ServiceTable } from '../services/index.ts'
import type { TransportUser } from '../transport/index.ts'

/** The user of the transport as services see it: they hear of connections that go. */
export function atTheEdge(user: TransportUser, services: () => ServiceTable, log: Log): TransportUser {
  return {
    onMessage: (message, flow) => user.onMessage(message, flow),
    onFlowClosed(flow) {
      user.onFlowClosed?.(flow)
      try {
        services().flowClosed(flow)
      } catch (error) {
        log.error({ err: error, flow: flow.id }, 'a service failed over the end of a connection')
      }
    },
  }
}
