// Owns the service of module dispatcher: its sets of destinations, their state, and what scripts ask of them.
import { randomInt } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { coreHash } from '../../stdlib/registry.ts'
import type { Databases } from '../database/index.ts'
import type { CallSummary, LocalReply } from '../proxy/index.ts'
import { rowsOfDatabase } from './dispatcher-database.ts'
import {
  Destination,
  type DestinationRow,
  INACTIVE,
  NO_LOOKUP,
  PROBING,
  readList,
  STATE_BITS,
  stateBits,
  TRYING,
} from './dispatcher-destination.ts'
import { CallLoads } from './dispatcher-load.ts'
import { Probes } from './dispatcher-probes.ts'
import { dispatcherCommands } from './dispatcher-rpc.ts'
import { DestinationSet } from './dispatcher-set.ts'
import { buildEventRequest } from './event-request.ts'
import { fieldsOf, Parameters, textOf, wholeOf } from './parameters.ts'
import type { Service, ServiceHost } from './service.ts'

/** What a script learns of a destination. */
interface Offered {
  readonly uri: string
  readonly set: number
  readonly duid: string
  readonly attrs: string
  readonly socket: number | undefined
  readonly sockname: string
  readonly obproxy: string
}

const STATES = 'dispatcher:states'
const SYNC_MILLIS = 1000

export function createDispatcher(host: ServiceHost, databases: Databases): Service {
  let parameters = new Parameters([])
  let sets = new Map<number, DestinationSet>()
  let started = false
  let sync: { cancel(): void } | undefined
  const loads = new CallLoads(host)
  const all = function* () {
    for (const set of sets.values()) yield* set.destinations
  }
  const probes = new Probes({
    host,
    parameters: () => parameters,
    destinations: all,
    socketOf,
    setState: (destination, bits, reply) => setState(destination, bits, reply),
  })

  function socketOf({ attributes }: Destination): number | undefined {
    const name = attributes.sockname || (attributes.socket === '' ? parameters.text('ds_default_sockname') : '')
    const socket = attributes.socket || parameters.text('ds_default_socket')
    const listeners = host.listeners()
    if (name !== '') return listeners.find((each) => each.name === name)?.id
    const [, kind = 'udp', address, port] = /^(?:(\w+):)?(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(socket) ?? []
    if (socket === '' || address === undefined) return undefined
    const wanted = Number(port ?? (kind === 'tls' ? 5061 : 5060))
    return listeners.find(
      (each) => each.transport === kind && each.address === address.replace(/[[\]]/g, '') && each.port === wanted,
    )?.id
  }

  function setState(destination: Destination, bits: number, reply?: LocalReply): void {
    const before = destination.flags & STATE_BITS
    destination.setState(bits)
    let wasDown = (before & INACTIVE) !== 0
    // Whoever comes first tells, where each worker carries out the same command.
    host.store.update(STATES, destination.key, (known) => {
      if (known !== undefined) wasDown = (Number(known) & INACTIVE) !== 0
      return { value: `${destination.flags}` }
    })
    const isDown = (destination.flags & INACTIVE) !== 0
    if (wasDown === isDown) return
    const event = isDown ? 'dst-down' : 'dst-up'
    host.log[isDown ? 'warn' : 'info'](
      { destination: destination.uri, set: destination.set, ...(reply ? { status: reply.status } : {}) },
      isDown ? 'a destination is down' : 'a destination is up',
    )
    void host.event({
      name: `dispatcher:${event}`,
      ...messageTo(destination.uri),
      data: { code: reply?.status ?? 0, reason: reply?.reply?.reason ?? null, flags: before },
    })
  }

  function messageTo(uri: string) {
    const message = buildEventRequest(host.ids, uri)
    return message === undefined ? {} : { message }
  }

  /** A failure that a script or a probe tells of counts towards the threshold. */
  function mark(destination: Destination, bits: number): void {
    if ((bits & TRYING) === 0) {
      destination.streak = 0
      setState(destination, bits)
      return
    }
    if (++destination.streak < parameters.number('ds_probing_threshold', 1)) setState(destination, bits)
    else setState(destination, INACTIVE | (bits & PROBING))
  }

  function offered(destination: Destination, algorithm = 0): Offered {
    const { attributes } = destination
    return {
      uri: destination.uri,
      set: destination.set,
      // Kamailio 5.6: only where the load is counted by it.
      duid: algorithm === 10 ? attributes.duid : '',
      attrs: attributes.body,
      socket: socketOf(destination),
      sockname: attributes.sockname,
      obproxy: attributes.obproxy,
    }
  }

  function takeRows(rows: readonly DestinationRow[]): void {
    const isFirst = sets.size === 0
    const next = new Map<number, DestinationSet>()
    for (const row of rows) {
      const destination = new Destination(row)
      const set = next.get(row.set) ?? new DestinationSet(row.set)
      set.add(destination)
      next.set(row.set, set)
    }
    sets = next
    // What calls are up stays known over a reload.
    loads.follow(({ set, uri }) => find(set, uri))
    // A worker that takes the place of another finds what is down or switched off; a reload begins with what is written.
    if (isFirst) followStates()
    else host.store.clear(STATES)
    for (const destination of all()) void findAddresses(destination)
  }

  async function findAddresses(destination: Destination): Promise<void> {
    if (destination.addresses.length > 0 || destination.flags & NO_LOOKUP) return
    try {
      destination.addresses = (await lookup(destination.host, { all: true })).map((each) => each.address)
    } catch {
      host.log.warn({ destination: destination.uri }, 'a destination has no address; requests of its own are not known')
    }
  }

  function rowsOfFile(): readonly DestinationRow[] | undefined {
    const file = parameters.text('list_file')
    if (file === '') return undefined
    try {
      const rows = readList(readFileSync(resolve(host.folder, file), 'latin1'))
      if (typeof rows !== 'string') return rows
      host.log.error({ file }, `list of destinations: ${rows}`)
    } catch (error) {
      host.log.error({ file, err: error }, 'the list of destinations cannot be read')
    }
    return undefined
  }

  async function load(): Promise<boolean> {
    if (parameters.text('db_url') === '') {
      const rows = rowsOfFile()
      if (rows !== undefined) takeRows(rows)
      return rows !== undefined
    }
    try {
      takeRows(await rowsOfDatabase(databases, parameters))
      return true
    } catch (error) {
      host.log.error({ err: error }, 'the destinations could not be read from the database')
      return false
    }
  }

  async function reload(): Promise<boolean> {
    const done = await load()
    if (done) void host.event({ name: 'dispatcher:reloaded' })
    return done
  }

  /** States that another worker has set. */
  function followStates(): void {
    const states = new Map(host.store.entries(STATES))
    for (const destination of all()) {
      const flags = states.get(destination.key)
      if (flags !== undefined) destination.flags = Number(flags)
    }
  }

  function followOthers(): void {
    sync = host.clock.setTimer(SYNC_MILLIS, () => {
      followStates()
      loads.tellAgain(all())
      loads.hearOthers(all())
      followOthers()
    })
  }

  /** The first destinations: of the start, or of a file that is saved later. */
  async function begin(): Promise<void> {
    if (parameters.text('db_url') !== '') await load()
    if (sets.size === 0 && parameters.text('db_url') === '') return
    sync?.cancel()
    followOthers()
    probes.start()
  }

  const find = (set: unknown, uri: unknown): Destination | undefined =>
    sets.get(wholeOf(set, -1))?.destinations.find((each) => each.uri === uri)

  return {
    module: 'dispatcher',
    operations: {
      select(run, args) {
        const { set, algorithm, limit, hash } = fieldsOf(args)
        const wanted = sets.get(wholeOf(set, -1))
        if (wanted === undefined) return null
        const keys = Array.isArray(hash) ? hash.map((each) => textOf(each)) : undefined
        if (wholeOf(algorithm) === 10) loads.hearOthers(wanted.destinations)
        const chosen = wanted.choose({
          algorithm: wholeOf(algorithm),
          hash: keys === undefined ? undefined : coreHash(...keys) || 1,
          limit: wholeOf(limit),
          useDefault: parameters.on('ds_use_default') || parameters.on('use_default'),
          random: (below) => randomInt(below),
        })
        if (chosen.length === 0) return null
        if (wholeOf(algorithm) === 10) loads.begin(run.message.callId, chosen[0]!)
        return chosen.map((each) => offered(each, wholeOf(algorithm)))
      },
      mark(_run, args) {
        const { set, uri, state } = fieldsOf(args)
        const bits = stateBits(textOf(state, 8))
        const destination = find(set, uri)
        if (bits === undefined || destination === undefined) return -1
        mark(destination, bits)
        return 1
      },
      from(run, args) {
        const { set, mode, uri } = fieldsOf(args)
        const source =
          typeof uri === 'string' && uri !== ''
            ? new Destination({ set: 0, uri, flags: 0, priority: 0, attributes: '' })
            : undefined
        const address = source?.host ?? run.flow.remoteAddress
        const port = source?.port ?? run.flow.remotePort
        const transport = source === undefined ? run.flow.transport : source.transport || 'udp'
        const bits = wholeOf(mode)
        for (const destination of all()) {
          if (wholeOf(set, -1) >= 0 && destination.set !== wholeOf(set, -1)) continue
          if (!destination.addresses.includes(address) && destination.host !== address) continue
          if ((bits & 1) === 0 && destination.port !== port) continue
          if ((bits & 2) === 0 && destination.transport !== '' && destination.transport !== transport) continue
          return offered(destination)
        }
        return null
      },
      exists: (_run, args) => (sets.has(wholeOf(fieldsOf(args).set, -1)) ? 1 : -1),
      active(_run, args) {
        const { set, uri } = fieldsOf(args)
        if (typeof uri === 'string' && uri !== '') return find(set, uri)?.usable ? 1 : -1
        return sets.get(wholeOf(set, -1))?.active ? 1 : -1
      },
      counts: (_run, args) => sets.get(wholeOf(fieldsOf(args).set, -1))?.counts() ?? null,
      // Asked of the file at once; a database answers later.
      reload: async () => ((await reload()) ? 1 : -1),
      loadUpdate: (run) => loads.update(run.message),
      loadUnset: (run) => loads.end(run.message.callId),
      event: (run) => run.event ?? null,
    },
    commands: dispatcherCommands({
      sets: () => sets,
      probes,
      reload,
      setState: (destination, bits) => mark(destination, bits),
      add(set, uri, flags, priority, attributes) {
        if (find(set, uri) !== undefined) return false
        const destination = new Destination({ set, uri, flags, priority, attributes })
        if (destination.host === '') return false
        const into = sets.get(set) ?? new DestinationSet(set)
        into.add(destination)
        sets.set(set, into)
        void findAddresses(destination)
        return true
      },
      remove: (set, uri) => sets.get(set)?.remove(uri) ?? false,
      latencies: () => parameters.on('ds_ping_latency_stats'),
    }),
    configure(given) {
      const first = sets.size === 0
      parameters = new Parameters(given)
      if (given.length === 0) return
      if (first) {
        const rows = parameters.text('db_url') === '' ? rowsOfFile() : undefined
        if (rows !== undefined) takeRows(rows)
      }
      if (started) void (first ? begin() : probes.start())
    },
    start() {
      started = true
      return begin()
    },
    callEnded: (call: CallSummary) => void loads.end(call.callId),
    close() {
      sync?.cancel()
      probes.stop()
    },
  }
}
