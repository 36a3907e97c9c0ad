// Owns module async: requests that go on later or beside the route that took them.
import type { Parameter } from './contract.ts'
import { declarations, text } from './declaration.ts'
import { define, defineWaiting } from './define.ts'
import { ask, askNow } from './service.ts'
import { tSuspend } from './tm-transactions.ts'

const MODULE = 'async'
const declared = declarations(MODULE)
const ROUTE: Parameter = { name: 'route', kind: 'route' }

function later(route: string, milliseconds: number): number {
  return tSuspend() ? askNow<number>(MODULE, 'route', { route, milliseconds }) : -1
}

export const asyncRoute = define(
  declared(
    'async_route',
    [ROUTE, text('seconds')],
    'Leaves the request open and goes on with it in route[name] after so many seconds. Followed by exit.',
    'async_route("LATER", "4"); exit;',
    ['request', 'failure'],
  ),
  (route: string, seconds: number | string) => later(route, Number(seconds) * 1000),
)

export const asyncMsRoute = define(
  declared(
    'async_ms_route',
    [ROUTE, text('milliseconds')],
    'As async_route, in milliseconds.',
    'async_ms_route("LATER", "250"); exit;',
    ['request', 'failure'],
  ),
  (route: string, milliseconds: number | string) => later(route, Number(milliseconds)),
)

export const asyncSleep = defineWaiting(
  declared(
    'async_sleep',
    [text('seconds')],
    'Waits so many seconds before the route goes on; other requests are served meanwhile.',
    'async_sleep("2");',
    ['request', 'failure'],
  ),
  (seconds: number | string) => ask<number>(MODULE, 'sleep', { milliseconds: Number(seconds) * 1000 }),
)

export const asyncMsSleep = defineWaiting(
  declared('async_ms_sleep', [text('milliseconds')], 'As async_sleep, in milliseconds.', 'async_ms_sleep("200");', [
    'request',
    'failure',
  ]),
  (milliseconds: number | string) => ask<number>(MODULE, 'sleep', { milliseconds: Number(milliseconds) }),
)

export const asyncTaskRoute = define(
  declared(
    'async_task_route',
    [ROUTE],
    'Runs route[name] beside this one, over the same message, without its transaction.',
    'async_task_route("LOG");',
    ['request', 'failure', 'event'],
  ),
  (route: string) => askNow<number>(MODULE, 'task', { route }),
)
