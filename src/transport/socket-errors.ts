// Owns what to do about the errors of sockets: the remedy that goes into each message.
import { getSystemErrorName } from 'node:util'
import { SignalboxError } from '../errors.ts'
import { endpointText } from './ip-address.ts'
import type { Transport } from './types.ts'

type SystemError = Error & { readonly code?: string; readonly reason?: string }

const LISTEN_REMEDY: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program has it; stop that program (`ss -lnp` shows it) or choose another port',
  EADDRNOTAVAIL: 'this machine does not have that address; write one that `ip addr` shows, or an interface name',
  EACCES: 'ports below 1024 need a privilege; choose a higher port or grant CAP_NET_BIND_SERVICE',
  EAFNOSUPPORT: 'this machine has no such address family',
}

const CONNECT_REMEDY: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there; check that the next hop runs, and its port and transport',
  EHOSTUNREACH: 'there is no way to that host; check routes and firewalls',
  ENETUNREACH: 'there is no way to that network; check routes',
  ETIMEDOUT: 'it does not answer; check that it runs and that no firewall drops the packets',
  ECONNRESET: 'the far end reset the connection; send again to open a new one',
  EPIPE: 'the far end closed the connection; send again to open a new one',
  EADDRNOTAVAIL: 'our listener’s address cannot be used to dial; check that the machine still has it',
  EINVAL: 'our listener’s address cannot reach that target; check which listener sends there',
  EMFILE: 'this process is out of file descriptors; raise `ulimit -n` or lower limits.connections',
}

/** A listener that could not be opened. */
export function listenError(transport: Transport, address: string, port: number, cause: unknown): SignalboxError {
  if (cause instanceof SignalboxError) return cause
  const { code = '', message } = cause as SystemError
  const remedy = LISTEN_REMEDY[code] ?? 'check the listen line'
  return new SignalboxError(
    'ERR_LISTEN',
    `cannot listen on ${transport} ${endpointText(address, port)}: ${code || message}: ${remedy}`,
    { cause },
  )
}

/** An error of a system call by its number, as Node's own look. */
export function systemError(call: string, number: number): Error {
  const code = getSystemErrorName(-number)
  return Object.assign(new Error(`${call} ${code}`), { code })
}

/** A connection's own error with its remedy; errors of TLS become ERR_TLS. */
export function connectionError(cause: Error): Error {
  if (cause instanceof SignalboxError) return cause
  const { code = '', reason, message } = cause as SystemError
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')) {
    const alert = /alert/i.test(message)
    const remedy = alert
      ? 'the far end refused the handshake; check that it trusts our certificate, and what it wants of names and versions'
      : 'the handshake failed; check that the far end speaks TLS on that port, and minVersion'
    return new SignalboxError('ERR_TLS', `${reason ?? code}: ${remedy}`, { cause })
  }
  const remedy = CONNECT_REMEDY[code]
  return remedy ? Object.assign(new Error(`${message}: ${remedy}`, { cause }), { code }) : cause
}
