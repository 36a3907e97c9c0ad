// Owns the proof that routes/o365.cfg runs unchanged on Kamailio and on signalbox, each with rtpengine and with our relay:
// sipp as the call manager (TCP, RTP), baresip as Office 365 (TLS, SRTP mandatory), a tone heard each way.
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createAuthority } from '../../../src/testkit/index.ts'
import { WORKERS } from '../engine.ts'
import { Namespace } from '../namespace.ts'
import { muLawSamples, readPcap, toneShare, writeTonePcap } from '../pcap.ts'
import { describeWithPeers } from '../peers.ts'

const root = new URL('../../..', import.meta.url).pathname
const HOST = 'df6b236d-056d-416a-8f5f-f2e8e1a0238d.um.outlook.com'
const INSIDE = '10.0.0.5'
const OUTSIDE = '25.25.25.5'
const CALL_MANAGER = '10.0.0.6'
const OFFICE_365 = '207.46.198.124'

const PEERS = ['netns', 'kamailio', 'rtpengine', 'sipp', 'baresip', 'sox', 'dumpcap'] as const
const NG = '127.0.0.1:22222'
const COMMAND = ['--no-node-snapshot', join(root, 'bin/signalbox.mjs')]
const MEDIA = [
  `--interface=internal/${INSIDE}`,
  `--interface=external/${OUTSIDE}`,
  '--port-min=30000',
  '--port-max=30400',
]

type Start = (border: Namespace) => Promise<unknown>

/** What listens for the NG protocol. */
const RELAYS: Record<'rtpengine' | 'signalbox relay', Start> = {
  rtpengine: (border) => {
    border.start('rtpengine', 'rtpengine', [
      ...[...MEDIA, `--listen-ng=${NG}`, '--foreground', '--table=-1', '--log-level=5', '--log-stderr'],
      `--pidfile=${border.path('rtpengine.pid')}`,
    ])
    return border.listening('udp', 22222)
  },
  'signalbox relay': (border) => {
    border.start('relay', process.execPath, [...COMMAND, 'relay', ...MEDIA, `--listen-ng=${NG}`])
    return border.listening('udp', 22222)
  },
}

const defines = (border: Namespace): string[] => [
  ...['-A', `OUTSIDE_LISTEN=tls:${OUTSIDE}:5061`],
  ...['-A', `TLS_CONFIG="${border.path('tls.cfg')}"`],
]

/** What runs the routing script; `media`: options of the embedded relay. */
const PROXIES: Record<'Kamailio' | 'signalbox', (border: Namespace, media: string[]) => Promise<void>> = {
  async Kamailio(border) {
    border.start('kamailio', 'kamailio', [
      ...['-f', join(root, 'routes/o365.cfg'), '-DD', '-E', ...defines(border)],
      ...['-P', border.path('kamailio.pid'), '-Y', border.folder],
    ])
    await border.listening('tcp', 5060)
    await delay(500)
  },
  async signalbox(border, media) {
    border.start('signalbox', process.execPath, [
      ...[...COMMAND, 'run', ...WORKERS, join(root, 'routes/o365.cfg'), ...defines(border), ...media],
    ])
    await border.listening('tcp', 5060)
  },
}

describeWithPeers('the Office 365 call with real peers', PEERS, () => {
  // Each call has namespaces of its own, so that all run at once.
  for (const proxy of ['Kamailio', 'signalbox'] as const) {
    for (const relay of ['rtpengine', 'signalbox relay'] as const) {
      test.concurrent(`${proxy} and ${relay} carry routes/o365.cfg`, { timeout: 90_000 }, () =>
        between(async (border, world) => {
          await RELAYS[relay](border)
          await PROXIES[proxy](border, [])
          await placeCall(world, border)
        }),
      )
    }
  }

  test.concurrent('signalbox alone carries routes/o365.cfg', { timeout: 90_000 }, () =>
    between(async (border, world) => {
      await PROXIES.signalbox(border, MEDIA)
      await placeCall(world, border)
    }),
  )

  test.concurrent('signalbox alone carries routes/o365.ts', { timeout: 90_000 }, () =>
    between(async (border, world) => {
      border.start('signalbox', process.execPath, [...COMMAND, 'run', ...WORKERS, join(root, 'routes/o365.ts')], {
        INSIDE_ADDRESS: INSIDE,
        OUTSIDE_ADDRESS: OUTSIDE,
        OUTSIDE_ADVERTISED: OUTSIDE,
        CERTIFICATES: border.folder,
      })
      // Of several workers each evaluates the script, beside the five other systems of this file.
      await border.listening('tcp', 5060, WORKERS.length > 0 ? 60_000 : 15_000)
      await placeCall(world, border)
    }),
  )
})

/** The border's machine, and the world on the other end of its wire with Office 365 in it; both end with the call. */
async function between(call: (border: Namespace, world: Namespace) => Promise<void>): Promise<void> {
  const names = { [HOST]: OFFICE_365, 'sbc.example.com': OUTSIDE, 'sbc-o365.example.com': INSIDE }
  const border = new Namespace([`${INSIDE}/32`, `${OUTSIDE}/32`], names)
  const world = new Namespace([`${CALL_MANAGER}/32`, `${OFFICE_365}/32`], names)
  try {
    border.wire(world, [
      [INSIDE, CALL_MANAGER],
      [OUTSIDE, OFFICE_365],
    ])
    const authority = await createAuthority()
    const ours = await authority.issue({ commonName: 'sbc.example.com' })
    const office = await authority.issue({ commonName: HOST })
    border.write('ca.pem', authority.cert)
    border.write('cert.pem', ours.cert)
    border.write('key.pem', ours.key)
    world.write('ca.pem', authority.cert)
    world.write('office.pem', office.cert + office.key)
    const { folder } = border
    border.write(
      'tls.cfg',
      ['[server:default]', '[client:default]']
        .map(
          (section) =>
            `${section}\nmethod = TLSv1.2+\nverify_certificate = yes\nrequire_certificate = yes\nprivate_key = ${folder}/key.pem\ncertificate = ${folder}/cert.pem\nca_list = ${folder}/ca.pem\n`,
        )
        .join('\n'),
    )
    startOffice365(world)
    await world.listening('tcp', 5061)
    await call(border, world)
  } finally {
    await world.close()
    await border.close()
  }
}

/** baresip as Office 365: TLS, SRTP mandatory, answers at once, sends 1000 Hz and records what it hears. */
function startOffice365(space: Namespace): void {
  const folder = space.folder
  execFileSync('sox', [
    '-n',
    '-r',
    '8000',
    '-c',
    '1',
    '-b',
    '16',
    join(folder, 'tone1000.wav'),
    'synth',
    '20',
    'sine',
    '1000',
    'gain',
    '-6',
  ])
  space.write(
    'office/config',
    [
      'poll_method epoll',
      `sip_listen ${OFFICE_365}:5060`,
      `sip_certificate ${folder}/office.pem`,
      `sip_cafile ${folder}/ca.pem`,
      `net_interface ${OFFICE_365}`,
      'audio_player aufile',
      `audio_source aufile,${folder}/tone1000.wav`,
      'audio_alert aufile,/dev/null',
      'ausrc_srate 8000',
      'auplay_srate 8000',
      'ausrc_channels 1',
      'auplay_channels 1',
      'rtp_ports 22000-22098',
      'rtp_stats yes',
      'module_path /usr/lib/baresip/modules',
      'module g711.so',
      'module aufile.so',
      'module sndfile.so',
      'module srtp.so',
      'module_app menu.so',
      'module_tmp account.so',
      `snd_path ${folder}/office`,
      '',
    ].join('\n'),
  )
  space.write(
    'office/accounts',
    `<sip:87000@${HOST};transport=tls>;regint=0;mediaenc=srtp-mand;audio_codecs=PCMU/8000/1;ptime=20;answermode=auto\n`,
  )
  space.start('baresip', 'baresip', ['-f', join(folder, 'office'), '-t', '45'])
}

/** Places the call from sipp, and looks at what each side heard. */
async function placeCall(world: Namespace, space: Namespace): Promise<void> {
  writeTonePcap(world.path('tone.pcap'), 440, 4)
  const capture = world.start('dumpcap', 'dumpcap', [
    '-q',
    '-i',
    world.link,
    '-f',
    'udp',
    '-P',
    '-w',
    world.path('call.pcap'),
  ])
  await delay(700)
  const sipp = world.start('sipp', 'sipp', [
    ...[
      `${INSIDE}:5060`,
      '-sf',
      join(root, 'test/interop/o365/call-manager.xml'),
      '-t',
      't1',
      '-m',
      '1',
      '-i',
      CALL_MANAGER,
      '-p',
      '5060',
    ],
    ...[
      '-mi',
      CALL_MANAGER,
      '-mp',
      '24580',
      '-nostdin',
      '-timeout',
      '25',
      '-trace_err',
      '-error_file',
      world.path('sipp-errors.log'),
    ],
  ])
  const status = await sipp.ended
  await delay(300)
  await world.stop(capture, 'SIGINT')
  expect(status, world.logs() + space.logs()).toBe(0)

  const packets = readPcap(world.path('call.pcap'))
  const heardInside = muLawSamples(
    packets.filter((packet) => packet.target === CALL_MANAGER && packet.source === INSIDE),
  )
  expect(heardInside.length, world.logs() + space.logs()).toBeGreaterThan(8000)
  expect(toneShare(heardInside.slice(4000, 20_000), 1000)).toBeGreaterThan(0.9)
  // Nothing that left towards Office 365 may be plain: its payload decodes to noise.
  const sentOutside = muLawSamples(
    packets.filter((packet) => packet.target === OFFICE_365 && packet.source === OUTSIDE),
  )
  expect(sentOutside.length).toBeGreaterThan(8000)
  expect(toneShare(sentOutside.slice(4000, 20_000), 440)).toBeLessThan(0.1)

  const recording = readdirSync(world.path('office')).find((name) => name.endsWith('-dec.wav'))
  expect(recording, world.logs() + space.logs()).toBeDefined()
  const stat = execFileSync('sh', ['-c', `sox ${world.path('office')}/${recording} -n stat 2>&1`], { encoding: 'utf8' })
  const frequency = Number(/Rough\s+frequency:\s+(\d+)/.exec(stat)?.[1])
  expect(frequency).toBeGreaterThan(400)
  expect(frequency).toBeLessThan(480)
}
