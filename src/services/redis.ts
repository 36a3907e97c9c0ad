// Owns the service of module ndb_redis: commands to Redis servers over RESP, bounded in time and size.
import { connect, type Socket } from 'node:net'
import { attributePairs } from './attributes.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import { type RedisReply, readReply } from './redis-protocol.ts'
import type { Service, ServiceHost } from './service.ts'

interface Address {
  readonly host: string
  readonly port: number
  readonly database: number
  readonly password: string
}

const LONGEST_REPLY = 1_048_576
const MOST_WAITING = 10_000

/** One server: commands go out in order, replies come back in order. */
class RedisServer {
  readonly #address: Address
  readonly #limits: () => { connect: number; command: number }
  #socket: Socket | undefined
  #held = ''
  #waiting: ((reply: RedisReply) => void)[] = []

  constructor(address: Address, limits: () => { connect: number; command: number }) {
    this.#address = address
    this.#limits = limits
  }

  command(parts: readonly string[]): Promise<RedisReply> {
    if (this.#waiting.length >= MOST_WAITING) return Promise.resolve({ kind: 'error', value: 'too many commands wait' })
    const socket = this.#open()
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#fail('the server did not answer in time'), this.#limits().command)
      this.#waiting.push((reply) => {
        clearTimeout(timer)
        resolve(reply)
      })
      this.#write(socket, parts)
    })
  }

  close(): void {
    this.#fail('closed')
  }

  #write(socket: Socket, parts: readonly string[]): void {
    const text = `*${parts.length}\r\n${parts.map((part) => `$${part.length}\r\n${part}\r\n`).join('')}`
    socket.write(Buffer.from(text, 'latin1'))
  }

  #open(): Socket {
    if (this.#socket !== undefined) return this.#socket
    const { host, port, database, password } = this.#address
    const socket = connect({ host, port })
    this.#socket = socket
    socket.setNoDelay(true)
    socket.setEncoding('latin1')
    const timer = setTimeout(() => this.#fail('the server cannot be reached in time'), this.#limits().connect)
    socket.on('connect', () => clearTimeout(timer))
    socket.on('data', (chunk: string) => this.#take(chunk))
    socket.on('error', (error) => this.#fail(error.message))
    socket.on('close', () => {
      clearTimeout(timer)
      if (this.#socket === socket) this.#fail('the connection ended')
    })
    for (const parts of [
      ...(password === '' ? [] : [['AUTH', password]]),
      ...(database === 0 ? [] : [['SELECT', `${database}`]]),
    ]) {
      this.#waiting.push(() => {})
      this.#write(socket, parts)
    }
    return socket
  }

  #take(chunk: string): void {
    this.#held += chunk
    for (;;) {
      const read = readReply(this.#held)
      if (read === undefined) break
      if (read === 'wrong') {
        this.#fail('the server speaks no RESP')
        return
      }
      this.#held = this.#held.slice(read.length)
      this.#waiting.shift()?.(read.reply)
    }
    if (this.#held.length > LONGEST_REPLY) this.#fail('a reply is too long')
  }

  #fail(reason: string): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#held = ''
    const socket = this.#socket
    this.#socket = undefined
    socket?.destroy()
    for (const resolve of waiting) resolve({ kind: 'error', value: reason })
  }
}

/** A command as hiredis cuts it: words, `%s` the next of the further arguments, whole. */
export function commandParts(command: string, given: readonly string[]): string[] {
  const rest = [...given]
  return command
    .trim()
    .split(/ +/)
    .map((word) => word.replace(/%s|%b/g, () => rest.shift() ?? ''))
}

export function createRedis(host: ServiceHost): Service {
  let parameters = new Parameters([])
  let servers = new Map<string, { text: string; server: RedisServer }>()
  const limits = () => ({
    connect: parameters.number('connect_timeout', 1000),
    command: parameters.number('cmd_timeout', 1000),
  })
  return {
    module: 'ndb_redis',
    operations: {
      async command(_run, args) {
        const { server, command, given } = fieldsOf(args)
        const found = servers.get(textOf(server))
        if (found === undefined) return null
        const parts = commandParts(textOf(command), Array.isArray(given) ? given.map((each) => textOf(each)) : [])
        if (parts.length === 0 || parts[0] === '') return null
        const reply = await found.server.command(parts)
        if (reply.kind === 'error')
          host.log.warn({ server: textOf(server), command: parts[0], reason: reply.value }, 'a Redis command failed')
        return reply
      },
    },
    configure(given) {
      parameters = new Parameters(given)
      const before = servers
      servers = new Map()
      for (const value of parameters.all('server')) {
        const text = `${value}`
        const pairs = new Map(attributePairs(text) ?? [])
        const name = pairs.get('name') ?? ''
        const known = before.get(name)
        const address = {
          host: pairs.get('addr') ?? '127.0.0.1',
          port: Number(pairs.get('port') ?? 6379),
          database: Number(pairs.get('db') ?? 0),
          password: pairs.get('pass') ?? '',
        }
        servers.set(name, known?.text === text ? known : { text, server: new RedisServer(address, limits) })
      }
      for (const [name, { server }] of before) if (servers.get(name)?.server !== server) server.close()
    },
    close() {
      for (const { server } of servers.values()) server.close()
    },
  }
}
