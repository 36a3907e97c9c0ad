// Owns the RPC commands of module dispatcher.
import { coreHash } from '../../stdlib/registry.ts'
import { type Destination, stateBits } from './dispatcher-destination.ts'
import type { Probes } from './dispatcher-probes.ts'
import type { DestinationSet } from './dispatcher-set.ts'
import { RpcFault, rpcNumber, rpcText } from './rpc-fault.ts'
import type { ServiceCommand } from './service.ts'

export interface DispatcherCommandParts {
  sets(): ReadonlyMap<number, DestinationSet>
  readonly probes: Probes
  reload(): Promise<boolean>
  setState(destination: Destination, bits: number): void
  add(set: number, uri: string, flags: number, priority: number, attributes: string): boolean
  remove(set: number, uri: string): boolean
  latencies(): boolean
}

export function dispatcherCommands(parts: DispatcherCommandParts): Record<string, ServiceCommand> {
  const bitsAt = (given: readonly unknown[]): number => {
    const bits = stateBits(rpcText(given, 0, 'the state'))
    if (bits === undefined) throw new RpcFault(500, 'Unknown State Value')
    return bits
  }
  const setAt = (given: readonly unknown[], index: number): DestinationSet => {
    const set = parts.sets().get(rpcNumber(given, index, 'the set'))
    if (set === undefined) throw new RpcFault(500, 'Failed to find set')
    return set
  }
  const update = (bits: number, destinations: readonly Destination[]): string => {
    if (destinations.length === 0) throw new RpcFault(500, 'State Update Failed')
    for (const destination of destinations) parts.setState(destination, bits)
    return 'Ok. Dispatcher state updated.'
  }
  return {
    'dispatcher.list': () => listing(parts.sets(), parts.latencies()),
    async 'dispatcher.reload'() {
      if (!(await parts.reload())) throw new RpcFault(500, 'Reload Failed')
      return 'Ok. Dispatcher successfully reloaded.'
    },
    'dispatcher.set_state'(given) {
      const bits = bitsAt(given)
      const { destinations } = setAt(given, 1)
      const uri = rpcText(given, 2, 'the destination')
      return update(bits, uri === 'all' ? destinations : destinations.filter((each) => each.uri === uri))
    },
    'dispatcher.set_duid_state'(given) {
      const bits = bitsAt(given)
      const { destinations } = setAt(given, 1)
      const duid = rpcText(given, 2, 'the duid')
      return update(
        bits,
        destinations.filter((each) => each.attributes.duid === duid),
      )
    },
    'dispatcher.ping_active'(given) {
      const before = parts.probes.enabled ? 1 : 0
      if (given.length === 0) return { OldPingState: before, NewPingState: before }
      const wanted = rpcNumber(given, 0, 'the state')
      parts.probes.enabled = wanted !== 0
      return { NewPingState: wanted !== 0 ? 1 : 0, OldPingState: before }
    },
    'dispatcher.add'(given) {
      const [set, uri] = [rpcNumber(given, 0, 'the set'), rpcText(given, 1, 'the destination')]
      const flags = given.length > 2 ? rpcNumber(given, 2, 'the flags') : 0
      const priority = given.length > 3 ? rpcNumber(given, 3, 'the priority') : 0
      const attributes = given.length > 4 ? rpcText(given, 4, 'the attributes') : ''
      if (!parts.add(set, uri, flags, priority, attributes)) throw new RpcFault(500, 'Adding dispatcher dst failed')
      return 'Ok. Dispatcher destination added.'
    },
    'dispatcher.remove'(given) {
      if (!parts.remove(rpcNumber(given, 0, 'the set'), rpcText(given, 1, 'the destination')))
        throw new RpcFault(500, 'Removing dispatcher dst failed')
      return 'Ok. Dispatcher destination removed.'
    },
    'dispatcher.hash'(given) {
      const slots = rpcNumber(given, 0, 'the number of slots')
      if (slots < 1) throw new RpcFault(500, 'Invalid parameters')
      const hashid =
        coreHash(rpcText(given, 1, 'the value'), given.length > 2 ? rpcText(given, 2, 'the value') : '') || 1
      return { hashid, slot: hashid % slots }
    },
  }
}

const orNull = (text: string): string | null => (text === '' ? null : text)

function listing(sets: ReadonlyMap<number, DestinationSet>, latencies: boolean): unknown {
  return {
    NRSETS: sets.size,
    RECORDS: [...sets.values()].map((set) => ({
      SET: { ID: set.id, TARGETS: set.destinations.map((each) => ({ DEST: described(each, latencies) })) },
    })),
  }
}

function described(destination: Destination, latencies: boolean): unknown {
  const { attributes, latency } = destination
  return {
    URI: destination.uri,
    FLAGS: destination.letters,
    PRIORITY: destination.priority,
    ...(latencies
      ? {
          LATENCY: {
            AVG: latency.average,
            STD: 0,
            EST: latency.estimate,
            MAX: latency.max,
            TIMEOUT: latency.timeouts,
          },
        }
      : {}),
    ...(attributes.body === ''
      ? {}
      : {
          ATTRS: {
            BODY: attributes.body,
            DUID: orNull(attributes.duid),
            MAXLOAD: attributes.maxload,
            WEIGHT: attributes.weight,
            RWEIGHT: attributes.rweight,
            SOCKET: orNull(attributes.socket),
            SOCKNAME: orNull(attributes.sockname),
            OBPROXY: orNull(attributes.obproxy),
          },
        }),
    RUNTIME: { DLGLOAD: destination.load + destination.loadElsewhere },
  }
}
