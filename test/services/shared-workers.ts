// Owns hosts of services as several workers have them: one clock, and one store in a file that all of them open.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ManualClock } from '../../src/clock.ts'
import { silentLog } from '../../src/log.ts'
import type { EventRun, ServiceHost } from '../../src/services/service.ts'
import { createIds } from '../../src/sip/index.ts'
import { createSqliteStore, type Store } from '../../src/store/index.ts'

export interface SharedWorkers {
  /** A host for one more worker; its events come to `heard`. */
  host(heard?: (event: EventRun) => void, more?: Partial<ServiceHost>): ServiceHost
  close(): Promise<void>
}

/** Workers of which nobody is reached and every event has a route. */
export function sharedWorkers(clock: ManualClock): SharedWorkers {
  const folder = mkdtempSync(join(tmpdir(), 'shared-workers-'))
  const stores: Store[] = []
  let serial = 0
  return {
    host(heard = () => {}, more = {}) {
      const store = createSqliteStore({ clock, file: join(folder, 'store') })
      stores.push(store)
      return {
        clock,
        log: silentLog,
        ids: createIds((bytes) => `${++serial}`.padStart(bytes * 2, '0')),
        store,
        folder,
        listeners: () => [],
        isLocal: () => false,
        respond() {},
        finish() {},
        callHash: () => 0,
        command: () => Promise.reject(new Error('no commands')),
        send: async () => ({ status: 408, reason: 'Request Timeout' }),
        datagram() {},
        event: async (event) => {
          heard(event)
          return true
        },
        dropped: async () => false,
        hasEvent: () => true,
        continue: async () => false,
        ...more,
      }
    },
    async close() {
      for (const store of stores) await store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
