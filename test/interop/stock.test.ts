// Owns Debian's stock kamailio.cfg, unmodified, with sipp and baresip as its phones. STOCK_SETS=1 runs every define by itself.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { OWN_SCHEMA } from '../../src/database/schema.ts'
import { heard, startPhone } from './baresip.ts'
import { root } from './engine.ts'
import { Namespace } from './namespace.ts'
import { describeWithPeers } from './peers.ts'
import { CALLEE, callerScenario, registerScenario } from './stock-scenarios.ts'

const STOCK = '/etc/kamailio/kamailio.cfg'
const present = existsSync(STOCK)
if (!present) process.stderr.write(`SKIPPED the stock configuration with real phones: ${STOCK} is not there\n`)

const PASSWORDS = { alice: 'secret-a', bob: 'secret-b', carol: 'secret-c', dave: 'secret-d' } as const
type User = keyof typeof PASSWORDS

/** TLS needs the key and certificate that the package leaves to the operator. */
const EVERYTHING = [
  'WITH_AUTH WITH_NAT WITH_USRLOCDB WITH_PSTN WITH_ALIASDB WITH_SPEEDDIAL WITH_MULTIDOMAIN WITH_PRESENCE',
  'WITH_ACCDB WITH_BLOCK3XX WITH_BLOCK401407 WITH_JSONRPC WITH_ANTIFLOOD',
]
  .join(' ')
  .split(' ')

async function start(space: Namespace, defines: readonly string[]): Promise<string> {
  const file = space.path('stock.db')
  const database = new DatabaseSync(file)
  database.exec(OWN_SCHEMA)
  for (const [user, password] of Object.entries(PASSWORDS))
    database
      .prepare("INSERT INTO subscriber (username, domain, password) VALUES (?, '127.0.0.1', ?)")
      .run(user, password)
  database.exec("INSERT INTO domain (domain) VALUES ('127.0.0.1')")
  database.close()
  const given = ['WITH_MYSQL', ...defines, `DBURL="sqlite://${file}"`].flatMap((define) => ['-A', define])
  const engine = space.start('signalbox', process.execPath, [
    '--no-node-snapshot',
    join(root, 'bin/signalbox.mjs'),
    'run',
    STOCK,
    ...given,
    '-l',
    'udp:127.0.0.1:5060',
    '--interface',
    '127.0.0.1',
    '--log-format',
    'json',
  ])
  await space.shows(engine, /"event":"ready"/)
  return file
}

function sipp(
  space: Namespace,
  title: string,
  scenario: string,
  user: User,
  host: string,
  more: readonly string[] = [],
) {
  const sf = space.write(`${title}.xml`, scenario)
  return space.start(title, 'sipp', [
    ...[
      '-sf',
      sf,
      '-au',
      user,
      '-ap',
      PASSWORDS[user],
      '-i',
      host,
      '-p',
      '5060',
      '-s',
      user,
      '-m',
      '1',
      '-timeout',
      '15',
      '-nostdin',
    ],
    ...['-trace_err', '-error_file', space.path(`${title}.err`)],
    ...more,
    '127.0.0.1:5060',
  ])
}

const mode = (defines: readonly string[]) => (defines.includes('WITH_AUTH') ? 'challenged' : 'open')

/** sipp's carol registers, and sipp's dave calls her. */
async function sippCall(space: Namespace, defines: readonly string[]): Promise<void> {
  const how = mode(defines)
  for (const [user, host] of [
    ['carol', '127.0.0.21'],
    ['dave', '127.0.0.22'],
  ] as const) {
    const registration = sipp(space, `register-${user}`, registerScenario(how), user, host)
    expect(await registration.ended, space.logs()).toBe(0)
  }
  const callee = sipp(space, 'callee', CALLEE, 'carol', '127.0.0.21')
  await space.listening('udp', 5060)
  await new Promise((resolve) => setTimeout(resolve, 500))
  const caller = sipp(space, 'caller', callerScenario('carol', how), 'dave', '127.0.0.22')
  expect([await caller.ended, await callee.ended], space.logs()).toEqual([0, 0])
}

async function inWorld(body: (space: Namespace) => Promise<void>): Promise<void> {
  const space = new Namespace([], {})
  try {
    await body(space)
  } finally {
    await space.close()
  }
}

describeWithPeers('the stock configuration with real phones', ['sipp', 'baresip', 'sox', 'netns'], () => {
  test.skipIf(!present)(
    'everything but TLS: sipp and baresip register with digest and call each other',
    { timeout: 90_000 },
    () =>
      inWorld(async (space) => {
        const file = await start(space, EVERYTHING)
        await sippCall(space, EVERYTHING)
        const account = (user: User, more = '') =>
          `<sip:${user}@127.0.0.1;transport=udp>;auth_user=${user};auth_pass=${PASSWORDS[user]};regint=60;audio_codecs=PCMU/8000/1${more}`
        const phone = (name: User, address: string, tone: number, mediaPort: number, more = '', command?: string) =>
          startPhone(space, {
            name,
            address,
            port: 5070,
            account: account(name, more),
            tone,
            mediaPort,
            seconds: command === undefined ? 8 : 5,
            ...(command === undefined ? {} : { command }),
          })
        const bob = phone('bob', '127.0.0.12', 1000, 22_000, ';answermode=auto')
        await space.shows(bob, /200 OK/)
        const alice = phone('alice', '127.0.0.11', 440, 21_000, '', '/dial sip:bob@127.0.0.1')
        await alice.ended
        await bob.ended
        expect(heard(space, 'alice')).toBeGreaterThan(950)
        expect(heard(space, 'bob')).toBeLessThan(480)
        const database = new DatabaseSync(file, { readOnly: true })
        const accounted = database.prepare("SELECT method, src_user, dst_ouser FROM acc WHERE method = 'INVITE'").all()
        database.close()
        expect(accounted).toEqual([
          { method: 'INVITE', src_user: 'dave', dst_ouser: 'carol' },
          { method: 'INVITE', src_user: 'alice', dst_ouser: 'bob' },
        ])
      }),
  )

  const alone = process.env.STOCK_SETS === undefined ? [] : [[], ...EVERYTHING.map((define) => [define])]
  test.skipIf(!present).each(alone.map((set) => [set.join(' ') || 'nothing', set] as const))(
    'with %s: sipp registers and calls',
    { timeout: 60_000 },
    (_title, set) =>
      inWorld(async (space) => {
        await start(space, set)
        await sippCall(space, set)
      }),
  )
})
