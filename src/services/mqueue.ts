// Owns the service of module mqueue: queues of keys and values that routes fill and timers empty, whichever worker runs them.
import type { Store } from '../store/index.ts'
import { attributePairs } from './attributes.ts'
import type { ParameterCheck } from './parameter-checks.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import { RpcFault, rpcText } from './rpc-fault.ts'
import type { Service, ServiceHost } from './service.ts'

interface Item {
  readonly key: string
  readonly value: string
}

/** Where a queue begins, and where its next item goes. */
interface Ends {
  readonly first: number
  readonly next: number
}

/** Of a queue without a size; a table of the store takes a few more. */
const MOST_ITEMS = 900_000
const ENDS = 'mqueue'

/** One queue, in the store that workers share. */
class Queue {
  readonly #store: Store
  readonly #name: string
  readonly #part: string
  most = MOST_ITEMS

  constructor(store: Store, name: string) {
    this.#store = store
    this.#name = name
    this.#part = `mqueue:${name}`
  }

  #ends(): Ends {
    return read(this.#store.get(ENDS, this.#name))
  }

  get length(): number {
    const { first, next } = this.#ends()
    return next - first
  }

  add(item: Item): void {
    let lost: number[] = []
    this.#store.update(ENDS, this.#name, (before) => {
      const { first, next } = read(before)
      // In one step with the new end: nobody sees a place without its item.
      this.#store.set(this.#part, `${next}`, JSON.stringify([item.key, item.value]))
      // The oldest give way.
      const kept = Math.max(first, next + 1 - this.most)
      lost = Array.from({ length: kept - first }, (_, i) => first + i)
      return { value: JSON.stringify({ first: kept, next: next + 1 }) }
    })
    for (const place of lost) this.#store.delete(this.#part, `${place}`)
  }

  /** The oldest item; each is given once. */
  take(): Item | undefined {
    let place: number | undefined
    this.#store.update(ENDS, this.#name, (before) => {
      const { first, next } = read(before)
      place = first < next ? first : undefined
      return { value: JSON.stringify({ first: first < next ? first + 1 : first, next }) }
    })
    const text = place === undefined ? undefined : this.#store.get(this.#part, `${place}`)
    if (text === undefined) return undefined
    this.#store.delete(this.#part, `${place}`)
    const [key, value] = JSON.parse(text) as [string, string]
    return { key, value }
  }
}

const read = (text: string | undefined): Ends => (text === undefined ? { first: 0, next: 0 } : JSON.parse(text))

export const checkMqueue: ParameterCheck = ({ name, value }) => {
  if (name !== 'mqueue') return undefined
  const pairs = new Map(attributePairs(`${value}`) ?? [])
  return (pairs.get('name') ?? '') === '' ? { message: 'a queue is defined as "name=jobs;size=100"' } : undefined
}

export function createMqueue(host: ServiceHost): Service {
  const queues = new Map<string, Queue>()
  const named = (args: unknown) => queues.get(textOf(fieldsOf(args).queue))
  return {
    module: 'mqueue',
    operations: {
      add(_run, args) {
        const queue = named(args)
        if (queue === undefined) return -1
        const { key, value } = fieldsOf(args)
        queue.add({ key: textOf(key), value: textOf(value) })
        return 1
      },
      fetch: (_run, args) => named(args)?.take() ?? null,
      size: (_run, args) => named(args)?.length ?? -1,
    },
    commands: {
      'mqueue.get_size'(given) {
        const name = rpcText(given, 0, 'the queue')
        const queue = queues.get(name)
        if (queue === undefined) throw new RpcFault(404, 'Mqueue not found')
        return { name, size: queue.length }
      },
      'mqueue.get_sizes': () => [...queues].map(([name, { length }]) => ({ name, size: length })),
      'mqueue.fetch'(given) {
        const item = queues.get(rpcText(given, 0, 'the queue'))?.take()
        if (item === undefined) throw new RpcFault(404, 'Empty queue')
        return item
      },
    },
    configure(given) {
      for (const value of new Parameters(given).all('mqueue')) {
        const pairs = new Map(attributePairs(`${value}`) ?? [])
        const name = pairs.get('name') ?? ''
        if (name === '') continue
        const queue = queues.get(name) ?? new Queue(host.store, name)
        queue.most = Math.max(0, Number(pairs.get('size') ?? 0) | 0) || MOST_ITEMS
        queues.set(name, queue)
      }
    },
  }
}
