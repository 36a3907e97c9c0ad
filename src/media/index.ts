// The door of the media room.
export { createFakeRelay, type FakeOperation, type FakeRelay, type FakeRelayOptions } from './fake-relay.ts'
export type {
  MediaAnswer,
  MediaCommand,
  MediaCounters,
  MediaRelay,
  MediaRequest,
  MediaStats,
  MediaStreamStats,
} from './relay.ts'
export { decideRtpOperation, type RtpOperation, type RtpSituation } from './rtp-operation.ts'
