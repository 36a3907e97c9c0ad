// Owns the configuration as a whole: the file's part, what the command line puts in its place, and this machine's addresses.

import { SignalboxError } from '../errors.ts'
import type { Diagnostic } from '../script/index.ts'
import { expandListen, type ListenSpec, parseListen } from '../transport/index.ts'
import {
  type ConfigOverride,
  type ConfigResult,
  type ConfigSource,
  DEFAULT_MEDIA_PORTS,
  DEFAULT_MEDIA_TIMES,
  type EngineConfig,
  isCfgSettings,
  type MediaConfig,
} from './config.ts'
import { type CfgFileConfig, readCfgConfig } from './config-cfg.ts'
import { type FileConfig, readTsConfig } from './config-ts.ts'

/** Reads a configuration. Never throws; errors are diagnostics that name the key and the place. */
export function loadConfig(source: ConfigSource): ConfigResult {
  const cfg = source.language === 'cfg' && isCfgSettings(source.raw)
  const read: { config?: FileConfig | CfgFileConfig; diagnostics: Diagnostic[] } = cfg
    ? readCfgConfig(source)
    : readTsConfig(source)
  if (!read.config) return { ok: false, diagnostics: read.diagnostics }
  const diagnostics = [...read.diagnostics]
  const file = read.config
  const listen: ListenSpec[] = []
  const given = source.override?.listen?.length
    ? source.override.listen.map((text) => ({ text, at: undefined }))
    : file.listen.map(({ text, path }) => ({ text, at: path }))
  for (const [index, { text, at }] of given.entries()) {
    try {
      listen.push(...expandListen([parseListen(text)]))
    } catch (error) {
      if (!(error instanceof SignalboxError)) throw error
      diagnostics.push(listenDiagnostic(source, index, at, error.message))
    }
  }
  if (diagnostics.some((d) => d.severity === 'error')) return { ok: false, diagnostics }
  const media = mediaWith(file.media, source.override)
  if (source.override?.embedded && !media.embedded)
    return {
      ok: false,
      diagnostics: [
        ...diagnostics,
        commandLine(source, 'the embedded relay has no interface: give --interface=[NAME/]ADDRESS'),
      ],
    }
  const limits = { ...file.limits, ...source.override?.limits }
  const config = { ...file, listen: withoutTwins(listen), media, limits } satisfies EngineConfig
  return { ok: true, config, diagnostics }
}

/** Two lines that name the same socket open it once. */
function withoutTwins(specs: readonly ListenSpec[]): ListenSpec[] {
  const seen = new Set<string>()
  return specs.filter((spec) => {
    if (spec.port === 0) return true
    const key = `${spec.transport} ${spec.address} ${spec.port}`
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

function listenDiagnostic(source: ConfigSource, index: number, path: string | undefined, message: string): Diagnostic {
  if (path === undefined) return commandLine(source, `-l: ${message}`)
  if (source.language === 'ts' || !isCfgSettings(source.raw)) return readTsConfig(source).locate({ path, message })
  const at = source.raw.listen[Math.min(index, source.raw.listen.length - 1)]?.at
  const sourceLine = at ? (source.readFile(at.file)?.split('\n')[at.line - 1] ?? '') : ''
  return {
    severity: 'error',
    code: 'config',
    message,
    file: at?.file ?? source.file,
    line: at?.line ?? 1,
    column: at?.column ?? 1,
    sourceLine,
  }
}

/** What is wrong with the command line, shown as other findings are. */
function commandLine(source: ConfigSource, message: string): Diagnostic {
  return { severity: 'error', code: 'command-line', message, file: source.file, line: 1, column: 1, sourceLine: '' }
}

function mediaWith(media: MediaConfig, override: ConfigOverride | undefined): MediaConfig {
  const interfaces = override?.interfaces?.length ? override.interfaces : media.embedded?.interfaces
  if (!interfaces) return media
  const portMin = override?.portMin ?? media.embedded?.portMin ?? DEFAULT_MEDIA_PORTS.portMin
  return {
    sets: media.sets,
    embedded: {
      ...media.embedded,
      ...override?.audio,
      interfaces,
      portMin,
      portMax: override?.portMax ?? media.embedded?.portMax ?? Math.max(DEFAULT_MEDIA_PORTS.portMax, portMin + 1000),
      timeout: override?.timeout ?? media.embedded?.timeout ?? DEFAULT_MEDIA_TIMES.timeout,
      silentTimeout: override?.silentTimeout ?? media.embedded?.silentTimeout ?? DEFAULT_MEDIA_TIMES.silentTimeout,
    },
  }
}
