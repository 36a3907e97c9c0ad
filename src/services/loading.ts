// Owns what a service reads from a database at its start: a failure is logged, and the service goes on without.
import type { ServiceHost } from './service.ts'

/** Resolves when `load` has ended, well or not. */
export async function loadedAtStart(host: ServiceHost, what: string, load: () => Promise<void>): Promise<void> {
  try {
    await load()
  } catch (error) {
    host.log.error({ err: error }, `${what} could not be read from the database`)
  }
}
