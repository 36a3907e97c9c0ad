// Owns the way from the `config` export of a .ts file to the engine's configuration.
import { dirname, resolve } from 'node:path'
import type { Diagnostic } from '../script/index.ts'
import { checkParameters, type ModuleParameter } from '../services/index.ts'
import { profileFault, type TlsProfile } from '../transport/index.ts'
import type { AudioConfig, ConfigSource, LimitConfig, MediaConfig, TimerConfig } from './config.ts'
import { DEFAULT_LIMITS, DEFAULT_MEDIA_PORTS, DEFAULT_MEDIA_TIMES, DEFAULT_TIMERS } from './config.ts'
import { configPositions } from './config-positions.ts'
import { type ConfigProblem, type ConfigValue, checkConfigValue } from './config-schema.ts'

/** What a file says, before the command line and the machine's addresses are taken into account. */
export interface FileConfig {
  readonly listen: readonly { readonly text: string; readonly path: string }[]
  readonly alias: readonly string[]
  readonly hosts: Readonly<Record<string, readonly string[]>>
  readonly tls: { readonly profiles: Readonly<Record<string, TlsProfile>>; readonly dialProfile?: string }
  readonly media: MediaConfig
  readonly timers: TimerConfig
  readonly limits: LimitConfig
  readonly modules: readonly ModuleParameter[]
  readonly loaded: readonly string[]
}

/** Checks the value and gives it defaults. Diagnostics point at the key in the source where it is found. */
export function readTsConfig(source: ConfigSource): { config?: FileConfig; diagnostics: Diagnostic[]; locate: Locate } {
  const locate = locator(source)
  const checked = checkConfigValue(source.raw)
  if ('problems' in checked) {
    return { diagnostics: checked.problems.map((problem) => locate(problem)), locate }
  }
  const { value } = checked
  const diagnostics: Diagnostic[] = []
  const media = mediaConfig(value.media, (problem) => diagnostics.push(locate(problem)))
  const modules = moduleParameters(value.modules)
  for (const { index, message, hint } of checkParameters(modules)) {
    const { module, name } = modules[index]!
    diagnostics.push(locate({ path: `modules.${module}.${name}`, message, ...(hint ? { hint } : {}) }))
  }
  if (diagnostics.length > 0) return { diagnostics, locate }
  const folder = dirname(source.file)
  const profiles: Record<string, TlsProfile> = {}
  for (const [name, profile] of Object.entries(value.tls?.profiles ?? {})) {
    profiles[name] = withPaths(profile, folder)
    diagnostics.push(...unfitFiles(profiles[name], name, source, locate))
  }
  if (diagnostics.some((d) => d.severity === 'error')) return { diagnostics, locate }
  return {
    config: {
      listen: (value.listen ?? []).map((text, index) => ({ text, path: `listen.${index}` })),
      alias: value.alias ?? [],
      hosts: value.hosts ?? {},
      tls: { profiles },
      media,
      timers: { ...DEFAULT_TIMERS, ...defined(value.timers) },
      limits: { ...DEFAULT_LIMITS, ...defined(value.limits) },
      modules,
      loaded: Object.keys(value.modules ?? {}),
    },
    diagnostics,
    locate,
  }
}

export type Locate = (problem: ConfigProblem, severity?: Diagnostic['severity']) => Diagnostic

function locator(source: ConfigSource): Locate {
  const text = source.readFile(source.file) ?? ''
  const positions = configPositions(text)
  const lines = text.split('\n')
  return (problem, severity = 'error') => {
    // A key that stands nowhere (computed, spread) is shown at the nearest one that encloses it.
    let path = problem.path
    while (path !== '' && !positions.has(path)) path = path.slice(0, Math.max(0, path.lastIndexOf('.')))
    const at = positions.get(path) ?? { line: 1, column: 1 }
    const last = path.slice(path.lastIndexOf('.') + 1)
    return {
      severity,
      code: 'config',
      message: problem.message,
      file: source.file,
      line: at.line,
      column: at.column,
      endColumn: at.column + Math.max(1, last.length),
      sourceLine: (lines[at.line - 1] ?? '').replace(/\r$/, ''),
      ...(problem.hint ? { hint: problem.hint } : {}),
    }
  }
}

function moduleParameters(modules: ConfigValue['modules']): ModuleParameter[] {
  return Object.entries(modules ?? {}).flatMap(([module, parameters]) =>
    Object.entries(parameters).flatMap(([name, values]) => [values].flat().map((value) => ({ module, name, value }))),
  )
}

function mediaConfig(media: ConfigValue['media'], report: (problem: ConfigProblem) => void): MediaConfig {
  const sets = media?.sets ?? {}
  if (!media) return { sets }
  const portMin = media.portMin ?? DEFAULT_MEDIA_PORTS.portMin
  const portMax = media.portMax ?? Math.max(DEFAULT_MEDIA_PORTS.portMax, media.portMin ?? 0)
  if (portMin >= portMax)
    report({
      path: 'media.portMin',
      message: `\`media.portMin\` (${portMin}) must be less than \`media.portMax\` (${portMax})`,
    })
  if (!media.interfaces?.length) {
    const asksForRelay = media.portMin ?? media.portMax ?? media.timeout ?? media.silentTimeout
    if (asksForRelay !== undefined)
      report({
        path: 'media',
        message: '`media` sets up the relay but names no interface',
        hint: "add `interfaces: ['10.0.0.5']`, or `sets` alone to use relays elsewhere",
      })
    return { sets }
  }
  const { timeout = DEFAULT_MEDIA_TIMES.timeout, silentTimeout = DEFAULT_MEDIA_TIMES.silentTimeout } = media
  const { folders, recordingDir, recordingMethod, recordingFormat, dtmfLogDest } = media
  const audio: AudioConfig = {
    ...(folders ? { mediaFolders: folders } : {}),
    ...(recordingDir === undefined ? {} : { recordingDir }),
    ...(recordingMethod === undefined ? {} : { recordingMethod }),
    ...(recordingFormat === undefined ? {} : { recordingFormat }),
    ...(dtmfLogDest === undefined ? {} : { dtmfLogDest }),
  }
  return { sets, embedded: { ...audio, interfaces: media.interfaces, portMin, portMax, timeout, silentTimeout } }
}

function unfitFiles(profile: TlsProfile, name: string, source: ConfigSource, locate: Locate): Diagnostic[] {
  if (source.tlsFiles === 'unread') return []
  const files = { key: profile.key, cert: profile.cert, ca: profile.ca }
  const missing = Object.entries(files).flatMap(([key, value]) =>
    (typeof value === 'string' ? [value] : (value ?? []))
      .filter((path) => !path.startsWith('-----BEGIN') && source.readFile(path) === undefined)
      .map((path) =>
        locate(
          { path: `tls.profiles.${name}.${key}`, message: `${path} cannot be read`, hint: 'TLS needs it' },
          source.tlsFiles === 'required' ? 'error' : 'warning',
        ),
      ),
  )
  if (missing.length > 0) return missing
  const fault = profileFault(profile, (path) => source.readFile(path) ?? '')
  if (!fault) return []
  const path = `tls.profiles.${name}${fault.part ? `.${fault.part}` : ''}`
  return [locate({ path, message: `TLS: ${fault.why}` })]
}

type ProfileValue = NonNullable<NonNullable<ConfigValue['tls']>['profiles']>[string]

function withPaths(profile: ProfileValue, folder: string): TlsProfile {
  const path = (text: string) => (text.startsWith('-----BEGIN') ? text : resolve(folder, text))
  const { key, cert, ca, ...rest } = defined(profile)
  return {
    ...rest,
    ...(key === undefined ? {} : { key: path(key) }),
    ...(cert === undefined ? {} : { cert: path(cert) }),
    ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? path(ca) : ca.map(path) }),
  } as TlsProfile
}

/** The object without its undefined values. */
function defined<T extends object>(value: T | undefined): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(value ?? {}).filter(([, inner]) => inner !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> }
}
