// Owns logging (the only importer of pino): pretty on a terminal, one JSON object a line otherwise.
import { type DestinationStream, type Logger as Pino, pino } from 'pino'
import type { Log, LogFields } from '../log.ts'

/** Levels an operator can name, quiet to loud. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]
export type LogFormat = 'pretty' | 'json'

/** A log whose level can be asked before a line is put together, and changed while it runs. */
export interface EngineLog extends Log {
  level: LogLevel
  /** Whether a line of this level would be written; ask before building one on the path of every message. */
  enabled(level: LogLevel): boolean
  /** A log that adds `fields` to each line. */
  child(fields: LogFields): EngineLog
}

export interface LoggerOptions {
  readonly level?: LogLevel
  readonly format?: LogFormat
  /** Added to each line. */
  readonly fields?: LogFields
  /** Where lines go; default is standard output. */
  readonly destination?: { write(line: string): void }
}

/** Keys whose values never reach a log, in the fields of a line and in what those hold. */
const SECRETS: ReadonlySet<string> = new Set(['key', 'password', 'authorization', 'crypto'])
const HIDDEN = '[hidden]'

/** The fields without secrets: the same object where it holds none, which is every line on the path of a call. */
function withoutSecrets(fields: LogFields): LogFields {
  let clean: Record<string, unknown> | undefined
  for (const name in fields) {
    const value = (fields as Record<string, unknown>)[name]
    const shown = SECRETS.has(name) ? HIDDEN : typeof value === 'object' && value !== null ? hidden(value) : value
    if (shown === value) continue
    clean ??= { ...fields }
    clean[name] = shown
  }
  return (clean as LogFields | undefined) ?? fields
}

function hidden(value: object): object {
  let clean: Record<string, unknown> | undefined
  for (const name in value) {
    if (!SECRETS.has(name)) continue
    // Message and stack of an error are not enumerable.
    clean ??= value instanceof Error ? { ...value, message: value.message, stack: value.stack } : { ...value }
    clean[name] = HIDDEN
  }
  return clean ?? value
}

/**
 * Opens the log. Warnings and errors are written before the call returns, so that the last one of a dying process is not lost; what calls
 * leave waits for others for a tenth of a second, which a process that ends by itself writes too.
 */
export async function createLogger(options: LoggerOptions = {}): Promise<EngineLog> {
  const format = options.format ?? (process.stdout.isTTY ? 'pretty' : 'json')
  const destination = format === 'pretty' ? await prettyStream(options.destination) : jsonStream(options.destination)
  const logger = pino(
    {
      level: options.level ?? 'info',
      base: options.fields ? withoutSecrets(options.fields) : null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  )
  return wrap(logger as unknown as Pino)
}

/** Gives a plain Log the shape of an EngineLog; every level counts as enabled. */
export function asEngineLog(log: Log): EngineLog {
  if ('enabled' in log) return log as EngineLog
  return {
    level: 'debug',
    enabled: () => true,
    child: (fields) =>
      asEngineLog({
        debug: (more, message) => log.debug({ ...fields, ...more }, message),
        info: (more, message) => log.info({ ...fields, ...more }, message),
        warn: (more, message) => log.warn({ ...fields, ...more }, message),
        error: (more, message) => log.error({ ...fields, ...more }, message),
      }),
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
  }
}

function wrap(logger: Pino): EngineLog {
  return {
    get level() {
      return logger.level as LogLevel
    },
    set level(level: LogLevel) {
      logger.level = level
    },
    enabled: (level) => logger.isLevelEnabled(level),
    child: (fields) => wrap(logger.child(withoutSecrets(fields))),
    debug(fields, message) {
      if (logger.isLevelEnabled('debug')) logger.debug(withoutSecrets(fields), message)
    },
    info: (fields, message) => logger.info(withoutSecrets(fields), message),
    warn: (fields, message) => logger.warn(withoutSecrets(fields), message),
    error: (fields, message) => logger.error(withoutSecrets(fields), message),
  }
}

/** How long a line may wait for others, and how many characters of them make a write. */
const FLUSH_MILLIS = 100
const FLUSH_LENGTH = 8192
/** How lines begin that many calls leave; all others are written at once, with what waits before them. */
const COMMON = /^\{"level":"(?:info|debug)"/

function jsonStream(destination: LoggerOptions['destination']): DestinationStream {
  if (destination) return destination
  const stream = pino.destination({ fd: 1, sync: true })
  // Whoever reads the log may go away; calls go on without it.
  stream.on('error', () => {})
  let lines = ''
  let waiting: NodeJS.Timeout | undefined
  const flush = (): void => {
    clearTimeout(waiting)
    waiting = undefined
    if (lines === '') return
    const text = lines
    lines = ''
    stream.write(text)
  }
  process.on('exit', flush)
  return {
    write(line: string): void {
      lines += line
      if (lines.length >= FLUSH_LENGTH || !COMMON.test(line)) flush()
      else waiting ??= setTimeout(flush, FLUSH_MILLIS).unref()
    },
  }
}

async function prettyStream(destination: LoggerOptions['destination']): Promise<DestinationStream> {
  // Loaded only where a person reads: it costs memory and start-up time in every worker otherwise.
  const { default: pretty } = await import('pino-pretty')
  const colorize = !destination && process.stdout.isTTY === true && !process.env.NO_COLOR
  const options = { colorize, translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname', singleLine: true, sync: true }
  if (!destination) {
    const stream = pretty({ ...options, destination: 1 })
    stream.on('error', () => {})
    return stream
  }
  const { Writable } = await import('node:stream')
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      destination.write(chunk.toString())
      done()
    },
  })
  return pretty({ ...options, destination: sink })
}
