// Owns module xlog: log lines of a script.
import type { Parameter } from './contract.ts'
import { ANY_ROUTE, define } from './define.ts'
import { interpolate, opNow, runningLogLevel } from './runtime.ts'
import { numberParameter } from './settings.ts'
import { toBytes } from './text.ts'

/** Kamailio reads a level by its third letter. */
const BY_LETTER: Readonly<Record<string, number>> = { A: -5, B: -4, C: -3, E: -1, W: 0, N: 1, I: 2, D: 3 }
const DEFAULT_LEVEL = -1
const bufferSize = numberParameter('xlog', 'buf_size', 4096)

function levelOf(text: string | number): number {
  if (typeof text === 'number') return text
  const number = Number(text)
  if (text.trim() !== '' && Number.isFinite(number)) return number
  return BY_LETTER[text.charAt(2).toUpperCase()] ?? DEFAULT_LEVEL
}

/** Longer lines are cut, as Kamailio does (buf_size). */
function write(level: number, text: string): number {
  const most = runningLogLevel()
  if (most !== undefined && level > most) return 1
  const limit = bufferSize()
  const line = toBytes(text)
  opNow('log', { level, text: line.length > limit ? line.slice(0, limit) : line })
  return 1
}

const format: Parameter = { name: 'format', kind: 'string', constant: true }
const level: Parameter = { name: 'level', kind: 'string', constant: true }
const facility: Parameter = { name: 'facility', kind: 'string', constant: true }

/** The names that TypeScript imports: pseudo-variables in the format are replaced here; a `.cfg` has done so before the call. */
function interpolating<A extends (string | number)[]>(log: (...args: A) => boolean): (...args: A) => boolean {
  return (...args) => log(...([...args.slice(0, -1), interpolate(String(args.at(-1)))] as A))
}

function leveled(name: string, kamailio: string) {
  const log = define(
    {
      name,
      kamailio,
      module: 'xlog',
      parameters: [format],
      overloads: [
        [level, format],
        [facility, level, format],
      ],
      routes: ANY_ROUTE,
      doc: 'Writes a line to the log, at the level given (L_ALERT, L_CRIT, L_ERR, L_WARN, L_NOTICE, L_INFO, L_DBG) or L_ERR.',
      example: `${kamailio}("L_INFO", "from $fu to $ru\\n");`,
    },
    (...args: (string | number)[]) =>
      write(args.length > 1 ? levelOf(args.at(-2)!) : DEFAULT_LEVEL, String(args.at(-1))),
  )
  return interpolating(log)
}

export const xlog = leveled('xlog', 'xlog')
export const xlogl = leveled('xlogl', 'xlogl')

function fixed(name: string, kamailio: string, at: number) {
  const log = define(
    {
      name,
      kamailio,
      module: 'xlog',
      parameters: [format],
      overloads: [[facility, format]],
      routes: ANY_ROUTE,
      doc: `Writes a line to the log, at the level that its name says.`,
      example: `${kamailio}("from $fu\\n");`,
    },
    (...args: string[]) => write(at, String(args.at(-1))),
  )
  return interpolating(log)
}

export const xdbg = fixed('xdbg', 'xdbg', 3)
export const xinfo = fixed('xinfo', 'xinfo', 2)
export const xnotice = fixed('xnotice', 'xnotice', 1)
export const xwarn = fixed('xwarn', 'xwarn', 0)
export const xerr = fixed('xerr', 'xerr', -1)
export const xcrit = fixed('xcrit', 'xcrit', -3)
export const xalert = fixed('xalert', 'xalert', -5)
export const xbug = fixed('xbug', 'xbug', -4)
export const xdbgl = fixed('xdbgl', 'xdbgl', 3)
export const xinfol = fixed('xinfol', 'xinfol', 2)
export const xnoticel = fixed('xnoticel', 'xnoticel', 1)
export const xwarnl = fixed('xwarnl', 'xwarnl', 0)
export const xerrl = fixed('xerrl', 'xerrl', -1)
export const xcritl = fixed('xcritl', 'xcritl', -3)
export const xalertl = fixed('xalertl', 'xalertl', -5)
