// Owns what a parity case is: a route of a .cfg, the messages that run it, and how the far end answers.

/** Kamailio's address in case texts; where signalbox runs instead, another of the same length stands in its place. */
export const HERE = '127.0.77.1'
export const THERE = '127.0.77.2'
export const PROXY_PORT = 49_510
export const SENDER_PORT = 49_511
export const SINK_PORT = 49_512
/** Nothing listens here. */
export const DEAD_PORT = 49_513
export const SINK = `sip:${HERE}:${SINK_PORT}`
export const PROXY = `${HERE}:${PROXY_PORT}`

/** One message of the sender. */
export interface Sent {
  readonly method?: string
  readonly uri?: string
  /** Lines above the first Via of the sender. */
  readonly above?: readonly string[]
  /** Lines before Content-Length. */
  readonly headers?: readonly string[]
  /** Replaces lines of the template, by header name; '' takes a line away. */
  readonly lines?: Readonly<Record<string, string>>
  readonly body?: string
  readonly type?: string
  /** Sent when a reply that matches has come; otherwise directly. */
  readonly after?: RegExp
  /** The Via branch, `%%` being the case's own name; a number of its own for each message unless given. */
  readonly branch?: string
}

/** One answer of the sink: status, reason, then lines to add. */
export type Answer = readonly [status: number, reason: string, ...lines: string[]]

export interface ParityCase {
  readonly title: string
  /** Statements of the request route. `%%` is the case's own name; `say("...")` prints. */
  readonly route: string
  /** More blocks: failure routes and so on. */
  readonly blocks?: string
  /** One message `OPTIONS sip:alice@proxy` unless given. */
  readonly sent?: readonly Sent[]
  /** The sink's answers by user of the R-URI; 200 unless given. */
  readonly answers?: Readonly<Record<string, readonly Answer[]>>
  /** Made by chance. */
  readonly generated?: true
  /** Times of its contacts are whole tens of seconds, and compared as such: it may take some seconds. */
  readonly tens?: true
  /** Whether the ACK of a final reply runs the case's route as well. */
  readonly acks?: true
  /** Milliseconds that the case lasts at least. */
  readonly wait?: number
}

/** What came of a case, masked. */
export interface Outcome {
  readonly refused: boolean
  readonly said: readonly string[]
  readonly replies: readonly string[]
  readonly forwarded: readonly string[]
}

/** The text of a message, without a body's Content-Length where the case has its own. */
export function textOf(sent: Sent, name: string, number: number): string {
  const method = sent.method ?? 'OPTIONS'
  const body = sent.body ?? ''
  const lines: Record<string, string> = {
    Via: `Via: SIP/2.0/UDP ${HERE}:${SENDER_PORT};branch=${sent.branch?.replaceAll('%%', name) ?? `z9hG4bKour${name}x${number}`}`,
    From: 'From: "Al Ice" <sip:alice@example.com>;tag=from1',
    To: 'To: <sip:bob@example.org>',
    'Call-ID': `Call-ID: ${name}`,
    CSeq: `CSeq: 7 ${method}`,
    Contact: `Contact: <sip:alice@${HERE}:${SENDER_PORT}>`,
    'Max-Forwards': 'Max-Forwards: 70',
    'X-Case': `X-Case: ${name}`,
    ...sent.lines,
  }
  const head = [
    `${method} ${sent.uri ?? `sip:alice@${PROXY}`} SIP/2.0`,
    ...(sent.above ?? []),
    ...Object.values(lines).filter((line) => line !== ''),
    ...(sent.headers ?? []),
    ...(body === '' ? [] : [`Content-Type: ${sent.type ?? 'application/sdp'}`]),
    ...('Content-Length' in lines ? [] : [`Content-Length: ${body.length}`]),
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

/** Statements with the case's name in them, and `say("...")` as the statement that prints for the runner. */
export function expand(text: string, name: string): string {
  return text
    .replaceAll('%%', name)
    .replace(/\bsay\("((?:[^"\\]|\\.)*)"\)/g, (_, format: string) => `xlog("L_ERR", "P|${name}|${format}|E\\n")`)
}
