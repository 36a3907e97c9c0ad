// Owns the table of services under way: which one answers an operation or a command, and their common life.
import type { CallSummary, ReplyContext, RequestContext } from '../proxy/index.ts'
import type { MessageEdit, SipReply, SipRequest } from '../sip/index.ts'
import type { Flow } from '../transport/index.ts'
import type { MessageMask } from './mask.ts'
import { RpcFault } from './rpc-fault.ts'
import type { ModuleParameter, ReofferReply, Service, ServiceCommand, ServiceRun } from './service.ts'

export class ServiceTable {
  readonly #services: readonly Service[]
  readonly #byModule: ReadonlyMap<string, Service>
  #masks: readonly MessageMask[] = []
  readonly #commands = new Map<string, ServiceCommand>()
  readonly #beginWatchers: readonly Service[]
  readonly #answerWatchers: readonly Service[]
  readonly #replyEditors: readonly Service[]
  readonly #requestWatchers: readonly Service[]
  readonly #callWatchers: readonly Service[]
  readonly #flowWatchers: readonly Service[]
  readonly #hosts: readonly Service[]

  constructor(services: readonly Service[]) {
    this.#services = services
    this.#byModule = new Map(services.map((service) => [service.module, service]))
    if (this.#byModule.size !== services.length) throw new Error('two services have one name')
    for (const service of services)
      for (const [name, command] of Object.entries(service.commands ?? {})) {
        if (this.#commands.has(name)) throw new Error(`the command ${name} is declared twice`)
        this.#commands.set(name, command)
      }
    this.#beginWatchers = services.filter((service) => service.requestBegan)
    this.#answerWatchers = services.filter((service) => service.requestAnswered)
    this.#replyEditors = services.filter((service) => service.replyEdits)
    this.#requestWatchers = services.filter((service) => service.requestEnded)
    this.#flowWatchers = services.filter((service) => service.flowClosed)
    this.#hosts = services.filter((service) => service.isOwnHost)
    this.#callWatchers = services.filter((service) => service.callEnded)
  }

  /** Asks a service. Names come from a script: they are looked up, never trusted. */
  ask(run: ServiceRun, module: string, operation: string, args: unknown): unknown {
    const operations = this.#byModule.get(module)?.operations
    if (operations === undefined || !Object.hasOwn(operations, operation))
      throw new TypeError(`there is no operation ${module}.${operation}`)
    return operations[operation]!(run, args)
  }

  /** Names of all RPC commands, sorted. */
  get commands(): readonly string[] {
    return [...this.#commands.keys()].sort()
  }

  /** Carries out an RPC command; undefined: there is none of that name. */
  command(name: string): ServiceCommand | undefined {
    return this.#commands.get(name)
  }

  /** Carries out an RPC command of any service. Rejects with an RpcFault where there is none of that name. */
  async carryOut(name: string, parameters: readonly unknown[]): Promise<unknown> {
    if (name === 'system.listMethods') return this.commands
    const command = this.#commands.get(name)
    if (command === undefined) throw new RpcFault(500, `command ${name} not found`)
    return await command(parameters)
  }

  httpRequest(request: SipRequest, flow: Flow): void {
    for (const service of this.#services) service.httpRequest?.(request, flow)
  }

  flowClosed(flow: Flow): void {
    for (const service of this.#flowWatchers) service.flowClosed!(flow)
  }

  configure(parameters: readonly ModuleParameter[], loaded: readonly string[]): void {
    for (const service of this.#services)
      service.configure?.(
        parameters.filter((parameter) => parameter.module === service.module),
        loaded.includes(service.module),
      )
    this.#masks = this.#services.flatMap((service) => service.mask?.() ?? [])
  }

  /** What hides the topology, in the order in which messages that leave pass it. */
  get masks(): readonly MessageMask[] {
    return this.#masks
  }

  async start(): Promise<void> {
    for (const service of this.#services) await service.start?.()
  }

  requestBegan(context: RequestContext): void {
    for (const service of this.#beginWatchers) service.requestBegan!(context)
  }

  requestAnswered(context: RequestContext, status: number, reason: string, reply: SipReply | undefined): void {
    for (const service of this.#answerWatchers) service.requestAnswered!(context, status, reason, reply)
  }

  /** What services change in a reply of a branch; undefined: nothing. */
  replyEdits(context: ReplyContext): readonly MessageEdit[] | undefined {
    let edits: readonly MessageEdit[] | undefined
    for (const service of this.#replyEditors) {
      const more = service.replyEdits!(context)
      if (more !== undefined) edits = [...(edits ?? []), ...more]
    }
    return edits
  }

  requestEnded(context: RequestContext): void {
    for (const service of this.#requestWatchers) service.requestEnded!(context)
  }

  /** Whether a service counts this host among ours. */
  isOwnHost(host: string): boolean {
    return this.#hosts.some((service) => service.isOwnHost!(host))
  }

  callEnded(call: CallSummary): void {
    for (const service of this.#callWatchers) service.callEnded!(call)
  }

  mediaTimedOut(callId: string, reason: string): void {
    for (const service of this.#services) service.mediaTimedOut?.(callId, reason)
  }

  /** Offers a party of a call that a service follows another session; undefined: none does. */
  async reoffer(callId: string, tag: string, sdp: string): Promise<ReofferReply | undefined> {
    for (const service of this.#services) {
      const reply = await service.reoffer?.(callId, tag, sdp)
      if (reply !== undefined) return reply
    }
    return undefined
  }

  async close(): Promise<void> {
    for (const service of this.#services) await service.close?.()
  }
}
