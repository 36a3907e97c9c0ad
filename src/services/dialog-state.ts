// Owns one dialog of module dialog: its two parties, its state and what scripts keep in it.
import { coreHash } from '../../stdlib/registry.ts'
import { detach, type SipReply, type SipRequest } from '../sip/index.ts'

export const UNCONFIRMED = 1
export const EARLY = 2
export const ANSWERED = 3
export const CONFIRMED = 4
export const ENDED = 5

/** Kamailio's table has so many entries. */
const ENTRIES = 4096

/** One side of it. */
export interface DialogParty {
  tag: string
  contact: string
  /** Of the last request that left as its own. */
  cseq: string
  /** Requests of ours among those: so much higher are the numbers that the other side knows than its own. */
  added: number
  /** The same when its last INVITE came: its ACK has that number too. */
  addedBeforeInvite: number
  /** Routes that a request to this side takes, without ours, in order. */
  routes: string[]
  /** `udp:127.0.0.1:5060`, and its listener's id. */
  socket: string
  listener: number
}

export type DialogValue = string | number

export class Dialog {
  readonly entry: number
  readonly id: number
  readonly callId: string
  readonly fromUri: string
  readonly toUri: string
  readonly requestUri: string
  readonly fromHeader: string
  readonly toHeader: string
  readonly caller: DialogParty
  readonly callee: DialogParty = {
    tag: '',
    contact: '',
    cseq: '',
    added: 0,
    addedBeforeInvite: 0,
    routes: [],
    socket: '',
    listener: 0,
  }
  readonly variables = new Map<string, DialogValue>()
  /** Values by profile. */
  readonly profiles = new Map<string, string>()
  readonly properties = new Set<string>()
  readonly initiated: number
  /** The INVITE as it came, for events. */
  readonly invite: SipRequest
  state = UNCONFIRMED
  started = 0
  ended = 0
  flags = 0
  lifetime: number
  /** Seconds since 1970; 0 before it is answered. */
  expires = 0
  timeoutBye: boolean
  timeoutRoute = ''
  timer: { cancel(): void } | undefined

  constructor(
    invite: SipRequest,
    listener: { id: number; text: string },
    serial: number,
    seconds: number,
    options: { lifetime: number; timeoutBye: boolean; entry?: number },
  ) {
    this.entry = options.entry ?? coreHash(invite.callId) % ENTRIES
    this.id = serial
    this.callId = detach(invite.callId)
    this.fromHeader = detach(invite.header('From') ?? '')
    this.toHeader = detach(invite.header('To') ?? '')
    this.fromUri = detach(uriIn(this.fromHeader))
    this.toUri = detach(uriIn(this.toHeader))
    this.requestUri = detach(invite.requestUri)
    this.invite = invite
    this.initiated = seconds
    this.lifetime = options.lifetime
    this.timeoutBye = options.timeoutBye
    this.caller = {
      tag: detach(invite.fromTag),
      contact: detach(uriIn(invite.header('Contact') ?? '')),
      cseq: `${invite.cseqNumber}`,
      added: 0,
      addedBeforeInvite: 0,
      routes: invite.headers('Record-Route').flatMap(listed),
      socket: listener.text,
      listener: listener.id,
    }
  }

  get key(): string {
    return `${this.entry}:${this.id}`
  }

  /** What the Record-Route carries: both numbers in hexadecimal, last digit first. */
  get did(): string {
    const reversed = (value: number) => [...value.toString(16)].reverse().join('')
    return `${reversed(this.entry)}.${reversed(this.id)}`
  }

  get active(): boolean {
    return this.state === ANSWERED || this.state === CONFIRMED
  }

  /** Which side sent the message; undefined where it is no message of this dialog. */
  direction(fromTag: string, toTag: string): 'caller' | 'callee' | undefined {
    if (fromTag === this.caller.tag && (toTag === '' || this.callee.tag === '' || toTag === this.callee.tag))
      return 'caller'
    if (toTag === this.caller.tag && (this.callee.tag === '' || fromTag === this.callee.tag)) return 'callee'
    return undefined
  }

  /** The 2xx that set it up; `own` tells a route of ours. */
  answer(reply: SipReply, socket: { id: number; text: string }, own: (uri: string) => boolean): void {
    this.callee.tag = detach(reply.toTag)
    this.callee.contact = detach(uriIn(reply.header('Contact') ?? ''))
    this.callee.cseq = '0'
    this.callee.socket = socket.text
    this.callee.listener = socket.id
    const routes = reply.headers('Record-Route').flatMap(listed)
    const ours = routes.findIndex((route) => own(uriIn(route)))
    this.callee.routes = (ours < 0 ? [] : routes.slice(0, ours)).reverse()
  }
}

/** The URI of a From, To, Contact or Route. */
export function uriIn(value: string): string {
  const bracket = value.indexOf('<')
  if (bracket >= 0) return value.slice(bracket + 1, value.indexOf('>', bracket))
  return value.split(/[;,\s]/, 1)[0]!.trim()
}

function listed(value: string): string[] {
  return [...value.matchAll(/<[^<>]*>[^,]*/g)].map((each) => detach(each[0].trim()))
}
