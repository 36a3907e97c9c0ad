// Owns what Office 365 Unified Messaging demands of a border, U01 to U08, as checks over one INVITE and the
// certificate that its connection showed.
import type { SipRequest } from '../../sip/index.ts'
import type { RuleFinding } from './rule-finding.ts'

export interface RuleInput {
  readonly invite: SipRequest
  /** Common name and subjectAltNames of the certificate that the border showed. */
  readonly certificateNames: readonly string[]
  /** The name under which the border is registered as UM IP gateway. */
  readonly gateway: string
  /** guid.um.outlook.com */
  readonly host: string
  /** Whether the connection is TLS over TCP, port 5061. */
  readonly transport: string
}

const INLINE = /^a=crypto:\d+ AES_CM_128_HMAC_SHA1_80 inline:[A-Za-z0-9+/]{40}$/

/** Every rule's finding, in their order. */
export function checkOffice365Rules(input: RuleInput): RuleFinding[] {
  const { invite } = input
  const lines = invite.body.split('\r\n')
  const media = lines.find((line) => line.startsWith('m=')) ?? ''
  const crypto = lines.filter((line) => line.startsWith('a=crypto:'))
  const mux = lines.filter((line) => line.startsWith('a=rtcp-mux'))
  const ice = lines.filter((line) => /^a=(candidate|ice-|end-of-candidates|remote-candidates)/.test(line))
  const rtcp = lines.find((line) => line.startsWith('a=rtcp:'))
  const port = Number(/^m=\w+ (\d+)/.exec(media)?.[1] ?? 0)
  const routes = invite.nameAddrs('record-route').map((route) => route.uri)
  const toHost = /^sips?:(?:[^@]*@)?([^;:>]+)/i.exec(invite.to?.uri ?? '')?.[1] ?? ''
  const exact = input.certificateNames.includes(input.gateway)
  const rule = (name: string, kept: boolean, saw: string, status: number): RuleFinding => ({
    rule: name,
    kept,
    saw,
    status,
  })
  return [
    rule(
      'U01 certificate',
      exact,
      `certificate for ${input.certificateNames.join(', ') || 'nobody'}, gateway ${input.gateway}`,
      403,
    ),
    rule('U02 To host', toHost === input.host, `To host ${toHost || 'missing'}`, 488),
    rule(
      'U03 SRTP',
      / RTP\/SAVP /.test(media) && crypto.length > 0,
      `${media || 'no media'}, ${crypto.length} a=crypto`,
      488,
    ),
    rule('U04 no rtcp-mux', mux.length === 0, mux.length === 0 ? 'no a=rtcp-mux' : mux.join(' '), 488),
    rule('U05 no ICE', ice.length === 0, ice.length === 0 ? 'no ICE attribute' : `${ice.length} ICE attributes`, 488),
    rule(
      'U06 ports',
      input.transport === 'tls' && port >= 1024,
      `signalling over ${input.transport}, media port ${port}`,
      0,
    ),
    rule(
      'U07 offer shape',
      crypto.length === 1 && INLINE.test(crypto[0]!) && (rtcp === undefined || rtcp.startsWith(`a=rtcp:${port + 1}`)),
      `${crypto.length === 1 ? crypto[0]!.replace(/inline:.*/, 'inline:...') : `${crypto.length} a=crypto`}, ${rtcp ?? 'no a=rtcp'}`,
      0,
    ),
    rule(
      'U08 Record-Route',
      routes.length === 2 &&
        routes.every((route) => /;r2=on/.test(route)) &&
        /transport=tls/.test(routes[0]!) &&
        /transport=tcp/.test(routes[1]!),
      routes.join(' , ') || 'no Record-Route',
      0,
    ),
  ]
}
