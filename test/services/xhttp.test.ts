// Checks HTTP on SIP ports and the commands behind it: xhttp, jsonrpcs, xmlrpc, and what a wrong call gets.
import { afterEach, expect, test } from 'vitest'
import { executeJson } from '../../src/services/jsonrpcs.ts'
import { readXmlCall, writeXmlAnswer } from '../../src/services/xml-rpc.ts'
import { StreamFramer } from '../../src/sip/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'

let cfg: CfgRoute
afterEach(() => cfg?.close())

async function over(wire: string): Promise<void> {
  const { route } = cfg
  const browser = route.network.endpoint('tcp', '127.0.0.6', 40_000)
  browser.send(wire, route.listener('tcp'))
  for (let i = 0; i < 20; i++) await route.settle()
}

test('an HTTP request on a stream has no body without a length', () => {
  expect(new StreamFramer().push('GET /x HTTP/1.1\r\nHost: a\r\n\r\n')).toMatchObject([{ kind: 'message' }])
  expect(new StreamFramer().push('OPTIONS sip:a SIP/2.0\r\nVia: x\r\n\r\n')).toMatchObject([{ kind: 'error' }])
})

test('commands are carried out over HTTP', async () => {
  cfg = await cfgRoute(
    'tm sl pv xlog textops xhttp jsonrpcs htable',
    `listen=tcp:127.0.0.1:5060
modparam("htable", "htable", "a=>size=4;")
event_route[xhttp:request] {
  xlog("$rm $hu $hdr(Host) $si\\n");
  if ($hu =~ "^/RPC") jsonrpc_dispatch();
  else xhttp_reply("404", "Nothing", "text/plain", "no $hu");
}
request_route { exit; }`,
  )
  const { engine } = cfg.route
  await engine.command('htable.sets', ['a', 'k', 'v'])
  const body = '{"jsonrpc":"2.0","method":"htable.get","params":["a","k"],"id":7}'
  await over(`POST /RPC HTTP/1.1\r\nHost: border\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  expect(cfg.said()).toEqual(['POST /RPC border 127.0.0.6'])
  await expect(engine.command('htable.get', ['a', 'none'])).rejects.toMatchObject({ code: 500 })
  await expect(engine.command('no.such', [])).rejects.toThrow('command no.such not found')
})

test('what is no call is answered with the faults of JSON-RPC', async () => {
  const host = { command: async (name: string, given: readonly unknown[]) => ({ name, given }) }
  const answer = async (text: string) => JSON.parse((await executeJson(host, text)).body)
  expect(await answer('nonsense')).toMatchObject({ error: { code: -32_700 } })
  expect(await answer('{"id":1}')).toMatchObject({ error: { code: -32_600 } })
  expect(await answer('{"method":"x","params":{"a":1},"id":2}')).toEqual({
    jsonrpc: '2.0',
    result: { name: 'x', given: [1] },
    id: 2,
  })
})

test('XML-RPC calls are read and answered', () => {
  const call =
    '<?xml version="1.0"?><methodCall><methodName>htable.dump</methodName><params><param><value><string>a&lt;b</string></value></param><param><value><int>7</int></value></param></params></methodCall>'
  expect(readXmlCall(call)).toEqual({ method: 'htable.dump', parameters: ['a<b', 7] })
  expect(readXmlCall('<x/>')).toBeUndefined()
  expect(writeXmlAnswer({ a: [1, '<'] })).toContain(
    '<member><name>a</name><value><array><data><value><int>1</int></value><value><string>&lt;</string></value></data></array></value></member>',
  )
})
