// Owns the service of module pike: requests counted by source, in a tree of the bytes of addresses as Kamailio's.
import { isIPv4 } from 'node:net'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import type { Service, ServiceHost } from './service.ts'
import { type Counted, SharedCounts } from './shared-counts.ts'

/** `counter`: of this unit. */
interface Node extends Counted {
  previous: number
  blocked: boolean
  expires: number
}

const MOST_NODES = 500_000
/** Of the density; the rest of a portion is what a worker may let pass too much. */
const PORTIONS = 8

/** The prefixes of an address, byte by byte; undefined where it is none. */
function prefixes(address: string): string[] | undefined {
  const parts = isIPv4(address)
    ? address.split('.')
    : /^[0-9a-f:.]+$/i.test(address) && address.includes(':')
      ? ipv6Bytes(address)
      : undefined
  if (parts === undefined) return undefined
  const all: string[] = []
  for (const part of parts) all.push(`${all.at(-1) ?? ''}.${part}`)
  return all
}

function ipv6Bytes(address: string): string[] {
  const [head = '', tail] = address.toLowerCase().split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const [before, after] = [groups(head), groups(tail ?? '')]
  const middle =
    tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0')
  return [...before, ...middle, ...after].flatMap((group) => {
    const value = Number.parseInt(group, 16) || 0
    return [`${value >> 8}`, `${value & 255}`]
  })
}

export function createPike(host: ServiceHost): Service {
  let parameters = new Parameters([])
  const nodes = new Map<string, Node>()
  const counts = new SharedCounts(host, 'pike:counts')
  let timer: { cancel(): void } | undefined

  const most = () => Math.max(1, parameters.number('reqs_density_per_unit', 30))
  const latency = () => parameters.number('remove_latency', 120) * 1000

  /** 1: go on; -2: it has just become too much; -1: it still is. */
  function check(address: string): number {
    const path = prefixes(address)
    if (path === undefined) return -1
    const now = host.clock.now()
    const depth = path.findIndex((each) => !nodes.has(each))
    for (const prefix of path) {
      const node = nodes.get(prefix)
      if (node !== undefined) node.expires = now + latency()
    }
    // A request takes the path one byte further until it is whole.
    if (depth >= 0) {
      if (nodes.size >= MOST_NODES) return 1
      const whole = depth === path.length - 1
      const counter = whole ? 1 : 0
      nodes.set(path[depth]!, { counter, untold: counter, previous: 0, blocked: false, expires: now + latency() })
      return 1
    }
    const leaf = nodes.get(path.at(-1)!)!
    const density = most()
    // Beyond it nobody needs to know by how much.
    if (leaf.counter > density) leaf.counter++
    else counts.add(address, leaf, Math.max(1, Math.floor(density / PORTIONS)))
    if (leaf.blocked) return -1
    if (leaf.counter <= density) return 1
    leaf.blocked = true
    host.log.warn({ source: address }, 'a source sends too much and is blocked')
    return -2
  }

  function sample(): void {
    timer?.cancel()
    timer = host.clock.setTimer(counts.begin(Math.max(1, parameters.number('sampling_time_unit', 2)) * 1000), () => {
      const now = host.clock.now()
      for (const [prefix, node] of nodes) {
        if (node.expires <= now) {
          nodes.delete(prefix)
          continue
        }
        if (node.blocked && node.counter <= most()) node.blocked = false
        node.previous = node.counter
        node.counter = 0
        node.untold = 0
      }
      sample()
    })
  }

  return {
    module: 'pike',
    operations: {
      request: (run) => check(run.flow.remoteAddress),
      address: (_run, args) => check(textOf(fieldsOf(args).address, 64)),
    },
    commands: {
      'pike.top'(given) {
        const all = `${given[0] ?? 'HOT'}`.toUpperCase() === 'ALL'
        const list = [...nodes]
          .filter(([prefix, node]) => /^(?:\.\d+){4}$|^(?:\.\d+){16}$/.test(prefix) && (all || node.blocked))
          .map(([prefix, node]) => ({
            ip_addr: prefix.slice(1),
            leaf_hits_prev: node.previous,
            leaf_hits_curr: node.counter,
            expires: Math.ceil((node.expires - host.clock.now()) / 1000),
            status: node.blocked ? 'HOT' : 'WARM',
          }))
        return { max_hits: most(), list, number_of_rows: list.length }
      },
    },
    configure(given) {
      parameters = new Parameters(given)
    },
    start: sample,
    close: () => timer?.cancel(),
  }
}
