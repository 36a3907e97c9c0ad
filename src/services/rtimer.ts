// Owns the services of modules rtimer and async: routes that run by the clock, and requests that go on later.
import { attributePairs } from './attributes.ts'
import type { ParameterCheck } from './parameter-checks.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import type { Service, ServiceHost } from './service.ts'

interface RouteTimer {
  readonly milliseconds: number
  readonly routes: string[]
}

/** `name=ta;interval=10;mode=1;` with `u` behind the number for microseconds, and `timer=ta;route=R`. */
function timersOf(parameters: Parameters): Map<string, RouteTimer> {
  const timers = new Map<string, RouteTimer>()
  for (const value of parameters.all('timer')) {
    const pairs = new Map(attributePairs(`${value}`) ?? [])
    const [, number = '120', unit = ''] = /^(\d+)(u?)$/.exec(pairs.get('interval') ?? '120') ?? []
    const milliseconds = unit === 'u' ? Number(number) / 1000 : Number(number) * 1000
    timers.set(pairs.get('name') ?? '', { milliseconds: Math.max(1, milliseconds), routes: [] })
  }
  for (const value of parameters.all('exec')) {
    const pairs = new Map(attributePairs(`${value}`) ?? [])
    timers.get(pairs.get('timer') ?? '')?.routes.push(pairs.get('route') ?? '')
  }
  return timers
}

export const checkRtimer: ParameterCheck = ({ name, value }) => {
  const pairs = new Map(attributePairs(`${value}`) ?? [])
  if (name === 'timer' && !/^\d+u?$/.test(pairs.get('interval') ?? ''))
    return { message: 'a timer is defined as "name=ta;interval=10;mode=1;"' }
  if (name === 'exec' && (!pairs.has('timer') || !pairs.has('route')))
    return { message: 'a route is run by "timer=ta;route=NAME"' }
  return undefined
}

export function createRtimer(host: ServiceHost): Service {
  let timers = new Map<string, RouteTimer>()
  const running = new Set<{ cancel(): void }>()
  let started = false

  function begin(): void {
    stop()
    for (const [name, { milliseconds, routes }] of timers) {
      const handle: { cancel(): void } = { cancel: () => undefined }
      const arm = () => {
        const timer = host.clock.setTimer(milliseconds, () => {
          arm()
          // Of several workers one runs them.
          if (host.store.lease(`rtimer:${name}`, (milliseconds * 2) / 1000 + 1))
            for (const route of routes) void host.event({ name: 'rtimer', route })
        })
        handle.cancel = () => timer.cancel()
      }
      arm()
      running.add(handle)
    }
  }

  function stop(): void {
    for (const timer of running) timer.cancel()
    running.clear()
  }

  return {
    module: 'rtimer',
    configure(given) {
      timers = timersOf(new Parameters(given))
      if (started) begin()
    },
    start() {
      started = true
      begin()
    },
    close: stop,
  }
}

const LONGEST_MILLIS = 3_600_000
/** Routes that run beside others at once: each can begin more of them. */
const MOST_TASKS = 1000

export function createAsync(host: ServiceHost): Service {
  const waiting = new Set<{ cancel(): void }>()
  let tasks = 0
  const later = (milliseconds: number, action: () => void): void => {
    const timer = host.clock.setTimer(Math.min(LONGEST_MILLIS, milliseconds), () => {
      waiting.delete(timer)
      action()
    })
    waiting.add(timer)
  }
  return {
    module: 'async',
    operations: {
      /** The request, which is suspended, goes on in a route of its own. */
      route(run, args) {
        const { route, milliseconds } = fieldsOf(args)
        const context = run.context
        if (context === undefined) return -1
        later(Math.max(0, Number(milliseconds) || 0), () => void host.continue(context, textOf(route)))
        return 1
      },
      /** A route that runs beside the present one, over the same message. */
      task(run, args) {
        const route = textOf(fieldsOf(args).route, 256)
        // Without a name it would be request_route, for which the message is no news.
        if (route === '' || tasks >= MOST_TASKS) return -1
        tasks++
        void host.event({ name: 'async', route, message: run.message, flow: run.flow }).finally(() => tasks--)
        return 1
      },
      sleep(_run, args) {
        const milliseconds = Math.max(0, Number(fieldsOf(args).milliseconds) || 0)
        return new Promise((resolve) => later(milliseconds, () => resolve(1)))
      },
    },
    close() {
      for (const timer of waiting) timer.cancel()
    },
  }
}
