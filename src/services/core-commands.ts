// Owns RPC commands of the core, of corex and of tm: version, time since the start, sockets.
import { rpcText } from './rpc-fault.ts'
import type { Service, ServiceHost } from './service.ts'

/** What operators' scripts ask a Kamailio for its version of the language that is spoken here. */
const VERSION = 'signalbox, Kamailio 5.6 configuration'

export function createCoreCommands(host: ServiceHost): Service {
  const began = host.clock.wallclock()
  const sockets = () =>
    host.listeners().map(({ transport, address, port, advertised, name }) => ({
      proto: transport,
      address,
      port,
      ...(advertised === undefined ? {} : { advertise: `${advertised.host}:${advertised.port}` }),
      ...(name === undefined ? {} : { name }),
    }))
  return {
    module: 'core-commands',
    commands: {
      'core.version': () => VERSION,
      'core.info': () => ({
        version: VERSION,
        id: `node ${process.version}`,
        compiler: 'none',
        compiled: '',
        flags: '',
      }),
      'core.uptime': () => ({
        now: new Date(host.clock.wallclock()).toUTCString(),
        up_since: new Date(began).toUTCString(),
        uptime: Math.floor((host.clock.wallclock() - began) / 1000),
      }),
      'core.echo': (given) => given.map((each) => `${each}`),
      'core.ps': () => [process.pid, 'worker'],
      'core.psx': () => [{ IDX: 0, PID: process.pid, DSC: 'worker' }],
      'core.sockets_list': () => ({ socket: sockets() }),
      'corex.list_sockets': () => sockets(),
      // No transaction outlives its timers.
      'tm.clean': () => undefined,
      'system.methodHelp': (given) => `${rpcText(given, 0, 'the command')}: see the manual of its module`,
    },
  }
}
