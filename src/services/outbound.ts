// Owns the service of module outbound: flow tokens (RFC 5626 5.2), which name a flow in a URI of ours and which nobody without the secret makes.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Flow } from '../transport/index.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import type { Service, ServiceHost } from './service.ts'

/** HMAC-SHA1-80 is what the RFC shows; as many bits of a newer one. */
const CODE_BYTES = 10
const LONGEST = 256
const TABLE = 'outbound'
const ENDS = /^(udp|tcp|tls|ws|wss)\|([0-9A-Fa-f:.]+)\|(\d{1,5})\|([0-9A-Fa-f:.]+)\|(\d{1,5})$/

export function createOutbound(host: ServiceHost): Service {
  let secret = ''
  let isLoaded = false

  /** One for all workers, where the file gives none. */
  function key(): string {
    if (secret !== '') return secret
    const kept = host.store.update(TABLE, 'secret', (before) => ({ value: before ?? randomBytes(32).toString('hex') }))
    return (secret = kept!.value)
  }

  const codeOf = (ends: Buffer) => createHmac('sha256', key()).update(ends).digest().subarray(0, CODE_BYTES)

  function tokenOf(flow: Flow): string {
    const ends = Buffer.from(endsOf(flow), 'latin1')
    return Buffer.concat([codeOf(ends), ends]).toString('base64url')
  }

  return {
    module: 'outbound',
    operations: {
      /** The token of the flow that the message came over; null where the module is not loaded. */
      token: (run) => (isLoaded ? tokenOf(run.flow) : null),
      /**
       * The flow of a token. Null: the module is not loaded. `tampered`: it is none of ours. `same`: the message came over
       * that flow, so it goes away from it.
       */
      flow(run, args) {
        if (!isLoaded) return null
        const token = textOf(fieldsOf(args).token, LONGEST + 1)
        const bytes = token.length > LONGEST ? Buffer.alloc(0) : Buffer.from(token, 'base64url')
        const code = bytes.subarray(0, CODE_BYTES)
        const ends = bytes.subarray(CODE_BYTES)
        if (code.length < CODE_BYTES || !timingSafeEqual(code, codeOf(ends))) return 'tampered'
        const text = ends.toString('latin1')
        if (text === endsOf(run.flow)) return 'same'
        const [, transport, address, port, remote, remotePort] = ENDS.exec(text) ?? []
        if (transport === undefined) return 'tampered'
        const bracketed = (name: string) => (name.includes(':') ? `[${name}]` : name)
        return {
          uri: `sip:${bracketed(remote!)}:${remotePort}${transport === 'udp' ? '' : `;transport=${transport}`}`,
          socket: `${transport}:${bracketed(address!)}:${port}`,
          stream: transport !== 'udp',
        }
      },
    },
    configure(list, loaded) {
      secret = new Parameters(list).text('flow_token_secret')
      isLoaded = loaded
    },
  }
}

/** Both ends of a flow: ours and the other. */
function endsOf({ transport, listener, remoteAddress, remotePort }: Flow): string {
  return `${transport}|${listener.address}|${listener.port}|${remoteAddress}|${remotePort}`
}
