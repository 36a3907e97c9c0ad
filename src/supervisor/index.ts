// The door of the supervisor.
export type { SupervisorStatus } from './administration.ts'
export { CONTROL_COMMANDS, type ControlAnswer, type ControlQuestion, sendControl } from './control-socket.ts'
export { RefusedScript } from './refused-script.ts'
export type { ReloadResult } from './reloading.ts'
export { Supervisor, type SupervisorOptions } from './supervisor.ts'
