// Owns the default bounds of the transport.
import type { TransportLimits } from './types.ts'

export const DEFAULT_TRANSPORT_LIMITS: TransportLimits = {
  connections: 10_000,
  connectionsPerSource: 64,
  connectMillis: 5_000,
  idleMillis: 600_000,
  partialMillis: 10_000,
  stallMillis: 10_000,
  keepAliveMillis: 0,
  writeBytesPerConnection: 1 << 20,
  writeBytes: 64 << 20,
  udpFlows: 20_000,
  dnsTtlMillis: 300_000,
  dnsEntries: 10_000,
  // Half a second of what a whole processor can take: overload control must see them wait before they are lost.
  udpReceiveBytes: 32 << 20,
  udpSendBytes: 4 << 20,
}
