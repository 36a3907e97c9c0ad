// The door of the engine.
export type {
  AudioConfig,
  ConfigOverride,
  ConfigResult,
  ConfigSource,
  EmbeddedMediaConfig,
  EngineConfig,
  LimitConfig,
  MediaConfig,
  TimerConfig,
} from './config.ts'
export {
  DEFAULT_LIMITS,
  DEFAULT_MEDIA_PORTS,
  DEFAULT_MEDIA_TIMES,
  DEFAULT_TIMERS,
  needsRestart,
  reloadable,
} from './config.ts'
export { readCfgConfig } from './config-cfg.ts'
export { checkConfigValue } from './config-schema.ts'
export { createEngine, createPreparedEngine } from './engine.ts'
export { type ErrorReply, errorReply } from './error-replies.ts'
export { loadConfig } from './load-config.ts'
export { loadOnly } from './load-only.ts'
export {
  asEngineLog,
  createLogger,
  type EngineLog,
  LOG_LEVELS,
  type LogFormat,
  type LoggerOptions,
  type LogLevel,
} from './logger.ts'
export { createRelay, remoteRelays, usesMedia } from './media-setup.ts'
export { type Family, type Labels, Metrics, type Tally } from './metrics.ts'
export { randomHex } from './random-hex.ts'
export { type ReadFile, readLatin1 } from './read-file.ts'
export { noRunSlot, type RunSlot } from './run-slot.ts'
export type { ScriptRun } from './script-run.ts'
export { transportSettings } from './settings.ts'
export type {
  Engine,
  EngineOptions,
  Legacy,
  PreparedEngine,
  PreparedEngineOptions,
  ReloadOutcome,
} from './types.ts'
export type { EngineStatus, EngineView } from './view.ts'
export { BEFORE_READY, BESIDE_TRAFFIC, type RehearsalBounds, rehearse, UNTIL_TRAFFIC } from './warm-up.ts'
