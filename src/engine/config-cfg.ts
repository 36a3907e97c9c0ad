// Owns the way from what a .cfg sets (core parameters, modparam, tls.cfg) to the engine's configuration.
import { dirname, resolve } from 'node:path'
import type { CfgSettings, Diagnostic } from '../script/index.ts'
import { checkParameters } from '../services/index.ts'
import { profileFault, type TlsProfile } from '../transport/index.ts'
import type { ConfigSource, LimitConfig, TimerConfig } from './config.ts'
import { DEFAULT_LIMITS, DEFAULT_TIMERS } from './config.ts'
import type { FileConfig } from './config-ts.ts'
import type { LogLevel } from './logger.ts'
import { minVersionOfMethod, parseTlsCfg, type TlsCfgSection } from './tls-cfg.ts'

/** What a .cfg says, and what only it can say. */
export interface CfgFileConfig extends FileConfig {
  readonly logLevel?: LogLevel
  readonly serverHeader?: string
  readonly userAgent?: string
  readonly autoAliases?: true
  readonly forceRport?: true
  readonly udpMtuTransport?: 'tls'
}

type Place = CfgSettings['core'][number]['at']

/** Reads the settings. Kamailio's parameters that mean nothing here are accepted in silence; those that matter are noted. */
export function readCfgConfig(source: ConfigSource): { config?: CfgFileConfig; diagnostics: Diagnostic[] } {
  const settings = source.raw as CfgSettings
  const diagnostics: Diagnostic[] = []
  const report = (severity: Diagnostic['severity'], at: Place, message: string, hint?: string) => {
    const text = source.readFile(at.file)?.split('\n')[at.line - 1] ?? ''
    diagnostics.push({
      severity,
      code: 'config',
      message,
      file: at.file,
      line: at.line,
      column: at.column,
      ...(at.endColumn === undefined ? {} : { endColumn: at.endColumn }),
      sourceLine: text.replace(/\r$/, ''),
      ...(hint ? { hint } : {}),
    })
  }
  const core = new Map(settings.core.map((entry) => [entry.name, entry]))
  const number = (name: string): number | undefined => {
    const entry = core.get(name)
    return entry === undefined ? undefined : Number(entry.value)
  }
  const param = (module: string, name: string) =>
    settings.modparams.findLast((p) => p.module === module && p.name === name)

  const children = core.get('children')
  if (children && Number(children.value) > 1)
    report('note', children.at, '`children` has no effect: workers are set by --workers')

  const timers: { -readonly [K in keyof TimerConfig]: TimerConfig[K] } = { ...DEFAULT_TIMERS }
  for (const [name, key] of [
    ['fr_timer', 'fr'],
    ['fr_inv_timer', 'frInv'],
  ] as const) {
    const given = param('tm', name)
    if (!given) continue
    const value = Number(given.value)
    if (!Number.isInteger(value) || value < 1)
      report('error', given.at, `modparam tm ${name} must be a number of milliseconds, not \`${given.value}\``)
    else {
      timers[key] = value
      // Kamailio before 1.5 and SER's first years counted seconds: 30 there is 30 ms here, and no call would live.
      if (value < 500) report('warning', given.at, `modparam tm ${name} is in milliseconds: ${value} ms is very short`)
    }
  }
  const maxCall = param('dialog', 'default_timeout')
  if (maxCall && Number(maxCall.value) > 0) timers.maxCall = Number(maxCall.value)

  const limits: { -readonly [K in keyof LimitConfig]: LimitConfig[K] } = { ...DEFAULT_LIMITS }
  const tcpConnections = number('tcp_max_connections')
  if (tcpConnections !== undefined && tcpConnections > 0) limits.connections = tcpConnections
  const idle = number('tcp_connection_lifetime')
  if (idle !== undefined && idle > 0) limits.idleMillis = idle * 1000
  const connect = number('tcp_connect_timeout')
  if (connect !== undefined && connect > 0) limits.connectMillis = connect * 1000

  // Both are needed, as in 5.6.3: without the second one a long request stays with UDP.
  const stream = `${core.get('udp_mtu_try_proto')?.value ?? 'UDP'}`.toLowerCase()
  if (!['udp', 'tcp', 'tls'].includes(stream))
    report('warning', core.get('udp_mtu_try_proto')!.at, `udp_mtu_try_proto is TCP, TLS or UDP here, not \`${stream}\``)
  const mtu = number('udp_mtu')
  if (/^t/.test(stream) && mtu !== undefined && mtu > 0) limits.udpMtu = mtu

  const listen = settings.listen.flatMap((entry) =>
    listenTexts(entry.text, core).map((text) => ({ text: advertised(text, core), path: '' })),
  )
  if (settings.listen.length === 0) listen.push(...listenTexts('*', core).map((text) => ({ text, path: '' })))

  for (const { index, message, hint } of checkParameters(settings.modparams))
    report('error', settings.modparams[index]!.at, message, hint)

  const tls = tlsConfig(source, settings, listen, report)
  const sets = relaySets(settings, report)
  const debug = number('debug')
  const header = core.get('server_header')?.value
  const signature = number('server_signature')
  // Kamailio signs its replies unless told not to; a name of its own is not put into them without being asked.
  const server =
    signature === 0
      ? undefined
      : typeof header === 'string'
        ? header.replace(/^Server:\s*/i, '')
        : signature === 1
          ? 'signalbox'
          : undefined
  const agent = core.get('user_agent_header')?.value
  const config: CfgFileConfig = {
    listen: tls.listen,
    alias: settings.alias.map((entry) => entry.text),
    hosts: {},
    tls: tls.options,
    media: { sets },
    timers,
    limits,
    modules: settings.modparams.map(({ module, name, value }) => ({ module, name, value })),
    loaded: settings.modules.map(({ name }) => name),
    ...(debug === undefined ? {} : { logLevel: levelOfDebug(debug) }),
    ...(server === undefined ? {} : { serverHeader: server }),
    ...(typeof agent === 'string' ? { userAgent: agent.replace(/^User-Agent:\s*/i, '') } : {}),
    ...(number('auto_aliases') === 0 ? {} : { autoAliases: true as const }),
    ...(number('force_rport') === 1 ? { forceRport: true as const } : {}),
    ...(stream === 'tls' ? { udpMtuTransport: 'tls' as const } : {}),
  }
  return diagnostics.some((d) => d.severity === 'error') ? { diagnostics } : { config, diagnostics }
}

/** Kamailio's `debug`: L_ERR -1, L_WARN 0, L_NOTICE 1, L_INFO 2, L_DBG 3. */
function levelOfDebug(debug: number): LogLevel {
  if (debug < 0) return 'error'
  if (debug === 0) return 'warn'
  return debug >= 3 ? 'debug' : 'info'
}

/** A socket without a port has that of `port`, or of TLS. */
function withPort(text: string, core: Map<string, CfgSettings['core'][number]>): string {
  const port = Number(core.get('port')?.value ?? 0)
  if (!(port > 0) || /^tls:/i.test(text)) return text
  return text.replace(/^((?:\w+:)?(?:\[[^\]]*\]|[^\s:]+))(?=\s|$)/, `$1:${port}`)
}

/** A `listen` without a transport stands for UDP, and TCP and TLS unless they are switched off. */
function listenTexts(given: string, core: Map<string, CfgSettings['core'][number]>): string[] {
  const text = withPort(given, core)
  if (/^(udp|tcp|tls|ws|wss|sctp):/i.test(text)) return [text]
  const on = (name: string) => Number(core.get(name)?.value ?? 0) === 1
  const texts = [`udp:${text}`]
  if (!on('disable_tcp')) {
    texts.push(`tcp:${text}`)
    if (on('enable_tls')) texts.push(`tls:${text.replace(/^(\[[^\]]*\]|[^\s:]+)(?::\d+)?/, `$1:${tlsPort(core)}`)}`)
  }
  return texts
}

/** `advertised_address` and `advertised_port` hold for listeners that advertise nothing themselves. */
function advertised(text: string, core: Map<string, CfgSettings['core'][number]>): string {
  const address = core.get('advertised_address')?.value
  if (address === undefined || /\sadvertise\s/i.test(text)) return text
  const port = core.get('advertised_port')?.value
  return `${text} advertise ${address}${port === undefined ? '' : `:${port}`}`
}

function tlsPort(core: Map<string, CfgSettings['core'][number]>): number {
  return Number(core.get('tls_port_no')?.value ?? 5061)
}

type Report = (severity: Diagnostic['severity'], at: Place, message: string, hint?: string) => void

/** `rtpengine_sock`: one or more `udp:host:port[=weight]`, after `SET ==` where it is not set 0. */
function relaySets(settings: CfgSettings, report: Report): Record<string, string[]> {
  const sets: Record<string, string[]> = {}
  for (const { module, name, value, at } of settings.modparams) {
    if (module !== 'rtpengine' || name !== 'rtpengine_sock') continue
    const match = /^\s*(?:(\d+)\s*==\s*)?(.*)$/s.exec(String(value))
    const set = match?.[1] ?? '0'
    const targets = (match?.[2] ?? '').split(/[\s;]+/).filter((target) => target !== '')
    for (const target of targets) {
      if (/^(udp6?:)?(\[[0-9a-f:]+\]|[^\s:=]+):\d{1,5}(=\d+)?$/i.test(target)) (sets[set] ??= []).push(target)
      else
        report(
          'error',
          at,
          `\`${target}\` is not a media relay`,
          'write udp:ADDRESS:PORT, for example udp:127.0.0.1:2223',
        )
    }
  }
  return sets
}

function missingFile(source: ConfigSource): 'error' | 'warning' {
  return source.tlsFiles === 'required' ? 'error' : 'warning'
}

interface TlsPart {
  readonly options: FileConfig['tls']
  readonly listen: FileConfig['listen']
}

function tlsConfig(source: ConfigSource, settings: CfgSettings, listen: FileConfig['listen'], report: Report): TlsPart {
  const folder = dirname(source.file)
  const tlsParams = settings.modparams.filter((p) => p.module === 'tls')
  const configFile = tlsParams.findLast((p) => p.name === 'config')
  let sections: TlsCfgSection[]
  // Without its files, TLS of a memory network is as strict as it can be.
  if (source.tlsFiles === 'unread') return { options: { profiles: { default: {} } }, listen }
  if (configFile) {
    const path = resolve(folder, String(configFile.value))
    const text = source.readFile(path)
    if (text === undefined) {
      report(missingFile(source), configFile.at, `the TLS configuration ${path} cannot be read`)
      return { options: { profiles: {} }, listen }
    }
    const parsed = parseTlsCfg(text, path)
    for (const d of parsed.diagnostics) report(d.severity, d, d.message, d.hint)
    sections = parsed.sections
  } else sections = sectionsFromParams(tlsParams)
  const profiles: Record<string, TlsProfile> = {}
  // Module parameters set both roles from one place.
  const told = new Set<string>()
  const once: Report = (severity, at, message, hint) => {
    const key = `${at.line} ${message}`
    if (!told.has(key)) report(severity, at, message, hint)
    told.add(key)
  }
  const byAddress = new Map<string, string>()
  const base = configFile ? dirname(resolve(folder, String(configFile.value))) : folder
  for (const section of sections) {
    const name = profileName(section, profiles)
    const profile = profileOf(section, base)
    profiles[name] = profile
    const missing = [profile.key, profile.cert, profile.ca]
      .flatMap((path) => path ?? [])
      .filter((path) => source.readFile(path) === undefined)
    for (const path of missing) once(missingFile(source), section.at, `${path} cannot be read`, 'TLS needs it')
    const fault = missing.length === 0 && profileFault(profile, (path) => source.readFile(path) ?? '')
    if (fault) once('error', section.at, `TLS: ${fault.why}`)
    if (section.role === 'server' && section.address !== 'default' && section.serverName === undefined)
      byAddress.set(section.address, name)
  }
  // Kamailio's own client profile, where the file has none, shows no certificate and checks none.
  profiles['client:default'] ??= { verifyPeer: false, verifyName: false }
  return {
    options: { profiles, dialProfile: 'client:default' },
    listen: listen.map(({ text, path }) => {
      const at = /^tls:(\S+)/i.exec(text)?.[1]
      const profile = at && byAddress.get(at)
      return { text: profile ? `${text} tls_profile ${profile}` : text, path }
    }),
  }
}

function profileName(section: TlsCfgSection, taken: Record<string, TlsProfile>): string {
  if (section.role === 'server' && section.address === 'default' && !taken.default) return 'default'
  const plain = `${section.role}:${section.address}`
  const name = section.serverName ? `${plain}:${section.serverName}` : plain
  return taken[name] ? `${name}#${Object.keys(taken).length}` : name
}

function profileOf(section: TlsCfgSection, folder: string): TlsProfile {
  const path = (text: string | undefined) => (text === undefined ? undefined : resolve(folder, text))
  const [key, cert, ca] = [path(section.privateKey), path(section.certificate), path(section.caList)]
  const server = section.role === 'server'
  return {
    verifyPeer: section.verifyCertificate ?? false,
    verifyName: section.verifyName ?? section.verifyCertificate ?? false,
    minVersion: minVersionOfMethod(section.method),
    ...(server && section.requireCertificate ? { requireClientCert: true } : {}),
    ...(key === undefined ? {} : { key }),
    ...(cert === undefined ? {} : { cert }),
    ...(ca === undefined ? {} : { ca }),
    ...(section.cipherList === undefined ? {} : { ciphers: section.cipherList }),
    ...(section.serverName === undefined
      ? {}
      : server
        ? { serverNames: [section.serverName] }
        : { sendServerName: section.serverName }),
    ...(server || section.address === 'default' ? {} : { remotes: [section.address] }),
  }
}

/** `modparam("tls", "private_key", ...)` and its like set the default profiles of both roles. */
function sectionsFromParams(params: CfgSettings['modparams']): TlsCfgSection[] {
  const first = params[0]
  if (!first) return []
  const lines = params.map(({ name, value }) => `${name} = ${value}`)
  const text = ['server', 'client'].flatMap((role) => [`[${role}:default]`, ...lines]).join('\n')
  // Parameters of the module that no section knows (connection timeouts, buffers) change nothing here.
  return parseTlsCfg(text, first.at.file).sections.map((section) => ({ ...section, at: first.at }))
}
