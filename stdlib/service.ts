// Owns the way from a builtin to its module's service in the host.
import { op, Pending } from './runtime.ts'

/** Asks a service for something; the shape of arguments and answer is that of the operation. */
export function ask<T>(module: string, operation: string, args: unknown = null): T | Pending<T> {
  return op('service', { module, operation, args }) as T | Pending<T>
}

/** As {@link ask}, for an operation that is never delayed. */
export function askNow<T>(module: string, operation: string, args: unknown = null): T {
  const answer = ask<T>(module, operation, args)
  if (answer instanceof Pending)
    throw new Error(`The host delayed ${module}.${operation}, which has to be answered at once.`)
  return answer
}
