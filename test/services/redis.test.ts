// Checks module ndb_redis: replies read byte by byte, commands cut, a server that is there and one that is not.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { commandParts } from '../../src/services/redis.ts'
import { readReply } from '../../src/services/redis-protocol.ts'
import { request } from '../../src/testkit/index.ts'
import { describeWithPeers } from '../interop/peers.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'

let cfg: CfgRoute
afterEach(() => cfg?.close())

test('replies are read when they are whole', () => {
  const bytes = '*3\r\n$3\r\nabc\r\n:7\r\n*2\r\n$-1\r\n+OK\r\n'
  for (let end = 0; end < bytes.length; end++) expect(readReply(bytes.slice(0, end))).toBeUndefined()
  expect(readReply(`${bytes}-ERR x\r\n`)).toEqual({
    reply: {
      kind: 'list',
      value: [
        { kind: 'text', value: 'abc' },
        { kind: 'number', value: 7 },
        { kind: 'list', value: [{ kind: 'nothing' }, { kind: 'status', value: 'OK' }] },
      ],
    },
    length: bytes.length,
  })
  expect(readReply('HTTP/1.1 400\r\n')).toBe('wrong')
})

test('commands are cut at blanks, further arguments are whole', () => {
  expect(commandParts('SET key:%s  %s', ['a b', 'c d'])).toEqual(['SET', 'key:a b', 'c d'])
})

test('a script asks a server, and learns that another is not there', async () => {
  const asked: string[] = []
  const server = createServer((socket) => {
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      asked.push(text)
      socket.write(text.includes('LRANGE') ? '*2\r\n$1\r\na\r\n$1\r\nb\r\n' : '$5\r\nvalue\r\n')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  try {
    cfg = await cfgRoute(
      'tm sl pv xlog textops ndb_redis',
      `modparam("ndb_redis", "server", "name=s;addr=127.0.0.1;port=${port}")
modparam("ndb_redis", "server", "name=gone;addr=127.0.0.1;port=1")
request_route {
  redis_cmd("s", "GET user:%s", "$rU", "r"); xlog("$rc $redis(r=>type) $redis(r=>value)\\n");
  redis_cmd("s", "LRANGE l 0 -1", "l"); xlog("$redis(l=>size) $redis(l=>value[1]) $redis(l=>type[0])\\n");
  redis_free("r"); xlog("[$redis(r=>value)]\\n");
  redis_cmd("gone", "PING", "g"); xlog("$rc $redis(g=>type)\\n");
  redis_cmd("none", "PING", "g"); xlog("$rc\\n");
}`,
    )
    await cfg.route
      .party('udp:127.0.0.6:5060')
      .send(request('OPTIONS', { from: 'udp:127.0.0.6:5060', uri: 'sip:joe@x' }))
    for (let i = 0; i < 200 && cfg.said().length < 5; i++) {
      await cfg.route.settle()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(cfg.said()).toEqual(['1 1 value', '2 b 1', '[<null>]', '-1 6', '-1'])
    expect(asked[0]).toBe('*2\r\n$3\r\nGET\r\n$8\r\nuser:joe\r\n')
  } finally {
    server.close()
  }
})

describeWithPeers('a Redis server', ['redis-server'], () => {
  test('takes what a script writes and gives it back', { timeout: 20_000 }, async () => {
    const port = 49_379
    const server = spawn('redis-server', [
      '--port',
      `${port}`,
      '--save',
      '',
      '--appendonly',
      'no',
      '--requirepass',
      'secret',
    ])
    try {
      for await (const chunk of server.stdout) if (/ready to accept/i.test(`${chunk}`)) break
      cfg = await cfgRoute(
        'tm sl pv xlog textops ndb_redis',
        `modparam("ndb_redis", "server", "name=s;addr=127.0.0.1;port=${port};db=1;pass=secret")
request_route {
  redis_cmd("s", "SET greeting %s", "hello world", "r"); xlog("$redis(r=>type) $redis(r=>info)\\n");
  redis_cmd("s", "GET greeting", "r"); xlog("$redis(r=>value)\\n");
  redis_cmd("s", "INCR n", "r"); xlog("$redis(r=>type) $redis(r=>value)\\n");
  redis_cmd("s", "GET nothing", "r"); xlog("$redis(r=>type)\\n");
  redis_cmd("s", "NOSUCH", "r"); xlog("$rc\\n");
}`,
      )
      await cfg.route.party('udp:127.0.0.6:5060').send(request('OPTIONS', { from: 'udp:127.0.0.6:5060' }))
      for (let i = 0; i < 400 && cfg.said().length < 5; i++) {
        await cfg.route.settle()
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      expect(cfg.said()).toEqual(['5 OK', 'hello world', '3 1', '4', '-1'])
    } finally {
      server.kill()
    }
  })
})
