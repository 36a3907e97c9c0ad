// Owns the proof that builtins do as Kamailio 5.6 does: one file, the same messages, both servers, every message that leaves compared.
import { spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { EngineUnderTest, scratch } from '../../interop/engine.ts'
import { describeWithPeers } from '../../interop/peers.ts'
import { type Case, outcomes } from './side.ts'

/** Four ports in a row that nobody has: theirs, ours, the caller's, the callee's. */
async function freePorts(): Promise<number> {
  for (let base = 46_500 + (process.pid % 100) * 4; base < 46_990; base += 4) {
    const sockets = await Promise.all([0, 1, 2, 3].map((offset) => tryBind(base + offset)))
    for (const socket of sockets) socket?.close()
    if (sockets.every((socket) => socket !== undefined)) return base
  }
  throw new Error('no four free ports in a row below 46990')
}

async function tryBind(port: number): Promise<Socket | undefined> {
  const socket = createSocket('udp4')
  socket.bind(port, '127.0.0.1')
  try {
    await once(socket, 'listening')
    return socket
  } catch {
    return undefined
  }
}

const BASE = await freePorts()
const [THEIRS, OURS, CALLER, CALLEE] = [BASE, BASE + 1, BASE + 2, BASE + 3]
const file = readFileSync(new URL('functions.cfg', import.meta.url), 'latin1').replaceAll('SINK', String(CALLEE))

const cases: Case[] = [...file.matchAll(/case "(\w+)":/g)].map(([, name]) =>
  name === 'e4'
    ? {
        name,
        toTag: ';tag=9',
        headers: [
          'Route: <sip:127.0.0.1:PORT;r2=on;lr>, <sip:127.0.0.1:PORT;r2=on;lr>',
          `Route: <sip:127.0.0.1:${CALLEE};lr>`,
        ],
      }
    : { name: name! },
)

/** Where we differ, and why. */
const DIFFERENT: Readonly<Record<string, string>> = {
  f4: 'RFC 3581 4: received goes in with rport also when the address is the one that the Via names',
}

async function withKamailio<T>(config: string, folder: string, body: () => Promise<T>): Promise<T> {
  const args = ['-DD', '-E', '-Y', folder, '-P', `${folder}/pid`, '-f', config]
  const kamailio = spawn('kamailio', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(kamailio, 'exit')
  let told = ''
  kamailio.stderr.on('data', (data) => {
    told = (told + String(data)).slice(-2000)
  })
  try {
    return await Promise.race([
      body(),
      ended.then(() => {
        throw new Error(`kamailio ended:\n${told}`)
      }),
    ])
  } finally {
    kamailio.kill('SIGTERM')
    const killed = setTimeout(() => kamailio.kill('SIGKILL'), 5000)
    if (kamailio.exitCode === null) await ended
    clearTimeout(killed)
  }
}

describeWithPeers('the functions of a .cfg', ['kamailio'], () => {
  test('do as Kamailio does', { timeout: 60_000 }, async () => {
    const folder = scratch()
    const write = (name: string, port: number) =>
      folder.write(name, file.replaceAll('LISTENON', `udp:127.0.0.1:${port}`))
    try {
      const theirs = await withKamailio(write('kamailio.cfg', THEIRS), folder.folder, () =>
        outcomes(cases, { server: THEIRS, caller: CALLER, callee: CALLEE }),
      )
      const engine = await EngineUnderTest.run([write('signalbox.cfg', OURS)])
      const ours = await outcomes(cases, { server: OURS, caller: CALLER, callee: CALLEE })
      await engine.stop()
      expect(cases.length).toBeGreaterThan(90)
      expect([...theirs.values()].filter((texts) => texts.length > 0).length).toBeGreaterThan(80)
      for (const { name } of cases) {
        if (name in DIFFERENT) expect(ours.get(name), `${name} is listed as different`).not.toEqual(theirs.get(name))
        else expect.soft(ours.get(name), `case ${name}`).toEqual(theirs.get(name))
      }
    } finally {
      folder.remove()
    }
  })
})
