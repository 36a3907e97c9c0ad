// Owns one destination of module dispatcher: how a line or a row describes it, its attributes, and the letters of its state.
import { parseUri } from '../sip/index.ts'
import { attributePairs } from './attributes.ts'

/** Kamailio's bits. */
export const INACTIVE = 1
export const TRYING = 2
export const DISABLED = 4
export const PROBING = 8
export const NO_LOOKUP = 16
export const STATE_BITS = INACTIVE | TRYING | DISABLED

export interface Attributes {
  readonly body: string
  readonly duid: string
  readonly maxload: number
  readonly weight: number
  readonly rweight: number
  readonly socket: string
  readonly sockname: string
  readonly pingFrom: string
  readonly obproxy: string
  readonly congestion: boolean
}

export interface Latency {
  count: number
  min: number
  max: number
  average: number
  /** Exponential moving average, in milliseconds. */
  estimate: number
  timeouts: number
}

export interface DestinationRow {
  readonly set: number
  readonly uri: string
  readonly flags: number
  readonly priority: number
  readonly attributes: string
}

export class Destination {
  readonly set: number
  readonly uri: string
  readonly host: string
  readonly port: number
  /** '' where the URI names none. */
  readonly transport: string
  readonly priority: number
  readonly attributes: Attributes
  flags: number
  /** Outcomes of probes in a row that speak against the present state. */
  streak = 0
  /** Calls of algorithm 10. */
  load = 0
  /** The same of other workers, as they told last. */
  loadElsewhere = 0
  readonly latency: Latency = { count: 0, min: 0, max: 0, average: 0, estimate: 0, timeouts: 0 }
  /** Numeric addresses of the host, once they are known. */
  addresses: readonly string[]

  constructor(row: DestinationRow) {
    const parsed = parseUri(row.uri)
    this.set = row.set
    this.uri = row.uri
    this.host = (parsed?.host ?? '').replace(/^\[|\]$/g, '')
    this.transport = (/;transport=(\w+)/i.exec(row.uri)?.[1] ?? '').toLowerCase()
    const tls = /^sips:/i.test(row.uri) || this.transport === 'tls'
    this.port = parsed?.port ?? (tls ? 5061 : 5060)
    this.priority = row.priority
    this.flags = row.flags
    this.attributes = attributesOf(row.attributes)
    this.addresses = /^[\d.]+$|:/.test(this.host) ? [this.host] : []
  }

  get key(): string {
    return `${this.set} ${this.uri}`
  }

  get usable(): boolean {
    return (this.flags & (INACTIVE | DISABLED)) === 0
  }

  /** `AX`, `IP`, `TP`, `DX`. */
  get letters(): string {
    const state = this.flags & DISABLED ? 'D' : this.flags & INACTIVE ? 'I' : this.flags & TRYING ? 'T' : 'A'
    return `${state}${this.flags & PROBING ? 'P' : 'X'}`
  }

  /** Replaces state and probing; what else the flags say stays. */
  setState(bits: number): void {
    this.flags = (this.flags & ~(STATE_BITS | PROBING)) | bits
  }

  /** Takes the time of one answer into the figures, in milliseconds. */
  measure(milliseconds: number, alpha: number): void {
    const { latency } = this
    latency.count++
    latency.min = latency.count === 1 ? milliseconds : Math.min(latency.min, milliseconds)
    latency.max = Math.max(latency.max, milliseconds)
    latency.average += (milliseconds - latency.average) / latency.count
    latency.estimate = latency.count === 1 ? milliseconds : latency.estimate + alpha * (milliseconds - latency.estimate)
  }
}

function attributesOf(body: string): Attributes {
  const values = new Map(attributePairs(body) ?? [])
  const number = (name: string) => Math.max(0, Number(values.get(name) ?? 0) | 0)
  return {
    body,
    duid: values.get('duid') ?? '',
    maxload: number('maxload'),
    weight: Math.min(100, number('weight')),
    rweight: Math.min(100, number('rweight')),
    socket: values.get('socket') ?? '',
    sockname: values.get('sockname') ?? '',
    pingFrom: values.get('ping_from') ?? '',
    obproxy: values.get('obproxy') ?? '',
    congestion: number('cc') !== 0,
  }
}

/** `i`, `a`, `d`, `t`, with `p` behind for probing; undefined when it is none of them. */
export function stateBits(text: string): number | undefined {
  const lower = text.toLowerCase()
  if (!/^(?:[aidt0-2]p?|p)$/.test(lower)) return undefined
  const probing = lower.includes('p') ? PROBING : 0
  switch (lower[0]) {
    case 'i':
    case '0':
      return INACTIVE | probing
    case 'd':
      return DISABLED | probing
    case 't':
      return TRYING | probing
    case '2':
      return PROBING
    default:
      return probing
  }
}

/** Reads a list file: `setid uri [flags [priority [attributes]]]` a line. A text says what is wrong and where. */
export function readList(text: string): DestinationRow[] | string {
  const rows: DestinationRow[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const content = line.trim()
    if (content === '' || content.startsWith('#')) continue
    const [, set, uri, flags = '0', priority = '0', attributes = ''] =
      /^(-?\d+)\s+(\S+)(?:\s+(\d+))?(?:\s+(-?\d+))?(?:\s+(.*?))?$/.exec(content) ?? []
    if (set === undefined || uri === undefined)
      return `line ${index + 1}: a destination is "setid sip:uri flags priority attributes"`
    if (parseUri(uri) === undefined) return `line ${index + 1}: ${uri} is no SIP URI`
    rows.push({ set: Number(set), uri, flags: Number(flags), priority: Number(priority), attributes })
  }
  return rows
}
