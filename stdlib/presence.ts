// Owns module presence: subscriptions and publications are answered and notified by the service behind it.
import type { Parameter } from './contract.ts'
import { declarations } from './declaration.ts'
import { ANY_ROUTE, define } from './define.ts'
import { askNow } from './service.ts'

const presence = declarations('presence', ['request'])

const uri: Parameter = { name: 'uri', kind: 'string' }
const event: Parameter = { name: 'event', kind: 'string' }

export const handleSubscribe = define(
  presence(
    'handle_subscribe',
    [{ ...uri, optional: true }],
    'Takes a SUBSCRIBE: answers it, keeps the subscription, and notifies the watcher.',
    'if (is_method("SUBSCRIBE")) { handle_subscribe(); t_release(); }',
  ),
  (watched?: string) => askNow<number>('presence', 'subscribe', { uri: watched ?? '' }),
)

export const handlePublish = define(
  presence(
    'handle_publish',
    [{ ...uri, optional: true }],
    'Takes a PUBLISH: answers it, keeps the document, and notifies those who watch.',
    'if (is_method("PUBLISH")) { handle_publish(); t_release(); }',
  ),
  (_sender?: string) => askNow<number>('presence', 'publish'),
)

export const presRefreshWatchers = define(
  {
    ...presence(
      'pres_refresh_watchers',
      [uri, event, { name: 'type', kind: 'int' }],
      'Notifies everybody who watches a user.',
      'pres_refresh_watchers("$fu", "presence", "1");',
    ),
    routes: ANY_ROUTE,
  },
  (presentity: string, name: string, _type: number | string) =>
    askNow<number>('presence', 'refresh', { uri: presentity, event: name }),
)

export const presHasSubscribers = define(
  {
    ...presence(
      'pres_has_subscribers',
      [uri, event],
      'True if somebody watches a user.',
      'if (pres_has_subscribers("$fu", "presence")) pres_refresh_watchers("$fu", "presence", "1");',
    ),
    routes: ANY_ROUTE,
  },
  (presentity: string, name: string) =>
    askNow<boolean>('presence', 'watched', { uri: presentity, event: name }) ? 1 : -1,
)

export const presAuthStatus = define(
  {
    ...presence(
      'pres_auth_status',
      [
        { name: 'watcher', kind: 'string' },
        { name: 'presentity', kind: 'string' },
      ],
      'Whether a watcher may see a user: 1 he may, 2 it is not decided.',
      'if (pres_auth_status("$fu", "$ru") == 1) t_relay();',
    ),
    routes: ['request', 'event'],
  },
  (_watcher: string, _presentity: string) => askNow<number>('presence', 'status'),
)

export const presUpdateWatchers = define(
  {
    ...presence(
      'pres_update_watchers',
      [uri, event],
      'Decides anew about those who watch a user, and notifies them.',
      'pres_update_watchers("$ru", "presence");',
    ),
    routes: ANY_ROUTE,
  },
  (presentity: string, name: string) => askNow<number>('presence', 'refresh', { uri: presentity, event: name }),
)
