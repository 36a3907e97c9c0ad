// Owns the front thread: the streams of all workers, apart from the supervisor's watch. No operator's code runs here.
import { parentPort, workerData } from 'node:worker_threads'
import { SignalboxError } from '../errors.ts'
import type { Log, LogFields } from '../log.ts'
import { beginFlowsAbove, nativeSockets, openStreamFront, SHARD_BYTES } from '../transport/index.ts'
import type { FromFront, FrontStart, LogCall, ToFront } from './front-messages.ts'

const { listen, seats, passage, settings, flowsAbove } = workerData as FrontStart

function tell(message: FromFront): void {
  parentPort?.postMessage(message)
}

const call = (level: LogCall['level']) => (fields: LogFields, message: string) =>
  tell({ type: 'log', call: { level, fields, message } })
// Lines of a connection's life are for debugging, and cost a message each.
const log: Log = { debug() {}, info: call('info'), warn: call('warn'), error: call('error') }

beginFlowsAbove(flowsAbove)
const native = nativeSockets()
const shards = seats.shards.map(({ memory, event }) => ({ memory: native.mapSharedMemory(memory, SHARD_BYTES), event }))
try {
  const front = await openStreamFront({
    listen,
    shards,
    event: seats.frontEvent,
    log,
    ...(passage && { passage }),
    ...settings,
  })
  parentPort?.on('message', (message: ToFront) => {
    switch (message.type) {
      case 'update':
        try {
          front.update(message.settings)
        } catch (error) {
          log.error({ err: error }, `connections keep their old settings: ${(error as Error).message}`)
        }
        break
      case 'reply':
        if (!front.reply(message.flow, message.wire))
          log.warn({ flow: message.flow }, 'an answer in place of a dead worker found its connection gone')
        break
      case 'lost':
        front.lost(message.worker)
        break
      case 'stats':
        tell({ type: 'stats', id: message.id, stats: front.stats() })
        break
      case 'close':
        front.close()
        parentPort?.close()
    }
  })
  tell({ type: 'ready' })
} catch (error) {
  const code = error instanceof SignalboxError ? error.code : 'ERR_LISTEN'
  tell({ type: 'failed', code, message: error instanceof Error ? error.message : String(error) })
}
