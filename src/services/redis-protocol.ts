// Owns the reading of Redis' replies (RESP2).

export type RedisReply =
  | { readonly kind: 'text' | 'status' | 'error'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'list'; readonly value: readonly RedisReply[] }

const MOST_DEEP = 8

/** The reply at the start of the bytes and how many it takes; undefined: it is not whole yet; `wrong`: it is none. */
export function readReply(
  bytes: string,
  at = 0,
  depth = 0,
): { reply: RedisReply; length: number } | undefined | 'wrong' {
  const end = bytes.indexOf('\r\n', at)
  if (end < 0) return undefined
  const line = bytes.slice(at + 1, end)
  const length = end + 2 - at
  switch (bytes[at]) {
    case '+':
      return { reply: { kind: 'status', value: line }, length }
    case '-':
      return { reply: { kind: 'error', value: line }, length }
    case ':':
      return { reply: { kind: 'number', value: Number(line) }, length }
    case '$': {
      const size = Number(line)
      if (!Number.isInteger(size)) return 'wrong'
      if (size < 0) return { reply: { kind: 'nothing' }, length }
      if (bytes.length < end + 2 + size + 2) return undefined
      return { reply: { kind: 'text', value: bytes.slice(end + 2, end + 2 + size) }, length: length + size + 2 }
    }
    case '*': {
      const count = Number(line)
      if (!Number.isInteger(count) || depth >= MOST_DEEP) return 'wrong'
      if (count < 0) return { reply: { kind: 'nothing' }, length }
      const value: RedisReply[] = []
      let next = end + 2
      for (let i = 0; i < count; i++) {
        const read = readReply(bytes, next, depth + 1)
        if (read === undefined || read === 'wrong') return read
        value.push(read.reply)
        next += read.length
      }
      return { reply: { kind: 'list', value }, length: next - at }
    }
    default:
      return 'wrong'
  }
}
