// Owns the service of module sipdump: messages as they come and leave, written to files or shown to an event route.

import { isIPv6 } from 'node:net'
import { isAbsolute, join } from 'node:path'
import { SignalboxError } from '../errors.ts'
import type { SipMessage } from '../sip/index.ts'
import type { Flow } from '../transport/index.ts'
import { DumpFiles, problemOfFolder } from './dump-files.ts'
import type { Destination } from './mask.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import type { Service, ServiceHost } from './service.ts'

const TO_FILES = 1
const TO_EVENT = 2
const EVENT = 'sipdump:msg'

/** What $sipdump shows. */
interface DumpRecord {
  readonly tag: string
  readonly buf: string
  readonly len: number
  readonly af: string
  readonly proto: string
  readonly src_ip: string
  readonly src_port: number
  readonly dst_ip: string
  readonly dst_port: number
}

interface Side {
  readonly address: string
  readonly port: number
}

export function createSipdump(host: ServiceHost): Service {
  let enabled = false
  let mode = TO_FILES
  let folder = ''
  let files: DumpFiles | undefined

  function dump(tag: string, message: SipMessage, proto: string, from: Side, to: Side): void {
    const record: DumpRecord = {
      tag,
      buf: message.raw,
      len: message.raw.length,
      af: isIPv6(from.address) ? 'ipv6' : 'ipv4',
      proto,
      src_ip: from.address,
      src_port: from.port,
      dst_ip: to.address,
      dst_port: to.port,
    }
    if ((mode & TO_FILES) !== 0) files?.add(written(record, host.clock.wallclock()))
    if ((mode & TO_EVENT) !== 0 && host.hasEvent(EVENT)) void host.event({ name: EVENT, message, data: record })
  }

  const remote = ({ remoteAddress, remotePort }: Flow): Side => ({ address: remoteAddress, port: remotePort })
  const NOBODY: Side = { address: '', port: 0 }

  return {
    module: 'sipdump',
    operations: {
      send({ message, flow }, args) {
        if (!enabled) return -1
        dump(
          textOf(fieldsOf(args).tag, 64).replace(/[\r\n]/g, ''),
          message,
          flow.transport,
          remote(flow),
          flow.listener,
        )
        return 1
      },
      event: (run) => run.event ?? null,
    },
    commands: {
      'sipdump.enable'(given) {
        const before = enabled
        if (given.length > 0) enabled = Number(given[0]) !== 0 && files !== undefined
        return { oldval: before ? 1 : 0, newval: enabled ? 1 : 0 }
      },
    },
    configure(list, loaded) {
      const parameters = new Parameters(list)
      const named = parameters.text('folder', '/tmp')
      folder = isAbsolute(named) ? named : join(host.folder, named)
      mode = parameters.number('mode', TO_FILES)
      enabled = loaded && parameters.on('enable')
      void files?.close()
      files = loaded
        ? new DumpFiles(host, {
            folder,
            prefix: parameters.text('fprefix', 'signalbox-sipdump-').replace(/[^\w.-]/g, '_'),
            rotateSeconds: Math.max(1, parameters.number('rotate', 7200)),
            ageSeconds: parameters.number('fage'),
            waitMillis: Math.max(1, parameters.number('wait', 100) / 1000),
          })
        : undefined
    },
    start() {
      const problem = enabled && (mode & TO_FILES) !== 0 ? problemOfFolder(folder) : undefined
      if (problem !== undefined) throw new SignalboxError('ERR_CONFIG', problem)
    },
    mask: () =>
      files === undefined
        ? undefined
        : {
            received(message, flow) {
              if (enabled) dump('rcv', message, flow.transport, remote(flow), flow.listener)
              return message
            },
            spares: () => undefined,
            sending(message, to: Destination) {
              if (enabled) dump('snd', message, to.transport, to.listener ?? NOBODY, to)
              return message.raw
            },
          },
    close: () => files?.close(),
  }
}

/** As 5.6.3 writes it. */
function written(record: DumpRecord, millis: number): string {
  return `====================
tag: ${record.tag}
pid: ${process.pid}
process: 1
time: ${(millis / 1000).toFixed(6)}
date: ${new Date(millis).toString().slice(0, 24)}
proto: ${record.proto} ${record.af}
srcip: ${record.src_ip}
srcport: ${record.src_port}
dstip: ${record.dst_ip}
dstport: ${record.dst_port}
~~~~~~~~~~~~~~~~~~~~
${record.buf}||||||||||||||||||||
`
}
