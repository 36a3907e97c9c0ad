// Owns the service of module msilo: messages in table silo, sent when their owner comes or when their time has come, and deleted when they arrived.
import { type Answer, chain, type Databases, guarded, identifier, type Row, type SqlValue } from '../database/index.ts'
import { parseUri, SipRequest } from '../sip/index.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import type { Service, ServiceHost, ServiceRun } from './service.ts'
import { lookUp, textIn, told } from './table-lookup.ts'

/** One more than this is refused: each holds a transaction while it is under way. */
const MOST_SENDING = 1000
const LONGEST_BODY = 65_535

/** `YYYYMMDDHHMMSS` in local time as seconds since 1970; undefined for anything else. */
function secondsOf(text: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  return Math.floor(new Date(year, month - 1, day, hour, minute, second).getTime() / 1000)
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** As C's ctime writes it. */
function ctime(date: Date): string {
  const two = (number: number) => String(number).padStart(2, '0')
  const day = String(date.getDate()).padStart(2, ' ')
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return `${DAYS[date.getDay()]} ${MONTHS[date.getMonth()]} ${day} ${time} ${date.getFullYear()}`
}

export function createMsilo(host: ServiceHost, databases: Databases): Service {
  let parameters = new Parameters([])
  let [loaded, started] = [false, false]
  let timer: { cancel(): void } | undefined
  let rounds = 0
  /** Messages under way, by id. */
  const sending = new Set<string>()
  const counts = { stored: 0, dumped: 0, failed: 0, dumpedReminders: 0, failedReminders: 0 }

  const now = () => Math.floor(host.clock.wallclock() / 1000)
  const database = () => databases.open(parameters.text('db_url'))
  const column = {
    id: () => parameters.text('sc_mid', 'id'),
    from: () => parameters.text('sc_from', 'src_addr'),
    to: () => parameters.text('sc_to', 'dst_addr'),
    user: () => parameters.text('sc_uri_user', 'username'),
    host: () => parameters.text('sc_uri_host', 'domain'),
    body: () => parameters.text('sc_body', 'body'),
    type: () => parameters.text('sc_ctype', 'ctype'),
    expires: () => parameters.text('sc_exp_time', 'exp_time'),
    came: () => parameters.text('sc_inc_time', 'inc_time'),
    sendAt: () => parameters.text('sc_snd_time', 'snd_time'),
    headers: () => parameters.text('sc_stored_hdrs', 'extra_hdrs'),
  }
  const table = () => parameters.text('db_table', 'silo')
  const quoted = (name: string) => database().quote(identifier(name))

  function insert(values: readonly (readonly [column: string, value: SqlValue])[]): Answer<number> {
    const names = values.map(([name]) => quoted(name)).join(', ')
    const sql = `INSERT INTO ${quoted(table())} (${names}) VALUES (${values.map(() => '?').join(', ')})`
    const done = database().query(
      sql,
      values.map(([, value]) => value),
    )
    return chain(done, () => {
      counts.stored++
      return 1
    })
  }

  const fail = (error: unknown, what: string): number => {
    host.log.error({ error: error instanceof Error ? error.message : String(error) }, what)
    return -1
  }

  function store(run: ServiceRun, args: unknown): Answer<number> {
    const { message } = run
    const { owner, sendTime, headers, notice } = fieldsOf(args)
    const uri = parseUri(textOf(owner, 1024))
    if (!(message instanceof SipRequest) || !uri?.user) return -1
    const body = message.body.slice(0, LONGEST_BODY)
    if (body === '') return -1
    const at = textOf(sendTime, 32)
    const sendAt = at === '' ? 0 : secondsOf(at)
    if (sendAt === undefined) {
      host.log.error({ snd_time: at }, 'a message was not kept: its time is not YYYYMMDDHHMMSS')
      return -1
    }
    const rows: [string, SqlValue][] = [
      [column.to(), message.to?.uri ?? ''],
      [column.from(), message.from?.uri ?? ''],
      [column.user(), uri.user],
      [column.host(), uri.host],
      [column.body(), body],
      [column.type(), message.contentType],
      [column.came(), now()],
      [column.expires(), Math.max(sendAt, now()) + parameters.number('expire_time', 259_200)],
      [column.sendAt(), sendAt],
      [column.headers(), textOf(headers, 4096)],
    ]
    return guarded(
      () =>
        chain(hasRoom(uri.user!, uri.host), (room) => {
          if (!room) return -1
          return chain(insert(rows), (code) => {
            tell(fieldsOf(notice))
            return code
          })
        }),
      (error) => fail(error, 'a message was not kept'),
    )
  }

  function hasRoom(user: string, domain: string): Answer<boolean> {
    const most = parameters.number('max_messages')
    if (most <= 0) return true
    return chain(rowsOf({ [column.user()]: user, [column.host()]: domain }), (rows) => rows.length < most)
  }

  const rowsOf = (where: Readonly<Record<string, SqlValue>>): Answer<Row[]> =>
    lookUp({ database: database(), table: table(), columns: Object.values(column).map((name) => name()), where })

  /** Tells the sender that it was kept. */
  function tell(notice: Readonly<Record<string, unknown>>): void {
    const [from, to] = [textOf(notice.from, 1024), textOf(notice.to, 1024)]
    if (from === '' || to === '') return
    void host.send({
      method: 'MESSAGE',
      uri: to,
      from: `<${from}>`,
      to: `<${to}>`,
      headers: textOf(notice.headers, 4096),
      body: textOf(notice.body, LONGEST_BODY),
      ...nextHop(),
    })
  }

  const nextHop = () => {
    const proxy = parameters.text('outbound_proxy')
    return proxy === '' ? {} : { nextHop: proxy }
  }

  function dump(_run: ServiceRun, args: unknown): Answer<number> {
    const { owner, headers } = fieldsOf(args)
    const address = textOf(owner, 1024)
    const uri = parseUri(address)
    if (!uri?.user) return -1
    return told(
      host,
      'kept messages',
      () =>
        chain(rowsOf({ [column.user()]: uri.user!, [column.host()]: uri.host, [column.sendAt()]: 0 }), (rows) => {
          for (const row of inOrder(rows))
            send(row, { uri: address, from: textIn(row, column.from()), headers: textOf(headers, 4096) })
          return 1
        }),
      -1,
    )
  }

  const inOrder = (rows: readonly Row[]) => rows.toSorted((a, b) => Number(a[column.id()]) - Number(b[column.id()]))

  function send(row: Row, { uri, from, headers }: { uri: string; from: string; headers: string }): void {
    const id = textIn(row, column.id())
    const reminder = Number(row[column.sendAt()]) > 0
    // A second REGISTER comes before the first message has its answer.
    if (sending.has(id) || sending.size >= MOST_SENDING || Number(row[column.expires()]) < now()) return
    sending.add(id)
    const type = textIn(row, column.type())
    const came = new Date(Number(row[column.came()]) * 1000)
    const prefix = reminder ? 'Reminder message' : 'Offline message'
    const dated = parameters.on('add_date', 1) && /^text\/plain\b/i.test(type)
    const body = `${dated ? `[${prefix} - ${ctime(came)}] ` : ''}${textIn(row, column.body())}`
    const contact = parameters.on('add_contact') ? `Contact: <${from}>\r\n` : ''
    void host
      .send({
        method: 'MESSAGE',
        uri,
        from: `<${from}>`,
        to: `<${textIn(row, column.to())}>`,
        headers: `Date: ${came.toUTCString()}\r\n${contact}${headers}${textIn(row, column.headers())}`,
        body,
        ...(type === '' ? {} : { contentType: type }),
        ...nextHop(),
      })
      .then(({ status }) => {
        const arrived = status >= 200 && status < 300
        counts[reminder ? (arrived ? 'dumpedReminders' : 'failedReminders') : arrived ? 'dumped' : 'failed']++
        return arrived ? remove(`${quoted(column.id())} = ?`, [row[column.id()] ?? null]) : undefined
      })
      .catch((error: unknown) => void fail(error, 'a message that arrived could not be deleted'))
      .finally(() => sending.delete(id))
  }

  function remove(condition: string, values: readonly SqlValue[]): Answer<unknown> {
    return database().query(`DELETE FROM ${quoted(table())} WHERE ${condition}`, values)
  }

  /** Reminders whose time has come; each `clean_period` rounds, what nobody fetched in time goes. */
  async function round(): Promise<void> {
    const sendSeconds = parameters.number('send_time')
    const reminder = parameters.text('reminder')
    if (sendSeconds > 0 && reminder !== '') {
      const columns = Object.values(column).map((name) => quoted(name()))
      const at = quoted(column.sendAt())
      const sql = `SELECT ${columns.join(', ')} FROM ${quoted(table())} WHERE ${at} > 0 AND ${at} <= ?`
      for (const row of inOrder(await database().rows(sql, [now()])))
        send(row, { uri: textIn(row, column.to()), from: reminder, headers: '' })
    }
    if (++rounds % Math.max(1, parameters.number('clean_period', 10)) === 0)
      await remove(`${quoted(column.expires())} < ?`, [now()])
  }

  function watch(): void {
    timer?.cancel()
    if (!loaded) return
    const seconds = Math.max(1, parameters.number('send_time') || parameters.number('check_time', 60))
    timer = host.clock.setTimer(seconds * 1000, () => {
      if (host.store.lease('msilo', seconds * 2.5))
        round().catch((error: unknown) => void fail(error, 'kept messages could not be read'))
      watch()
    })
  }

  return {
    module: 'msilo',
    operations: { store, dump },
    commands: {
      'msilo.counts': () => ({ ...counts }),
    },
    configure(list, isLoaded) {
      parameters = new Parameters(list)
      loaded = isLoaded
      if (started) watch()
    },
    start() {
      started = true
      watch()
    },
    close: () => timer?.cancel(),
  }
}
