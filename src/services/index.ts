// The door of services: every module's host side, put together.
import { checkHtable, createHtable } from './htable.ts'
import { type ParameterCheck, problemsOf } from './parameter-checks.ts'
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
export function createServices(host: ServiceHost): readonly Service[] {
  const htable = createHtable(host, () => undefined)
  return [htable]
}

const CHECKS: Readonly<Record<string, ParameterCheck>> = { htable: checkHtable }

/** What is wrong with parameters, before any service sees them. Pure: runs wherever a configuration is read. */
export function checkParameters(parameters: readonly ModuleParameter[]): readonly ParameterProblem[] {
  return problemsOf(parameters, CHECKS)
}
