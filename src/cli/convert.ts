// Owns the command `convert`: a .cfg as TypeScript, with its configuration, to a file or to standard output.
import { writeFileSync } from 'node:fs'
import { basename, extname, resolve } from 'node:path'
import { DEFAULT_LIMITS, DEFAULT_TIMERS, readCfgConfig, readLatin1 } from '../engine/index.ts'
import { SignalboxError } from '../errors.ts'
import { type ConvertedProgram, convertDsl, formatDiagnostic, sortDiagnostics } from '../script/index.ts'
import { mustBeScript, writing } from './files.ts'

export interface ConvertFlags {
  readonly output?: string
  readonly defines: ReadonlyMap<string, string>
}

/** 0 when it was converted, with doubts on standard error; 1 when the file does not compile. */
export function convertCommand(file: string, flags: ConvertFlags): number {
  mustBeScript(file)
  if (extname(file) !== '.cfg') throw new SignalboxError('ERR_USAGE', `convert: ${file} is no .cfg`)
  const path = resolve(file)
  const converted = convertDsl(path, { defines: flags.defines, readFile: readLatin1, env: process.env })
  const raw = converted.settings
  const read = readCfgConfig({ file: path, language: 'cfg', raw, readFile: readLatin1, tlsFiles: 'wanted' })
  const shown = sortDiagnostics([
    ...converted.diagnostics.filter(({ severity, code }) => severity === 'error' || code === 'not-converted'),
    ...read.diagnostics.filter(({ severity }) => severity !== 'note'),
  ])
  for (const diagnostic of shown) process.stderr.write(`${formatDiagnostic(diagnostic, { color: false })}\n`)
  if (converted.program === undefined || read.config === undefined) return 1
  const text = fileText(basename(file), converted.program, configValue(read.config))
  if (flags.output === undefined) process.stdout.write(Buffer.from(text, 'latin1'))
  else {
    const { output } = flags
    writing(output, () => writeFileSync(output, text, 'latin1'))
  }
  return 0
}

type CfgConfig = NonNullable<ReturnType<typeof readCfgConfig>['config']>

/** A .ts takes no shorter timers, which are seconds by mistake: the .cfg has been warned of. */
const LEAST_MILLIS = 500

/** What `config` says, defaults left out. */
function configValue(config: CfgConfig): Record<string, unknown> {
  const { listen, alias, tls, media, timers, limits, modules } = config
  const changed = <T extends object>(value: T, defaults: T): Partial<T> =>
    Object.fromEntries(
      Object.entries(value).filter(([key, one]) => key in defaults && one !== defaults[key as keyof T]),
    ) as Partial<T>
  const value: Record<string, unknown> = { listen: listen.map(({ text }) => text) }
  if (alias.length > 0) value.alias = alias
  const { 'client:default': client, ...profiles } = tls.profiles
  if (Object.keys(profiles).length > 0) value.tls = { profiles: client?.key === undefined ? profiles : tls.profiles }
  if (Object.keys(media.sets).length > 0) value.media = { sets: media.sets }
  const ownTimers = changed(
    { ...timers, fr: Math.max(timers.fr, LEAST_MILLIS), frInv: Math.max(timers.frInv, LEAST_MILLIS) },
    DEFAULT_TIMERS,
  )
  if (Object.keys(ownTimers).length > 0) value.timers = ownTimers
  const ownLimits = changed(limits, DEFAULT_LIMITS)
  if (Object.keys(ownLimits).length > 0) value.limits = ownLimits
  const ownModules = moduleValues(modules)
  if (Object.keys(ownModules).length > 0) value.modules = ownModules
  return value
}

/** Settings that stand elsewhere in `config`. */
const ELSEWHERE = new Set(['tm:fr_timer', 'tm:fr_inv_timer', 'rtpengine:rtpengine_sock'])

function moduleValues(modules: CfgConfig['modules']): Record<string, Record<string, unknown>> {
  // Names are the file's: `__proto__` is one as any other.
  const values: Record<string, Record<string, unknown>> = Object.create(null)
  for (const { module, name, value } of modules) {
    if (ELSEWHERE.has(`${module}:${name}`) || module === 'tls') continue
    values[module] ??= Object.create(null) as Record<string, unknown>
    const before = values[module][name]
    values[module][name] = before === undefined ? value : [before, value].flat()
  }
  return values
}

function quoted(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replace(/\\"/g, '"').replace(/'/g, "\\'")}'`
}

/** A value as TypeScript writes it. */
function literal(value: unknown, indent: string): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value !== 'object' || value === null) return String(value)
  const inner = `${indent}  `
  if (Array.isArray(value)) {
    const items = value.map((one) => literal(one, inner))
    const line = `[${items.join(', ')}]`
    return line.length < 90 && !line.includes('\n')
      ? line
      : `[\n${items.map((one) => `${inner}${one},\n`).join('')}${indent}]`
  }
  const entries = Object.entries(value).map(([key, one]) => {
    const name = /^[A-Za-z_]\w*$/.test(key) ? key : quoted(key)
    return `${inner}${name}: ${literal(one, inner)},\n`
  })
  return entries.length === 0 ? '{}' : `{\n${entries.join('')}${indent}}`
}

function fileText(name: string, program: ConvertedProgram, config: Record<string, unknown>): string {
  const { head, imports, body } = program
  const top = [...head, ...(head.length > 0 ? ['//'] : []), `// Converted from ${name}.`]
  const names = ['type Config', ...imports]
  const line = `import { ${names.join(', ')} } from 'signalbox'`
  const wide = `import {\n${names.map((one) => `  ${one},\n`).join('')}} from 'signalbox'`
  return [
    top.join('\n'),
    line.length <= 120 ? line : wide,
    '',
    `export const config = ${literal(config, '')} satisfies Config`,
    '',
    body,
  ].join('\n')
}
