// Owns module ndb_redis: commands to Redis, and the replies that they had.
import { declarations, text } from './declaration.ts'
import { define, defineWaiting } from './define.ts'
import { after } from './pending.ts'
import { definePvClass, type PvValue } from './pv.ts'
import { PvSyntaxError } from './pv-format.ts'
import { ask } from './service.ts'

const MODULE = 'ndb_redis'
const redis = declarations(MODULE)

interface Reply {
  readonly kind: 'text' | 'list' | 'number' | 'nothing' | 'status' | 'error'
  readonly value?: string | number | readonly Reply[]
}

/** Replies by the name that the script gave; of the process, as in Kamailio. */
const replies = new Map<string, Reply>()
const MOST_REPLIES = 1000

const COMMAND = [text('server'), text('command'), text('result')]
const MORE = [text('first'), text('second'), text('third')]

export const redisCmd = defineWaiting(
  {
    ...redis(
      'redis_cmd',
      COMMAND,
      'Sends a command to a server of modparam server; %s stands for the next argument. $redis(result=>value) has the reply.',
      'redis_cmd("srv1", "GET route:%s", "$rU", "r");',
    ),
    overloads: [1, 2, 3].map((count) => [text('server'), text('command'), ...MORE.slice(0, count), text('result')]),
  },
  (server: string, command: string, ...rest: string[]) => {
    const name = rest.at(-1)!
    return after(
      ask<Reply | null>(MODULE, 'command', { server, command, given: rest.slice(0, -1) }),
      (reply): number => {
        if (reply === null) return -1
        if (replies.size >= MOST_REPLIES && !replies.has(name)) replies.delete(replies.keys().next().value!)
        replies.set(name, reply)
        return reply.kind === 'error' ? -1 : 1
      },
    )
  },
)

export const redisFree = define(
  redis('redis_free', [text('result')], 'Forgets a reply.', 'redis_free("r");'),
  (name: string) => {
    replies.delete(name)
    return 1
  },
)

/** hiredis' numbers. */
const TYPES: Readonly<Record<Reply['kind'], number>> = { text: 1, list: 2, number: 3, nothing: 4, status: 5, error: 6 }

const scalar = ({ kind, value }: Reply): PvValue =>
  kind === 'nothing' || kind === 'list' || value === undefined ? null : typeof value === 'object' ? null : value

definePvClass(
  {
    name: 'redis',
    module: MODULE,
    inner: { name: 'result=>part' },
    doc: 'A part of a reply: type, value, info, size, and value[n], type[n] of a list.',
  },
  (inner) => {
    if (!inner.text.includes('=>')) throw new PvSyntaxError(`'${inner.text}' is not result=>part`, 0)
    return {
      get() {
        const [name = '', part = ''] = inner
          .format()
          .split('=>')
          .map((each) => each.trim())
        let reply = replies.get(name)
        const [, field = '', indexes = ''] = /^(type|value|info|size)((?:\[-?\d+\])*)$/.exec(part) ?? []
        for (const [, index] of indexes.matchAll(/\[(-?\d+)\]/g))
          reply = reply?.kind === 'list' ? (reply.value as readonly Reply[]).at(Number(index)) : undefined
        if (reply === undefined) return null
        switch (field) {
          case 'type':
            return TYPES[reply.kind]
          case 'size':
            return reply.kind === 'list' ? (reply.value as readonly Reply[]).length : null
          case 'info':
            return reply.kind === 'error' || reply.kind === 'status' ? scalar(reply) : null
          case 'value':
            return scalar(reply)
          default:
            return null
        }
      },
    }
  },
)
