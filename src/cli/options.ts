// Owns reading option values: ports, seconds, addresses, defines; what is wrong names the option and what to write.
import { parseAdminAddress } from '../admin/index.ts'
import { checkConfigValue, type LimitConfig, LOG_LEVELS, type LogFormat, type LogLevel } from '../engine/index.ts'
import { SignalboxError } from '../errors.ts'

/** Options of the embedded relay, in rtpengine's spelling. */
export interface RelayFlags {
  interface?: string[]
  portMin?: number
  portMax?: number
  timeout?: number
  silentTimeout?: number
  listenNg?: string
  mediaDir?: string[]
  recordingDir?: string
  recordingMethod?: string
  recordingFormat?: string
  dtmfLogDest?: string
}

/** Options of `relay`, which is rtpengine's place. */
export interface StandaloneRelayFlags extends RelayFlags, LogFlags {
  metrics?: string
  listenTcpNg?: string
  finalTimeout?: number
  offerTimeout?: number
  deleteDelay?: number
  maxSessions?: number
  numThreads?: number
  tos?: number
  endpointLearning?: string
  sipSource?: boolean
  dtlsPassive?: boolean
}

export interface LogFlags {
  logLevel?: LogLevel
  logFormat?: LogFormat
}

/** What is said of an option with a value that it does not take. */
export function wrong(option: string, value: string, wanted: string): SignalboxError {
  return new SignalboxError('ERR_USAGE', `${option} ${value}: ${wanted}`)
}

/** A parser of whole numbers between two bounds. */
export function wholeNumber(option: string, low: number, high: number): (value: string) => number {
  return (value) => {
    const number = Number(value)
    if (!/^\d+$/.test(value) || number < low || number > high)
      throw wrong(option, value, `give a whole number from ${low} to ${high}`)
    return number
  }
}

/** A parser that lets an option be given several times. */
export function repeated(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value]
}

/** rtpengine takes several interfaces in one option, parted by `;` or blanks. */
export function interfaces(value: string, before: string[] | undefined): string[] {
  const list = value.split(/[;\s]+/).filter((text) => text !== '')
  for (const text of list) {
    if (!/^(?:[\w.-]+\/)?[\w.:[\]%-]+(?:![\w.:[\]-]+)?$/.test(text))
      throw wrong('--interface', text, 'write [NAME/]ADDRESS[!ADVERTISED], for example external/10.0.0.5!25.25.25.5')
  }
  return [...(before ?? []), ...list]
}

/** `-A NAME[=VALUE]`, as kamailio takes it. */
export function parseDefines(list: readonly string[]): Map<string, string> {
  const defines = new Map<string, string>()
  for (const text of list) {
    const match = /^([A-Za-z_]\w*)(?:=(.*))?$/s.exec(text)
    if (!match) throw wrong('-A', text, 'write NAME or NAME=VALUE')
    defines.set(match[1]!, match[2] ?? '')
  }
  return defines
}

/** `NAME=NUMBER`, a key of config.limits: a .cfg has no other place for them. */
export function limits(value: string, before: Partial<LimitConfig> | undefined): Partial<LimitConfig> {
  const match = /^(\w+)=(\d{1,9})$/.exec(value)
  if (!match) throw wrong('--limit', value, 'write NAME=NUMBER, for example queueMillis=0')
  const checked = checkConfigValue({ limits: { [match[1]!]: Number(match[2]) } })
  if ('value' in checked) return { ...before, ...(checked.value.limits as Partial<LimitConfig>) }
  const { message, hint } = checked.problems[0]!
  throw wrong('--limit', value, hint ? `${message}; ${hint}` : message)
}

/** Kamailio's and rtpengine's numbers are taken where a level has a name: 0-3 error, 4 warn, 5-6 info, 7 debug. */
export function logLevel(value: string): LogLevel {
  const found = LOG_LEVELS.find((level) => level === value)
  if (found) return found
  if (/^[0-7]$/.test(value))
    return Number(value) <= 3 ? 'error' : value === '4' ? 'warn' : value === '7' ? 'debug' : 'info'
  throw wrong('--log-level', value, `give one of ${LOG_LEVELS.join(', ')}`)
}

/** `N` or `auto`. */
export function workers(value: string): number | 'auto' {
  return value === 'auto' ? 'auto' : wholeNumber('--workers', 1, 64)(value)
}

/** `address:port`, `[v6]:port` or a bare port, which means loopback. */
export function ngAddress(value: string): string {
  const text = /^\d+$/.test(value) ? `127.0.0.1:${value}` : value
  const port = /^(?:\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/.exec(text)?.[1]
  if (port === undefined || Number(port) > 65_535)
    throw wrong('--listen-ng', value, 'write [ADDRESS:]PORT, for example 127.0.0.1:22222')
  return text
}

/** Where metrics are served: checked before anything starts, read by the server. */
export function adminAddress(value: string): string {
  parseAdminAddress(value)
  return value
}
