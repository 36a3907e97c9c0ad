// Owns the transport's counters.
import type { Transport, TransportStats } from './types.ts'

const none = (): Record<Transport, number> => ({ udp: 0, tcp: 0, tls: 0, ws: 0, wss: 0 })

/** Counts what passes; plain fields, since they stand on the path of every message. */
export class Counters {
  readonly received = none()
  readonly sent = none()
  receivedBytes = 0
  sentBytes = 0
  keepAlives = 0
  sendFailures = 0
  userErrors = 0
  accepted = 0
  dialled = 0
  readonly unparsable: Record<string, number> = {}
  readonly closed: Record<string, number> = {}

  countUnparsable(outcome: string): void {
    this.unparsable[outcome] = (this.unparsable[outcome] ?? 0) + 1
  }

  countClosed(reason: string): void {
    this.closed[reason] = (this.closed[reason] ?? 0) + 1
  }

  stats(open: number, writeBytes: number): TransportStats {
    return {
      received: { ...this.received },
      sent: { ...this.sent },
      receivedBytes: this.receivedBytes,
      sentBytes: this.sentBytes,
      unparsable: { ...this.unparsable },
      keepAlives: this.keepAlives,
      sendFailures: this.sendFailures,
      userErrors: this.userErrors,
      connections: { open, accepted: this.accepted, dialled: this.dialled },
      closed: { ...this.closed },
      writeBytes,
    }
  }
}
