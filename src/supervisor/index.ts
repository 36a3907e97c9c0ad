// The door of the supervisor.
export { CONTROL_COMMANDS, type ControlAnswer, type ControlCommand, sendControl } from './control-socket.ts'
export {
  RefusedScript,
  type ReloadResult,
  Supervisor,
  type SupervisorOptions,
  type SupervisorStatus,
} from './supervisor.ts'
