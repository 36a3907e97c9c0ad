// Owns the way from a builtin to its module's service in the host.
import { op, Pending } from './runtime.ts'
import { made, received } from './text-bounds.ts'

/** Asks a service for something; the shape of arguments and answer is that of the operation. */
export function ask<T>(module: string, operation: string, args: unknown = null): T | Pending<T> {
  if (typeof args === 'object' && args !== null) given(args as Record<string, unknown>)
  const answer = op('service', { module, operation, args })
  if (typeof answer === 'string') received(answer)
  return answer as T | Pending<T>
}

/** What a service is given is copied for it: its texts count as made. */
function given(args: Readonly<Record<string, unknown>>): void {
  for (const name in args) {
    const value = args[name]
    if (typeof value === 'string') made(value)
  }
}

/** As {@link ask}, for an operation that is never delayed. */
export function askNow<T>(module: string, operation: string, args: unknown = null): T {
  const answer = ask<T>(module, operation, args)
  if (answer instanceof Pending)
    throw new Error(`The host delayed ${module}.${operation}, which has to be answered at once.`)
  return answer
}
