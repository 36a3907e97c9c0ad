// Owns the rows of tables `dialog` and `dialog_vars`: Kamailio's names and columns, and how a dialog becomes rows and back.
import { type Answer, chain, type Database, identifier, type Row, type SqlValue } from '../database/index.ts'
import { parseMessage, SipRequest, UNBOUNDED_PARSE_LIMITS } from '../sip/index.ts'
import { ANSWERED, CONFIRMED, Dialog, type DialogParty } from './dialog-state.ts'
import { fieldsOf, textOf, wholeOf } from './parameters.ts'

/** Columns with the parameters that may rename them; those without a parameter have their name for good. */
const COLUMNS = {
  entry: ['hash_entry', 'h_entry_column'],
  id: ['hash_id', 'h_id_column'],
  callId: ['callid', 'call_id_column'],
  fromUri: ['from_uri', 'from_uri_column'],
  fromTag: ['from_tag', 'from_tag_column'],
  toUri: ['to_uri', 'to_uri_column'],
  toTag: ['to_tag', 'to_tag_column'],
  callerCseq: ['caller_cseq', 'from_cseq_column'],
  calleeCseq: ['callee_cseq', 'to_cseq_column'],
  callerRoutes: ['caller_route_set', 'from_route_column'],
  calleeRoutes: ['callee_route_set', 'to_route_column'],
  callerContact: ['caller_contact', 'from_contact_column'],
  calleeContact: ['callee_contact', 'to_contact_column'],
  callerSocket: ['caller_sock', 'from_sock_column'],
  calleeSocket: ['callee_sock', 'to_sock_column'],
  state: ['state', 'state_column'],
  started: ['start_time', 'start_time_column'],
  expires: ['timeout', 'timeout_column'],
  flags: ['sflags', 'sflags_column'],
  internalFlags: ['iflags', ''],
  timeoutRoute: ['toroute_name', 'toroute_name_column'],
  requestUri: ['req_uri', ''],
  extra: ['xdata', ''],
} as const
type Column = keyof typeof COLUMNS

const VARIABLE_COLUMNS = {
  entry: ['hash_entry', 'vars_h_entry_column'],
  id: ['hash_id', 'vars_h_id_column'],
  name: ['dialog_key', 'vars_key_column'],
  value: ['dialog_value', 'vars_value_column'],
} as const

/** iflags as 5.6.3 writes it: the first bit asks for BYEs when the time is over. */
const TIMEOUT_BYE = 1
/** Widths of the columns: servers refuse what is longer. */
const MOST_EXTRA = 512
const MOST_NAME = 128
const MOST_VALUE = 512

export interface DialogRowsOptions {
  readonly database: Database
  /** Names by dialog's parameters, such as `table_name`. */
  named(parameter: string, otherwise: string): string
}

/** What a row says beside the columns of Kamailio, which passes over it. */
interface OwnFields {
  readonly lifetime: number
  readonly properties: readonly string[]
  /** Requests of ours that each side has seen, see {@link DialogParty.added}. */
  readonly added: readonly [caller: number, callee: number]
}

/** A dialog out of the database, with what is not in it yet. */
export interface RestoredDialog {
  readonly dialog: Dialog
  readonly profiles: readonly (readonly [name: string, value: string])[]
}

export class DialogRows {
  readonly #database: Database
  readonly #table: string
  readonly #variables: string
  readonly #names: Readonly<Record<Column, string>>
  readonly #variableNames: Readonly<Record<keyof typeof VARIABLE_COLUMNS, string>>

  constructor({ database, named }: DialogRowsOptions) {
    const quoted = (name: string) => database.quote(identifier(name))
    const columns = <K extends string>(table: Readonly<Record<K, readonly [string, string]>>) =>
      Object.fromEntries(
        Object.entries<readonly [string, string]>(table).map(([key, [name, parameter]]) => [
          key,
          quoted(parameter === '' ? name : named(parameter, name)),
        ]),
      ) as Record<K, string>
    this.#database = database
    this.#table = quoted(named('table_name', 'dialog'))
    this.#variables = quoted(named('vars_table_name', 'dialog_vars'))
    this.#names = columns(COLUMNS)
    this.#variableNames = columns(VARIABLE_COLUMNS)
  }

  insert(dialog: Dialog): Answer<void> {
    const values = valuesOf(dialog)
    const keys = Object.keys(values) as Column[]
    const names = keys.map((key) => this.#names[key]).join(', ')
    return this.#run(
      `INSERT INTO ${this.#table} (${names}) VALUES (${keys.map(() => '?').join(', ')})`,
      Object.values(values),
    )
  }

  /** Answers whether there was such a row. */
  update(dialog: Dialog): Answer<boolean> {
    const values = valuesOf(dialog)
    const set = (Object.keys(values) as Column[]).map((key) => `${this.#names[key]} = ?`).join(', ')
    const sql = `UPDATE ${this.#table} SET ${set} WHERE ${this.#names.entry} = ? AND ${this.#names.id} = ?`
    return chain(
      this.#database.query(sql, [...Object.values(values), dialog.entry, dialog.id]),
      ({ affected }) => affected > 0,
    )
  }

  /** Puts the variables of a dialog in place of those that the table has. */
  writeVariables(dialog: Dialog): Answer<void> {
    const { entry, id, name, value } = this.#variableNames
    const sql = `INSERT INTO ${this.#variables} (${entry}, ${id}, ${name}, ${value}) VALUES (?, ?, ?, ?)`
    let answer = this.#removeVariables(dialog)
    for (const [key, kept] of dialog.variables)
      if (key.length <= MOST_NAME && `${kept}`.length <= MOST_VALUE)
        answer = chain(answer, () => this.#run(sql, [dialog.entry, dialog.id, key, `${kept}`]))
    return answer
  }

  remove(dialog: Dialog): Answer<void> {
    const { entry, id } = this.#names
    return chain(this.#removeVariables(dialog), () =>
      this.#run(`DELETE FROM ${this.#table} WHERE ${entry} = ? AND ${id} = ?`, [dialog.entry, dialog.id]),
    )
  }

  /** Dialogs that are not over, at most `most`; `callId`: those of one Call-ID. `listener`: the id of a socket's text. */
  load(
    most: number,
    listener: (socket: string) => number | undefined,
    callId?: string,
  ): Answer<{ dialogs: RestoredDialog[]; unreadable: number }> {
    const list = this.#list(this.#names)
    const where = callId === undefined ? '' : `WHERE ${this.#names.callId} = ?`
    const values = callId === undefined ? [] : [callId]
    const sql = `SELECT ${list} FROM ${this.#table} ${where} ORDER BY ${this.#names.started} LIMIT ${most}`
    return chain(this.#database.rows(sql, values), (rows) => {
      const dialogs: RestoredDialog[] = []
      const byKey = new Map<string, Dialog>()
      for (const row of rows) {
        const restored = restoredFrom(row, listener)
        if (restored === undefined) continue
        dialogs.push(restored)
        byKey.set(restored.dialog.key, restored.dialog)
      }
      const unreadable = rows.length - dialogs.length
      if (dialogs.length === 0) return { dialogs, unreadable }
      return chain(this.#variablesOf(byKey, callId), () => ({ dialogs, unreadable }))
    })
  }

  #variablesOf(byKey: ReadonlyMap<string, Dialog>, callId: string | undefined): Answer<void> {
    const only = callId === undefined ? [] : [...byKey.values()]
    const { entry, id } = this.#variableNames
    const where = only.map(() => `${entry} = ? AND ${id} = ?`).join(' OR ')
    const sql = `SELECT ${this.#list(this.#variableNames)} FROM ${this.#variables} ${where === '' ? '' : `WHERE ${where}`}`
    return chain(
      this.#database.rows(
        sql,
        only.flatMap((dialog) => [dialog.entry, dialog.id]),
      ),
      (rows) => {
        for (const row of rows)
          byKey.get(`${row.entry}:${row.id}`)?.variables.set(textOf(row.name, MOST_NAME), textOf(row.value, MOST_VALUE))
      },
    )
  }

  #list(names: Readonly<Record<string, string>>): string {
    return Object.entries(names)
      .map(([key, name]) => `${name} AS ${this.#database.quote(key)}`)
      .join(', ')
  }

  #removeVariables({ entry, id }: Dialog): Answer<void> {
    const names = this.#variableNames
    return this.#run(`DELETE FROM ${this.#variables} WHERE ${names.entry} = ? AND ${names.id} = ?`, [entry, id])
  }

  #run(sql: string, values: readonly SqlValue[]): Answer<void> {
    return chain(this.#database.query(sql, values), () => undefined)
  }
}

function valuesOf(dialog: Dialog): Record<Column, SqlValue> {
  const { caller, callee } = dialog
  return {
    entry: dialog.entry,
    id: dialog.id,
    callId: dialog.callId,
    fromUri: dialog.fromUri,
    fromTag: caller.tag,
    toUri: dialog.toUri,
    toTag: callee.tag,
    callerCseq: caller.cseq,
    calleeCseq: callee.cseq,
    callerRoutes: caller.routes.join(','),
    calleeRoutes: callee.routes.join(','),
    callerContact: caller.contact,
    calleeContact: callee.contact,
    callerSocket: caller.socket,
    calleeSocket: callee.socket,
    state: dialog.state,
    started: dialog.started,
    expires: dialog.expires,
    flags: dialog.flags,
    internalFlags: dialog.timeoutBye ? TIMEOUT_BYE : 0,
    timeoutRoute: dialog.timeoutRoute === '' ? null : dialog.timeoutRoute,
    requestUri: dialog.requestUri,
    extra: extraOf(dialog),
  }
}

/** Column xdata, as 5.6.3 writes it; as many profiles as it holds. */
function extraOf(dialog: Dialog): string {
  const own: OwnFields = {
    lifetime: dialog.lifetime,
    properties: [...dialog.properties],
    added: [dialog.caller.added, dialog.callee.added],
  }
  const profiles = [...dialog.profiles].map(([name, value]) => (value === '' ? { name } : { name, value }))
  for (;;) {
    const text = JSON.stringify({ profiles, signalbox: own })
    if (text.length <= MOST_EXTRA || profiles.length === 0) return text
    profiles.pop()
  }
}

function restoredFrom(row: Row, listener: (socket: string) => number | undefined): RestoredDialog | undefined {
  const text = (key: Column) => textOf(row[key], 2048)
  const number = (key: Column) => wholeOf(row[key])
  const state = number('state')
  if (state !== ANSWERED && state !== CONFIRMED) return undefined
  const head = [
    `INVITE ${text('requestUri')} SIP/2.0`,
    'Via: SIP/2.0/UDP signalbox.invalid;branch=z9hG4bKrestored',
    `From: <${text('fromUri')}>;tag=${text('fromTag')}`,
    `To: <${text('toUri')}>`,
    `Call-ID: ${text('callId')}`,
    `CSeq: ${wholeOf(row.callerCseq)} INVITE`,
    `Contact: <${text('callerContact')}>`,
    'Content-Length: 0',
  ]
  // A line of its own in a column would be a header of ours.
  if (head.some((line) => /[\r\n\0]/.test(line))) return undefined
  const parsed = parseMessage(`${head.join('\r\n')}\r\n\r\n`, UNBOUNDED_PARSE_LIMITS)
  if (!parsed.ok || !(parsed.message instanceof SipRequest)) return undefined

  const { profiles, signalbox } = fieldsOf(jsonOf(text('extra')))
  const own = fieldsOf(signalbox)
  const socket = text('callerSocket')
  const dialog = new Dialog(
    parsed.message,
    { id: listener(socket) ?? 0, text: socket },
    number('id'),
    number('started'),
    {
      lifetime: Math.max(1, wholeOf(own.lifetime, number('expires') - number('started'))),
      timeoutBye: (number('internalFlags') & TIMEOUT_BYE) !== 0,
      entry: number('entry'),
    },
  )
  dialog.state = state
  dialog.started = number('started')
  dialog.expires = number('expires')
  dialog.flags = number('flags')
  dialog.timeoutRoute = text('timeoutRoute')
  for (const property of listOf(own.properties)) dialog.properties.add(textOf(property, 32))
  const [callerAdded, calleeAdded] = listOf(own.added)
  Object.assign(dialog.caller, {
    cseq: text('callerCseq'),
    routes: routesOf(text('callerRoutes')),
    ...addedOf(callerAdded),
  } satisfies Partial<DialogParty>)
  Object.assign(dialog.callee, {
    tag: text('toTag'),
    contact: text('calleeContact'),
    cseq: text('calleeCseq'),
    routes: routesOf(text('calleeRoutes')),
    socket: text('calleeSocket'),
    listener: listener(text('calleeSocket')) ?? 0,
    ...addedOf(calleeAdded),
  } satisfies Partial<DialogParty>)
  return {
    dialog,
    profiles: listOf(profiles).map((each) => {
      const { name, value } = fieldsOf(each)
      return [textOf(name, 64), textOf(value, MOST_EXTRA)] as const
    }),
  }
}

const addedOf = (value: unknown) => {
  const added = Math.max(0, wholeOf(value))
  return { added, addedBeforeInvite: added }
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const routesOf = (value: string): string[] =>
  /[\r\n\0]/.test(value) ? [] : [...value.matchAll(/<[^<>]*>[^,]*/g)].map((each) => each[0])

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Another program's: the columns alone count.
    return undefined
  }
}
