// Owns the form in which a run's addresses and numbers cross into the isolate: short, and read only when asked for.
import type { RunListener, RunMeta } from './contract.ts'

/** What all messages of one listener have in common. */
interface Arrival {
  readonly dstIp: string
  readonly dstPort: number
  readonly proto: RunMeta['proto']
  readonly listener: RunListener
}

const encoded = new WeakMap<RunListener, Map<string, string>>()
const decoded = new Map<string, Arrival>()
/** More listeners than any configuration has. */
const MOST_ARRIVALS = 1000

function arrivalText({ dstIp, dstPort, proto, listener }: RunMeta): string {
  let byArrival = encoded.get(listener)
  if (byArrival === undefined) {
    byArrival = new Map()
    encoded.set(listener, byArrival)
  }
  const key = `${proto}:${dstPort}:${dstIp}`
  let text = byArrival.get(key)
  if (text === undefined) {
    text = JSON.stringify({ dstIp, dstPort, proto, listener } satisfies Arrival)
    if (byArrival.size < MOST_ARRIVALS) byArrival.set(key, text)
  }
  return text
}

/** Lines: source, numbers, what the listener fixes. A failure adds the whole as JSON instead. */
export function encodeMeta(meta: RunMeta): string {
  if (meta.status !== undefined || meta.reply !== undefined || meta.send !== undefined) return JSON.stringify(meta)
  const { srcIp, srcPort, transactionId, transactionMatch, branch, messageNumber } = meta
  return `${srcIp}\n${srcPort}\n${transactionId}\n${transactionMatch}\n${branch}\n${messageNumber}\n${meta.canceled ? 1 : 0}\n${arrivalText(meta)}`
}

export function decodeMeta(text: string): RunMeta {
  if (text.startsWith('{')) return JSON.parse(text) as RunMeta
  const port = text.indexOf('\n') + 1
  const transaction = text.indexOf('\n', port) + 1
  const match = text.indexOf('\n', transaction) + 1
  const branch = text.indexOf('\n', match) + 1
  const number = text.indexOf('\n', branch) + 1
  const canceled = text.indexOf('\n', number) + 1
  const { dstIp, dstPort, proto, listener } = arrivalOf(text.slice(text.indexOf('\n', canceled) + 1))
  return {
    srcIp: text.slice(0, port - 1),
    srcPort: Number(text.slice(port, transaction - 1)),
    dstIp,
    dstPort,
    proto,
    listener,
    transactionId: Number(text.slice(transaction, match - 1)),
    transactionMatch: text.charAt(match) === '1' ? 1 : 0,
    branch: Number(text.slice(branch, number - 1)),
    messageNumber: Number(text.slice(number, canceled - 1)),
    canceled: text.charAt(canceled) === '1',
  }
}

let lastArrival: Arrival | undefined
let lastArrivalText = ''

function arrivalOf(text: string): Arrival {
  // Comparing costs less than hashing, and most messages come in on one listener.
  if (lastArrival !== undefined && text === lastArrivalText) return lastArrival
  let arrival = decoded.get(text)
  if (arrival === undefined) {
    arrival = JSON.parse(text) as Arrival
    if (decoded.size < MOST_ARRIVALS) decoded.set(text, arrival)
  }
  lastArrival = arrival
  lastArrivalText = text
  return arrival
}
