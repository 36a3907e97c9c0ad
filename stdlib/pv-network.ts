// Owns the pseudo-variables of sockets and addresses: $si $sp $Ri $Rp $proto and so on.
import { bracketHost } from '../src/sip/index.ts'
import { definePv, definePvClass, type PvValue } from './pv.ts'
import { currentRun } from './runtime.ts'

const meta = (name: string, doc: string, aliases: string[] = []) => ({ name, aliases, module: 'pv', doc })
const run = () => currentRun().meta
/** Kamailio's number of each transport. */
export const PROTOCOLS: Readonly<Record<string, number>> = { udp: 1, tcp: 2, tls: 3, sctp: 4, ws: 5, wss: 6 }

const sourceUri = (transport: 'always' | 'unless-udp'): string => {
  const { srcIp, srcPort, proto } = run()
  const tail = transport === 'always' || proto !== 'udp' ? `;transport=${proto}` : ''
  return `sip:${bracketHost(srcIp)}:${srcPort}${tail}`
}
const ownUri = (transport: 'always' | 'unless-udp'): string => {
  const { dstIp, dstPort, proto } = run()
  const tail = transport === 'always' || proto !== 'udp' ? `;transport=${proto}` : ''
  return `sip:${bracketHost(dstIp)}:${dstPort}${tail}`
}

definePv(meta('si', 'Source address.'), () => run().srcIp)
definePv(meta('sp', 'Source port.'), () => run().srcPort)
definePv(meta('siz', 'Source address, IPv6 in brackets.'), () => bracketHost(run().srcIp))
definePv(meta('su', 'Source as a URI.'), () => sourceUri('unless-udp'))
definePv(meta('sut', 'Source as a URI, always with transport.'), () => sourceUri('always'))
definePv(meta('sas', 'Source as a socket: udp:address:port.'), () => {
  const { srcIp, srcPort, proto } = run()
  return `${proto}:${bracketHost(srcIp)}:${srcPort}`
})
definePv(meta('Ri', 'Our address on which the message arrived.'), () => run().dstIp)
definePv(meta('Rp', 'Our port on which the message arrived.'), () => run().dstPort)
definePv(meta('Ru', 'Our socket as a URI.'), () => ownUri('unless-udp'))
definePv(meta('Rut', 'Our socket as a URI, always with transport.'), () => ownUri('always'))
definePv(meta('Rn', 'Name of our socket.'), () => run().listener.name ?? null)
definePv(
  meta('RAi', 'Advertised address of our socket, else its own.'),
  () => run().listener.advertisedHost ?? run().dstIp,
)
definePv(
  meta('RAp', 'Advertised port of our socket, else its own.'),
  () => run().listener.advertisedPort ?? run().dstPort,
)
definePv(meta('RAu', 'Advertised socket as a URI.'), () => advertisedUri('unless-udp'))
definePv(meta('RAut', 'Advertised socket as a URI, always with transport.'), () => advertisedUri('always'))
function advertisedUri(transport: 'always' | 'unless-udp'): string {
  const { listener, dstIp, dstPort, proto } = run()
  const tail = transport === 'always' || proto !== 'udp' ? `;transport=${proto}` : ''
  return `sip:${bracketHost(listener.advertisedHost ?? dstIp)}:${listener.advertisedPort ?? dstPort}${tail}`
}
definePv(
  {
    ...meta('proto', 'Transport on which the message arrived: udp, tcp, tls, ws, wss.', ['pr']),
    number: () => PROTOCOLS[run().proto] ?? 0,
  },
  () => run().proto,
)
definePv(meta('prid', 'Transport by number.'), () => PROTOCOLS[run().proto] ?? 0)
definePv(meta('conid', 'Number of the connection; not known here.'), () => null)

/** Kamailio's numbers, to compare `$af` and `$prid` with. */
const NUMBERS: Readonly<Record<string, number>> = {
  IPv4: 2,
  IPv6: 10,
  UDP: 1,
  TCP: 2,
  TLS: 3,
  SCTP: 4,
  WS: 5,
  WSS: 6,
}
definePvClass(
  {
    ...meta('K', 'The number of a transport or of a kind of address.'),
    inner: { name: 'name', values: Object.keys(NUMBERS) },
  },
  (inner) => {
    const number = NUMBERS[inner.text] ?? null
    return { get: () => number }
  },
)

/** Known in the events of received packets only. */
definePvClass(
  {
    ...meta('rcv', 'A part of what was received and where, in the events of packets.'),
    inner: {
      name: 'part',
      values: ['buf', 'len', 'proto', 'sproto', 'srcip', 'rcvip', 'srcport', 'rcvport', 'af'],
    },
    routes: ['event'],
  },
  (inner) => {
    const parts: Readonly<Record<string, () => PvValue>> = {
      srcip: () => run().srcIp,
      rcvip: () => run().dstIp,
      srcport: () => run().srcPort,
      rcvport: () => run().dstPort,
      proto: () => PROTOCOLS[run().proto] ?? 0,
      sproto: () => run().proto,
      af: () => (run().srcIp.includes(':') ? 6 : 4),
      buf: () => currentRun().raw,
      len: () => currentRun().raw.length,
    }
    const read = parts[inner.text]
    return { get: () => (currentRun().kind === 'event' && read !== undefined ? read() : null) }
  },
)
