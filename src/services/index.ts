// The door of services: every module's host side, put together.
import { openDatabases } from '../database/index.ts'
import { createDialog } from './dialog.ts'
import { createDispatcher } from './dispatcher.ts'
import { checkHtable, createHtable } from './htable.ts'
import { type ParameterCheck, problemsOf } from './parameter-checks.ts'
import type { ModuleParameter, ParameterProblem, Service, ServiceHost } from './service.ts'
import { createUserServices } from './user-services.ts'

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
  const databases = openDatabases(host)
  const htable = createHtable(host, () => undefined)
  const dispatcher = createDispatcher(host, async () => [])
  const dialog = createDialog(host)
  return [htable, dispatcher, dialog, ...createUserServices(host, databases)]
}

const CHECKS: Readonly<Record<string, ParameterCheck>> = { htable: checkHtable }

/** What is wrong with parameters, before any service sees them. Pure: runs wherever a configuration is read. */
export function checkParameters(parameters: readonly ModuleParameter[]): readonly ParameterProblem[] {
  return problemsOf(parameters, CHECKS)
}
