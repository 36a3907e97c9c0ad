// Owns what the native relay tells of a stream.

/** One SSRC that was heard. */
export interface SourceStats {
  ssrc: number
  /** Without duplicates. */
  packets: number
  bytes: number
  /** RFC 3550 A.3 */
  lost: number
  /** RFC 3550 A.8, in timestamp units, and in milliseconds. */
  jitter: number
  jitterMillis: number
  duplicates: number
}

/** The far end's last report block on one SSRC that it is sent (RFC 3550 6.4.1). */
export interface ReportStats {
  ssrc: number
  /** Since its report before, 0 to 1. */
  fractionLost: number
  /** In all; duplicates make it negative. */
  lost: number
  /** In timestamp units, and in milliseconds. */
  jitter: number
  jitterMillis: number
  /** Between the relay and the far end; -1: not known. */
  roundTripMillis: number
}

/** Counters of a stream since it was opened. "In" is what its far end sent and the relay took; bytes are those of the wire. */
export interface StreamStats {
  rtpPacketsIn: number
  rtpBytesIn: number
  rtpPacketsOut: number
  rtpBytesOut: number
  rtcpPacketsIn: number
  rtcpBytesIn: number
  rtcpPacketsOut: number
  rtcpBytesOut: number
  /** RFC 3550 A.3, over all SSRCs. */
  lost: number
  /** RFC 3550 A.8, in timestamp units. */
  jitter: number
  /** The same in milliseconds. */
  jitterMillis: number
  duplicates: number
  /** The SSRC heard last; 0 before the first packet. */
  ssrc: number
  ssrcChanges: number
  /** Packets not passed on, by reason: a wrong tag; */
  srtpAuthFailures: number
  /** an index seen before, or too old to tell; */
  srtpReplays: number
  /** too short for SRTP; */
  srtpShort: number
  /** with another master key identifier than the key's; */
  srtpWrongMki: number
  /** more SSRCs under one key than are remembered; */
  srtpSsrcLimit: number
  /** not sent because the outgoing SRTP could not have been secure (an index again, the key used up, too many SSRCs); */
  srtpUnsent: number
  /** from an address that is not the far end's; */
  unknownSource: number
  /** neither RTP nor RTCP; */
  malformed: number
  /** good, but with nowhere to go: not configured, not linked, held, destination unknown; */
  discarded: number
  /** more in a second than packetRate allows; */
  rateLimited: number
  /** refused by the system when sent. */
  sendErrors: number
  /** How often an address was learned. */
  relearned: number
  /** Packets not passed on because the media is blocked, or has no known silence; */
  blocked: number
  /** passed on as silence. */
  silenced: number
  /** Telephone events that arrived, and their packets; those not passed on. */
  dtmfEvents: number
  dtmfPackets: number
  dtmfBlocked: number
  /** STUN messages that arrived, and those of them that were refused: not authentic, or none at all. */
  stunPacketsIn: number
  stunRefused: number
  /** Datagrams of DTLS that arrived; handshakes that ended with another certificate than was signalled, or in another failure. */
  dtlsPacketsIn: number
  dtlsWrongFingerprints: number
  dtlsFailures: number
  /** By SSRC: the last eight heard, in no order. */
  sources: SourceStats[]
  /** By SSRC: the last eight reported on, in no order. */
  reports: ReportStats[]
  /** Round trips between the relay and the far end, from its RTCP: how many were measured; -1 where none was. */
  roundTrips: number
  roundTripMillis: number
  roundTripMinMillis: number
  roundTripMaxMillis: number
  roundTripMeanMillis: number
  /** `address:port`, IPv6 in brackets; '' while nothing was learned. */
  learnedRtp: string
  learnedRtcp: string
  /** Milliseconds since the last good packet; -1 before the first. */
  lastPacketAgeMillis: number
}

/** Names of the numbers that the addon writes, in its order: of a stream, of a source and of a report. */
export interface NumberNames {
  /** And of those that it reads from a configuration. */
  readonly settings: readonly string[]
  readonly statistics: readonly string[]
  readonly sources: readonly string[]
  readonly reports: readonly string[]
  /** Most rows of each that a stream has. */
  readonly mostSources: number
  readonly mostReports: number
}

/** Makes statistics of what the addon wrote into `numbers`: those of the stream, how many rows follow of each kind, and the rows. */
export class StatisticsReader {
  readonly numbers: Float64Array
  readonly #names: NumberNames
  /** A row of each kind: to copy one and write over it costs less than to add its names one by one. */
  readonly #empty: Readonly<Record<'statistics' | 'sources' | 'reports', Record<string, number>>>

  constructor(names: NumberNames) {
    const { statistics, sources, reports, mostSources, mostReports } = names
    this.#names = names
    const empty = (row: readonly string[]) => Object.fromEntries([...row, 'jitterMillis'].map((name) => [name, 0]))
    this.#empty = { statistics: empty(statistics), sources: empty(sources), reports: empty(reports) }
    const rows = mostSources * sources.length + mostReports * reports.length
    this.numbers = new Float64Array(statistics.length + 2 + rows)
  }

  /** @param addresses those that were learned, with a space between them */
  read(addresses: string, clockRate: number): StreamStats {
    const { statistics, sources } = this.#names
    const space = addresses.indexOf(' ')
    const at = statistics.length
    const [sourceCount, reportCount] = [this.numbers[at]!, this.numbers[at + 1]!]
    const firstReport = at + 2 + sourceCount * sources.length
    return {
      ...this.#row<StreamStats>('statistics', 0, clockRate),
      sources: this.#rows<SourceStats>('sources', at + 2, sourceCount, clockRate),
      reports: this.#rows<ReportStats>('reports', firstReport, reportCount, clockRate),
      learnedRtp: addresses.slice(0, space),
      learnedRtcp: addresses.slice(space + 1),
    }
  }

  #rows<Row>(kind: 'sources' | 'reports', from: number, count: number, clockRate: number): Row[] {
    const rows: Row[] = []
    const length = this.#names[kind].length
    for (let n = 0; n < count; n++) rows.push(this.#row(kind, from + n * length, clockRate))
    return rows
  }

  #row<Row>(kind: 'statistics' | 'sources' | 'reports', from: number, clockRate: number): Row {
    const row = { ...this.#empty[kind] }
    const names = this.#names[kind]
    for (let n = 0; n < names.length; n++) row[names[n]!] = this.numbers[from + n]!
    // The addon knows jitter in timestamp units alone.
    row.jitterMillis = (row.jitter! * 1000) / clockRate
    return row as Row
  }
}
