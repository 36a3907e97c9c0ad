// Owns the service of module domain: the domains that are served here, kept in memory, with their attributes.
import { type Answer, chain, type Databases } from '../database/index.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import type { Service, ServiceHost } from './service.ts'
import { lookUp, textIn, told } from './table-lookup.ts'

interface Attribute {
  readonly name: string
  readonly value: string | number
}

interface Domains {
  /** The id of a domain, by its name in lower case. */
  readonly ids: ReadonlyMap<string, string>
  readonly attributes: ReadonlyMap<string, readonly Attribute[]>
}

const NONE: Domains = { ids: new Map(), attributes: new Map() }

export function createDomain(host: ServiceHost, databases: Databases): Service {
  let parameters = new Parameters([])
  let domains = NONE
  let configured = false
  let started = false

  /** Answers whether the tables could be read; what was known stays when they could not. */
  function load(): Answer<boolean> {
    if (!configured) return true
    return told(
      host,
      'domains',
      () => {
        const p = parameters
        const database = databases.open(p.text('db_url'))
        const [name, did] = [p.text('domain_col', 'domain'), p.text('did_col', 'did')]
        const [attribute, type, value] = [
          p.text('name_col', 'name'),
          p.text('type_col', 'type'),
          p.text('value_col', 'value'),
        ]
        const table = p.text('domain_table', 'domain')
        return chain(lookUp({ database, table, columns: [name, did], where: {} }), (rows) => {
          const ids = new Map(
            rows.map((row) => [textIn(row, name).toLowerCase(), textIn(row, did) || textIn(row, name)] as const),
          )
          const attributesOf = lookUp({
            database,
            table: p.text('domain_attrs_table', 'domain_attrs'),
            columns: [did, attribute, type, value],
            where: {},
          })
          return chain(attributesOf, (found) => {
            const attributes = new Map<string, Attribute[]>()
            for (const row of found) {
              const list = attributes.get(textIn(row, did)) ?? []
              // Kamailio's types: 0 a number, 2 a text.
              const text = textIn(row, value)
              list.push({ name: textIn(row, attribute), value: Number(row[type]) === 0 ? Number(text) : text })
              attributes.set(textIn(row, did), list)
            }
            domains = { ids, attributes }
            return true
          })
        })
      },
      false,
    )
  }

  return {
    module: 'domain',
    operations: {
      /** The id of a domain that is served here, and its attributes; null for another. */
      find(_run, args) {
        const id = domains.ids.get(textOf(fieldsOf(args).domain, 256).toLowerCase())
        return id === undefined ? null : { did: id, attributes: domains.attributes.get(id) ?? [] }
      },
    },
    commands: {
      'domain.reload': () =>
        chain(load(), (done) => {
          if (!done) throw new Error('the domains could not be read')
          return ''
        }),
      'domain.dump': () => ({
        domains: [...domains.ids].map(([domain, did]) => ({
          domain,
          did,
          attributes: domains.attributes.get(did) ?? [],
        })),
      }),
    },
    isOwnHost: (name) => parameters.on('register_myself') && domains.ids.has(name.toLowerCase()),
    configure(list) {
      parameters = new Parameters(list)
      configured = list.length > 0
      if (started) void load()
    },
    async start() {
      started = true
      await load()
    },
  }
}
