// Owns the presence of real peers: a missing one skips its tests loudly, and fails them where CI is set.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

/** The package of Debian that has each program; `.ci/run` installs them all. */
export const PACKAGES = {
  baresip: 'baresip-core',
  chromium: 'chromium',
  'clang++': 'clang',
  dumpcap: 'tshark',
  kamailio: 'kamailio',
  netns: 'iproute2',
  openssl: 'openssl',
  'redis-server': 'redis-server',
  rtpengine: 'rtpengine-daemon',
  sipp: 'sip-tester',
  sox: 'sox',
} as const

/** A program, or `netns`: the right to make network namespaces. */
export type Peer = keyof typeof PACKAGES

const found = new Map<string, boolean>()

function present(program: string): boolean {
  const known = found.get(program)
  if (known !== undefined) return known
  const paths = (process.env.PATH ?? '').split(':').concat('/usr/sbin', '/sbin')
  const there = paths.some((folder) => existsSync(`${folder}/${program}`))
  found.set(program, there)
  return there
}

/** Whether this process may make network namespaces (root, and ip from iproute2). */
export function canMakeNamespaces(): boolean {
  const known = found.get('netns')
  if (known !== undefined) return known
  let able = false
  if (present('ip') && process.getuid?.() === 0) {
    const name = `sbprobe${process.pid}`
    try {
      execFileSync('ip', ['netns', 'add', name], { stdio: 'ignore' })
      execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' })
      able = true
    } catch {
      able = false
    }
  }
  found.set('netns', able)
  return able
}

/** Describes tests that need real peers; see the first line of this file. */
export function describeWithPeers(title: string, programs: readonly Peer[], body: () => void): void {
  const missing = programs.filter((program) => (program === 'netns' ? !canMakeNamespaces() : !present(program)))
  if (missing.length === 0) {
    describe(title, body)
    return
  }
  const packages = missing.map((program) => PACKAGES[program])
  const reason = `${title}: needs ${missing.join(', ')}, which this machine lacks: apt-get install ${packages.join(' ')}`
  if (process.env.CI) {
    describe(title, () => {
      test('has its peers', () => {
        expect.fail(reason)
      })
    })
    return
  }
  process.stderr.write(`SKIPPED ${reason}\n`)
  describe.skip(title, body)
}
