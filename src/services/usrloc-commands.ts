// Owns usrloc's RPC commands, in the shapes of Kamailio's own: ul.dump, ul.lookup, ul.add, ul.rm and the rest.
import { type Answer, chain } from '../database/index.ts'
import { RpcFault, rpcText } from './rpc-fault.ts'
import type { ServiceCommand } from './service.ts'
import { type Contact, inOrder, parseQ } from './usrloc-contact.ts'
import type { LocationDatabase } from './usrloc-database.ts'
import type { Usrloc } from './usrloc-tables.ts'

const UNSET = '[not set]'

export function usrlocCommands(
  usrloc: Usrloc,
  database: () => LocationDatabase | undefined,
): Record<string, ServiceCommand> {
  const shown = (contact: Contact) => ({
    Contact: {
      Address: contact.address,
      Expires: contact.expires === 0 ? 'permanent' : contact.expires - usrloc.now(),
      Q: contact.q < 0 ? -1 : contact.q / 1000,
      'Call-ID': contact.callId,
      CSeq: contact.cseq,
      'User-Agent': contact.userAgent || 'n/a',
      Received: contact.received || UNSET,
      Path: contact.path || UNSET,
      State: 'CS_SYNC',
      Flags: contact.flags,
      CFlags: contact.cflags,
      Socket: contact.socket || UNSET,
      Methods: contact.methods,
      Ruid: contact.ruid,
      Instance: contact.instance || UNSET,
      'Reg-Id': contact.regId,
      'Server-Id': 0,
      'Tcpconn-Id': contact.connection,
      Keepalive: 0,
      'Last-Keepalive': contact.lastModified,
      'KA-Roundtrip': 0,
      'Last-Modified': contact.lastModified,
    },
  })
  const record = (aor: string, contacts: readonly Contact[]) => ({
    AoR: aor,
    HashID: 0,
    Contacts: inOrder(contacts).map(shown),
  })
  /** As a caller names it: with the domain only where usrloc uses it. */
  const aorOf = (given: string) => (usrloc.useDomain ? given : given.replace(/@.*$/s, ''))
  const change = (
    parameters: readonly unknown[],
    missing: 'is a fault' | 'is made',
    edit: (contacts: readonly Contact[], aor: string) => readonly Contact[],
  ): Answer<readonly Contact[]> => {
    const domain = rpcText(parameters, 0, 'table')
    const aor = aorOf(rpcText(parameters, 1, 'AoR'))
    return chain(usrloc.tables(domain), (tables) =>
      tables.change(domain, aor, (contacts) => {
        if (contacts.length === 0 && missing === 'is a fault') throw new RpcFault(404, 'AOR not found')
        return edit(contacts, aor)
      }),
    )
  }

  return {
    'ul.dump': async ([brief]) => {
      const names = usrloc.domains()
      const domains = []
      for (const domain of names.length === 0 ? ['location'] : names) {
        const byAor = new Map<string, Contact[]>()
        for (const contact of await (await usrloc.tables(domain)).all(domain))
          byAor.set(contact.aor, [...(byAor.get(contact.aor) ?? []), contact])
        const aors = [...byAor].map(([aor, contacts]) => ({
          Info: brief === 'brief' ? { AoR: aor, HashID: 0 } : record(aor, contacts),
        }))
        const stats = { Records: byAor.size, 'Max-Slots': Math.min(1, byAor.size) }
        domains.push({ Domain: { Domain: domain, Size: 1024, AoRs: aors, Stats: stats } })
      }
      return { Domains: domains }
    },
    'ul.lookup': (parameters) => {
      const domain = rpcText(parameters, 0, 'table')
      const aor = aorOf(rpcText(parameters, 1, 'AoR'))
      return chain(usrloc.tables(domain), (tables) =>
        chain(tables.read(domain, aor), (contacts) => {
          if (contacts.length === 0) throw new RpcFault(404, 'AOR not found')
          return record(aor, contacts)
        }),
      )
    },
    'ul.rm': (parameters) =>
      chain(
        change(parameters, 'is a fault', () => []),
        () => '',
      ),
    'ul.rm_contact': (parameters) => {
      const address = rpcText(parameters, 2, 'contact')
      return chain(
        change(parameters, 'is a fault', (contacts) => {
          if (!contacts.some((one) => one.address === address)) throw new RpcFault(404, 'Contact not found')
          return contacts.filter((one) => one.address !== address)
        }),
        () => '',
      )
    },
    'ul.add': (parameters) => {
      const address = rpcText(parameters, 2, 'contact')
      const seconds = Number(rpcText(parameters, 3, 'expires'))
      const path = rpcText(parameters, 5, 'path')
      const socket = parameters.length > 9 ? rpcText(parameters, 9, 'socket') : ''
      const time = usrloc.now()
      const added = (contacts: readonly Contact[], aor: string): readonly Contact[] => {
        const known = contacts.find((one) => one.address === address)
        const contact: Contact = {
          ruid: known?.ruid ?? usrloc.newRuid(),
          aor,
          address,
          received: '',
          path: path === '0' ? '' : path,
          expires: seconds === 0 ? 0 : time + seconds,
          q: parseQ(rpcText(parameters, 4, 'q')) ?? -1,
          callId: 'dfjrewr12386fd6-343@Kamailio.mi',
          cseq: (known?.cseq ?? 0) + 1,
          flags: Number(parameters[6] ?? 0) | 0,
          cflags: Number(parameters[7] ?? 0) | 0,
          userAgent: 'SIP Router MI Server',
          socket,
          methods: Number(parameters[8] ?? -1) | 0 || -1,
          instance: '',
          regId: 0,
          lastModified: time,
          connection: -1,
        }
        return [...contacts.filter((one) => one !== known), contact]
      }
      return chain(change(parameters, 'is made', added), () => '')
    },
    'ul.flush': async () => {
      for (const domain of usrloc.domains()) await (await usrloc.tables(domain)).flush()
      return ''
    },
    'ul.db_users': async (parameters) => {
      const rows = await stored(parameters, database)
      return new Set(rows.map(({ aor }) => aor)).size
    },
    'ul.db_contacts': async (parameters) => (await stored(parameters, database)).length,
  }
}

function stored(
  parameters: readonly unknown[],
  database: () => LocationDatabase | undefined,
): Answer<readonly Contact[]> {
  const known = database()
  if (known === undefined) throw new RpcFault(500, 'usrloc has no database')
  return known.all(rpcText(parameters, 0, 'table'))
}
