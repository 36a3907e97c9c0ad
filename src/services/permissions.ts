// Owns the service of module permissions: addresses by group, trusted peers, and files of rules, read when asked to.
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { BlockList, isIP } from 'node:net'
import { isAbsolute, join } from 'node:path'
import { type Answer, chain, type Databases, type Row } from '../database/index.ts'
import { bareHost } from '../sip/index.ts'
import { fieldsOf, Parameters, textOf, wholeOf } from './parameters.ts'
import type { Service, ServiceHost } from './service.ts'
import { lookUp, textIn, told } from './table-lookup.ts'

/** One line of the address table or file. A name is compared as it stands. */
interface Address {
  readonly group: number
  readonly address: string
  readonly mask: number
  /** 0: any. */
  readonly port: number
  readonly tag: string
  /** Undefined for a name. */
  readonly network: BlockList | undefined
}

const ADDRESSES = 1
const TRUSTED = 2
/** Longest file of rules. */
const MOST_BYTES = 1_000_000

function addressOf(group: number, text: string, mask: number | undefined, port: number, tag: string): Address {
  const address = bareHost(text.trim())
  const family = isIP(address)
  if (family === 0) return { group, address: address.toLowerCase(), mask: 0, port, tag, network: undefined }
  const whole = family === 4 ? 32 : 128
  const bits = mask === undefined || mask < 0 || mask > whole ? whole : mask
  const network = new BlockList()
  network.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6')
  return { group, address, mask: bits, port, tag, network }
}

function matches(one: Address, address: string, port: number): boolean {
  if (one.port !== 0 && port !== 0 && one.port !== port) return false
  if (one.network === undefined) return one.address === address.toLowerCase()
  const family = isIP(address)
  return family !== 0 && one.network.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

export function createPermissions(host: ServiceHost, databases: Databases): Service {
  let parameters = new Parameters([])
  let addresses: readonly Address[] = []
  let trusted: readonly Row[] = []
  let configured = false
  let started = false

  const backend = (bit: number) => (parameters.number('load_backends', 0xffff) & bit) !== 0
  const pathOf = (name: string) => (isAbsolute(name) ? name : join(host.folder, name))

  async function fromFile(): Promise<readonly Address[]> {
    const text = await readFile(pathOf(parameters.text('address_file')), 'utf8')
    return text.split('\n').flatMap((line) => {
      const [group, address, mask, port, tag] = line.replace(/#.*/, '').trim().split(/\s+/)
      if (!group || address === undefined) return []
      return [
        addressOf(Number(group), address, mask === undefined ? undefined : Number(mask), Number(port ?? 0), tag ?? ''),
      ]
    })
  }

  function fromTable(): Answer<readonly Address[]> {
    const p = parameters
    const columns = [
      p.text('grp_col', 'grp'),
      p.text('ip_addr_col', 'ip_addr'),
      p.text('mask_col', 'mask'),
      p.text('port_col', 'port'),
      p.text('tag_col', 'tag'),
    ] as const
    const [group, address, mask, port, tag] = columns
    const lookup = {
      database: databases.open(p.text('db_url')),
      table: p.text('address_table', 'address'),
      columns,
      where: {},
    }
    return chain(lookUp(lookup), (rows) =>
      rows.map((row) =>
        addressOf(
          Number(row[group]),
          textIn(row, address),
          // NULL names no network, least of all every address.
          row[mask] === null ? undefined : Number(row[mask]),
          Number(row[port] ?? 0),
          textIn(row, tag),
        ),
      ),
    )
  }

  async function loadAddresses(): Promise<boolean> {
    const read = parameters.has('address_file') ? fromFile : parameters.has('db_url') ? fromTable : undefined
    if (read === undefined || !backend(ADDRESSES)) return true
    const found = await told<readonly Address[] | undefined>(host, 'addresses', read, undefined)
    if (found === undefined) return false
    addresses = found
    return true
  }

  async function loadTrusted(): Promise<boolean> {
    if (!parameters.has('db_url') || !backend(TRUSTED)) return true
    const p = parameters
    const columns = [
      p.text('source_col', 'src_ip'),
      p.text('proto_col', 'proto'),
      p.text('from_col', 'from_pattern'),
      p.text('ruri_col', 'ruri_pattern'),
      p.text('tag_col', 'tag'),
      p.text('priority_col', 'priority'),
    ] as const
    const lookup = {
      database: databases.open(p.text('db_url')),
      table: p.text('trusted_table', 'trusted'),
      columns,
      where: {},
    }
    const found = await told<Row[] | undefined>(host, 'trusted peers', () => lookUp(lookup), undefined)
    if (found === undefined) return false
    const [source, proto, from, ruri, tag, priority] = columns
    trusted = found
      .map((row) => ({
        source: textIn(row, source),
        proto: textIn(row, proto).toLowerCase(),
        from: row[from] ?? null,
        ruri: row[ruri] ?? null,
        tag: row[tag] ?? null,
        priority: Number(row[priority] ?? 0),
      }))
      .sort((a, b) => b.priority - a.priority)
    return true
  }

  async function load(): Promise<void> {
    if (configured) await Promise.all([loadAddresses(), loadTrusted()])
  }

  const reloaded = async (done: Promise<boolean>) => {
    if (!(await done)) throw new Error('Reload failed.')
    return 'Reload OK'
  }

  return {
    module: 'permissions',
    operations: {
      /** The group and tag of the first line that an address matches; null without one. `group` 0: any. */
      address(_run, args) {
        const given = fieldsOf(args)
        const [group, port] = [wholeOf(given.group), wholeOf(given.port)]
        const address = bareHost(textOf(given.address, 256))
        const found = addresses.find((one) => (group === 0 || one.group === group) && matches(one, address, port))
        return found === undefined ? null : { group: found.group, tag: found.tag }
      },
      /** Lines of the trusted table for a source; their patterns are for the caller to try. */
      trusted(_run, args) {
        const given = fieldsOf(args)
        const [source, proto] = [textOf(given.source, 64), textOf(given.proto, 8).toLowerCase()]
        return trusted.filter(
          (row) =>
            row.source === source &&
            row.proto !== 'none' &&
            [row.proto, proto].some((p) => p === 'any' || row.proto === proto),
        )
      },
      /** The text of a file of rules, '' where there is none. The script hears what the rules decide, not the text. */
      rules(_run, args) {
        const file = textOf(fieldsOf(args).file, 1024)
        if (file.includes('\0')) throw new Error('the name of a file of rules has a NUL in it')
        try {
          return readFileSync(pathOf(file), 'latin1').slice(0, MOST_BYTES)
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException
          if (code === 'ENOENT') return ''
          throw new Error(`the file of rules ${file} cannot be read: ${code}`)
        }
      },
    },
    commands: {
      'permissions.addressReload': () => reloaded(loadAddresses()),
      'permissions.trustedReload': () => reloaded(loadTrusted()),
      'permissions.addressDump': () =>
        addresses
          .filter(({ network, mask, address }) => network !== undefined && mask === (isIP(address) === 4 ? 32 : 128))
          .map(({ group, address, port, tag }) => ({ group, ip: address, port, tag })),
      'permissions.subnetDump': () =>
        addresses
          .filter(({ network, mask, address }) => network !== undefined && mask < (isIP(address) === 4 ? 32 : 128))
          .map(({ group, address, mask, port, tag }) => ({ group, ip: address, mask, port, tag })),
      'permissions.domainDump': () =>
        addresses
          .filter(({ network }) => network === undefined)
          .map(({ group, address, port, tag }) => ({ group, domain: address, port, tag })),
      'permissions.trustedDump': () => trusted,
    },
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
