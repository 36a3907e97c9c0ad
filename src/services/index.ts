// The door of services: every module's host side, put together.
import { openDatabases } from '../database/index.ts'
import { problemsOf } from './parameter-checks.ts'
import { createRtpengine } from './rtpengine.ts'
import type { ModuleParameter, ParameterProblem, Service, ServiceHost } from './service.ts'
import { createTrafficServices, TRAFFIC_CHECKS } from './traffic-services.ts'
import { createUserServices, USER_CHECKS } from './user-services.ts'
import { createCfgutils, createIpops, createTm } from './waits.ts'

export { type Destination, type MessageMask, readOwn } from './mask.ts'
export type {
  EventRun,
  ModuleParameter,
  ParameterProblem,
  ReofferReply,
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
  return [
    createCfgutils(host),
    createIpops(),
    createRtpengine(),
    createTm(host),
    ...createTrafficServices(host, databases),
    ...createUserServices(host, databases),
  ]
}

/** What is wrong with parameters, before any service sees them. Pure: runs wherever a configuration is read. */
export function checkParameters(parameters: readonly ModuleParameter[]): readonly ParameterProblem[] {
  return problemsOf(parameters, { ...USER_CHECKS, ...TRAFFIC_CHECKS })
}
