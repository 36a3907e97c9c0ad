// Owns the service of module acc: accounting of transactions when their final reply goes out, as lines of the log and as rows.
import { type Answer, chain, type Databases, dateText, identifier, type SqlValue } from '../database/index.ts'
import type { CallSummary, FailureContext, RequestContext } from '../proxy/index.ts'
import { type SipMessage, type SipReply, SipRequest } from '../sip/index.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import type { Service, ServiceHost } from './service.ts'
import { told } from './table-lookup.ts'

type Extra = readonly (readonly [name: string, value: string])[]

/** What a script asked for when it made the transaction. */
interface Engagement {
  readonly log: boolean
  readonly logMissed: boolean
  readonly db: boolean
  readonly dbMissed: boolean
  /** Failures are accounted as well. */
  readonly failed: boolean
  readonly logExtra: Extra
  readonly dbExtra: Extra
  readonly legs: readonly Extra[]
}

/** One line or row. */
interface Entry {
  readonly method: string
  readonly fromTag: string
  readonly toTag: string
  readonly callId: string
  readonly code: string
  readonly reason: string
}

const MOST_EXTRA = 64

function extraOf(value: unknown): Extra {
  if (!Array.isArray(value)) return []
  return value
    .slice(0, MOST_EXTRA)
    .flatMap((pair: unknown) => (Array.isArray(pair) ? [[textOf(pair[0], 64), textOf(pair[1], 1024)] as const] : []))
}

/** Legs of one call at most: each is a row. */
const MOST_LEGS = 32
const legsOf = (value: unknown): Extra[] => (Array.isArray(value) ? value.slice(0, MOST_LEGS).map(extraOf) : [])

export function createAcc(host: ServiceHost, databases: Databases): Service {
  let parameters = new Parameters([])
  const engaged = new Map<number, Engagement>()

  const seconds = () => Math.floor(host.clock.wallclock() / 1000)

  function writeLine(what: string, entry: Entry, extra: Extra, legs: readonly Extra[]): void {
    const fields: [string, string][] = [
      ['timestamp', String(seconds())],
      ['method', entry.method],
      ['from_tag', entry.fromTag],
      ['to_tag', entry.toTag],
      ['call_id', entry.callId],
      ['code', entry.code],
      ['reason', entry.reason],
      ...[...extra, ...legs.flat()].map(([name, value]): [string, string] => [name, value]),
    ]
    const line = fields.map(([name, value]) => `${name}=${value}`).join(';')
    // What came from the wire must not end the line.
    host.log.info({ event: 'acc' }, `ACC: ${what}: ${line.replace(/[\r\n]+/g, ' ')}`)
  }

  /** A row for each leg, or the only one. */
  function writeRows(table: string, entry: Entry, extra: Extra, legs: readonly Extra[]): Answer<boolean> {
    const [first = [], ...rest] = legs
    let done = writeRow(table, entry, [...extra, ...first])
    for (const leg of rest) {
      done = chain(done, (before) => chain(writeRow(table, entry, [...extra, ...leg]), (now) => before && now))
    }
    return done
  }

  function writeRow(table: string, entry: Entry, extra: Extra): Answer<boolean> {
    const p = parameters
    const now = host.clock.wallclock()
    const values: [column: string, value: SqlValue][] = [
      [p.text('acc_method_column', 'method'), entry.method],
      [p.text('acc_from_tag_column', 'from_tag'), entry.fromTag],
      [p.text('acc_to_tag_column', 'to_tag'), entry.toTag],
      [p.text('acc_callid_column', 'callid'), entry.callId],
      [p.text('acc_sip_code_column', 'sip_code'), entry.code],
      [p.text('acc_sip_reason_column', 'sip_reason'), entry.reason],
      [p.text('acc_time_column', 'time'), dateText(new Date(now))],
    ]
    if (p.number('time_mode') === 1) {
      values.push([p.text('time_attr', 'time_attr'), Math.floor(now / 1000)])
      values.push([p.text('time_exten', 'time_exten'), (now % 1000) * 1000])
    }
    for (const [name, value] of extra) values.push([name, value])
    return insert(table, values)
  }

  function insert(table: string, values: readonly [column: string, value: SqlValue][]): Answer<boolean> {
    return told(
      host,
      'accounting',
      () => {
        const database = databases.open(parameters.text('db_url'))
        const columns = values.map(([column]) => database.quote(identifier(column))).join(', ')
        const marks = values.map(() => '?').join(', ')
        const sql = `INSERT INTO ${database.quote(identifier(table))} (${columns}) VALUES (${marks})`
        return chain(
          database.query(
            sql,
            values.map(([, value]) => value),
          ),
          () => true,
        )
      },
      false,
    )
  }

  const entryOf = (message: SipMessage, toTag: string, status: number, reason: string): Entry => ({
    method: message instanceof SipRequest ? message.method : message.cseqMethod,
    fromTag: message.fromTag,
    toTag,
    callId: message.callId,
    code: String(status),
    reason,
  })

  function answered(context: RequestContext, status: number, reason: string, reply: SipReply | undefined): void {
    if (status < 200) return
    const engagement = engaged.get(context.id)
    if (engagement === undefined) return
    engaged.delete(context.id)
    const { request } = context
    const entry = entryOf(request, reply?.toTag ?? request.toTag, status, reason)
    if (status < 300 || engagement.failed) {
      if (engagement.log) writeLine('transaction answered', entry, engagement.logExtra, engagement.legs)
      if (engagement.db)
        void writeRows(parameters.text('db_table_acc', 'acc'), entry, engagement.dbExtra, engagement.legs)
    }
    if (status < 300 || request.method !== 'INVITE') return
    // What the callee answered, whatever the script made of it.
    const { winningReply, status: won } = context as Partial<FailureContext>
    const missed =
      winningReply === undefined
        ? entry
        : entryOf(request, winningReply.toTag, won ?? winningReply.status, winningReply.reason)
    if (engagement.logMissed) writeLine('call missed', missed, engagement.logExtra, engagement.legs)
    if (engagement.dbMissed)
      void writeRows(
        parameters.text('db_table_missed_calls', 'missed_calls'),
        missed,
        engagement.dbExtra,
        engagement.legs,
      )
  }

  function cdr(call: CallSummary): void {
    if (!parameters.on('cdr_enable') || call.talkMillis <= 0) return
    const start = call.startedAt + call.setupMillis
    const end = start + call.talkMillis
    const duration = (call.talkMillis / 1000).toFixed(3)
    if (parameters.on('cdr_log_enable', 1)) {
      const text = `start_time=${(start / 1000).toFixed(3)};end_time=${(end / 1000).toFixed(3)};duration=${duration}`
      host.log.info({ event: 'cdr', callId: call.callId }, text)
    }
    const table = parameters.text('cdrs_table')
    if (table === '') return
    void insert(table, [
      [parameters.text('cdr_start_id', 'start_time'), dateText(new Date(start))],
      [parameters.text('cdr_end_id', 'end_time'), dateText(new Date(end))],
      [parameters.text('cdr_duration_id', 'duration'), Number(duration)],
    ])
  }

  return {
    module: 'acc',
    operations: {
      engage(run, args) {
        if (run.context === undefined) return -1
        const given = fieldsOf(args)
        const on = (name: string) => given[name] === true
        engaged.set(run.context.id, {
          log: on('log'),
          logMissed: on('logMissed'),
          db: on('db'),
          dbMissed: on('dbMissed'),
          failed: on('failed'),
          logExtra: extraOf(given.logExtra),
          dbExtra: extraOf(given.dbExtra),
          legs: legsOf(given.legs),
        })
        return 1
      },
      /** acc_log_request, acc_db_request. */
      account(run, args) {
        const given = fieldsOf(args)
        const comment = textOf(given.comment, 256)
        const [, code = '', reason = comment] = /^(\d{3})\s*(.*)$/s.exec(comment) ?? []
        const entry = { ...entryOf(run.message, run.message.toTag, 0, reason), code }
        if (given.log === true) writeLine('request accounted', entry, extraOf(given.logExtra), legsOf(given.legs))
        if (typeof given.table !== 'string') return 1
        return chain(writeRows(given.table, entry, extraOf(given.dbExtra), legsOf(given.legs)), (done) =>
          done ? 1 : -1,
        )
      },
    },
    configure(list) {
      parameters = new Parameters(list)
    },
    requestAnswered: answered,
    requestEnded: (context) => {
      engaged.delete(context.id)
    },
    callEnded: cdr,
  }
}
