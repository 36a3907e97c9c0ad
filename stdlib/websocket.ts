// Owns module websocket: HTTP requests that become WebSockets for SIP (RFC 7118), and their end.
import { declarations, int, text } from './declaration.ts'
import { define } from './define.ts'
import { definePv } from './pv.ts'
import { askNow } from './service.ts'

const MODULE = 'websocket'
const websocket = declarations(MODULE)

export const wsHandleHandshake = define(
  websocket(
    'ws_handle_handshake',
    [],
    'Answers the handshake of an HTTP request, whose connection carries SIP from then on. A handshake that is wrong is refused, and the route ends.',
    'event_route[xhttp:request] { if ($hdr(Upgrade) =~ "websocket") ws_handle_handshake(); }',
    ['event'],
  ),
  () => askNow<number>(MODULE, 'handshake'),
)

export const wsClose = define(
  {
    ...websocket(
      'ws_close',
      [],
      'Ends the WebSocket that the message came over: with code 1000, or with a code and a reason; or the one of that number.',
      'ws_close(4000, "Come back later");',
    ),
    overloads: [
      [int('code'), text('reason')],
      [int('code'), text('reason'), int('connection')],
    ],
  },
  (code?: number | string, reason?: string, connection?: number | string) =>
    askNow<number>(MODULE, 'close', {
      ...(code === undefined ? {} : { code: Number(code), reason }),
      ...(connection === undefined ? {} : { connection: Number(connection) }),
    }),
)

definePv({ name: 'ws_conid', module: MODULE, doc: 'Number of the WebSocket that the message came over.' }, () =>
  askNow<number | null>(MODULE, 'connection'),
)
