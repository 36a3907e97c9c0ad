// Owns the services of modules ratelimit and pipelimit.
import type { ParameterCheck } from './parameter-checks.ts'
import { fieldsOf, Parameters, textOf, wholeOf } from './parameters.ts'
import { nextInterval, type Pipe, passes, pipeAlgorithm } from './rate-pipes.ts'
import { RpcFault, rpcNumber, rpcText } from './rpc-fault.ts'
import type { Service, ServiceHost } from './service.ts'
import { SharedCounts } from './shared-counts.ts'

const MOST_PIPES = 100_000

/** Calls `each` at the end of each interval, which have so many seconds as the parameter says. */
function interval(host: ServiceHost, counts: SharedCounts, parameters: () => Parameters, each: () => void) {
  let timer: { cancel(): void } | undefined
  const arm = () => {
    timer = host.clock.setTimer(counts.begin(Math.max(1, parameters().number('timer_interval', 10)) * 1000), () => {
      each()
      arm()
    })
  }
  return { start: arm, close: () => timer?.cancel() }
}

/** `0:TAILDROP:10` of pipe, `1:INVITE` of queue. */
export const checkRatelimit: ParameterCheck = ({ name, value }) => {
  if (name === 'pipe') {
    const [, , algorithm = ''] = /^\s*(\d+)\s*:\s*(\w+)\s*:\s*(\d+)\s*$/.exec(`${value}`) ?? []
    return pipeAlgorithm(algorithm) === undefined ? { message: 'a pipe is defined as "0:TAILDROP:10"' } : undefined
  }
  if (name === 'queue' && !/^\s*\d+\s*:\s*(?:\w+|\*)\s*$/.test(`${value}`))
    return { message: 'a queue is defined as "0:INVITE" or "0:*"' }
  return undefined
}

/** Both commands: the pipe, then its algorithm and limit. */
function setPipe(pipe: Pipe | undefined, given: readonly unknown[]): string {
  const algorithm = pipeAlgorithm(rpcText(given, 1, 'the algorithm'))
  if (pipe === undefined || algorithm === undefined) throw new RpcFault(400, 'Bad pipe or algorithm')
  pipe.algorithm = algorithm
  pipe.limit = rpcNumber(given, 2, 'the limit')
  return ''
}

export function createRatelimit(host: ServiceHost): Service {
  let parameters = new Parameters([])
  const pipes = new Map<number, Pipe>()
  const counts = new SharedCounts(host, 'ratelimit:counts')
  let queues: { pipe: number; method: string }[] = []
  const clock = interval(
    host,
    counts,
    () => parameters,
    () => pipes.forEach(nextInterval),
  )
  const push = (number: number): number => {
    const pipe = pipes.get(number)
    return pipe === undefined ? 1 : passes(pipe, counts) ? 1 : -1
  }
  return {
    module: 'ratelimit',
    operations: {
      check(run) {
        const method = /^\w+/.exec(run.message.raw)?.[0] ?? ''
        const queue = queues.find((each) => each.method === '*' || each.method === method)
        return queue === undefined ? { code: 1, pipe: -1 } : { code: push(queue.pipe), pipe: queue.pipe }
      },
      pipe: (_run, args) => push(wholeOf(fieldsOf(args).pipe)),
    },
    commands: {
      'rl.stats': () =>
        [...pipes].map(([number, { load, limit }]) => `PIPE[${number}]: ${load}/${limit} (drop rate: 0)`),
      'rl.get_pipes': () =>
        [...pipes].map(
          ([number, { algorithm, load, limit, counter }]) =>
            `PIPE[${number}]: ${algorithm} ${load}/${limit} (drop rate: 0) [${counter}]`,
        ),
      'rl.set_pipe': (given) => setPipe(pipes.get(rpcNumber(given, 0, 'the pipe')), given),
    },
    configure(given) {
      parameters = new Parameters(given)
      const seconds = Math.max(1, parameters.number('timer_interval', 10))
      pipes.clear()
      for (const value of parameters.all('pipe')) {
        const [, number = '', algorithm = '', limit = ''] = /^\s*(\d+)\s*:\s*(\w+)\s*:\s*(\d+)/.exec(`${value}`) ?? []
        // The limit is by the second.
        const most = Number(limit) * seconds
        pipes.set(Number(number), {
          name: number,
          algorithm: pipeAlgorithm(algorithm) ?? 'NOP',
          limit: most,
          counter: 0,
          untold: 0,
          load: 0,
          unused: 0,
        })
      }
      queues = parameters.all('queue').map((value) => {
        const [pipe = '0', method = '*'] = `${value}`.split(':').map((each) => each.trim())
        return { pipe: Number(pipe), method }
      })
    },
    start: clock.start,
    close: clock.close,
  }
}

export function createPipelimit(host: ServiceHost): Service {
  let parameters = new Parameters([])
  const pipes = new Map<string, Pipe>()
  const counts = new SharedCounts(host, 'pipelimit:counts')
  const clock = interval(
    host,
    counts,
    () => parameters,
    () => {
      const most = parameters.number('clean_unused', 0)
      for (const [name, pipe] of pipes) {
        nextInterval(pipe)
        if (most > 0 && pipe.unused > most) pipes.delete(name)
      }
    },
  )
  return {
    module: 'pipelimit',
    operations: {
      check(_run, args) {
        const { pipe, algorithm, limit } = fieldsOf(args)
        const name = textOf(pipe, 256)
        let found = pipes.get(name)
        if (found === undefined) {
          const kind = pipeAlgorithm(textOf(algorithm))
          if (kind === undefined || pipes.size >= MOST_PIPES) return -2
          found = { name, algorithm: kind, limit: wholeOf(limit), counter: 0, untold: 0, load: 0, unused: 0 }
          pipes.set(name, found)
        }
        return passes(found, counts) ? 1 : -1
      },
      active: (_run, args) => (pipes.has(textOf(fieldsOf(args).pipe)) ? 1 : -1),
    },
    commands: {
      'pl.stats': () =>
        [...pipes.values()].map(({ name, load, counter }) => `PIPE: id=${name} load=${load} counter=${counter}`),
      'pl.list': () =>
        [...pipes.values()].map(({ name, algorithm, limit, counter, load, unused }) => ({
          name,
          algorithm,
          limit,
          counter,
          last_counter: load,
          unused_intervals: unused,
        })),
      'pl.set_pipe': (given) => setPipe(pipes.get(rpcText(given, 0, 'the pipe')), given),
    },
    configure(given) {
      parameters = new Parameters(given)
    },
    start: clock.start,
    close: clock.close,
  }
}
