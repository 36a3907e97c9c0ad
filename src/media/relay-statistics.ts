// Owns the counters of a relay as a whole, in the words of rtpengine's `statistics` command.
import type { Call } from './call.ts'
import type { CallReport } from './call-report.ts'
import { dictionary, type NgDictionary } from './ng/bencode.ts'

/** How a call ended. */
export type CallEnd = 'deleted' | 'media timeout' | 'silent timeout' | 'final timeout' | 'offer timeout' | 'closed'

export interface RelaySituation {
  readonly sessions: number
  /** Ports in use, by interface. */
  readonly interfaces: readonly {
    readonly name: string
    readonly address: string
    readonly used: number
  }[]
  readonly portMin: number
  readonly portMax: number
  /** Milliseconds since 1970. */
  readonly now: number
}

const ENDS: Readonly<Record<CallEnd, string>> = {
  deleted: 'regularterminatedsessions',
  'media timeout': 'timeoutsessions',
  'silent timeout': 'silenttimeoutsessions',
  'final timeout': 'finaltimeoutsessions',
  'offer timeout': 'offertimeoutsessions',
  closed: 'forcedterminatedsessions',
}

/** The commands that are counted, with the short names that rtpengine's totals have for them. */
const COMMANDS: readonly (readonly [string, string])[] = [
  ['ping', 'ping'],
  ['offer', 'offer'],
  ['answer', 'answer'],
  ['delete', 'delete'],
  ['query', 'query'],
  ['list', 'list'],
  ['block DTMF', 'blkdtmf'],
  ['unblock DTMF', 'unblkdtmf'],
  ['block media', 'blkmedia'],
  ['unblock media', 'unblkmedia'],
  ['silence media', 'slnmedia'],
  ['unsilence media', 'unslnmedia'],
  ['statistics', 'stats'],
  ['start recording', 'startrec'],
  ['stop recording', 'stoprec'],
  ['start forwarding', 'startfwd'],
  ['stop forwarding', 'stopfwd'],
  ['play media', 'playmedia'],
  ['stop media', 'stopmedia'],
  ['play DTMF', 'playdtmf'],
  ['subscribe request', 'subreq'],
  ['subscribe answer', 'subans'],
  ['unsubscribe', 'unsub'],
]

export class RelayStatistics {
  readonly #started: number
  readonly #ends = new Map<CallEnd, number>()
  readonly #commands = new Map<string, number>()
  #errors = 0
  #managed = 0
  #rejected = 0
  #packets = 0
  #bytes = 0
  #packetErrors = 0
  #zeroWay = 0
  #oneWay = 0
  #seconds = 0

  /** @param now milliseconds since 1970 */
  constructor(now: number) {
    this.#started = now
  }

  asked(command: string): void {
    const known = COMMANDS.find(([name]) => name.toLowerCase() === command.replace(/[-_]/g, ' ').toLowerCase())
    if (known) this.#commands.set(known[1], (this.#commands.get(known[1]) ?? 0) + 1)
  }

  failed(): void {
    this.#errors++
  }

  rejected(): void {
    this.#rejected++
  }

  ended(end: CallEnd, report: CallReport): void {
    this.#managed++
    this.#ends.set(end, (this.#ends.get(end) ?? 0) + 1)
    this.#seconds += Math.max(0, report.now - report.call.created) / 1000
    const ways = waysOf(report.call, report)
    if (ways === 0) this.#zeroWay++
    else if (ways === 1) this.#oneWay++
    for (const stats of report.stats.values()) {
      this.#packets += stats.rtpPacketsIn + stats.rtcpPacketsIn
      this.#bytes += stats.rtpBytesIn + stats.rtcpBytesIn
      this.#packetErrors += stats.sendErrors + stats.malformed + stats.srtpAuthFailures
    }
  }

  report({ sessions, interfaces, portMin, portMax, now }: RelaySituation): NgDictionary {
    const ends = Object.fromEntries(
      Object.entries(ENDS).map(([end, name]) => [name, this.#ends.get(end as CallEnd) ?? 0]),
    )
    const relayed = { packets: this.#packets, packeterrors: this.#packetErrors, bytes: this.#bytes }
    const ports = portMax - portMin + 1
    return dictionary({
      currentstatistics: dictionary({
        sessionsown: sessions,
        sessionsforeign: 0,
        sessionstotal: sessions,
        transcodedmedia: 0,
      }),
      totalstatistics: dictionary({
        uptime: String(Math.floor((now - this.#started) / 1000)),
        managedsessions: this.#managed,
        rejectedsessions: this.#rejected,
        ...ends,
        ...Object.fromEntries(
          Object.entries(relayed).flatMap(([name, count]) => [
            [`relayed${name}_user`, count],
            [`relayed${name}_kernel`, 0],
            [`relayed${name}`, count],
          ]),
        ),
        zerowaystreams: this.#zeroWay,
        onewaystreams: this.#oneWay,
        avgcallduration: (this.#managed === 0 ? 0 : this.#seconds / this.#managed).toFixed(6),
        totalcallsduration: this.#seconds.toFixed(6),
      }),
      controlstatistics: dictionary({
        ...Object.fromEntries(COMMANDS.map(([, name]) => [`total${name}count`, this.#commands.get(name) ?? 0])),
        totalerrorcount: this.#errors,
      }),
      interfaces: interfaces.map(({ name, address, used }) =>
        dictionary({
          name,
          address,
          ports: dictionary({
            min: portMin,
            max: portMax,
            used,
            used_pct: ((100 * used) / ports).toFixed(2),
            free: Math.max(0, ports - used),
            totals: ports,
          }),
        }),
      ),
      transcoders: [],
    })
  }
}

/** From how many parties packets came. */
function waysOf(call: Call, { stats }: CallReport): number {
  const heard = new Set<number>()
  for (const party of call.parties)
    for (const { stream } of party.media)
      if (stream && (stats.get(stream.id)?.rtpPacketsIn ?? 0) > 0) heard.add(stream.id)
  return heard.size
}
