// Owns the services of modules statistics and counters: numbers that scripts count in, and those of requests and replies.
import type { RequestContext } from '../proxy/index.ts'
import { fieldsOf, Parameters, textOf, wholeOf } from './parameters.ts'
import { RpcFault, rpcText } from './rpc-fault.ts'
import type { Service } from './service.ts'

/** Every number by `group.name`, shared by both modules. */
export class Numbers {
  readonly #counts = new Map<string, { value: number }>()

  declare(group: string, name: string): void {
    const key = `${group}.${name}`
    this.#count(key)
  }

  /** The key of `group.name`, `group:name`, or of a name of any group. */
  find(text: string): string | undefined {
    const key = text.replace(':', '.')
    if (this.#counts.has(key)) return key
    return key.includes('.') ? undefined : [...this.#counts.keys()].find((each) => each.endsWith(`.${key}`))
  }

  get(key: string): number {
    return this.#counts.get(key)?.value ?? 0
  }

  add(key: string, difference: number): void {
    this.#count(key).value += difference
  }

  reset(key: string): void {
    this.#count(key).value = 0
  }

  #count(key: string): { value: number } {
    let count = this.#counts.get(key)
    if (count === undefined) {
      count = { value: 0 }
      this.#counts.set(key, count)
    }
    return count
  }

  groups(): string[] {
    return [...new Set([...this.#counts.keys()].map((key) => key.slice(0, key.indexOf('.'))))].sort()
  }

  of(group: string): [name: string, value: number][] {
    return [...this.#counts].flatMap(([key, { value }]) =>
      group === 'all' || key.startsWith(`${group}.`) ? [[key.replace('.', ':'), value] as [string, number]] : [],
    )
  }
}

const METHODS = [
  'INVITE',
  'ACK',
  'CANCEL',
  'BYE',
  'REGISTER',
  'OPTIONS',
  'SUBSCRIBE',
  'NOTIFY',
  'PUBLISH',
  'MESSAGE',
  'INFO',
  'PRACK',
  'UPDATE',
  'REFER',
]

/** Worked out once: every request and reply is counted. */
const REQUESTS = new Map(METHODS.map((method) => [method, `core.rcv_requests_${method.toLowerCase()}`]))
const REPLIES = Array.from({ length: 700 }, (_, status) => ({
  class: `sl.${Math.floor(status / 100)}xx_replies`,
  status: `sl.${status}_replies`,
}))

export function createStatistics(numbers: Numbers): Service {
  numbers.declare('core', 'rcv_requests')
  for (const method of METHODS) numbers.declare('core', `rcv_requests_${method.toLowerCase()}`)
  for (const name of ['1xx', '2xx', '3xx', '4xx', '5xx', '6xx', '200', '202', '401', '404', '407', '480', '486'])
    numbers.declare('sl', `${name}_replies`)
  const line = (name: string, value: number) => `${name} = ${value}`
  return {
    module: 'statistics',
    operations: {
      read(_run, args) {
        const key = numbers.find(textOf(fieldsOf(args).name))
        return key === undefined ? null : numbers.get(key)
      },
      update(_run, args) {
        const { name, difference } = fieldsOf(args)
        const key = numbers.find(textOf(name))
        if (key === undefined) return -1
        numbers.add(key, wholeOf(difference))
        return 1
      },
      reset(_run, args) {
        const key = numbers.find(textOf(fieldsOf(args).name))
        if (key === undefined) return -1
        numbers.reset(key)
        return 1
      },
    },
    commands: {
      'stats.get_statistics': (given) =>
        given.flatMap((each) => {
          const text = `${each}`
          if (text.endsWith(':')) return numbers.of(text.slice(0, -1)).map(([name, value]) => line(name, value))
          if (text === 'all') return numbers.of('all').map(([name, value]) => line(name, value))
          const key = numbers.find(text)
          return key === undefined ? [] : [line(key.replace('.', ':'), numbers.get(key))]
        }),
      'stats.fetch': (given) =>
        Object.fromEntries(
          given.flatMap((each) =>
            numbers.of(`${each}`.replace(/:$/, '')).map(([name, value]) => [name.replace(':', '.'), `${value}`]),
          ),
        ),
      'stats.reset_statistics'(given) {
        const key = numbers.find(rpcText(given, 0, 'the statistic'))
        if (key !== undefined) numbers.reset(key)
        return ''
      },
    },
    configure(given) {
      for (const value of new Parameters(given).all('variable'))
        numbers.declare('script', `${value}`.split('/', 1)[0]!.trim())
    },
    requestBegan({ request }: RequestContext) {
      numbers.add('core.rcv_requests', 1)
      numbers.add(REQUESTS.get(request.method) ?? 'core.rcv_requests_other', 1)
    },
    requestAnswered(_context, status) {
      const keys = REPLIES[status]
      if (keys === undefined) return
      numbers.add(keys.class, 1)
      numbers.add(keys.status, 1)
    },
  }
}

export function createCounters(numbers: Numbers): Service {
  const keyOf = (text: string) => numbers.find(text.includes('.') ? text : `script.${text}`)
  const change = (args: unknown, action: (key: string) => void): number => {
    const key = keyOf(textOf(fieldsOf(args).name))
    if (key === undefined) return -1
    action(key)
    return 1
  }
  return {
    module: 'counters',
    operations: {
      add: (_run, args) => change(args, (key) => numbers.add(key, wholeOf(fieldsOf(args).difference))),
      reset: (_run, args) => change(args, (key) => numbers.reset(key)),
    },
    commands: {
      'cnt.get'(given) {
        const key = numbers.find(`${rpcText(given, 0, 'the group')}.${rpcText(given, 1, 'the counter')}`)
        if (key === undefined) throw new RpcFault(400, 'non-existent counter')
        return numbers.get(key)
      },
      'cnt.reset'(given) {
        const key = numbers.find(`${rpcText(given, 0, 'the group')}.${rpcText(given, 1, 'the counter')}`)
        if (key !== undefined) numbers.reset(key)
        return ''
      },
      'cnt.grps_list': () => numbers.groups(),
      'cnt.var_list': (given) =>
        numbers.of(rpcText(given, 0, 'the group')).map(([name]) => name.slice(name.indexOf(':') + 1)),
      'cnt.grp_get_all': (given) =>
        Object.fromEntries(
          numbers.of(rpcText(given, 0, 'the group')).map(([name, value]) => [name.slice(name.indexOf(':') + 1), value]),
        ),
    },
    configure(given) {
      const parameters = new Parameters(given)
      for (const value of parameters.all('script_counter')) {
        const [name = ''] = `${value}`.trim().split(/\s/, 1)
        const [group, counter] = name.includes('.')
          ? name.split('.', 2)
          : [parameters.text('script_cnt_grp_name', 'script'), name]
        numbers.declare(group!, counter!)
      }
    },
  }
}
