// Owns the service of module keepalive: destinations that are asked by OPTIONS whether they are there.
import { isIPv6 } from 'node:net'
import { parseUri } from '../sip/index.ts'
import { buildEventRequest } from './event-request.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import { RpcFault } from './rpc-fault.ts'
import type { Service, ServiceHost } from './service.ts'

/** All workers share the destinations; one of them asks for all. */
const TABLE = 'keepalive'
const OF_PARAMETERS = '_params'
const MOST_DESTINATIONS = 10_000
/** Kamailio asks a new destination after half a second. */
const TICK_MILLIS = 500
const LEASE_SECONDS = 3

const UNKNOWN = 0
const UP = 1
const DOWN = 2

interface Destination {
  readonly uri: string
  readonly owner: string
  readonly state: number
  /** Questions without an answer, one after the other. */
  readonly failed: number
  /** Times in milliseconds since 1970, for all workers; 0 for never. */
  readonly due: number
  readonly checked: number
  readonly up: number
  readonly down: number
}

const keyOf = (uri: string, owner: string): string => `${uri} ${owner}`

/** The address with its scheme; undefined for what is none. */
function addressOf(text: string): string | undefined {
  const bare = isIPv6(text) ? `[${text}]` : text
  const uri = /^sips?:/i.test(bare) ? bare : `sip:${bare}`
  return /[\s<>"]/.test(uri) || !parseUri(uri)?.host ? undefined : uri
}

/** Destinations as other modules have them watched. */
export interface Watch {
  /** Whether destinations are asked at all: the module is loaded. */
  readonly active: boolean
  /** Watches these for `owner` from now on, and no others of his. */
  follow(owner: string, addresses: readonly string[]): void
  /** It was asked for this owner, and did not answer with 2xx. */
  isDown(owner: string, address: string): boolean
}

export function createKeepalive(host: ServiceHost): { service: Service; watch: Watch } {
  let parameters = new Parameters([])
  let [wanted, started] = [false, false]
  let timer: { cancel(): void } | undefined
  const { store, clock } = host

  const all = (): Destination[] => store.entries(TABLE).map(([, value]) => JSON.parse(value))
  const change = (key: string, to: (before: Destination) => Destination | undefined): void => {
    store.update(TABLE, key, (before) => {
      const after = before === undefined ? undefined : to(JSON.parse(before))
      return after && { value: JSON.stringify(after) }
    })
  }

  /** 1, or -2 where it is there already, as Kamailio counts. */
  function add(text: string, owner: string): number {
    const uri = addressOf(text)
    if (uri === undefined || store.size(TABLE) >= MOST_DESTINATIONS) return -1
    const key = keyOf(uri, owner)
    if (store.get(TABLE, key) !== undefined) {
      change(key, (before) => ({ ...before, failed: 0 }))
      return -2
    }
    const fresh: Destination = { uri, owner, state: UNKNOWN, failed: 0, due: 0, checked: 0, up: 0, down: 0 }
    store.set(TABLE, key, JSON.stringify(fresh))
    return 1
  }

  function remove(text: string, owner: string): boolean {
    const uri = addressOf(text)
    return uri !== undefined && store.delete(TABLE, keyOf(uri, owner))
  }

  async function ask({ uri, owner }: Destination): Promise<void> {
    const key = keyOf(uri, owner)
    const from = parameters.text('ping_from', 'sip:keepalive@kamailio.org')
    const { status } = await host.send({ method: 'OPTIONS', uri, from: `<${from}>`, to: `<${uri}>` })
    const state = status >= 200 && status < 300 ? UP : DOWN
    const now = clock.wallclock()
    let before: Destination | undefined
    change(key, (known) => {
      before = known
      return state === UP
        ? { ...known, state, failed: 0, up: now }
        : { ...known, state, failed: known.failed + 1, down: now }
    })
    if (before === undefined || before.state === state) return
    host.log[state === UP ? 'info' : 'warn'](
      { destination: uri, status },
      state === UP ? 'a destination is up' : 'a destination is down',
    )
    const message = buildEventRequest(host.ids, uri)
    void host.event({ name: state === UP ? 'keepalive:dst-up' : 'keepalive:dst-down', ...(message && { message }) })
  }

  function tick(): void {
    timer = clock.setTimer(TICK_MILLIS, tick)
    if (!store.lease('keepalive:asks', LEASE_SECONDS)) return
    const now = clock.wallclock()
    const most = parameters.number('delete_counter', 5)
    const interval = Math.max(1, parameters.number('ping_interval', 30)) * 1000
    for (const destination of all()) {
      if (destination.due > now || (most > 0 && destination.failed > most)) continue
      change(keyOf(destination.uri, destination.owner), (before) => ({ ...before, due: now + interval, checked: now }))
      void ask(destination)
    }
  }

  /** The destinations of one owner are these; those of others stay. */
  function follow(owner: string, addresses: readonly string[]): void {
    const listed = new Set(addresses.map(addressOf))
    for (const known of all())
      if (known.owner === owner && !listed.has(known.uri)) store.delete(TABLE, keyOf(known.uri, owner))
    for (const uri of listed)
      if (uri !== undefined && store.get(TABLE, keyOf(uri, owner)) === undefined) add(uri, owner)
  }

  function followParameters(): void {
    timer?.cancel()
    timer = undefined
    if (!wanted) return
    follow(OF_PARAMETERS, parameters.all('destination').map(String))
    timer = clock.setTimer(TICK_MILLIS, tick)
  }

  const time = (millis: number): string => (millis === 0 ? 'never' : new Date(millis).toISOString())
  const twoOf = ([uri, owner]: readonly unknown[]): [string, string] => {
    const names: [string, string] = [textOf(uri, 1024), textOf(owner, 128)]
    if (names.includes('')) throw new RpcFault(500, 'Not enough parameters or wrong format')
    return names
  }

  const watch: Watch = {
    get active() {
      return wanted
    },
    follow,
    isDown(owner, address) {
      const uri = addressOf(address)
      const known = uri === undefined ? undefined : store.get(TABLE, keyOf(uri, owner))
      return known !== undefined && (JSON.parse(known) as Destination).state === DOWN
    },
  }
  const service: Service = {
    module: 'keepalive',
    operations: {
      add(_run, args) {
        const { uri, owner } = fieldsOf(args)
        return add(textOf(uri, 1024), textOf(owner, 128))
      },
      remove(_run, args) {
        const { uri, owner } = fieldsOf(args)
        return remove(textOf(uri, 1024), textOf(owner, 128)) ? 1 : -1
      },
      /** Kamailio compares what follows `sip:`, and takes who was not asked yet for alive. */
      state(_run, args) {
        const name = textOf(fieldsOf(args).uri, 1024)
        const found = all().find(({ uri }) => uri.slice(uri.indexOf(':') + 1) === name)
        return found === undefined ? -1 : found.state === DOWN ? DOWN : UP
      },
    },
    commands: {
      'keepalive.list': () =>
        all().map(({ uri, owner, checked, up, down, state }) => ({
          uri,
          owner,
          'last checked': time(checked),
          'last up': time(up),
          'last down': time(down),
          state,
        })),
      'keepalive.add': (given) => {
        if (add(...twoOf(given)) < 0) throw new RpcFault(500, "couldn't add data to list")
        return 'Ok. Destination added.'
      },
      'keepalive.del': (given) => {
        if (!remove(...twoOf(given))) throw new RpcFault(500, "couldn't delete data from list")
        return 'Ok. Destination removed.'
      },
      'keepalive.get': (given) => {
        const [uri, owner] = twoOf(given)
        const found = store.get(TABLE, keyOf(addressOf(uri) ?? '', owner))
        if (found === undefined) throw new RpcFault(500, "couldn't get data from list")
        const { state, ...known }: Destination = JSON.parse(found)
        return { uri: known.uri, owner: known.owner, state }
      },
      'keepalive.flush': () => {
        store.clear(TABLE)
        return 'Ok. Destination list flushed.'
      },
    },
    configure(list, loaded) {
      parameters = new Parameters(list)
      wanted = loaded
      if (started) followParameters()
    },
    start() {
      started = true
      followParameters()
    },
    close() {
      timer?.cancel()
    },
  }
  return { service, watch }
}
