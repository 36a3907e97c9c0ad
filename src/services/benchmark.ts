// Owns the service of module benchmark: stop-watches by name, their figures, and the lines and commands that show them. Microseconds.
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import { RpcFault, rpcNumber, rpcText } from './rpc-fault.ts'
import type { Service, ServiceHost } from './service.ts'

/** A period of so many calls, or all of them; `least` is 5.6.3's where there was none. */
interface Figures {
  calls: number
  sum: number
  least: number
  most: number
}

interface StopWatch {
  readonly name: string
  readonly id: number
  enabled: boolean
  /** Undefined while it does not run. */
  began: number | undefined
  /** The period under way, and the last that was whole. */
  period: Figures
  whole: Figures
  readonly all: Figures
}

const MOST_WATCHES = 1000
const LONGEST_NAME = 64
const NONE_YET = 4_294_967_295

const LEVELS = ['warn', 'info', 'info', 'debug'] as const

const none = (): Figures => ({ calls: 0, sum: 0, least: NONE_YET, most: 0 })
const average = ({ sum, calls }: Figures) => (calls === 0 ? 0 : sum / calls)
const shown = (figures: Figures) =>
  `${figures.calls}/${figures.sum}/${figures.least}/${figures.most}/${average(figures).toFixed(6)}`

export function createBenchmark(host: ServiceHost): Service {
  const watches = new Map<string, StopWatch>()
  let everything = 0
  let granularity = 1
  let level = 3
  let difference = 0

  function watch(name: string): StopWatch | undefined {
    let found = watches.get(name)
    if (found === undefined && watches.size < MOST_WATCHES && name !== '' && name.length <= LONGEST_NAME) {
      const figures = { period: none(), whole: none(), all: none() }
      found = { name, id: watches.size, enabled: everything > 0, began: undefined, ...figures }
      watches.set(name, found)
    }
    return found
  }

  const runs = ({ enabled }: StopWatch) => everything === 1 || (everything === 0 && enabled)

  function add(figures: Figures, micros: number): void {
    figures.calls++
    figures.sum += micros
    figures.least = Math.min(figures.least, micros)
    figures.most = Math.max(figures.most, micros)
  }

  function stop(one: StopWatch): void {
    if (one.began === undefined || !runs(one)) return
    const micros = Math.round((host.clock.now() - one.began) * 1000)
    one.began = undefined
    difference = micros
    add(one.period, micros)
    add(one.all, micros)
    if (one.period.calls < granularity) return
    one.whole = one.period
    one.period = none()
    const text = `benchmark (timer ${one.name} [${one.id}]): ${micros} [ msgs/total/min/max/avg - LR: ${shown(one.whole)} | GB: ${shown(one.all)}]`
    host.log[level < 0 ? 'error' : LEVELS[Math.min(level, 3)]!]({}, text)
  }

  const listed = (one: StopWatch) => ({
    name: one.name,
    state: runs(one) ? 'enabled' : 'disabled',
    id: one.id,
    granularity,
    period_sum: one.whole.sum,
    period_min: one.whole.least,
    period_max: one.whole.most,
    period_media: average(one.whole),
    calls: one.all.calls,
    sum: one.all.sum,
    global_min: one.all.least,
    global_max: one.all.most,
    ...(one.all.calls === 0 ? {} : { global_media: average(one.all) }),
  })

  function named(given: readonly unknown[]): StopWatch {
    const found = watches.get(rpcText(given, 0, 'the name'))
    if (found === undefined) throw new RpcFault(500, 'Register timer failure')
    return found
  }

  function within(given: readonly unknown[], index: number, least: number, most: number): number {
    const number = rpcNumber(given, index, 'the value')
    if (number < least || number > most) throw new RpcFault(500, 'Invalid Parameter Value')
    return number
  }

  return {
    module: 'benchmark',
    operations: {
      start(_run, args) {
        const one = watch(textOf(fieldsOf(args).name))
        if (one === undefined) return -1
        if (runs(one)) one.began = host.clock.now()
        return 1
      },
      log(_run, args) {
        const one = watch(textOf(fieldsOf(args).name))
        if (one === undefined) return -1
        stop(one)
        return 1
      },
      difference: () => difference,
    },
    commands: {
      'benchmark.enable_global'(given) {
        everything = within(given, 0, -1, 1)
      },
      'benchmark.enable_timer'(given) {
        const one = named(given)
        one.enabled = within(given, 1, 0, 1) === 1
      },
      'benchmark.granularity'(given) {
        granularity = within(given, 0, 1, 2 ** 31 - 1)
      },
      'benchmark.loglevel'(given) {
        level = within(given, 0, -5, 4)
      },
      'benchmark.timer_list': () => [...watches.values()].map(listed),
      'benchmark.timer_name_list': (given) => listed(named(given)),
    },
    configure(list) {
      const parameters = new Parameters(list)
      everything = parameters.number('enable', 0)
      granularity = Math.max(1, parameters.number('granularity', 1))
      level = parameters.number('loglevel', 3)
      for (const name of parameters.all('register')) watch(`${name}`)
    },
  }
}
