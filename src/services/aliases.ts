// Owns the services of alias_db, speeddial and uri_db: other names of users, in tables.
import { chain, type Databases } from '../database/index.ts'
import { parseUri } from '../sip/index.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import type { Service, ServiceHost, ServiceOperation } from './service.ts'
import { lookUp, textIn, told } from './table-lookup.ts'

/** A domain without the prefix that a parameter takes off. */
function withoutPrefix(domain: string, prefix: string): string {
  return prefix !== '' && domain.startsWith(prefix) ? domain.slice(prefix.length) : domain
}

interface Described {
  readonly module: string
  operations(parameters: () => Parameters): Readonly<Record<string, ServiceOperation>>
}

function service({ module, operations }: Described): Service {
  let parameters = new Parameters([])
  return {
    module,
    operations: operations(() => parameters),
    configure(list) {
      parameters = new Parameters(list)
    },
  }
}

export function createAliasDb(host: ServiceHost, databases: Databases): Service {
  return service({
    module: 'alias_db',
    operations: (parameters) => ({
      /** URIs that the table has for a URI. */
      find(_run, args) {
        const given = fieldsOf(args)
        const uri = parseUri(textOf(given.uri, 1024))
        const flags = textOf(given.flags, 8)
        if (uri?.user === undefined) return []
        const p = parameters()
        const alias = [p.text('alias_user_column', 'alias_username'), p.text('alias_domain_column', 'alias_domain')]
        const user = [p.text('user_column', 'username'), p.text('domain_column', 'domain')]
        const [from, to] = flags.includes('r') ? [user, alias] : [alias, user]
        const withDomain = flags.includes('u') || (p.on('use_domain') && !flags.includes('d'))
        const where = { [from[0]!]: uri.user }
        if (withDomain) where[from[1]!] = withoutPrefix(uri.host, p.text('domain_prefix'))
        return told(
          host,
          'aliases',
          () =>
            chain(
              lookUp({
                database: databases.open(p.text('db_url')),
                table: textOf(given.table, 64),
                columns: to,
                where,
              }),
              (rows) => rows.map((row) => `sip:${textIn(row, to[0]!)}@${textIn(row, to[1]!)}`),
            ),
          [],
        )
      },
    }),
  })
}

export function createSpeeddial(host: ServiceHost, databases: Databases): Service {
  return service({
    module: 'speeddial',
    operations: (parameters) => ({
      /** The URI behind a short number of this owner; null without one. */
      find(_run, args) {
        const given = fieldsOf(args)
        const owner = parseUri(textOf(given.owner, 1024))
        const uri = parseUri(textOf(given.uri, 1024))
        if (owner?.user === undefined || uri?.user === undefined) return null
        const p = parameters()
        const column = p.text('new_uri_column', 'new_uri')
        const prefix = p.text('domain_prefix')
        const where = {
          [p.text('user_column', 'username')]: owner.user,
          [p.text('sd_user_column', 'sd_username')]: uri.user,
        }
        if (p.on('use_domain')) {
          where[p.text('domain_column', 'domain')] = withoutPrefix(owner.host, prefix)
          where[p.text('sd_domain_column', 'sd_domain')] = withoutPrefix(uri.host, prefix)
        }
        const lookup = {
          database: databases.open(p.text('db_url')),
          table: textOf(given.table, 64),
          columns: [column],
          where,
        }
        return told(
          host,
          'short numbers',
          () => chain(lookUp(lookup), ([row]) => (row === undefined ? null : textIn(row, column))),
          null,
        )
      },
    }),
  })
}

export function createUriDb(host: ServiceHost, databases: Databases): Service {
  return service({
    module: 'uri_db',
    operations: (parameters) => ({
      /** Whether the table of URIs lets a user be named so; null: there is no such table, credentials decide. */
      allowed(_run, args) {
        const given = fieldsOf(args)
        const p = parameters()
        if (!p.on('use_uri_table')) return null
        const where = {
          [p.text('user_column', 'username')]: textOf(given.user, 256),
          [p.text('uriuser_column', 'uri_user')]: textOf(given.uriUser, 256),
        }
        if (p.on('use_domain')) where[p.text('domain_column', 'domain')] = textOf(given.domain, 256)
        const lookup = {
          database: databases.open(p.text('db_url')),
          table: p.text('uri_table', 'uri'),
          columns: [p.text('user_column', 'username')],
          where,
        }
        return told(host, 'URIs of users', () => chain(lookUp(lookup), (rows) => rows.length > 0), false)
      },
      exists(_run, args) {
        const given = fieldsOf(args)
        const p = parameters()
        const byUri = p.on('use_uri_table')
        const column = byUri ? p.text('uriuser_column', 'uri_user') : p.text('user_column', 'username')
        const where = { [column]: textOf(given.user, 256) }
        if (p.on('use_domain')) where[p.text('domain_column', 'domain')] = textOf(given.domain, 256)
        const lookup = {
          database: databases.open(p.text('db_url')),
          table: byUri ? p.text('uri_table', 'uri') : p.text('db_table', 'subscriber'),
          columns: [column],
          where,
        }
        return told(host, 'users', () => chain(lookUp(lookup), (rows) => rows.length > 0), false)
      },
    }),
  })
}
