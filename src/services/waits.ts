// Owns the services of modules that only wait or look names up: cfgutils' sleep, ipops' dns_query, tm's requests of our own.
import { lookup } from 'node:dns/promises'
import type { Service, ServiceHost } from './service.ts'

const LONGEST_WAIT = 60_000

/** `sleep` and `usleep`: the run waits, nothing else does. */
export function createCfgutils(host: ServiceHost): Service {
  return {
    module: 'cfgutils',
    operations: {
      sleep(_run, args) {
        const { milliseconds } = (args ?? {}) as { milliseconds?: unknown }
        const delay = typeof milliseconds === 'number' && milliseconds > 0 ? Math.min(LONGEST_WAIT, milliseconds) : 0
        return new Promise<number>((resolve) => host.clock.setTimer(delay, () => resolve(1)))
      },
    },
  }
}

/** `dns_query`: addresses of a name, none where it has none. */
export function createIpops(): Service {
  return {
    module: 'ipops',
    operations: {
      async lookup(_run, args) {
        const { host } = (args ?? {}) as { host?: unknown }
        if (typeof host !== 'string' || host === '' || host.length > 256) return []
        try {
          const found = await lookup(host, { all: true })
          return found.slice(0, 100).map(({ address, family }) => ({ address, type: family === 6 ? 6 : 4 }))
        } catch {
          return []
        }
      },
    },
  }
}

/** A header line taken out of a list of them: its value, and the lines without it. */
function takeLine(lines: string, name: string): { value: string | undefined; rest: string } {
  const found = new RegExp(`^${name}[ \\t]*:[ \\t]*([^\\r\\n]*)\\r?\\n?`, 'im').exec(lines)
  if (found === null) return { value: undefined, rest: lines }
  return { value: found[1]!.trim(), rest: lines.slice(0, found.index) + lines.slice(found.index + found[0].length) }
}

/** `t_uac_send`: a request of our own, whose outcome nobody waits for. */
export function createTm(host: ServiceHost): Service {
  return {
    module: 'tm',
    operations: {
      send(_run, args) {
        const given = (args ?? {}) as Record<string, unknown>
        const [method, ruri, nexthop, socket, headers, body] = [
          'method',
          'ruri',
          'nexthop',
          'socket',
          'headers',
          'body',
        ].map((name) => (typeof given[name] === 'string' ? (given[name] as string) : '')) as [
          string,
          string,
          string,
          string,
          string,
          string,
        ]
        if (!/^[A-Z]{1,32}$/.test(method) || ruri === '' || headers.length > 16_384 || body.length > 65_536) return -1
        const from = takeLine(headers, 'From')
        const to = takeLine(from.rest, 'To')
        if (from.value === undefined) return -1
        const listener = host.listeners().find((one) => `${one.transport}:${one.address}:${one.port}` === socket)
        void host.send({
          method,
          uri: ruri,
          from: from.value,
          ...(to.value === undefined ? {} : { to: to.value }),
          ...(nexthop === '' ? {} : { nextHop: nexthop }),
          ...(listener === undefined ? {} : { listener: listener.id }),
          ...(to.rest.trim() === '' ? {} : { headers: to.rest.endsWith('\n') ? to.rest : `${to.rest}\r\n` }),
          ...(body === '' ? {} : { body }),
        })
        return 1
      },
    },
  }
}
