// The door of services: every module's host side, put together.
import type { ModuleParameter, ParameterProblem, Service, ServiceHost } from './service.ts'

export type {
  EventRun,
  ModuleParameter,
  ParameterProblem,
  Service,
  ServiceCommand,
  ServiceHost,
  ServiceOperation,
  ServiceRun,
} from './service.ts'
export { ServiceTable } from './service-table.ts'

/** Makes all services. Those that use one another are handed over here. */
export function createServices(_host: ServiceHost): readonly Service[] {
  return []
}

/** What is wrong with parameters, before any service sees them. Pure: runs wherever a configuration is read. */
export function checkParameters(_parameters: readonly ModuleParameter[]): readonly ParameterProblem[] {
  return []
}
