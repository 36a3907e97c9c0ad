// Owns modules xhttp, jsonrpcs and xmlrpc: HTTP requests that come to SIP ports, and commands of the modules.
import { declarations, format, int, text } from './declaration.ts'
import { define, defineWaiting } from './define.ts'
import { after } from './pending.ts'
import { definePv, definePvClass } from './pv.ts'
import { currentRun } from './runtime.ts'
import { ask, askNow } from './service.ts'

const xhttp = declarations('xhttp', ['event'])
const jsonrpcs = declarations('jsonrpcs')
const xmlrpc = declarations('xmlrpc')
const xhttpRpc = declarations('xhttp_rpc', ['event'])

export const xhttpReply = define(
  xhttp(
    'xhttp_reply',
    [format('code'), format('reason'), format('type'), format('body')],
    'Answers the HTTP request of event_route[xhttp:request].',
    'xhttp_reply("200", "OK", "text/html", "<html/>");',
  ),
  (status: string | number, reason: string, type: string, body: string) =>
    askNow<number>('xhttp', 'reply', { status: Number(status), reason, type, body }),
)

definePv({ name: 'hu', module: 'xhttp', routes: ['event'], doc: 'The URL of the HTTP request.' }, () => {
  const run = currentRun()
  return run.kind === 'event' && run.name === 'xhttp:request' ? (run.request?.requestUri ?? null) : null
})

export const jsonrpcDispatch = defineWaiting(
  jsonrpcs(
    'jsonrpc_dispatch',
    [],
    'Carries out the JSON-RPC call in the body of an HTTP request, and answers it.',
    'jsonrpc_dispatch();',
    ['request', 'event'],
  ),
  () => ask<number>('jsonrpcs', 'dispatch'),
)

interface Answer {
  readonly code: number
  readonly reason: string
  readonly body: string
}
let last: Answer | undefined

export const jsonrpcExec = defineWaiting(
  jsonrpcs(
    'jsonrpc_exec',
    [text('call')],
    'Carries out a JSON-RPC call; $jsonrpl has its answer.',
    `jsonrpc_exec('{"jsonrpc": "2.0", "method": "dispatcher.reload", "id": 1}');`,
  ),
  (command: string) =>
    after(ask<Answer>('jsonrpcs', 'exec', { command }), (answer) => {
      last = answer
      return 1
    }),
)

definePvClass(
  {
    name: 'jsonrpl',
    module: 'jsonrpcs',
    inner: { name: 'part', values: ['code', 'text', 'body'] },
    doc: 'Code, text and body of the last answer of jsonrpc_exec.',
  },
  (inner) => ({
    get() {
      const part = inner.text.trim()
      return last === undefined ? null : part === 'code' ? last.code : part === 'text' ? last.reason : last.body
    },
  }),
)

export const dispatchRpc = defineWaiting(
  xmlrpc(
    'dispatch_rpc',
    [],
    'Carries out the XML-RPC call in the body of an HTTP request, and answers it.',
    'dispatch_rpc();',
    ['request', 'event'],
  ),
  () => ask<number>('xmlrpc', 'dispatch'),
)

export const xmlrpcReply = define(
  xmlrpc(
    'xmlrpc_reply',
    [int('code'), text('reason')],
    'Answers an XML-RPC call with a fault.',
    'xmlrpc_reply("400", "Unauthorized");',
    ['request', 'event'],
  ),
  (code: number | string, reason: string) => askNow<number>('xmlrpc', 'fault', { code: Number(code), reason }),
)

export const dispatchXhttpRpc = defineWaiting(
  xhttpRpc(
    'dispatch_xhttp_rpc',
    [],
    'Answers the HTTP request with a page of the commands of all modules, below /rpc or xhttp_rpc_root: /rpc/htable/htable.dump?arg=a.',
    'if ($hu =~ "^/rpc") dispatch_xhttp_rpc();',
  ),
  () => ask<number>('xhttp_rpc', 'dispatch'),
)
