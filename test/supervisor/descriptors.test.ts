// Owns the proof that a supervisor whose calls hold every descriptor of the process goes on, and has a stand-by again once some are free.
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readdirSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { freePort, Rig } from './rig.ts'

const SPARE = 64

const script = (port: number) => `
import { sendReply } from 'signalbox'
export const config = { listen: ['udp:127.0.0.1:${port}'] }
export function request_route() { return sendReply(200, 'OK') }
`

const held: number[] = []
const letGo = (): void => {
  for (const fd of held.splice(0)) closeSync(fd)
}

/** Sets how many descriptors this process may open; told what it was. */
function limit(count: string): string {
  const pid = String(process.pid)
  const asked = spawnSync('prlimit', ['--pid', pid, '--nofile', '--output', 'SOFT', '--noheadings', '--raw'])
  const { status, stderr } = spawnSync('prlimit', ['--pid', pid, `--nofile=${count}:`])
  if (status !== 0) throw new Error(`prlimit: ${stderr}`)
  return asked.stdout.toString().trim()
}

function takeAll(): void {
  try {
    for (;;) held.push(openSync('/dev/null', 'r'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error
  }
}

let rig: Rig

afterEach(async () => {
  letGo()
  await rig.close()
})

test('a stand-by that finds no descriptor is tried again until it finds some', { timeout: 60_000 }, async () => {
  rig = new Rig()
  const port = await freePort()
  const supervisor = await rig.start(script(port))
  const alice = await rig.party()
  const standby = async () => (await supervisor.status()).standby
  await rig.until('there is a stand-by', async () => (await standby()) !== undefined)
  const first = (await standby())!
  const highest = Math.max(...readdirSync('/proc/self/fd').map(Number))
  const before = limit(String(highest + SPARE))
  try {
    takeAll()
    process.kill(first, 'SIGKILL')
    const failures = () => rig.lines.filter(({ msg }) => msg.includes('a stand-by worker did not start'))
    await rig.until('a process could not be begun', () => failures().length > 0)
    // What the dead one left is taken too: not even memory can be shared.
    takeAll()
    await rig.until('that was tried', () =>
      failures().some(({ error }) => /memfd_create: Too many open files/.test(String(error))),
    )
    expect((await alice.ask(alice.request('OPTIONS', 'sip:127.0.0.1'), port)).status).toBe(200)
    letGo()
    await rig.until('there is another stand-by', async () => ![undefined, first].includes(await standby()))
  } finally {
    letGo()
    limit(before)
  }
})
