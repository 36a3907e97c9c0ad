// Owns registrations of our own at other registrars (module uac): Kamailio's table `uacreg`, their refreshing, their commands.
import type { Databases, Row } from '../database/index.ts'
import { parseUri, type SipReply } from '../sip/index.ts'
import type { Parameters } from './parameters.ts'
import { RpcFault, rpcText } from './rpc-fault.ts'
import type { ServiceCommand, ServiceHost } from './service.ts'
import { sendAuthenticated } from './uac-requests.ts'

const DISABLED = 1
const ONGOING = 2
const ONLINE = 4
/** How each stands, by uuid: one worker registers, all of them are asked. */
const STATES = 'uac-registrations'

export interface Registration {
  readonly uuid: string
  readonly user: string
  readonly domain: string
  readonly remoteUser: string
  readonly remoteDomain: string
  readonly realm: string
  readonly authUser: string
  readonly password: string
  readonly isHa1: boolean
  readonly proxy: string
  /** What is asked for; a registrar may want more. */
  expires: number
  readonly contact: string
  readonly socket: string
  readonly callId: string
  /** As its row says. */
  readonly flags: number
  cseq: number
}

interface State {
  readonly flags: number
  /** Seconds since 1970 of the next attempt. */
  readonly next: number
}

export class Registrations {
  readonly #host: ServiceHost
  readonly #parameters: () => Parameters
  readonly #databases: Databases
  readonly #listenerNamed: (text: string) => number | undefined
  #all = new Map<string, Registration>()
  /** Those that this worker has asked for, and whose answer is still to come. */
  readonly #asked = new Set<string>()
  #timer: { cancel(): void } | undefined
  #active = true

  constructor(
    host: ServiceHost,
    parameters: () => Parameters,
    databases: Databases,
    listenerNamed: (text: string) => number | undefined,
  ) {
    this.#host = host
    this.#parameters = parameters
    this.#databases = databases
    this.#listenerNamed = listenerNamed
  }

  #seconds(): number {
    return Math.floor(this.#host.clock.wallclock() / 1000)
  }

  find(by: 'uuid' | 'user' | 'uri', value: string): Registration | undefined {
    if (by === 'uuid') return this.#all.get(value)
    const bare = value.replace(/^sips?:/i, '').replace(/[;?].*$/, '')
    return [...this.#all.values()].find((each) =>
      by === 'user'
        ? each.user === value
        : `${each.user}@${each.domain}` === bare || `${each.remoteUser}@${each.remoteDomain}` === bare,
    )
  }

  async load(): Promise<void> {
    const url = this.#parameters().text('reg_db_url')
    if (url === '') return
    const table = this.#parameters().text('reg_db_table', 'uacreg')
    if (!/^\w+$/.test(table)) return
    const rows = await this.#databases.open(url).rows(`SELECT * FROM ${table}`)
    const before = this.#all
    this.#all = new Map()
    for (const row of rows) this.#add(registrationOf(row, this.#host.ids.callId()))
    for (const uuid of before.keys()) if (!this.#all.has(uuid)) this.#host.store.delete(STATES, uuid)
  }

  #add(registration: Registration): void {
    this.#all.set(registration.uuid, registration)
    // What another worker, or this one before it read anew, has made of it holds.
    this.#change(registration, (before) => before)
  }

  #state({ uuid, flags }: Registration): State {
    const text = this.#host.store.get(STATES, uuid)
    return text === undefined ? { flags, next: this.#seconds() + 1 } : JSON.parse(text)
  }

  #change(each: Registration, change: (before: State) => State): void {
    this.#host.store.update(STATES, each.uuid, (text) => {
      const before: State = text === undefined ? { flags: each.flags, next: this.#seconds() + 1 } : JSON.parse(text)
      return { value: JSON.stringify(change(before)) }
    })
  }

  start(): void {
    const tick = () => {
      this.#round()
      this.#timer = this.#host.clock.setTimer(1000, tick)
    }
    if (this.#parameters().text('reg_contact_addr') !== '' || this.#all.size > 0)
      this.#timer = this.#host.clock.setTimer(1000, tick)
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #round(): void {
    // Of several workers one registers for all.
    if (!this.#active || this.#all.size === 0 || !this.#host.store.lease('uac:registrations', 30)) return
    const now = this.#seconds()
    for (const [uuid, text] of this.#host.store.entries(STATES)) {
      const each = this.#all.get(uuid)
      const { flags, next }: State = JSON.parse(text)
      if (each !== undefined && (flags & DISABLED) === 0 && next <= now && !this.#asked.has(uuid))
        void this.#register(each)
    }
  }

  async #register(each: Registration): Promise<void> {
    this.#asked.add(each.uuid)
    each.cseq += 2
    const parameters = this.#parameters()
    const contact = each.contact || parameters.text('reg_contact_addr')
    const listener = this.#listenerNamed(each.socket)
    const address = `<sip:${each.remoteUser}@${each.remoteDomain}>`
    const outcome = await sendAuthenticated(
      this.#host,
      {
        method: 'REGISTER',
        uri: `sip:${each.remoteDomain}`,
        ...(each.proxy === '' ? {} : { nextHop: each.proxy }),
        ...(listener === undefined ? {} : { listener }),
        from: address,
        to: address,
        callId: each.callId,
        cseq: each.cseq,
        headers: `Contact: <sip:${each.uuid}@${contact}>\r\nExpires: ${each.expires}\r\n`,
      },
      { user: each.authUser, password: each.password, ...(each.isHa1 ? { isHa1: true as const } : {}) },
    )
    this.#asked.delete(each.uuid)
    if (!this.#all.has(each.uuid)) return
    const now = this.#seconds()
    if (outcome.status >= 200 && outcome.status < 300) {
      const next = now + Math.max(5, grantedTo(each, outcome.reply) - parameters.number('reg_timer_interval', 90))
      this.#change(each, ({ flags }) => ({ flags: flags | ONLINE, next }))
      return
    }
    this.#host.log.warn(
      { registration: each.uuid, domain: each.remoteDomain, status: outcome.status },
      'a registration of our own failed',
    )
    // RFC 3261 10.2.8.
    const least = outcome.status === 423 ? Number(outcome.reply?.header('Min-Expires')) : 0
    if (least > each.expires && least < 2 ** 31) {
      each.expires = least
      this.#change(each, ({ flags }) => ({ flags: flags & ~ONLINE, next: now }))
      return
    }
    const retry = parameters.number('reg_retry_interval', 0)
    this.#change(each, ({ flags, next }) =>
      retry > 0 || outcome.reply === undefined
        ? { flags: flags & ~ONLINE, next: now + (retry || 60) }
        : { flags: (flags & ~ONLINE) | DISABLED, next },
    )
  }

  enable(each: Registration): void {
    this.#change(each, ({ flags }) => ({ flags: flags & ~DISABLED, next: this.#seconds() }))
  }

  disable(each: Registration): void {
    this.#change(each, ({ next }) => ({ flags: DISABLED, next }))
  }

  /** 1 registered, -1 there is none, -2 not registered (yet), -3 disabled. */
  status(uuid: string): number {
    const each = this.#all.get(uuid)
    if (each === undefined) return -1
    const { flags } = this.#state(each)
    return flags & DISABLED ? -3 : flags & ONLINE ? 1 : -2
  }

  commands(): Record<string, ServiceCommand> {
    const shown = (each: Registration) => {
      const { flags, next } = this.#state(each)
      return {
        l_uuid: each.uuid,
        l_username: each.user,
        l_domain: each.domain,
        r_username: each.remoteUser,
        r_domain: each.remoteDomain,
        realm: each.realm,
        auth_username: each.authUser,
        auth_proxy: each.proxy,
        expires: each.expires,
        flags: this.#asked.has(each.uuid) ? flags | ONGOING : flags,
        diff_expires: Math.max(0, next - this.#seconds()),
        timer_expires: next,
        contact_addr: each.contact,
        socket: each.socket,
      }
    }
    const found = (given: readonly unknown[]): Registration => {
      const by = rpcText(given, 0, 'the attribute')
      const value = rpcText(given, 1, 'the value')
      const each = this.find(by === 'l_uuid' ? 'uuid' : 'user', value)
      if (each === undefined) throw new RpcFault(404, 'Record not found')
      return each
    }
    return {
      'uac.reg_dump': () => [...this.#all.values()].map(shown),
      'uac.reg_info': (given) => shown(found(given)),
      'uac.reg_enable': (given) => void this.enable(found(given)),
      'uac.reg_disable': (given) => void this.disable(found(given)),
      'uac.reg_reload': () => this.load().then(() => ''),
      'uac.reg_refresh': (given) => this.#change(found(['l_uuid', ...given]), ({ flags }) => ({ flags, next: 0 })),
      'uac.reg_unregister': (given) => void this.disable(found(given)),
      'uac.reg_remove': (given) => {
        const { uuid } = found(['l_uuid', ...given])
        this.#all.delete(uuid)
        this.#host.store.delete(STATES, uuid)
      },
      'uac.reg_active': (given) => {
        if (given.length > 0) this.#active = Number(given[0]) !== 0
        return this.#active ? 1 : 0
      },
      'uac.reg_add': (given) => {
        const names = [
          'l_uuid',
          'l_username',
          'l_domain',
          'r_username',
          'r_domain',
          'realm',
          'auth_username',
          'auth_password',
          'auth_ha1',
          'auth_proxy',
          'expires',
          'flags',
          'reg_delay',
          'contact_addr',
          'socket',
        ]
        const row = Object.fromEntries(names.map((name, i) => [name, `${given[i] ?? ''}`.replace(/^\.$/, '')]))
        if (row.l_uuid === '' || this.#all.has(row.l_uuid!))
          throw new RpcFault(500, 'Failed to add record - check log messages')
        this.#add(registrationOf(row, this.#host.ids.callId()))
        if (this.#timer === undefined) this.start()
        return ''
      },
    }
  }
}

function registrationOf(row: Row, callId: string): Registration {
  const text = (name: string) => `${row[name] ?? ''}`
  const ha1 = text('auth_ha1')
  return {
    uuid: text('l_uuid'),
    user: text('l_username'),
    domain: text('l_domain'),
    remoteUser: text('r_username'),
    remoteDomain: text('r_domain'),
    realm: text('realm'),
    authUser: text('auth_username'),
    password: ha1 || text('auth_password'),
    isHa1: ha1 !== '',
    proxy: text('auth_proxy'),
    expires: Number(row.expires ?? 360) || 360,
    contact: text('contact_addr'),
    socket: text('socket'),
    callId,
    flags: Number(row.flags ?? 0) & DISABLED,
    cseq: 10,
  }
}

/** Seconds that a 2xx gives us: those of our own binding, which is one of all that the registrar has (RFC 3261 10.2.4). */
function grantedTo({ uuid, expires }: Registration, reply: SipReply | undefined): number {
  const contacts = reply?.nameAddrs('Contact') ?? []
  const own = contacts.find(({ uri }) => parseUri(uri)?.user === uuid) ?? contacts[0]
  const given = Number(own?.params.get('expires') ?? reply?.header('Expires') ?? expires)
  return Number.isFinite(given) ? given : expires
}
