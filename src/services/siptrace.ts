// Owns the service of module siptrace: copies of messages in HEP version 3, sent to a capture server.
import { isIPv6 } from 'node:net'
import type { ReplyContext, RequestContext } from '../proxy/index.ts'
import { parseUri, type SipMessage } from '../sip/index.ts'
import type { Flow } from '../transport/index.ts'
import { hepPacket } from './hep.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import type { Service, ServiceHost } from './service.ts'

interface Target {
  readonly address: string
  readonly port: number
  readonly correlation: string
}

const MOST_TRACED = 100_000

export function createSiptrace(host: ServiceHost): Service {
  let parameters = new Parameters([])
  let enabled = true
  /** Requests whose replies are copied too. */
  const traced = new Map<RequestContext, Target>()

  function targetOf(text: string, correlation: string): Target | undefined {
    const uri = parseUri(text || parameters.text('duplicate_uri'))
    const address = uri?.host.replace(/^\[|\]$/g, '') ?? ''
    return uri === undefined || address === '' ? undefined : { address, port: uri.port ?? 5060, correlation }
  }

  function copy(message: SipMessage, flow: Flow, target: Target): void {
    const { listener } = flow
    const bytes = parameters.on('hep_mode_on')
      ? hepPacket({
          payload: message.raw,
          transport: flow.transport,
          source: { address: flow.remoteAddress, port: flow.remotePort },
          destination: { address: listener.address, port: listener.port },
          family: isIPv6(flow.remoteAddress) ? 6 : 4,
          milliseconds: host.clock.wallclock(),
          capture: parameters.number('hep_capture_id', 1),
          correlation: target.correlation || message.callId,
          key: parameters.text('auth_key'),
        })
      : message.raw
    host.datagram({ address: target.address, port: target.port, listener: undefined }, bytes)
  }

  return {
    module: 'siptrace',
    operations: {
      trace(run, args) {
        if (!enabled || !parameters.on('trace_on')) return 1
        const { address, correlation, mode } = fieldsOf(args)
        const target = targetOf(textOf(address), textOf(correlation))
        if (target === undefined) return -1
        copy(run.message, run.flow, target)
        const following = textOf(mode) === '' || /[tTdD]/.test(textOf(mode))
        if (following && run.kind === 'request' && run.context !== undefined && traced.size < MOST_TRACED)
          traced.set(run.context, target)
        return 1
      },
    },
    commands: {
      'siptrace.status'(given) {
        const wanted = `${given[0] ?? 'check'}`
        if (wanted === 'on' || wanted === 'off') enabled = wanted === 'on'
        return enabled && parameters.on('trace_on') ? 'Enabled' : 'Disabled'
      },
    },
    configure(given) {
      parameters = new Parameters(given)
    },
    replyEdits({ context, reply, flow }: ReplyContext) {
      const target = traced.size === 0 || context === undefined ? undefined : traced.get(context)
      if (target !== undefined) copy(reply, flow, target)
      return undefined
    },
    requestEnded(context) {
      if (traced.size > 0) traced.delete(context)
    },
  }
}
