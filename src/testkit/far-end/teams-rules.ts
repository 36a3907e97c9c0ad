// Owns what Microsoft Teams Direct Routing demands of a border's requests, as checks over one OPTIONS or INVITE.
import { parseUri, type SipRequest, type SipUri } from '../../sip/index.ts'
import type { RuleFinding } from './rule-finding.ts'

export interface TeamsRuleInput {
  readonly request: SipRequest
  /** Names of the certificate that the border showed. */
  readonly certificateNames: readonly string[]
  /** The name under which the trunk is paired. */
  readonly trunk: string
}

const E164 = /^\+\d{3,15}$/
const ADDRESS = /^(\d+(\.\d+){3}|\[.*\])$/

function rule(name: string, kept: boolean, saw: string, status: number): RuleFinding {
  return { rule: name, kept, saw, status }
}

function firstUri(request: SipRequest, header: string): SipUri | undefined {
  const uri = request.nameAddrs(header)[0]?.uri
  return uri === undefined ? undefined : parseUri(uri)
}

/** The certificate covers the trunk's name: exactly, or by a wildcard for one label. */
function covers(names: readonly string[], trunk: string): boolean {
  return names.some(
    (name) => name === trunk || (name.startsWith('*.') && trunk.slice(trunk.indexOf('.')) === name.slice(1)),
  )
}

function common({ request, certificateNames, trunk }: TeamsRuleInput): RuleFinding[] {
  const contact = firstUri(request, 'contact')
  const route = firstUri(request, 'record-route')
  return [
    rule(
      'T05 certificate',
      covers(certificateNames, trunk),
      `certificate for ${certificateNames.join(', ') || 'nobody'}`,
      403,
    ),
    rule('T12 no SIPS', !/^sips:/i.test(request.requestUri), request.requestUri, 403),
    rule(
      'T30 Contact',
      contact !== undefined && !ADDRESS.test(contact.host) && contact.host === trunk && contact.user !== '',
      contact === undefined ? 'no Contact' : `Contact host ${contact.host}`,
      403,
    ),
    rule(
      'T31 Record-Route',
      route === undefined || route.host === contact?.host,
      route === undefined ? 'no Record-Route' : `Record-Route host ${route.host}`,
      403,
    ),
  ]
}

/** An OPTIONS, T20 to T22. */
export function checkTeamsProbe(input: TeamsRuleInput): RuleFinding[] {
  const contact = firstUri(input.request, 'contact')
  return [
    ...common(input),
    rule('T20 transport', contact?.params.get('transport') === 'tls', `Contact ${contact?.toString() ?? 'missing'}`, 0),
  ]
}

/** An INVITE that begins a call. */
export function checkTeamsInvite(input: TeamsRuleInput): RuleFinding[] {
  const { request } = input
  const target = parseUri(request.requestUri)
  const from = parseUri(request.from?.uri ?? '')
  const lines = request.body.split(/\r?\n/)
  const media = lines.find((line) => line.startsWith('m=')) ?? ''
  const crypto = lines.filter((line) => /^a=crypto:\d+ AES_CM_128_HMAC_SHA1_80 inline:/.test(line))
  const hold = lines.find((line) => /^a=(sendonly|recvonly)/.test(line))
  return [
    ...common(input),
    rule('T32 callee', E164.test(target?.user ?? ''), `Request-URI user ${target?.user ?? 'missing'}`, 404),
    rule(
      'T32 host',
      target?.host === 'sip.pstnhub.microsoft.com',
      `Request-URI host ${target?.host ?? 'missing'}`,
      403,
    ),
    rule(
      'T32 caller',
      E164.test(from?.user ?? '') || from?.host === 'anonymous.invalid',
      `From user ${from?.user ?? 'missing'}`,
      0,
    ),
    rule('T38 no Replaces', request.header('replaces') === undefined, 'Replaces', 403),
    rule('T39 early offer', media !== '', media || 'no offer', 488),
    rule(
      'T64 SRTP',
      / RTP\/SAVP /.test(media) && crypto.length > 0,
      `${media || 'no media'}, ${crypto.length} usable a=crypto`,
      488,
    ),
    rule('T62 hold', hold === undefined, hold ?? 'no one-way direction', 0),
  ]
}
