// Owns the putting together of services about traffic: destinations, dialogs, limits, shared tables, timers.

import type { Databases } from '../database/index.ts'
import { createBenchmark } from './benchmark.ts'
import { createCoreCommands } from './core-commands.ts'
import { createDialog } from './dialog.ts'
import { createDialplan } from './dialplan.ts'
import { createDispatcher } from './dispatcher.ts'
import { createDrouting } from './drouting.ts'
import { createGeoip2 } from './geoip2.ts'
import { checkHtable, createHtable } from './htable.ts'
import { createHttpAsyncClient, createHttpClient } from './http-client.ts'
import { createJsonrpcs, createXmlrpc } from './jsonrpcs.ts'
import { createKeepalive } from './keepalive.ts'
import { checkMqueue, createMqueue } from './mqueue.ts'
import { createMtree } from './mtree.ts'
import { createOutbound } from './outbound.ts'
import type { ParameterCheck } from './parameter-checks.ts'
import { createPike } from './pike.ts'
import { checkRatelimit, createPipelimit, createRatelimit } from './ratelimit.ts'
import { createRedis } from './redis.ts'
import { checkRtimer, createAsync, createRtimer } from './rtimer.ts'
import type { Service, ServiceHost } from './service.ts'
import { createSipdump } from './sipdump.ts'
import { createSiptrace } from './siptrace.ts'
import { createCounters, createStatistics, Numbers } from './statistics.ts'
import { createTopoh } from './topoh.ts'
import { checkTopos, createTopos } from './topos.ts'
import { createUac } from './uac.ts'
import { createUuid } from './uuid.ts'
import { createWebsocket } from './websocket.ts'
import { createXhttp } from './xhttp.ts'
import { createXhttpRpc } from './xhttp-rpc.ts'

export function createTrafficServices(host: ServiceHost, databases: Databases): readonly Service[] {
  const numbers = new Numbers()
  const { service: keepalive, watch } = createKeepalive(host)
  const { service: xhttp, replies } = createXhttp(host)
  return [
    createCoreCommands(host),
    xhttp,
    createJsonrpcs(host, replies),
    createXmlrpc(host, replies),
    createXhttpRpc(host, replies),
    createWebsocket(host, replies),
    createUuid(host),
    createBenchmark(host),
    createOutbound(host),
    { module: 'tls', operations: { verified: ({ flow }) => (flow.peer?.verified === true ? 1 : -1) } },
    createHttpClient(),
    createHttpAsyncClient(host),
    createHtable(host, databases),
    createDispatcher(host, databases),
    createDialog(host, databases),
    createGeoip2(host),
    keepalive,
    createTopoh(host),
    createTopos(host),
    // Behind what hides the topology: it sees what is on the wire.
    createSipdump(host),
    createUac(host, databases),
    createDialplan(host, databases),
    createMtree(host, databases),
    createDrouting(host, databases, watch),
    createRedis(host),
    createSiptrace(host),
    createPike(host),
    createRatelimit(host),
    createPipelimit(host),
    createMqueue(host),
    createRtimer(host),
    createAsync(host),
    createStatistics(numbers),
    createCounters(numbers),
  ]
}

export const TRAFFIC_CHECKS: Readonly<Record<string, ParameterCheck>> = {
  htable: checkHtable,
  mqueue: checkMqueue,
  ratelimit: checkRatelimit,
  rtimer: checkRtimer,
  topos: checkTopos,
}
