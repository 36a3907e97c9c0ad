// Owns the door of script: compiling, loading and running routing scripts.
export type {
  ApplyArguments,
  BranchArguments,
  CancelArguments,
  HostOperation,
  HostOperations,
  LocalArguments,
  LogArguments,
  RelayArguments,
  ReplyArguments,
  RtpArguments,
  RtpResult,
} from '../../stdlib/contract.ts'
export { kindNumber, ONSEND_ROUTE, ROUTE_KINDS } from '../../stdlib/contract.ts'
export { type CompileOptions, type CompileOutcome, compileScript } from './compile.ts'
export {
  type Diagnostic,
  diagnosticsToJson,
  formatDiagnostic,
  type Position,
  type Severity,
  sortDiagnostics,
} from './diagnostic.ts'
export { type CfgSettings, type ConvertedProgram, compileDsl, convertDsl, type RawSourceMap } from './dsl/index.ts'
export { type GuestBundle, guestBundle, provideGuestBundle } from './guest-bundle.ts'
export type { HostOps } from './host-ops.ts'
export { type LoadedProgram, type LoadOptions, loadProgram } from './loaded-program.ts'
export { manualPages } from './manual.ts'
export type {
  CompiledScript,
  RouteKind,
  RouteLanguage,
  RouteProgram,
  RunExit,
  RunInput,
  RunListener,
  RunMeta,
  RunOutcome,
} from './program.ts'
export { DEFAULT_PROGRAM_LIMITS, type ProgramLimits } from './program-limits.ts'
export { loadDiagnostic, ProgramStore, type ProgramStoreOptions, type StoreOutcome } from './program-store.ts'
export type { RehearsedProgram } from './rehearsed-program.ts'
export { applyRules, RULES, type RuleSetting } from './rules.ts'
export { exportPlace } from './typescript-text.ts'
export { checkAwaits } from './unawaited.ts'
export { type ScriptWatcher, watchScripts } from './watcher.ts'
