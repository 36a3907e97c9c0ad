// Owns which figures of transport, transactions and proxy the metrics show, and their names.
import type { OverloadControl, ProxyStats } from '../proxy/index.ts'
import type { TransactionStats } from '../transaction/index.ts'
import type { TransportStats } from '../transport/index.ts'
import type { Labels, Metrics } from './metrics.ts'

export interface Readings {
  transport(): TransportStats
  transactions(): TransactionStats
  proxy(): ProxyStats
  runs(): number
  overload(): OverloadControl
}

/** Declares them; they are taken when the text is asked for. */
export function declareReadings(metrics: Metrics, from: Readings): void {
  const by = (label: string, counts: Readonly<Record<string, number>>): [Labels, number][] =>
    Object.entries(counts).map(([name, value]) => [{ [label]: name }, value])
  const { transport, transactions, proxy } = from
  metrics.reading(
    'signalbox_messages_received_total',
    'SIP messages received.',
    () => by('transport', transport().received),
    ['transport'],
  )
  metrics.reading('signalbox_messages_sent_total', 'SIP messages sent.', () => by('transport', transport().sent), [
    'transport',
  ])
  metrics.reading('signalbox_received_bytes_total', 'Bytes of SIP received.', () => transport().receivedBytes)
  metrics.reading('signalbox_sent_bytes_total', 'Bytes of SIP sent.', () => transport().sentBytes)
  metrics.reading(
    'signalbox_messages_unparsable_total',
    'Messages that did not parse, by the status they got.',
    () => by('status', transport().unparsable),
    ['status'],
  )
  metrics.reading('signalbox_send_failures_total', 'Messages that could not be sent.', () => transport().sendFailures)
  metrics.gauge('signalbox_connections', 'Open connections.', () => transport().connections.open)
  metrics.reading(
    'signalbox_connections_accepted_total',
    'Connections accepted.',
    () => transport().connections.accepted,
  )
  metrics.reading('signalbox_connections_dialled_total', 'Connections dialled.', () => transport().connections.dialled)
  metrics.reading(
    'signalbox_connections_closed_total',
    'Connections that we closed or refused, by reason.',
    () => by('reason', transport().closed),
    ['reason'],
  )
  metrics.gauge('signalbox_transactions', 'Server transactions without a final answer.', () => transactions().open)
  metrics.reading(
    'signalbox_retransmissions_received_total',
    'Retransmissions absorbed.',
    () => transactions().retransmissionsReceived,
  )
  metrics.gauge('signalbox_calls', 'Calls under way.', () => proxy().calls)
  metrics.gauge('signalbox_route_runs', 'Route runs that wait.', from.runs)
  metrics.reading('signalbox_requests_total', 'Requests that began something.', () => proxy().requests)
  metrics.reading('signalbox_requests_relayed_total', 'Requests relayed with a transaction.', () => proxy().relayed)
  metrics.reading('signalbox_requests_forwarded_total', 'Requests forwarded without one.', () => proxy().forwarded)
  metrics.reading(
    'signalbox_requests_refused_total',
    'Requests refused by a cap or while draining.',
    () => proxy().refused,
  )
  metrics.gauge(
    'signalbox_queue_wait_max_seconds',
    'Time that messages waited to be read, at the least, a tenth of a second ago.',
    () => from.overload().delaySeconds,
  )
  metrics.reading(
    'signalbox_datagrams_lost_total',
    'Datagrams that found no room to wait in: in a receive buffer, or in the ring of one of several workers.',
    () => from.overload().lost,
  )
  metrics.gauge(
    'signalbox_overload_share_max_ratio',
    'Share of new requests that overload control refuses.',
    () => from.overload().share,
  )
  metrics.reading(
    'signalbox_requests_refused_by_overload_total',
    'New requests that overload control refused.',
    () => from.overload().refused,
  )
  metrics.reading(
    'signalbox_requests_rejected_total',
    'Requests that failed the checks of RFC 3261 16.3.',
    () => proxy().rejected,
  )
  metrics.reading(
    'signalbox_requests_unanswered_total',
    'Requests that a route neither relayed nor answered.',
    () => proxy().unanswered,
  )
  metrics.reading('signalbox_requests_failed_total', 'Requests whose route failed.', () => proxy().routeErrors)
  metrics.reading('signalbox_requests_canceled_total', 'Requests that were cancelled.', () => proxy().canceled)
  metrics.reading('signalbox_loops_total', 'Requests that came round.', () => proxy().loops)
  metrics.reading('signalbox_branches_total', 'Branches started.', () => proxy().branches)
  metrics.reading('signalbox_branch_timeouts_total', 'Branches that got no answer in time.', () => proxy().timeouts)
  metrics.reading(
    'signalbox_branches_unreachable_total',
    'Branches whose next hop could not be reached.',
    () => proxy().unreachable,
  )
  metrics.reading('signalbox_replies_total', 'Replies sent upstream.', () => proxy().replies)
}
