// The door of the testkit: what unit tests of routes and the demo use.
export { type CertificateAuthority, type CertificateRequest, createAuthority, type KeyPair } from './certificates.ts'
export { AudioEnd, type AudioReport } from './far-end/audio.ts'
export { CallManager, callManagerInvite, type InviteOptions, type PlacedCall } from './far-end/call-manager.ts'
export { farEndCommand } from './far-end/command.ts'
export { type Office365Call, Office365FarEnd } from './far-end/office-365.ts'
export { checkOffice365Rules } from './far-end/office-365-rules.ts'
export type { RuleFinding } from './far-end/rule-finding.ts'
export { type TeamsCall, TeamsFarEnd, type TeamsOptions } from './far-end/teams.ts'
export { checkTeamsInvite, checkTeamsProbe } from './far-end/teams-rules.ts'
export { matchers, type SdpExpectation } from './matchers.ts'
export { type RequestParts, request, sdp } from './messages.ts'
export {
  type Arrived,
  type LoggedLine,
  Party,
  type ReplyOptions,
  type RouteOptions,
  RouteUnderTest,
} from './route-under-test.ts'
