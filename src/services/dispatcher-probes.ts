// Owns the probing of destinations: which are asked, how often, what an answer means.
import type { LocalReply } from '../proxy/index.ts'
import { type Destination, DISABLED, INACTIVE, PROBING, TRYING } from './dispatcher-destination.ts'
import type { Parameters } from './parameters.ts'
import type { ServiceHost } from './service.ts'

/** What probes need of the module around them. */
export interface ProbeParts {
  readonly host: ServiceHost
  parameters(): Parameters
  destinations(): Iterable<Destination>
  /** Where its probes leave from: a listener's id. */
  socketOf(destination: Destination): number | undefined
  /** Takes over a state, with events and everything. */
  setState(destination: Destination, bits: number, reply: LocalReply): void
}

/** Whether codes such as `code=403;class=4` count a status as an answer. */
function acceptsStatus(codes: string, status: number): boolean {
  if (status === 200) return true
  return codes.split(';').some((part) => {
    const [kind, value] = part.split('=').map((each) => each.trim())
    return kind === 'code' ? Number(value) === status : kind === 'class' && Number(value) === Math.floor(status / 100)
  })
}

export class Probes {
  readonly #parts: ProbeParts
  readonly #asked = new Set<string>()
  #timer: { cancel(): void } | undefined
  enabled = true

  constructor(parts: ProbeParts) {
    this.#parts = parts
  }

  /** Begins anew with the interval of the parameters; 0 asks nobody. */
  start(): void {
    this.stop()
    const seconds = this.#parts.parameters().number('ds_ping_interval', 0)
    if (seconds <= 0) return
    const tick = () => {
      // Of several workers one asks for all.
      if (this.enabled && this.#parts.host.store.lease('dispatcher:probes', seconds * 2)) this.round()
      this.#timer = this.#parts.host.clock.setTimer(seconds * 1000, tick)
    }
    this.#timer = this.#parts.host.clock.setTimer(seconds * 1000, tick)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** Asks everybody whose turn it is. */
  round(): void {
    const mode = this.#parts.parameters().number('ds_probing_mode', 0)
    for (const destination of this.#parts.destinations()) {
      const { flags } = destination
      if (flags & DISABLED || this.#asked.has(destination.key)) continue
      const probing = (flags & PROBING) !== 0
      const due = mode === 1 || (mode === 2 ? probing && (flags & INACTIVE) !== 0 : probing)
      if (due) void this.#ask(destination, mode)
    }
  }

  async #ask(destination: Destination, mode: number): Promise<void> {
    const { host } = this.#parts
    const parameters = this.#parts.parameters()
    const socket = this.#parts.socketOf(destination)
    const proxy = destination.attributes.obproxy || parameters.text('outbound_proxy')
    const from = destination.attributes.pingFrom || parameters.text('ds_ping_from', 'sip:dispatcher@localhost')
    this.#asked.add(destination.key)
    const began = host.clock.now()
    const reply = await host.send({
      method: parameters.text('ds_ping_method', 'OPTIONS'),
      uri: destination.uri,
      from: from.includes('<') ? from : `<${from}>`,
      to: `<${destination.uri}>`,
      ...(proxy === '' ? {} : { nextHop: proxy }),
      ...(socket === undefined ? {} : { listener: socket }),
    })
    this.#asked.delete(destination.key)
    if (reply.reply === undefined) destination.latency.timeouts++
    else if (parameters.on('ds_ping_latency_stats'))
      destination.measure(host.clock.now() - began, parameters.number('ds_latency_estimator_alpha', 900) / 1000)
    this.#judge(destination, mode, reply)
  }

  #judge(destination: Destination, mode: number, reply: LocalReply): void {
    const parameters = this.#parts.parameters()
    if (destination.flags & DISABLED) return
    const heard = reply.reply !== undefined && acceptsStatus(parameters.text('ds_ping_reply_codes'), reply.status)
    const kept = mode === 1 || mode === 3 ? PROBING : 0
    if (heard) {
      if (destination.flags & INACTIVE && ++destination.streak < parameters.number('ds_inactive_threshold', 1)) return
      destination.streak = 0
      this.#parts.setState(destination, kept, reply)
      return
    }
    if (destination.flags & INACTIVE) {
      destination.streak = 0
      this.#parts.setState(destination, INACTIVE | PROBING, reply)
      return
    }
    if (++destination.streak < parameters.number('ds_probing_threshold', 1)) {
      this.#parts.setState(destination, TRYING | PROBING, reply)
      return
    }
    destination.streak = 0
    this.#parts.setState(destination, INACTIVE | PROBING, reply)
  }
}
