// Owns the tests of what a .cfg in the engine's heap shares with the engine: messages as they are, answers of services as copies.
import { describe, expect, test } from 'vitest'
import { parseMessage, type SipMessage } from '../../src/sip/index.ts'
import { input, loaded, RecordingHost, request } from './run-script.ts'

const FILE = `#!KAMAILIO
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "http_client.so"
request_route {
    http_client_query("http://127.0.0.1/", "$var(body)");
    xlog("L_INFO", "$rc $var(body) $ci\\n");
}
`

/** What a service keeps is not what the script is given: its copy differs from it here. */
const kept = { toJSON: () => ({ status: 200, body: 'copied', error: '' }), status: 500, body: 'shared', error: '' }

describe('an answer of a service is a copy', () => {
  test.each([
    ['at once', () => kept],
    ['later', () => Promise.resolve(kept)],
  ])('%s', async (_when, service) => {
    const host = new RecordingHost()
    host.answers.service = service
    const { request: run } = await loaded(FILE, { name: 'route.cfg', host })
    await run()
    expect(host.of('log')).toMatchObject([{ text: expect.stringContaining('200 copied c81d7600@10.0.2.52') }])
  })
})

test('a run takes the message that the engine has parsed', async () => {
  const host = new RecordingHost()
  const { program } = await loaded(FILE, { name: 'route.cfg', host })
  const parsed = parseMessage(request('OPTIONS').replace('c81d7600', 'parsed'))
  const message = (parsed as { message: SipMessage }).message
  await program.run({ ...input('request', '', request()), message })
  expect(host.of('log')).toMatchObject([{ text: expect.stringContaining('parsed@10.0.2.52') }])
})

test.each([['debug=2\n'], ['route[HELPER] { exit; }\n']])(
  'a file that nothing enters runs as well: %j',
  async (text) => {
    const { program } = await loaded(text, { name: 'route.cfg' })
    expect(program.has('request')).toBe(false)
  },
)
