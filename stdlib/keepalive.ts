// Owns module keepalive: destinations that are asked from time to time whether they are there.
import { declarations, text } from './declaration.ts'
import { ANY_ROUTE, define } from './define.ts'
import { askNow } from './service.ts'

const MODULE = 'keepalive'
const keepalive = declarations(MODULE, ANY_ROUTE)

export const kaAddDestination = define(
  {
    ...keepalive(
      'ka_add_destination',
      [text('uri'), text('owner')],
      'From now on the destination is asked by OPTIONS; -2 if it is asked already. Give owner any name: it tells lists apart.',
      'ka_add_destination("sip:10.0.0.7:5060", "config");',
    ),
    routes: ['request', 'branch', 'reply'],
  },
  (uri: string, owner: string) => askNow<number>(MODULE, 'add', { uri, owner }),
)

export const kaDelDestination = define(
  keepalive(
    'ka_del_destination',
    [text('uri'), text('owner')],
    'The destination of that owner is no longer asked.',
    'ka_del_destination("sip:10.0.0.7:5060", "config");',
  ),
  (uri: string, owner: string) => askNow<number>(MODULE, 'remove', { uri, owner }),
)

export const kaIsAlive = define(
  keepalive(
    'ka_is_alive',
    [text('destination')],
    'The state of a destination, given without sip:, as the code: 1 it answers or was not asked yet, 2 it does not, -1 it is none.',
    'if (ka_is_alive("10.0.0.7:5060") == 1) $du = "sip:10.0.0.7:5060";',
  ),
  (uri: string) => askNow<number>(MODULE, 'state', { uri }),
)
