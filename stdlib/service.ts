// Owns the way from a builtin to its module's service in the host.
import { op, Pending } from './runtime.ts'
import { received } from './text-bounds.ts'

/** Asks a service for something; the shape of arguments and answer is that of the operation. */
export function ask<T>(module: string, operation: string, args: unknown = null): T | Pending<T> {
  const answer = op('service', { module, operation, args })
  if (typeof answer === 'string') received(answer)
  return answer as T | Pending<T>
}

/** As {@link ask}, for an operation that is never delayed. */
export function askNow<T>(module: string, operation: string, args: unknown = null): T {
  const answer = ask<T>(module, operation, args)
  if (answer instanceof Pending)
    throw new Error(`The host delayed ${module}.${operation}, which has to be answered at once.`)
  return answer
}
