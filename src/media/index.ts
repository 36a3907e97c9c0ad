// The door of the media room.

export type { DtmfEvent } from './dtmf-log.ts'
export { createEmbeddedRelay, type EmbeddedRelay, type EmbeddedRelayOptions } from './embedded-relay.ts'
export type { FakeNative, FakeStream } from './fake-native.ts'
export { createFakeRelay, type FakeOperation, type FakeRelay, type FakeRelayOptions } from './fake-relay.ts'
export { type MediaInterface, parseMediaInterface } from './interfaces.ts'
export type { NgService } from './ng/answers.ts'
export { createNgClient, type NgClient, type NgClientOptions, type NgNodeView } from './ng/client.ts'
export { createNgServer, type NgServer, type NgServerOptions, parseListenNg } from './ng/server.ts'
export { createNgTcpServer } from './ng/tcp-server.ts'
export type {
  MediaAnswer,
  MediaCommand,
  MediaControlled,
  MediaCounters,
  MediaRelay,
  MediaRequest,
  MediaStats,
  MediaStreamStats,
} from './relay.ts'
export { type RtpFlags, rtpFlags } from './rtp-flags.ts'
export { decideRtpOperation, type RtpOperation, type RtpSituation } from './rtp-operation.ts'
export { type RunningRelay, type RunRelayOptions, runRelay } from './run-relay.ts'
