// Owns the proof that routes/teams carries calls between a registered phone and Microsoft's side, both ways: baresip
// inside (UDP, RTP), Kamailio over mutual TLS with a baresip that demands SRTP outside, a tone heard each way.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createAuthority } from '../../../src/testkit/index.ts'
import { heard, startPhone } from '../baresip.ts'
import { WORKERS } from '../engine.ts'
import { Namespace } from '../namespace.ts'
import { describeWithPeers } from '../peers.ts'

const root = new URL('../../..', import.meta.url).pathname
const INSIDE = '10.0.0.5'
const OUTSIDE = '25.25.25.5'
const PHONE = '10.0.0.6'
const PEER = '52.112.0.1'
const CLIENT = PEER
const NAMES = {
  'sbc.example.com': OUTSIDE,
  'sip.pstnhub.microsoft.com': PEER,
  'sip2.pstnhub.microsoft.com': '52.112.0.2',
  'sip3.pstnhub.microsoft.com': '52.112.0.3',
}

// Each in a world of its own, so that they go side by side.
describeWithPeers('the Teams border with real peers', ['netns', 'kamailio', 'rtpengine', 'baresip', 'sox'], () => {
  test.concurrent('kamailio and rtpengine carry routes/teams.cfg', { timeout: 90_000 }, () =>
    inWorld(async (border, world) => {
      border.start('rtpengine', 'rtpengine', [
        ...[`--interface=internal/${INSIDE}`, `--interface=external/${OUTSIDE}`],
        ...['--listen-ng=127.0.0.1:22222', '--foreground', '--table=-1', '--log-level=5', '--log-stderr'],
        ...['--port-min=30000', '--port-max=30400', `--pidfile=${border.path('rtpengine.pid')}`],
      ])
      await border.listening('udp', 22222)
      startKamailio(border, join(root, 'routes/teams.cfg'), defines(border))
      await border.listening('tcp', 5061)
      await callBothWays(border, world)
    }),
  )

  test.concurrent('signalbox carries routes/teams.cfg', { timeout: 90_000 }, () =>
    inWorld(async (border, world) => {
      const options = defines(border).flatMap(([name, value]) => ['-A', `${name}=${value}`])
      await startSignalbox(border, 'routes/teams.cfg', [...options, ...RELAY])
      await callBothWays(border, world)
    }),
  )

  test.concurrent('signalbox carries routes/teams.ts', { timeout: 90_000 }, () =>
    inWorld(async (border, world) => {
      await startSignalbox(border, 'routes/teams.ts', RELAY, {
        OUTSIDE_ADDRESS: OUTSIDE,
        CERTIFICATES: border.folder,
        DESTINATIONS: border.path('destinations.list'),
      })
      await callBothWays(border, world)
    }),
  )
})

/** The border's namespace and everybody else's, with Microsoft's side up; both are taken down at the end. */
async function inWorld(body: (border: Namespace, world: Namespace) => Promise<void>): Promise<void> {
  const border = new Namespace([`${INSIDE}/32`, `${OUTSIDE}/32`], NAMES)
  const world = new Namespace([`${PHONE}/32`, `${PEER}/32`], NAMES)
  try {
    border.wire(world, [
      [INSIDE, PHONE],
      [OUTSIDE, PEER],
    ])
    const authority = await createAuthority()
    for (const [space, commonName] of [
      [border, 'sbc.example.com'],
      [world, 'sip.pstnhub.microsoft.com'],
    ] as const) {
      const { cert, key } = await authority.issue({ commonName })
      space.write('ca.pem', authority.cert)
      space.write('cert.pem', cert)
      space.write('key.pem', key)
      space.write('tls.cfg', ['server', 'client'].map((role) => tlsSection(role, space.folder)).join('\n'))
    }
    border.write(
      'destinations.list',
      readFileSync(join(root, 'routes/teams/destinations.list'), 'utf8').replaceAll('tls:10.0.0.5', `tls:${OUTSIDE}`),
    )
    startKamailio(world, join(root, 'test/interop/teams/teams-peer.cfg'), [
      ['TLS_CONFIG', `"${world.path('tls.cfg')}"`],
    ])
    await world.listening('tcp', 5061)
    await body(border, world)
  } finally {
    await world.close()
    await border.close()
  }
}

function defines(border: Namespace): [string, string][] {
  return [
    ['TEAMS_LISTEN', `tls:${OUTSIDE}:5061`],
    ['TLS_CONFIG', `"${border.path('tls.cfg')}"`],
    ['DESTINATIONS', `"${border.path('destinations.list')}"`],
    ['ADDRESSES', `"${join(root, 'routes/teams/addresses.list')}"`],
  ]
}

const READY = /baresip is ready/
const TALK_MILLIS = 3000
const RELAY = [
  `--interface=internal/${INSIDE}`,
  `--interface=external/${OUTSIDE}`,
  '--port-min=30000',
  '--port-max=30400',
]

function tlsSection(role: string, folder: string): string {
  return [
    `[${role}:default]`,
    'method = TLSv1.2+',
    'verify_certificate = yes',
    'require_certificate = yes',
    `private_key = ${folder}/key.pem`,
    `certificate = ${folder}/cert.pem`,
    `ca_list = ${folder}/ca.pem`,
    '',
  ].join('\n')
}

function startKamailio(space: Namespace, file: string, defines: readonly (readonly [string, string])[]): void {
  const options = defines.flatMap(([name, value]) => ['-A', `${name}=${value}`])
  const own = ['-DD', '-E', '-P', space.path('kamailio.pid'), '-Y', space.folder]
  space.start('kamailio', 'kamailio', ['-f', file, ...own, ...options])
}

async function startSignalbox(
  space: Namespace,
  file: string,
  options: readonly string[],
  env: Record<string, string> = {},
): Promise<void> {
  const command = [
    '--no-node-snapshot',
    join(root, 'bin/signalbox.mjs'),
    'run',
    ...WORKERS,
    join(root, file),
    ...options,
  ]
  await space.shows(space.start('signalbox', process.execPath, command, env), /"event":"ready"/)
}

async function callBothWays(border: Namespace, world: Namespace): Promise<void> {
  const logs = () => world.logs() + border.logs()
  const inside = { address: PHONE, port: 5070, tone: 440, mediaPort: 21000, seconds: 40 }
  const account = `<sip:+4930100@${INSIDE};transport=udp>;regint=60;audio_codecs=PCMU/8000/1;ptime=20`
  const outside = { address: CLIENT, port: 5080, tone: 1000, mediaPort: 22000, seconds: 40 }
  const client = `<sip:+4930200@${PEER}>;regint=0;mediaenc=srtp-mand;audio_codecs=PCMU/8000/1;ptime=20`

  // From the registered phone to Teams.
  const bob = startPhone(world, { ...outside, name: 'bob', account: `${client};answermode=auto` })
  await world.shows(bob, READY)
  const alice = startPhone(world, { ...inside, name: 'alice', account, command: `/dial sip:+4930200@${INSIDE}` })
  await world.shows(alice, /Call established/)
  await delay(TALK_MILLIS)
  await world.stop(alice, 'SIGINT')
  await world.stop(bob, 'SIGINT')
  expect(heard(world, 'bob'), logs()).toBeCloseTo(440, -2)
  expect(heard(world, 'alice'), logs()).toBeCloseTo(1000, -2)
  const called = /CALLED (\S+) contact (\S+)/.exec(readFileSync(world.path('kamailio.log'), 'latin1'))
  expect(called?.[1]).toBe('sip:+4930200@sip.pstnhub.microsoft.com:5061;user=phone;transport=tls')
  expect(called?.[2]).toMatch(/^<sip:[^@]+@sbc\.example\.com:5061;transport=tls[;>]/)

  // From Teams to the registered phone.
  const callee = startPhone(world, { ...inside, name: 'callee', account: `${account};answermode=auto` })
  await world.shows(callee, /200 OK/)
  const caller = startPhone(world, {
    ...outside,
    name: 'caller',
    account: client,
    command: `/dial sip:+4930100@${PEER}`,
  })
  await world.shows(caller, /Call established/)
  await delay(TALK_MILLIS)
  await world.stop(caller, 'SIGINT')
  await world.stop(callee, 'SIGINT')
  expect(heard(world, 'caller'), logs()).toBeCloseTo(440, -2)
  expect(heard(world, 'callee'), logs()).toBeCloseTo(1000, -2)
}
