// Owns the service of module mqueue: queues of keys and values that routes fill and timers empty.
import { attributePairs } from './attributes.ts'
import type { ParameterCheck } from './parameter-checks.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import { RpcFault, rpcText } from './rpc-fault.ts'
import type { Service } from './service.ts'

interface Queue {
  /** 0: as long as it gets, up to the bound of all. */
  readonly size: number
  items: { key: string; value: string }[]
}

const MOST_ITEMS = 1_000_000

export const checkMqueue: ParameterCheck = ({ name, value }) => {
  if (name !== 'mqueue') return undefined
  const pairs = new Map(attributePairs(`${value}`) ?? [])
  return (pairs.get('name') ?? '') === '' ? { message: 'a queue is defined as "name=jobs;size=100"' } : undefined
}

export function createMqueue(): Service {
  const queues = new Map<string, Queue>()
  const named = (args: unknown) => queues.get(textOf(fieldsOf(args).queue))
  return {
    module: 'mqueue',
    operations: {
      add(_run, args) {
        const queue = named(args)
        if (queue === undefined) return -1
        const { key, value } = fieldsOf(args)
        const most = queue.size === 0 ? MOST_ITEMS : queue.size
        // The oldest gives way.
        if (queue.items.length >= most) queue.items.shift()
        queue.items.push({ key: textOf(key), value: textOf(value) })
        return 1
      },
      fetch: (_run, args) => named(args)?.items.shift() ?? null,
      size: (_run, args) => named(args)?.items.length ?? -1,
    },
    commands: {
      'mqueue.get_size'(given) {
        const name = rpcText(given, 0, 'the queue')
        const queue = queues.get(name)
        if (queue === undefined) throw new RpcFault(404, 'Mqueue not found')
        return { name, size: queue.items.length }
      },
      'mqueue.get_sizes': () => [...queues].map(([name, { items }]) => ({ name, size: items.length })),
      'mqueue.fetch'(given) {
        const item = queues.get(rpcText(given, 0, 'the queue'))?.items.shift()
        if (item === undefined) throw new RpcFault(404, 'Empty queue')
        return item
      },
    },
    configure(given) {
      for (const value of new Parameters(given).all('mqueue')) {
        const pairs = new Map(attributePairs(`${value}`) ?? [])
        const name = pairs.get('name') ?? ''
        const items = queues.get(name)?.items ?? []
        if (name !== '') queues.set(name, { size: Math.max(0, Number(pairs.get('size') ?? 0) | 0), items })
      }
    },
  }
}
