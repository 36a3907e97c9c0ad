// Owns the door of src/transport: RFC 3261 18 over UDP, TCP and TLS, RFC 3263, and the memory network of tests.

export { parseTransport as transportNamed } from '../sip/index.ts'
export { callIdHash, callIdOf, shardOf } from './call-shard.ts'
export { createTransport } from './create-transport.ts'
export { beginFlowsAbove } from './flow-table.ts'
export { frontFlow } from './front-pool.ts'
export { DATAGRAMS_AT, DATAGRAMS_CAPACITY, SHARD_BYTES, type ShardLink } from './front-rings.ts'
export { type FrontSettings, openStreamFront, type StreamFront } from './front-streams.ts'
export { addressFamily, endpointText, isLoopback, numericAddress } from './ip-address.ts'
export { DEFAULT_TRANSPORT_LIMITS } from './limits.ts'
export { expandListen, parseListen } from './listen.ts'
export {
  createMemoryNetwork,
  type EndpointOptions,
  type MemoryConnection,
  type MemoryEndpoint,
  type MemoryNetwork,
  type MemoryReceived,
  receivedRequest,
} from './memory-network.ts'
export type { MemoryNetworkOptions, MemoryPacket } from './memory-sockets.ts'
export { type NativeSockets, nativeSockets } from './native-sockets.ts'
export { createShardTransport, type ShardSeat } from './shard-sockets.ts'
export { RingReader, type RingRecord } from './shared-ring.ts'
export type { Passage } from './stream-loans.ts'
export { profileFault } from './tls-context.ts'
export type {
  AddressRecord,
  DnsSource,
  FileWatch,
  Flow,
  FlowPeer,
  Hop,
  HostPort,
  Listener,
  ListenSpec,
  NaptrRecord,
  ReloadableTransport,
  ReplyRoute,
  ReplyTarget,
  SendFailed,
  SrvRecord,
  TlsOptions,
  TlsProfile,
  Transport,
  TransportLayer,
  TransportLimits,
  TransportOptions,
  TransportStats,
  TransportUser,
} from './types.ts'
export { TurnReader, WakingWriter } from './waking-rings.ts'
