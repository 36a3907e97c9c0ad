// Owns the tests of what the lane keeps for a connection, and of the bounds of it.
import { execFileSync } from 'node:child_process'
import { createServer, type Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { ConnectionPool } from '../../src/transport/connection-pool.ts'
import { Kind } from '../../src/transport/front-rings.ts'
import { bare, closing, met, native, tick, until } from './front-rig.ts'
import { optionsRequest } from './requests.ts'

/** Which sends, by shard and number, are told as failed when the far end that got `count` of them resets; `answer` comes before the last. */
async function hung(answer: string, count = 4) {
  const rig = await bare(2)
  let far: Socket | undefined
  let heard = ''
  const server = createServer((socket) => {
    far = socket
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1')
    })
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  const { port } = server.address() as { port: number }
  const send = async (shard: number, id: number): Promise<void> => {
    rig.writers[shard]!.push(Kind.send, id, port, 0, 'tcp 127.0.0.1', optionsRequest({ callId: `s${id}.` }))
    await until(() => heard.includes(`s${id}.`))
    await tick(5)
  }
  for (let id = 1; id < count; id++) await send(id % 2, id)
  if (answer !== '') {
    far!.write(answer)
    await until(() => rig.texts().length === 1)
  }
  await send(1, count)
  far!.resetAndDestroy()
  await until(() => rig.front.stats().connections.open === 0)
  rig.read()
  return rig.records.filter(({ kind }) => kind === Kind.sendFailed).map(({ shard, a }) => [shard, a])
}

test('what left for a far end that is not heard again is told to the shards that sent it', async () => {
  expect((await hung('')).toSorted()).toEqual([
    [0, 2],
    [1, 1],
    [1, 3],
    [1, 4],
  ])
})

test('what a far end answered after is not', async () => {
  expect(await hung(optionsRequest())).toEqual([[1, 4]])
})

test('no more of them than can be under way, the last ones', async () => {
  const told = (await hung('', 40)).map(([, id]) => id!).toSorted((a, b) => a - b)
  // The first opened the connection and the second found it: those two it remembers itself.
  expect(told).toEqual([1, 2, ...Array.from({ length: 32 }, (_, n) => 9 + n)])
})

/** Sets how many descriptors this process may have. Returns how many those were. */
function allowDescriptors(count: string): string {
  const own = ['--pid', `${process.pid}`]
  const before = execFileSync('prlimit', [...own, '--nofile', '--output=SOFT', '--noheadings'], { encoding: 'utf8' })
  execFileSync('prlimit', [...own, `--nofile=${count}:`])
  return before.trim()
}

test('a connection in the last quarter of the descriptors is served without the lane', async () => {
  const seen = vi.spyOn(ConnectionPool.prototype, 'message')
  closing.push(() => seen.mockRestore())
  const rig = await bare(1)
  // The quarter shall have room for what else this process opens meanwhile. The system gives the lowest that is free.
  const held = Array.from({ length: 300 }, () => native.duplicate(rig.event))
  closing.push(() => held.forEach(native.close))
  const quarter = Math.floor(held.at(-1)! / 3)
  const before = allowDescriptors(`${4 * quarter}`)
  closing.push(() => allowDescriptors(before))
  const late = await met(rig)
  expect(seen).toHaveBeenCalledOnce()
  rig.writers[0]!.push(Kind.reply, 1, late.flow, 0, '', 'reply')
  await until(() => late.text() === 'reply')
  allowDescriptors(`${4 * (quarter + 8)}`)
  await met(rig)
  expect(seen).toHaveBeenCalledOnce()
})
