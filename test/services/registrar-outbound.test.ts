// Checks what registrar says of flows (RFC 5626 6) under outbound_mode, regid_mode and flow_timer: each line as 5.6.3 answers.
import { afterEach, expect, test } from 'vitest'
import { checkParameters } from '../../src/services/index.ts'
import { type Party, request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'

let cfg: CfgRoute | undefined
afterEach(async () => {
  await cfg?.close()
  cfg = undefined
})

const A = '<sip:a@10.0.0.6:5060>'
const I = `${A};+sip.instance="<urn:uuid:1>"`
const R = `${I};reg-id=1`
const SHOWN = /^(?:Contact|Require|Supported|Unsupported|Flow-Timer|P-Registrar-Error): /

const at = (mode: number, regId: number, timer: number) =>
  `# outbound_mode ${mode}, regid_mode ${regId}, flow_timer ${timer}
   modparam("registrar", "use_path", 1)
   modparam("registrar", "path_mode", 0)
   modparam("registrar", "outbound_mode", ${mode})
   modparam("registrar", "regid_mode", ${regId})
   modparam("registrar", "flow_timer", ${timer})
   request_route { save("location"); }`

interface Asked {
  readonly contact?: string
  readonly supported?: string
  readonly require?: string
  readonly path?: string
  /** Proxies on the way. */
  readonly proxies?: number
}

/** The status of the reply and what it says of flows. */
async function answered(party: Party, asked: Asked, callId: string): Promise<string> {
  const headers: Record<string, string> = { To: `<sip:${callId}@127.0.0.1>`, Contact: asked.contact ?? '' }
  if (asked.supported) headers.Supported = asked.supported
  if (asked.require) headers.Require = asked.require
  if (asked.path) headers.Path = asked.path
  let text = request('REGISTER', { uri: 'sip:127.0.0.1', callId, headers })
  if (asked.contact === undefined) text = text.replace(/Contact: .*\r\n/, '')
  if (asked.proxies) text = text.replace(/\r\nMax-F/, '\r\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKua\r\nMax-F')
  await party.send(text)
  await cfg!.route.settle()
  const reply = party.history.at(-1)!.message
  const [first = '', ...lines] = reply.raw.split('\r\n\r\n')[0]!.split('\r\n')
  return [first.slice(8), ...lines.filter((line) => SHOWN.test(line))].join(' | ').replaceAll(A, 'A')
}

const K = 'Contact: A;expires=3600;+sip.instance="<urn:uuid:1>"'
const OFFERED = 'Supported: outbound'
const BOTH = 'Supported: outbound | Require: outbound'
const DEMANDED = 'Require: outbound | Supported: outbound'
const LACKS = '439 First Hop Lacks Outbound Support | P-Registrar-Error: No support for Outbound on edge proxy'
const EXTENSION = `421 Extension Required | ${DEMANDED} | P-Registrar-Error: No support for Outbound indicated`
const OB = '<sip:p@127.0.0.2;lr;ob>'
const PLAIN = '<sip:p@127.0.0.2;lr>'

const CASES: readonly (readonly [parameters: string, cases: readonly (readonly [Asked, string])[]])[] = [
  [
    at(0, 0, 0),
    [
      [{ contact: R, supported: 'path, outbound' }, `200 OK | ${K};reg-id=1`],
      [
        { contact: R, require: 'foo, outbound' },
        '420 Bad Extension | Unsupported: outbound | P-Registrar-Error: No support for Outbound on server',
      ],
      [{ contact: R, supported: 'path, outbound', path: PLAIN, proxies: 1 }, `200 OK | ${K};reg-id=1`],
    ],
  ],
  [
    at(1, 0, 0),
    [
      [{ contact: R, supported: 'path, outbound' }, `200 OK | ${K};reg-id=1 | ${BOTH}`],
      [{ contact: R }, `200 OK | ${K};reg-id=1 | ${OFFERED}`],
      [{ contact: R, require: 'outbound' }, `200 OK | ${K};reg-id=1 | ${BOTH}`],
      [{ contact: I, supported: 'outbound' }, `200 OK | ${K} | ${BOTH}`],
      [{ supported: 'outbound' }, `200 OK | ${BOTH}`],
      [{}, `200 OK | ${OFFERED}`],
    ],
  ],
  [
    at(1, 0, 25),
    [
      [
        { contact: R, supported: 'path, outbound', path: OB, proxies: 1 },
        `200 OK | ${K};reg-id=1 | ${BOTH} | Flow-Timer: 25`,
      ],
      [{ contact: R, supported: 'path, outbound', path: PLAIN, proxies: 1 }, LACKS],
      [{ contact: R, supported: 'path, outbound', path: `${PLAIN}, ${OB}`, proxies: 1 }, LACKS],
      [
        { contact: R, supported: 'path, outbound', path: `${OB}, ${PLAIN}`, proxies: 1 },
        `200 OK | ${K};reg-id=1 | ${BOTH} | Flow-Timer: 25`,
      ],
      [{ contact: R, supported: 'path, outbound', path: PLAIN }, `200 OK | ${K};reg-id=1 | ${BOTH} | Flow-Timer: 25`],
      [{ contact: R, supported: 'outbound', proxies: 1 }, LACKS],
      [{ contact: R, proxies: 1 }, `200 OK | ${K} | ${OFFERED}`],
      [{ contact: R, supported: 'path', path: OB, proxies: 1 }, `200 OK | ${K};reg-id=1 | ${OFFERED}`],
      [{ contact: R, require: 'path', supported: 'OutBound' }, `200 OK | ${K};reg-id=1 | ${BOTH} | Flow-Timer: 25`],
      [
        { contact: `${A};q=9`, supported: 'outbound' },
        '400 Bad Request | P-Registrar-Error: Invalid q param in contact',
      ],
    ],
  ],
  [
    at(1, 1, 25),
    [
      [{ contact: R, proxies: 1 }, `200 OK | ${K};reg-id=1 | ${OFFERED}`],
      [
        { contact: R, supported: 'path, outbound', path: PLAIN, proxies: 1 },
        `200 OK | ${K};reg-id=1 | ${BOTH} | Flow-Timer: 25`,
      ],
    ],
  ],
  [
    at(2, 0, 25),
    [
      [{ contact: R }, `200 OK | ${K};reg-id=1 | ${DEMANDED} | Flow-Timer: 25`],
      [{ contact: R, supported: 'gruu' }, EXTENSION],
      [{ supported: 'gruu' }, EXTENSION],
      [{ contact: R, proxies: 1 }, `200 OK | ${K} | ${DEMANDED} | Flow-Timer: 25`],
      [{ contact: R, supported: 'outbound', proxies: 1 }, LACKS],
    ],
  ],
]

test.each(CASES.map(([parameters, cases]) => [/# (.*)/.exec(parameters)![1]!, parameters, cases] as const))(
  '%s',
  async (_title, parameters, cases) => {
    cfg = await cfgRoute('tm sl usrloc registrar', parameters)
    const party = cfg.route.party('udp:10.0.0.6:5060')
    let serial = 0
    for (const [asked, expected] of cases)
      expect(await answered(party, asked, `u${++serial}`), JSON.stringify(asked)).toBe(expected)
  },
)

test('of a Path the 200 says itself alone', async () => {
  cfg = await cfgRoute('tm sl usrloc registrar', at(1, 0, 0).replace('"path_mode", 0', '"path_mode", 2'))
  const party = cfg.route.party('udp:10.0.0.6:5060')
  expect(await answered(party, { contact: R, supported: 'path', path: OB }, 'p')).toBe(
    `200 OK | ${K};reg-id=1 | ${OFFERED}`,
  )
  expect(party.history.at(-1)!.message.header('Path')).toBe(OB)
})

test('values that 5.6.3 does not start with are refused', () => {
  const problems = (name: string, value: number) =>
    checkParameters([{ module: 'registrar', name, value }]).map(({ message }) => message)
  expect(problems('outbound_mode', 2)).toEqual([])
  expect(problems('outbound_mode', 3)).toEqual(['outbound_mode of registrar is 0, 1 or 2, not 3'])
  expect(problems('regid_mode', 2)).toEqual(['regid_mode of registrar is 0 or 1, not 2'])
  expect(problems('flow_timer', -1)).toEqual(['flow_timer of registrar is a number of seconds, not -1'])
})
