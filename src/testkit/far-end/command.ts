// Owns `signalbox far-end`: a far end that stands still until it is stopped, for trying a border by hand.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { SignalboxError } from '../../errors.ts'
import { Office365FarEnd } from './office-365.ts'

const USAGE = `Usage: signalbox far-end o365 --listen ADDRESS:PORT --host NAME --gateway NAME --key FILE --cert FILE --ca FILE

A far end that enforces what Office 365 Unified Messaging demands of a border (U01 to U08): it answers 403 or 488
where Microsoft does, and otherwise takes the call with SRTP and a tone of 1000 Hz. One line a call on standard output.

  --listen ADDRESS:PORT  where to accept TLS (default 127.0.0.1:5061)
  --host NAME            its own name, <guid>.um.outlook.com, which To must carry
  --gateway NAME         the name of the UM IP gateway, which the border's certificate must carry exactly
  --key, --cert FILE     its own key and certificate, PEM
  --ca FILE              the authority that signed the border's certificate, PEM
`

/** Runs until SIGINT or SIGTERM; resolves with the exit status: 0, or 2 for wrong usage. */
export async function farEndCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      listen: { type: 'string', default: '127.0.0.1:5061' },
      host: { type: 'string' },
      gateway: { type: 'string' },
      key: { type: 'string' },
      cert: { type: 'string' },
      ca: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const { listen, host, gateway, key, cert, ca } = values
  const address = /^\[?(.+?)\]?:(\d+)$/.exec(listen)
  if (positionals[0] === 'teams') {
    process.stderr.write('signalbox: the far end of Teams is not provided yet; o365 is\n')
    return 2
  }
  if (positionals[0] !== 'o365' || !address || !host || !gateway || !key || !cert || !ca) {
    process.stderr.write(USAGE)
    return 2
  }
  const read = (option: string, file: string): string => {
    try {
      return readFileSync(file, 'utf8')
    } catch (cause) {
      throw new SignalboxError(
        'ERR_TLS',
        `--${option} ${file} cannot be read: give a PEM file that this user may read`,
        { cause },
      )
    }
  }
  const farEnd = new Office365FarEnd({
    address: address[1]!,
    port: Number(address[2]),
    host,
    gateway,
    key: read('key', key),
    cert: read('cert', cert),
    ca: read('ca', ca),
  })
  farEnd.onCall = (call) => {
    const broken = call.findings.filter((finding) => !finding.kept)
    process.stdout.write(
      `${call.status} ${call.invite.callId} ${broken.map((finding) => `${finding.rule}: ${finding.saw}`).join('; ') || 'every rule kept'}\n`,
    )
  }
  const port = await farEnd.listen()
  process.stdout.write(`office 365 far end on tls:${address[1]}:${port}, host ${host}, gateway ${gateway}\n`)
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
  await farEnd.close()
  return 0
}
