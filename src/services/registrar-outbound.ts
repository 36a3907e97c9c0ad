// Owns what a registrar makes of flows (RFC 5626 6): what it answers of them, which it refuses, and when a reg-id counts.
import { parseUri, type SipRequest } from '../sip/index.ts'
import type { ParameterCheck } from './parameter-checks.ts'
import { type Parameters, wholeOf } from './parameters.ts'
import { RegisterRefused, type Wanted, type Wish } from './registrar-register.ts'

const TAG = 'outbound'

/** How a REGISTER is answered, and what becomes of its bindings. */
export interface Outbound {
  /** Lines of the 200. */
  readonly headers: string
  /** The bindings as they are kept. Throws a RegisterRefused. */
  kept(wish: Wish): Wish
}

/**
 * Reads the parameters `outbound_mode`, `regid_mode` and `flow_timer`, which mean what they mean in 5.6.3.
 * Throws a RegisterRefused where a REGISTER cannot be taken whatever its contacts are.
 */
export function outboundOf(request: SipRequest, parameters: Parameters): Outbound {
  const mode = parameters.number('outbound_mode', 0)
  const supported = request.headerList('Supported').map((tag) => tag.toLowerCase())
  const required = request.headerList('Require').some((tag) => tag.toLowerCase() === TAG)
  if (mode === 0) {
    // RFC 3261 8.2.2.3.
    if (required)
      throw new RegisterRefused(420, 'Bad Extension', 'No support for Outbound on server', {
        headers: `Unsupported: ${TAG}\r\n`,
      })
    return { headers: '', kept: (wish) => wish }
  }
  const asked = required || supported.includes(TAG)
  // As 5.6.3, who says nothing of what he supports is taken for one who does.
  if (mode === 2 && !asked && supported.length > 0)
    throw new RegisterRefused(421, 'Extension Required', 'No support for Outbound indicated', {
      headers: `Require: ${TAG}\r\nSupported: ${TAG}\r\n`,
    })
  const timer = parameters.number('flow_timer', 0)
  const flowTimer = timer > 0 ? `Flow-Timer: ${timer}\r\n` : ''
  const headers =
    mode === 2
      ? `Require: ${TAG}\r\nSupported: ${TAG}\r\n${flowTimer}`
      : `Supported: ${TAG}\r\n${asked ? `Require: ${TAG}\r\n${flowTimer}` : ''}`
  const counts = parameters.number('regid_mode', 0) === 1 || isFlowKept(request)
  return {
    headers,
    kept(wish) {
      if (counts || wish.kind !== 'bind' || wish.list.every(({ regId }) => regId === 0)) return wish
      // 6: the first proxy does not keep the flow, which the user agent asked for.
      if (asked)
        throw new RegisterRefused(439, 'First Hop Lacks Outbound Support', 'No support for Outbound on edge proxy')
      return { kind: 'bind', list: wish.list.map((one): Wanted => ({ ...one, regId: 0 })) }
    },
  }
}

/** The REGISTER came from the user agent itself, or the first Path says `ob`. */
function isFlowKept(request: SipRequest): boolean {
  if (request.vias().length < 2) return true
  const [first] = request.nameAddrs('Path')
  return first !== undefined && parseUri(first.uri)?.params.has('ob') === true
}

/** Values that 5.6.3 refuses to start with. */
export const checkRegistrar: ParameterCheck = ({ name, value }) => {
  const number = wholeOf(value, -1)
  if (name === 'outbound_mode' && (number < 0 || number > 2))
    return {
      message: `outbound_mode of registrar is 0, 1 or 2, not ${value}`,
      hint: '0: not supported, 1: supported, 2: required.',
    }
  if (name === 'regid_mode' && (number < 0 || number > 1))
    return {
      message: `regid_mode of registrar is 0 or 1, not ${value}`,
      hint: '0: a reg-id counts where the flow is kept, 1: always.',
    }
  if (name === 'flow_timer' && number < 0)
    return { message: `flow_timer of registrar is a number of seconds, not ${value}` }
  return undefined
}
