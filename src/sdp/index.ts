// The door of the SDP room: session descriptions as lines, as a structure, and what offer and answer mean.
export { type AddressFamily, addressFamily, isGroup, isUnspecified } from './address.ts'
export { decodeBase64, encodeBase64 } from './base64.ts'
export {
  CRYPTO_SUITES,
  type CryptoAttribute,
  type CryptoSuite,
  formatCrypto,
  isCryptoSuite,
  parseCrypto,
} from './crypto-attribute.ts'
export {
  attributes,
  attributeValue,
  hasAttribute,
  parseSdp,
  type SdpConnection,
  type SdpDocument,
  type SdpMedia,
  type SdpOrigin,
  type SdpParse,
  type SdpSection,
} from './document.ts'
export {
  DEFAULT_SDP_LIMITS,
  type RawLine,
  rawLines,
  type SdpLimits,
  type SdpLine,
} from './lines.ts'
export {
  DIRECTIONS,
  type Direction,
  directionOf,
  directionSaid,
  isDirection,
  mediaAddress,
  type Profile,
  profileOf,
  receives,
  sends,
} from './offer-answer.ts'
export { describeSession, type SessionDescription } from './session.ts'
