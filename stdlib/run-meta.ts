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
  if (meta.status !== undefined || meta.reply !== undefined) return JSON.stringify(meta)
  const { srcIp, srcPort, transactionId, transactionMatch, branch, messageNumber } = meta
  return `${srcIp}\n${srcPort}\n${transactionId}\n${transactionMatch}\n${branch}\n${messageNumber}\n${meta.canceled ? 1 : 0}\n${arrivalText(meta)}`
}

export function decodeMeta(text: string): RunMeta {
  if (text.startsWith('{')) return JSON.parse(text) as RunMeta
  const parts = text.split('\n', 8)
  const key = parts[7]!
  let arrival = decoded.get(key)
  if (arrival === undefined) {
    arrival = JSON.parse(key) as Arrival
    if (decoded.size < MOST_ARRIVALS) decoded.set(key, arrival)
  }
  return {
    srcIp: parts[0]!,
    srcPort: Number(parts[1]),
    dstIp: arrival.dstIp,
    dstPort: arrival.dstPort,
    proto: arrival.proto,
    listener: arrival.listener,
    transactionId: Number(parts[2]),
    transactionMatch: parts[3] === '1' ? 1 : 0,
    branch: Number(parts[4]),
    messageNumber: Number(parts[5]),
    canceled: parts[6] === '1',
  }
}
