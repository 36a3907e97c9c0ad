// Owns the destinations that were chosen for a request and are still to be tried: a stack of $xavp records.
import { currentRun } from './runtime.ts'
import { textParameter } from './settings.ts'
import type { XavpFields, XavpValue } from './transaction-state.ts'

/** As the service in the host describes it. */
export interface Destination {
  readonly uri: string
  readonly set: number
  readonly duid: string
  readonly attrs: string
  /** Id of the listener to send from. */
  readonly socket?: number
  readonly sockname: string
  readonly obproxy: string
}

const destinationsName = textParameter('dispatcher', 'xavp_dst', '_dsdst_')
const contextName = textParameter('dispatcher', 'xavp_ctx', '_dsctx_')

function recordOf(destination: Destination): XavpFields {
  const record: XavpFields = new Map<string, XavpValue[]>([
    ['uri', [destination.uri]],
    ['grp', [destination.set]],
  ])
  if (destination.duid !== '') record.set('dstid', [destination.duid])
  if (destination.attrs !== '') record.set('attrs', [destination.attrs])
  if (destination.socket !== undefined) record.set('sock', [destination.socket])
  if (destination.sockname !== '') record.set('sockname', [destination.sockname])
  if (destination.obproxy !== '') record.set('obproxy', [destination.obproxy])
  return record
}

function destinationOf(record: XavpValue | undefined): Destination | undefined {
  if (!(record instanceof Map)) return undefined
  const field = (name: string) => record.get(name)?.[0]
  const text = (name: string) => `${field(name) ?? ''}`
  const socket = field('sock')
  return {
    uri: text('uri'),
    set: Number(field('grp') ?? 0),
    duid: text('dstid'),
    attrs: text('attrs'),
    ...(typeof socket === 'number' ? { socket } : {}),
    sockname: text('sockname'),
    obproxy: text('obproxy'),
  }
}

const records = () => currentRun().state.xavps.get(destinationsName()) ?? []

export const DestinationList = {
  /** Takes the place of what was chosen before. */
  keep(destinations: readonly Destination[]): void {
    const { xavps } = currentRun().state
    if (destinations.length > 0) xavps.set(destinationsName(), destinations.map(recordOf))
    else xavps.delete(destinationsName())
    xavps.set(contextName(), [new Map<string, XavpValue[]>([['cnt', [destinations.length]]])])
  },

  /** The one in use. */
  current(): Destination | undefined {
    return destinationOf(records()[0])
  },

  /** Leaves the one in use behind. */
  next(): Destination | undefined {
    const left = records().slice(1)
    const { xavps } = currentRun().state
    if (left.length > 0) xavps.set(destinationsName(), left)
    else xavps.delete(destinationsName())
    return destinationOf(left[0])
  },
}
