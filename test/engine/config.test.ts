// Owns the tests of configuration: what a .ts and a .cfg say, and how a wrong key, type or unit is told.
import { describe, expect, test } from 'vitest'
import { type ConfigOverride, DEFAULT_LIMITS, loadConfig, needsRestart, reloadable } from '../../src/engine/index.ts'
import type { CfgSettings } from '../../src/script/index.ts'
import { Authority } from '../transport/certificates.ts'

const SOURCE = `import { env } from 'signalbox'
// config = {} in a comment means nothing
export const config = {
  listen: ['udp:10.0.0.5:5060', 'tls:10.0.0.5:5061 advertise 25.25.25.5:5061'],
  alias: ['sbc.example.com'], /* { } */
  timers: {
    fr: 30,
    'frInv': env('FR', "}"),
  },
  tls: { profiles: { default: { kay: 'key.pem' } } },
  limits: { runMillis: 50 },
}
`

const authority = await Authority.create('an authority')
const [own, other] = [await authority.issue({}), await authority.issue({})]

function fromTs(
  raw: unknown,
  more: { source?: string; override?: ConfigOverride; files?: Record<string, string> } = {},
) {
  const files: Record<string, string> = { '/etc/sb/route.ts': more.source ?? SOURCE, ...more.files }
  return loadConfig({
    file: '/etc/sb/route.ts',
    language: 'ts',
    raw,
    tlsFiles: 'required',
    readFile: (path) => files[path],
    ...(more.override ? { override: more.override } : {}),
  })
}

function good(result: ReturnType<typeof loadConfig>) {
  if (!result.ok) throw new Error(result.diagnostics.map((d) => d.message).join('; '))
  return result.config
}

describe('config of a .ts', () => {
  test('an empty one has defaults', () => {
    const config = good(fromTs({}))
    expect(config.listen).toEqual([])
    expect(config.timers).toEqual({ fr: 30_000, frInv: 120_000, maxCall: 43_200 })
    expect(config.limits).toMatchObject({ runMillis: 50, isolateMegabytes: 64, transactionsPerSource: 5000 })
    expect(config.media).toEqual({ sets: {} })
  })

  test('listen lines become one entry a socket', () => {
    const { listen } = good(fromTs({ listen: ['udp:10.0.0.5:5060', 'tls:10.0.0.5:5061 advertise 25.25.25.5:5061'] }))
    expect(listen).toEqual([
      { transport: 'udp', address: '10.0.0.5', port: 5060 },
      { transport: 'tls', address: '10.0.0.5', port: 5061, advertised: { host: '25.25.25.5', port: 5061 } },
    ])
  })

  test('a wrong key is told with its path, its line and the nearest known key', () => {
    const result = fromTs({ tls: { profiles: { default: { kay: 'key.pem' } } } })
    expect(result.ok).toBe(false)
    expect(result.diagnostics[0]).toMatchObject({
      line: 10,
      column: 33,
      message: 'unknown key `kay` in `tls.profiles.default`',
      hint: 'did you mean `key`?',
      sourceLine: "  tls: { profiles: { default: { kay: 'key.pem' } } },",
    })
  })

  test.each([
    [{ timers: { fr: 30 } }, '`timers.fr` must be at least 500 (it is in milliseconds)', 7],
    [{ timers: { fr: '30s' } }, '`timers.fr` must be a whole number (milliseconds)', 7],
    [{ limits: { runMillis: 1.5 } }, '`limits.runMillis` must be a whole number (milliseconds)', 11],
    [{ media: { timeout: 600_000 } }, '`media.timeout` must be at most 86400 (it is in seconds)', 3],
    [{ listen: 'udp:10.0.0.5' }, '`listen` must be a list', 4],
    [
      { tls: { profiles: { default: { verifyPeer: 'yes' } } } },
      '`tls.profiles.default.verifyPeer` must be true or false',
      10,
    ],
  ])('%j: %s', (raw, message, line) => {
    const result = fromTs(raw)
    expect(result.diagnostics.map((d) => [d.message, d.line])).toEqual([[message, line]])
  })

  test('a listen line that is none is told where it stands', () => {
    const result = fromTs({ listen: ['udp:10.0.0.5:5060', 'xyz:1'] })
    expect(result.diagnostics[0]).toMatchObject({ line: 4, column: 33 })
    expect(result.diagnostics[0]?.message).toContain('xyz')
  })

  test('certificate files are relative to the script, and have to be there', () => {
    const raw = { tls: { profiles: { default: { key: 'key.pem', cert: '/x/cert.pem' } } } }
    expect(fromTs(raw).diagnostics.map((d) => d.message)).toEqual([
      '/etc/sb/key.pem cannot be read',
      '/x/cert.pem cannot be read',
    ])
    const config = good(fromTs(raw, { files: { '/etc/sb/key.pem': own.key, '/x/cert.pem': own.cert } }))
    expect(config.tls.profiles.default).toEqual({ key: '/etc/sb/key.pem', cert: '/x/cert.pem' })
  })

  test('certificate files that do not fit are told at their key', () => {
    const source = "export const config = {\n  tls: { profiles: { default: {\n    key: 'k',\n    cert: 'c' } } },\n}\n"
    const raw = { tls: { profiles: { default: { key: 'k', cert: 'c' } } } }
    const of = (key: string, cert: string) =>
      fromTs(raw, { source, files: { '/etc/sb/k': key, '/etc/sb/c': cert } }).diagnostics
    expect(of(other.key, own.cert)).toMatchObject([
      {
        severity: 'error',
        line: 3,
        message: expect.stringContaining('key /etc/sb/k does not belong to cert /etc/sb/c'),
      },
    ])
    expect(of(own.key, '')).toMatchObject([
      { severity: 'error', line: 4, message: expect.stringContaining('cert /etc/sb/c is not a PEM certificate') },
    ])
  })

  test('media without an interface is refused, sets alone are not', () => {
    expect(fromTs({ media: { portMin: 4000, portMax: 5000 } }).diagnostics[0]?.message).toMatch(/names no interface/)
    expect(good(fromTs({ media: { sets: { 0: ['udp:127.0.0.1:22222'] } } })).media).toEqual({
      sets: { 0: ['udp:127.0.0.1:22222'] },
    })
  })

  test('the command line wins', () => {
    const override = { listen: ['udp:127.0.0.1:5070'], interfaces: ['127.0.0.1'], portMin: 6000, portMax: 7000 }
    const config = good(
      fromTs({ listen: ['udp:10.0.0.5'], media: { interfaces: ['10.0.0.5'], timeout: 5 } }, { override }),
    )
    expect(config.listen).toEqual([{ transport: 'udp', address: '127.0.0.1', port: 5070 }])
    expect(config.media.embedded).toEqual({
      interfaces: ['127.0.0.1'],
      portMin: 6000,
      portMax: 7000,
      timeout: 5,
      silentTimeout: 3600,
    })
    const limits = { transactionsPerSource: 20_000 }
    expect(
      good(fromTs({ limits: { runMillis: 20, transactionsPerSource: 10 } }, { override: { limits } })).limits,
    ).toEqual({ ...DEFAULT_LIMITS, runMillis: 20, transactionsPerSource: 20_000 })
  })

  test('a relay that is asked for without an interface is told', () => {
    expect(fromTs({}, { override: { embedded: true, portMin: 6000 } }).diagnostics[0]?.message).toMatch(/no interface/)
  })
})

describe('reload', () => {
  test('listeners and relay interfaces need a restart, the rest takes effect', () => {
    const running = good(fromTs({ listen: ['udp:10.0.0.5'], media: { interfaces: ['10.0.0.5'] } }))
    const next = good(
      fromTs({
        listen: ['udp:10.0.0.6'],
        media: { interfaces: ['10.0.0.6'], sets: { 1: ['udp:1.2.3.4:5'] } },
        alias: ['a'],
      }),
    )
    expect(needsRestart(running, next)).toEqual(['listen', 'media interfaces and ports'])
    const merged = reloadable(running, next)
    expect(merged.listen).toEqual(running.listen)
    expect(merged.media).toEqual({ sets: { 1: ['udp:1.2.3.4:5'] }, embedded: running.media.embedded })
    expect(merged.alias).toEqual(['a'])
    expect(needsRestart(running, running)).toEqual([])
  })
})

const AT = { file: '/etc/sb/kamailio.cfg', line: 3, column: 1 }

function fromCfg(settings: Partial<CfgSettings>, files: Record<string, string> = {}) {
  const raw: CfgSettings = {
    core: [],
    listen: [],
    alias: [],
    modules: [],
    modparams: [],
    custom: [],
    flags: [],
    ...settings,
  }
  return loadConfig({
    file: AT.file,
    language: 'cfg',
    raw,
    tlsFiles: 'required',
    readFile: (path) => ({ [AT.file]: 'one\ntwo\nthree\n', ...files })[path],
  })
}

const param = (module: string, name: string, value: string | number) => ({ module, name, value, at: AT })
const core = (name: string, value: string | number) => ({ name, value, at: AT })
const listen = (text: string) => ({ text, at: AT })

describe('configuration of a .cfg', () => {
  test('a listen without a transport stands for UDP, TCP and TLS as switched on', () => {
    const sockets = (settings: Partial<CfgSettings>) =>
      good(fromCfg({ listen: [listen('10.0.0.5:5060')], ...settings })).listen.map((l) => `${l.transport}:${l.port}`)
    expect(sockets({})).toEqual(['udp:5060', 'tcp:5060'])
    expect(sockets({ core: [core('disable_tcp', 1)] })).toEqual(['udp:5060'])
    expect(sockets({ core: [core('enable_tls', 1)] })).toEqual(['udp:5060', 'tcp:5060', 'tls:5061'])
  })

  test('timers of tm are milliseconds, a short one is warned of', () => {
    expect(
      good(fromCfg({ listen: [listen('udp:10.0.0.5')], modparams: [param('tm', 'fr_timer', 5000)] })).timers.fr,
    ).toBe(5000)
    const result = fromCfg({ listen: [listen('udp:10.0.0.5')], modparams: [param('tm', 'fr_timer', 30)] })
    expect(result.diagnostics).toMatchObject([{ severity: 'warning', line: 3, sourceLine: 'three' }])
  })

  test('udp_mtu counts where udp_mtu_try_proto names a stream', () => {
    const told = (...settings: ReturnType<typeof core>[]) => {
      const { limits, udpMtuTransport } = good(fromCfg({ listen: [listen('udp:10.0.0.5')], core: settings }))
      return [limits.udpMtu, udpMtuTransport]
    }
    const mtu = core('udp_mtu', 1300)
    expect(told(mtu)).toEqual([0, undefined])
    expect(told(mtu, core('udp_mtu_try_proto', 'UDP'))).toEqual([0, undefined])
    expect(told(mtu, core('udp_mtu_try_proto', 'TCP'))).toEqual([1300, undefined])
    expect(told(mtu, core('udp_mtu_try_proto', 'tls'))).toEqual([1300, 'tls'])
    expect(told(core('udp_mtu_try_proto', 'TCP'))).toEqual([0, undefined])
    const sctp = fromCfg({ listen: [listen('udp:10.0.0.5')], core: [mtu, core('udp_mtu_try_proto', 'SCTP')] })
    expect(sctp.diagnostics).toMatchObject([{ severity: 'warning' }])
  })

  test('children has no effect, and says so', () => {
    const result = fromCfg({ listen: [listen('udp:10.0.0.5')], core: [core('children', 4)] })
    expect(result).toMatchObject({ ok: true, diagnostics: [{ severity: 'note' }] })
  })

  test('debug sets the loudness', () => {
    const level = (debug: number) =>
      good(fromCfg({ listen: [listen('udp:10.0.0.5')], core: [core('debug', debug)] })).logLevel
    expect([-1, 0, 2, 3].map(level)).toEqual(['error', 'warn', 'info', 'debug'])
  })

  test('rtpengine_sock fills the sets', () => {
    const modparams = [
      param('rtpengine', 'rtpengine_sock', 'udp:127.0.0.1:2223'),
      param('rtpengine', 'rtpengine_sock', '1 == udp:127.0.0.1:2224=2 udp:127.0.0.1:2225'),
    ]
    expect(good(fromCfg({ listen: [listen('udp:10.0.0.5')], modparams })).media).toEqual({
      sets: { 0: ['udp:127.0.0.1:2223'], 1: ['udp:127.0.0.1:2224=2', 'udp:127.0.0.1:2225'] },
    })
    const wrong = fromCfg({
      listen: [listen('udp:10.0.0.5')],
      modparams: [param('rtpengine', 'rtpengine_sock', 'nonsense')],
    })
    expect(wrong.ok).toBe(false)
  })

  test('a malformed listen is told at its place', () => {
    expect(fromCfg({ listen: [listen('udp:10.0.0.5:99999')] }).diagnostics[0]).toMatchObject({
      line: 3,
      sourceLine: 'three',
    })
  })
})

const TLS_CFG = `
[server:default]
method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
private_key = key.pem
certificate = cert.pem
ca_list = ca.pem

[client:default]   # dialling
verify_certificate = yes
private_key = key.pem
certificate = cert.pem
ca_list = ca.pem

[server:10.0.0.9:5061]
method = TLSv1.3
verify_certificate = no
private_key = key.pem
certificate = cert.pem

[client:198.51.100.7:5061]
verify_certificate = yes
verify_name = no
server_name = teams.example.com
`
const PEM = { '/etc/tls/key.pem': own.key, '/etc/tls/cert.pem': own.cert, '/etc/tls/ca.pem': authority.identity.cert }

describe('tls.cfg', () => {
  const modparams = [param('tls', 'config', '/etc/tls/tls.cfg')]
  const lines = [listen('tls:10.0.0.5:5061'), listen('tls:10.0.0.9:5061')]

  test('sections become profiles, for listeners and for dialling', () => {
    const config = good(fromCfg({ listen: lines, modparams }, { '/etc/tls/tls.cfg': TLS_CFG, ...PEM }))
    expect(config.tls.dialProfile).toBe('client:default')
    expect(config.tls.profiles.default).toMatchObject({
      verifyPeer: true,
      requireClientCert: true,
      key: '/etc/tls/key.pem',
      ca: '/etc/tls/ca.pem',
      minVersion: 'TLSv1.2',
    })
    expect(config.tls.profiles['client:default']).toMatchObject({ verifyPeer: true, verifyName: true })
    expect(config.tls.profiles['server:10.0.0.9:5061']).toMatchObject({ verifyPeer: false, minVersion: 'TLSv1.3' })
    expect(config.tls.profiles['client:198.51.100.7:5061:teams.example.com']).toMatchObject({
      verifyPeer: true,
      verifyName: false,
      sendServerName: 'teams.example.com',
      remotes: ['198.51.100.7:5061'],
    })
    expect(config.listen.map((l) => l.tlsProfile)).toEqual([undefined, 'server:10.0.0.9:5061'])
  })

  test('what is wrong in it is told in its own lines', () => {
    const text = '[server:default]\nprivate_kee = a\nverify_certificate = maybe\nconstructor = a\n[servr:x]\n'
    const result = fromCfg({ listen: lines, modparams }, { '/etc/tls/tls.cfg': text, ...PEM })
    expect(result.ok).toBe(false)
    expect(result.diagnostics).toMatchObject([
      {
        file: '/etc/tls/tls.cfg',
        line: 2,
        message: 'unknown setting `private_kee`',
        hint: 'did you mean `private_key`?',
      },
      { file: '/etc/tls/tls.cfg', line: 3 },
      { file: '/etc/tls/tls.cfg', line: 4, message: 'unknown setting `constructor`' },
      { file: '/etc/tls/tls.cfg', line: 5 },
    ])
  })

  test('a file that is not there is named', () => {
    expect(fromCfg({ listen: lines, modparams }).diagnostics[0]?.message).toBe(
      'the TLS configuration /etc/tls/tls.cfg cannot be read',
    )
    const result = fromCfg(
      { listen: lines, modparams },
      { '/etc/tls/tls.cfg': '[server:default]\ncertificate = gone.pem\n' },
    )
    expect(result.diagnostics[0]?.message).toBe('/etc/tls/gone.pem cannot be read')
  })

  test.each([
    ['a key of another certificate', { '/etc/tls/key.pem': other.key }, 'key /etc/tls/key.pem does not belong to cert'],
    ['an empty key', { '/etc/tls/key.pem': '' }, 'key /etc/tls/key.pem is not a PEM private key'],
    [
      'an encrypted key',
      { '/etc/tls/key.pem': '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII=\n-----END ENCRYPTED PRIVATE KEY-----\n' },
      'key /etc/tls/key.pem is encrypted; remove its passphrase',
    ],
    ['no certificate', { '/etc/tls/cert.pem': 'hello' }, 'cert /etc/tls/cert.pem is not a PEM certificate'],
    ['no authority', { '/etc/tls/ca.pem': '' }, 'ca /etc/tls/ca.pem is not a PEM certificate'],
  ])('%s is told at its section, once for parameters', (_what, files, message) => {
    const text = '\n[server:default]\nprivate_key = key.pem\ncertificate = cert.pem\nca_list = ca.pem\n'
    const result = fromCfg({ listen: lines, modparams }, { '/etc/tls/tls.cfg': text, ...PEM, ...files })
    const wrong = { severity: 'error', message: expect.stringContaining(message) }
    expect(result.ok).toBe(false)
    expect(result.diagnostics).toMatchObject([{ ...wrong, file: '/etc/tls/tls.cfg', line: 2 }])
    const names = { private_key: 'key', certificate: 'cert', ca_list: 'ca' }
    const params = Object.entries(names).map(([name, file]) => param('tls', name, `/etc/tls/${file}.pem`))
    const again = fromCfg({ listen: lines, modparams: params }, { ...PEM, ...files })
    expect(again.diagnostics).toMatchObject([{ ...wrong, file: AT.file }])
  })

  test('parameters of the module set both default profiles', () => {
    const params = [param('tls', 'private_key', '/etc/tls/key.pem'), param('tls', 'certificate', '/etc/tls/cert.pem')]
    const { profiles } = good(fromCfg({ listen: lines, modparams: params }, PEM)).tls
    expect(profiles.default).toMatchObject({ key: '/etc/tls/key.pem', verifyPeer: false })
    expect(profiles['client:default']).toMatchObject({ cert: '/etc/tls/cert.pem' })
  })
})
