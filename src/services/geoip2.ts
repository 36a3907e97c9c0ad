// Owns the service of module geoip2: where addresses are, by a MaxMind database in a file.
import { readFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { MaxmindDatabase, type MaxmindRecord, type MaxmindValue } from './maxmind-database.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import { RpcFault } from './rpc-fault.ts'
import type { Service, ServiceHost } from './service.ts'

/** Where each key of $gip2 lies in a record. */
const PLACES: Readonly<Record<string, readonly (string | number)[]>> = {
  cc: ['country', 'iso_code'],
  tz: ['location', 'time_zone'],
  zip: ['postal', 'code'],
  lat: ['location', 'latitude'],
  lon: ['location', 'longitude'],
  city: ['city', 'names', 'en'],
  regc: ['subdivisions', 0, 'iso_code'],
  regn: ['subdivisions', 0, 'names', 'en'],
  metro: ['location', 'metro_code'],
  contc: ['continent', 'code'],
}

function at(value: MaxmindValue, path: readonly (string | number)[]): MaxmindValue {
  let found: MaxmindValue | undefined = value
  for (const step of path) {
    if (typeof found !== 'object' || found === null) return null
    found = (found as Readonly<Record<string | number, MaxmindValue>>)[step]
  }
  return found ?? null
}

/** What $gip2 reads: texts, and the length of the network's prefix. */
function factsOf({ value, prefix }: MaxmindRecord): Record<string, string | number> {
  const facts: Record<string, string | number> = { nmask: prefix }
  for (const [key, path] of Object.entries(PLACES)) {
    const found = at(value, path)
    if (typeof found === 'string') facts[key] = found
    else if (typeof found === 'number') facts[key] = Number.isInteger(found) ? `${found}` : found.toFixed(6)
  }
  return facts
}

export function createGeoip2(host: ServiceHost): Service {
  let parameters = new Parameters([])
  let loadedPath = ''
  let database: MaxmindDatabase | undefined
  let why = 'modparam("geoip2", "path", ...) names no database'
  let started = false

  async function load(): Promise<void> {
    const path = parameters.text('path')
    if (path === '') return
    const full = isAbsolute(path) ? path : join(host.folder, path)
    try {
      database = new MaxmindDatabase(await readFile(full))
      loadedPath = path
    } catch (error) {
      why = `${full} cannot be read: ${error instanceof Error ? error.message : error}`
      throw new Error(why)
    }
  }

  /** What was known stays where a file cannot be read. */
  const loadOrTell = () =>
    load().catch((error: Error) => host.log.error({ error: error.message }, 'no database of places'))

  return {
    module: 'geoip2',
    operations: {
      /** What is known of an address; null: nothing. */
      find(_run, args) {
        if (database === undefined) throw new Error(`geoip2_match() has no database: ${why}`)
        try {
          const record = database.find(textOf(fieldsOf(args).address, 64))
          return record === undefined ? null : factsOf(record)
        } catch (error) {
          host.log.error({ error: String(error), path: loadedPath }, 'the database of places is damaged')
          return null
        }
      },
    },
    commands: {
      async 'geoip2.reload'() {
        try {
          await load()
        } catch (error) {
          throw new RpcFault(500, error instanceof Error ? error.message : String(error))
        }
        return ''
      },
    },
    configure(list) {
      parameters = new Parameters(list)
      if (started && parameters.text('path') !== loadedPath) void loadOrTell()
    },
    async start() {
      started = true
      await loadOrTell()
    },
  }
}
