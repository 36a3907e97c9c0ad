// Owns reading a tls.cfg in Kamailio's format: sections [server:...] and [client:...] of `name = value` lines.
import type { Diagnostic, Position } from '../script/index.ts'
import { nearestKey } from './nearest-key.ts'

/** One section of the file, paths as they are written. */
export interface TlsCfgSection {
  readonly role: 'server' | 'client'
  /** `default`, `any`, or the `address:port` that the section is for. */
  readonly address: string
  readonly at: Position
  method?: string
  privateKey?: string
  certificate?: string
  caList?: string
  verifyCertificate?: boolean
  requireCertificate?: boolean
  cipherList?: string
  serverName?: string
  serverId?: string
  /** Ours, not Kamailio's: `verify_name = no` switches the check of the dialled name off. */
  verifyName?: boolean
}

/** Names that Kamailio knows and that change nothing here. */
const IGNORED = new Set(['verify_depth', 'crl', 'server_name_mode', 'ca_path', 'verify_client'])

const TEXTS: Readonly<
  Record<string, 'method' | 'privateKey' | 'certificate' | 'caList' | 'cipherList' | 'serverName' | 'serverId'>
> = {
  method: 'method',
  tls_method: 'method',
  private_key: 'privateKey',
  certificate: 'certificate',
  ca_list: 'caList',
  cipher_list: 'cipherList',
  server_name: 'serverName',
  server_id: 'serverId',
}

const SWITCHES: Readonly<Record<string, 'verifyCertificate' | 'requireCertificate' | 'verifyName'>> = {
  verify_certificate: 'verifyCertificate',
  require_certificate: 'requireCertificate',
  verify_name: 'verifyName',
}

const KNOWN = [...Object.keys(TEXTS), ...Object.keys(SWITCHES), ...IGNORED]

/** Reads the file's text. Never throws. */
export function parseTlsCfg(text: string, file: string): { sections: TlsCfgSection[]; diagnostics: Diagnostic[] } {
  const sections: TlsCfgSection[] = []
  const diagnostics: Diagnostic[] = []
  let current: TlsCfgSection | undefined
  for (const [index, sourceLine] of text.split(/\r?\n/).entries()) {
    const report = (severity: 'error' | 'warning', message: string, hint?: string) => {
      const column = sourceLine.length - sourceLine.trimStart().length + 1
      diagnostics.push({
        severity,
        code: 'tls-config',
        message,
        file,
        line: index + 1,
        column,
        endColumn: sourceLine.trimEnd().length + 1,
        sourceLine,
        ...(hint ? { hint } : {}),
      })
    }
    const line = sourceLine.replace(/[#;].*$/, '').trim()
    if (line === '') continue
    if (line.startsWith('[')) {
      current = section(line, { file, line: index + 1, column: 1 })
      if (current) sections.push(current)
      else
        report(
          'error',
          `${line} is not a section`,
          'write [server:default], [client:default] or [server:10.0.0.5:5061]',
        )
      continue
    }
    const match = /^([A-Za-z_]+)\s*=\s*(.*)$/.exec(line)
    if (!match) {
      report('error', 'a line here reads `name = value`')
      continue
    }
    if (!current) {
      report('error', `\`${match[1]}\` stands before the first section`, 'begin with [server:default]')
      continue
    }
    const name = match[1]!.toLowerCase()
    const value = match[2]!.replace(/^"(.*)"$/, '$1')
    const textKey = Object.hasOwn(TEXTS, name) ? TEXTS[name] : undefined
    const switchKey = Object.hasOwn(SWITCHES, name) ? SWITCHES[name] : undefined
    if (textKey) current[textKey] = value
    else if (switchKey) {
      const on = truth(value)
      if (on === undefined) report('error', `\`${name}\` is yes or no, not \`${value}\``)
      else current[switchKey] = on
    } else if (!IGNORED.has(name)) {
      const near = nearestKey(name, KNOWN)
      report('error', `unknown setting \`${name}\``, near ? `did you mean \`${near}\`?` : undefined)
    } else report('warning', `\`${name}\` has no effect here`)
  }
  return { sections, diagnostics }
}

function section(line: string, at: Position): TlsCfgSection | undefined {
  const match = /^\[\s*(server|client)\s*:\s*(\S+?)\s*\]$/.exec(line)
  return match ? { role: match[1] as 'server' | 'client', address: match[2]!, at } : undefined
}

function truth(value: string): boolean | undefined {
  if (/^(yes|on|true|1|enabled?)$/i.test(value)) return true
  if (/^(no|off|false|0|disabled?)$/i.test(value)) return false
  return undefined
}

/** Least TLS version that Kamailio's `method` asks for; what is older than TLS 1.2 becomes TLS 1.2. */
export function minVersionOfMethod(method: string | undefined): 'TLSv1.2' | 'TLSv1.3' {
  return method?.toUpperCase().startsWith('TLSV1.3') ? 'TLSv1.3' : 'TLSv1.2'
}
