// Owns module registrar: save and its reply, lookup and its targets, tests for registrations.
import { bracketed } from '../src/sip/index.ts'
import type { Parameter, RouteKind } from './contract.ts'
import { declarations } from './declaration.ts'
import { ANY_ROUTE, define, defineWaiting } from './define.ts'
import { avpAccess } from './named-pv.ts'
import { fetchContacts, freeContacts } from './pv-contacts.ts'
import { sendReplyAs } from './replies.ts'
import { setRequestUri } from './request-uri.ts'
import { after, currentRun, type Pending } from './runtime.ts'
import { ask } from './service.ts'
import { numberParameter, parameterOf, textParameter } from './settings.ts'
import { MAXIMUM_BRANCHES, Target } from './transaction-state.ts'

const REGISTERING: readonly RouteKind[] = ['request', 'failure', 'reply']
const ROUTING: readonly RouteKind[] = ['request', 'failure']

const domain: Parameter = { name: 'domain', kind: 'string', constant: true }
const uri: Parameter = { name: 'uri', kind: 'string', optional: true }

const registrar = declarations('registrar')

const receivedAvp = parameterOf('registrar', 'received_avp', undefined, (value) => avpAccess(`${value}`))
const aorAvp = parameterOf('registrar', 'aor_avp', undefined, (value) => avpAccess(`${value}`))
const callIdAvp = parameterOf('registrar', 'reg_callid_avp', undefined, (value) => avpAccess(`${value}`))
const appendBranches = numberParameter('registrar', 'append_branches', 1)
const recordXavp = textParameter('registrar', 'xavp_rcd')
const recordMask = numberParameter('registrar', 'xavp_rcd_mask', 0)

/** As the service answers `save`. */
interface Saved {
  readonly code: number
  readonly status: number
  readonly reason: string
  readonly headers: string
}

/** save's flag 2: the reply is left to the script. */
const NO_REPLY = 0x02

function sendSaved(saved: Saved): void {
  const { state } = currentRun()
  state.addReplyHeaders(saved.headers)
  sendReplyAs('auto', saved.status, saved.reason)
}

function flagBits(flags: string | number | undefined): number {
  const bits = Number(flags ?? 0)
  return Number.isInteger(bits) ? bits : 0
}

export const save = defineWaiting(
  registrar(
    'save',
    [domain, { name: 'flags', kind: 'string', optional: true }, uri],
    'Registers, renews or removes the contacts of a REGISTER (RFC 3261 10.3) and answers it. 1 inserted, 2 updated, 3 removed, 4 listed.',
    'if (!save("location")) sl_reply_error();',
    REGISTERING,
  ),
  (table: string, flags?: string | number, address?: string): number | Pending<number> => {
    const run = currentRun()
    const bits = flagBits(flags)
    const aor = address ?? aorAvp()?.get()
    const saved = ask<Saved>('registrar', 'save', {
      domain: table,
      flags: bits,
      ...(aor === undefined || aor === null ? {} : { uri: `${aor}` }),
      received: `${receivedAvp()?.get() ?? ''}`,
      branchFlags: run.state.target.branchFlags,
      callId: `${callIdAvp()?.get() ?? ''}`,
    })
    return after(saved, (answer) => {
      if ((bits & NO_REPLY) === 0 || run.kind !== 'request') {
        if (run.kind === 'request') sendSaved(answer)
      } else run.state.savedReply = answer
      return answer.code
    })
  },
)

export const regSendReply = define(
  registrar(
    'reg_send_reply',
    [],
    'Sends the reply that save() with flag 2 has left to the script.',
    'save("location", "0x02"); reg_send_reply();',
    ROUTING,
  ),
  () => {
    const { state } = currentRun()
    const saved = state.savedReply as Saved | undefined
    if (saved === undefined) return -1
    state.savedReply = undefined
    sendSaved(saved)
    return 1
  },
)

/** One contact as the service answers `lookup`. */
interface Found {
  readonly uri: string
  readonly received: string
  readonly path: string
  readonly q: number
  readonly cflags: number
  readonly listener?: number
  readonly ruid: string
  readonly instance: string
  readonly userAgent: string
}

/** Makes a contact the target's: where the request goes, and by which way. */
function take(target: Target, found: Found): void {
  target.uri = found.uri
  target.path = found.path
  // RFC 3327 5.3: the first Path is the next hop; without one, where the contact was seen.
  target.nextHop = found.path === '' ? found.received : (bracketed(found.path) ?? '')
  target.branchFlags |= found.cflags
  target.listener = found.listener
  target.q = found.q < 0 ? undefined : found.q / 1000
  target.ruid = found.ruid
  target.instance = found.instance
  target.locationUa = found.userAgent
}

function noteRecord(found: Found): void {
  const root = recordXavp()
  if (root === '') return
  const { xavps } = currentRun().state
  const mask = recordMask()
  const fields: [bit: number, name: string, value: string][] = [
    [1, 'ruid', found.ruid],
    [2, 'contact', found.uri],
    [8, 'received', found.received],
    [16, 'path', found.path],
  ]
  const record = new Map(
    fields.flatMap(([bit, name, value]) => ((mask & bit) !== 0 || value === '' ? [] : [[name, [value]] as const])),
  ) as never
  const records = xavps.get(root) ?? []
  records.push(record)
  xavps.set(root, records)
}

function found(
  table: string,
  address: string | undefined,
  apply: (contacts: readonly Found[]) => number,
): number | Pending<number> {
  const { state } = currentRun()
  const answer = ask<{ code: number; contacts: Found[] }>('registrar', 'lookup', {
    domain: table,
    uri: address ?? state.target.uri,
  })
  return after(answer, ({ code, contacts }) => (code === 1 ? apply(contacts) : code))
}

function addBranches(contacts: readonly Found[]): void {
  const { state } = currentRun()
  for (const contact of contacts) {
    if (state.branches.length >= MAXIMUM_BRANCHES) return
    const target = new Target(contact.uri)
    take(target, contact)
    noteRecord(contact)
    state.branches.push(target)
  }
}

function useContacts(contacts: readonly Found[]): number {
  const { state } = currentRun()
  const [first, ...rest] = contacts
  if (first === undefined) return -1
  setRequestUri(first.uri)
  take(state.target, first)
  noteRecord(first)
  if (appendBranches() !== 0) addBranches(rest)
  return 1
}

export const lookup = defineWaiting(
  registrar(
    'lookup',
    [domain, uri],
    'Puts the contacts of the R-URI’s user in its place: the best one as R-URI, the others as branches. -1 none, -2 none for this method.',
    'if (!lookup("location")) { send_reply("404", "Not Found"); exit; }',
    ROUTING,
  ),
  (table: string, address?: string) => found(table, address, useContacts),
)

export const lookupToDset = defineWaiting(
  registrar(
    'lookup_to_dset',
    [domain, uri],
    'As lookup, but every contact becomes a branch; the R-URI stays.',
    'lookup_to_dset("location", "sip:bob@example.com");',
    ROUTING,
  ),
  (table: string, address?: string) =>
    found(table, address, (contacts) => {
      addBranches(contacts)
      return 1
    }),
)

export const lookupBranches = defineWaiting(
  registrar(
    'lookup_branches',
    [domain],
    'Looks up the R-URI and every further branch that has nothing but its URI.',
    'lookup_branches("location");',
    ROUTING,
  ),
  (table: string): number | Pending<number> => {
    const { state } = currentRun()
    const plain = state.branches.filter((branch) => branch.nextHop === '' && branch.path === '')
    const others = state.branches.filter((branch) => !plain.includes(branch))
    return after(found(table, undefined, useContacts), (code) => {
      const expand = (index: number): number | Pending<number> => {
        const branch = plain[index]
        if (branch === undefined) return code
        const expanded = found(table, branch.uri, (contacts) => {
          addBranches(contacts)
          return 1
        })
        return after(expanded, (result) => {
          if (result !== 1) state.branches.push(branch)
          return expand(index + 1)
        })
      }
      state.branches = [
        ...others,
        ...state.branches.filter((branch) => !plain.includes(branch) && !others.includes(branch)),
      ]
      return expand(0)
    })
  },
)

/** The address that a test is about when the script names none. */
function ownAddress(): string {
  const run = currentRun()
  return run.kind === 'reply' ? (run.message.to?.uri ?? '') : run.state.target.uri
}

interface Listed {
  readonly contacts: readonly {
    readonly callId: string
    readonly received: string
    readonly address: string
    readonly ruid: string
    readonly path: string
  }[]
}

export const registered = defineWaiting(
  registrar(
    'registered',
    [domain, uri, { name: 'match', kind: 'int', optional: true }, { name: 'action', kind: 'int', optional: true }],
    'True if the user of the URI has a contact: of the R-URI, or of To in a reply route.',
    'if (registered("location")) send_reply("100", "Trying");',
    ANY_ROUTE,
  ),
  (table: string, address?: string, match?: number | string) => {
    const run = currentRun()
    const listed = ask<Listed | null>('registrar', 'contacts', { domain: table, uri: address ?? ownAddress() })
    return after(listed, (answer): number => {
      if (answer === null) return -1
      const bits = flagBits(match)
      const wanted = (name: string) => matchValue(name)
      const fits = answer.contacts.some(
        (one) =>
          ((bits & 1) === 0 || one.callId === (wanted('match_callid') ?? run.message.callId)) &&
          ((bits & 2) === 0 || one.received === wanted('match_received')) &&
          ((bits & 4) === 0 || one.address === wanted('match_contact')),
      )
      return fits ? 1 : -1
    })
  },
)

const matchXavp = textParameter('registrar', 'xavp_cfg')

function matchValue(name: string): string | undefined {
  const root = matchXavp()
  const record = root === '' ? undefined : currentRun().state.xavps.get(root)?.[0]
  const value = record instanceof Map ? record.get(name)?.[0] : undefined
  return value === undefined || value instanceof Map ? undefined : `${value}`
}

export const unregister = defineWaiting(
  registrar(
    'unregister',
    [domain, { name: 'uri', kind: 'string' }, { name: 'ruid', kind: 'string', optional: true }],
    'Removes the contacts of a user, or the one of that ruid. -3 when there is none.',
    'unregister("location", "$ru");',
    ANY_ROUTE,
  ),
  (table: string, address: string, ruid?: string) =>
    after(ask<number>('registrar', 'unregister', { domain: table, uri: address, ruid: ruid ?? '' }), (code) => code),
)

export const regFetchContacts = defineWaiting(
  registrar(
    'reg_fetch_contacts',
    [domain, { name: 'uri', kind: 'string' }, { name: 'profile', kind: 'string', constant: true }],
    'Keeps the contacts of a user as $ulc(profile=>field).',
    'reg_fetch_contacts("location", "$ru", "callee");',
    ['request', 'failure', 'event'],
  ),
  (table: string, address: string, profile: string) =>
    after(ask<Listed | null>('registrar', 'contacts', { domain: table, uri: address }), (answer) =>
      fetchContacts(profile, (answer?.contacts ?? []) as never),
    ),
)

export const regFreeContacts = define(
  registrar(
    'reg_free_contacts',
    [{ name: 'profile', kind: 'string', constant: true }],
    'Forgets what reg_fetch_contacts() kept.',
    'reg_free_contacts("callee");',
    ['request', 'failure', 'event'],
  ),
  (profile: string) => freeContacts(profile),
)

export const addSockHdr = define(
  registrar(
    'add_sock_hdr',
    [{ name: 'header', kind: 'string' }],
    'Adds a header with the socket that the REGISTER came in on, for another registrar.',
    'add_sock_hdr("Sock-Info");',
    ['request'],
  ),
  (header: string) => {
    const run = currentRun()
    const { message, meta } = run
    if (!/^[A-Za-z0-9-]+$/.test(header)) return -1
    const at = message.headerCount === 0 ? message.firstLineEnd : message.headerEnd(message.headerCount - 1)
    run.addEdit({ at, remove: 0, text: `${header}: <sip:${meta.dstIp}:${meta.dstPort};transport=${meta.proto}>\r\n` })
    return 1
  },
)
