// Owns module tls: what the far end of a connection proved.
import { declarations } from './declaration.ts'
import { define } from './define.ts'
import { askNow } from './service.ts'

export const isPeerVerified = define(
  declarations('tls', ['request'])(
    'is_peer_verified',
    [],
    'True if the request came over TLS, from who showed a certificate whose chain ends in the trust store.',
    'if ($proto == "tls" && !is_peer_verified()) { sl_send_reply("400", "No Certificate"); exit; }',
  ),
  () => askNow<number>('tls', 'verified'),
)
