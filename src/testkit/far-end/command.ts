// Owns `signalbox far-end`: a far end that stands still until it is stopped, for trying a border by hand.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { SignalboxError } from '../../errors.ts'
import { Office365FarEnd, type Office365Options } from './office-365.ts'
import type { RuleFinding } from './rule-finding.ts'
import { TeamsFarEnd, type TeamsOptions } from './teams.ts'

const USAGE = `Usage: signalbox far-end o365 --listen ADDRESS:PORT --host NAME --gateway NAME --key FILE --cert FILE --ca FILE
       signalbox far-end teams --listen ADDRESS:PORT --gateway NAME --key FILE --cert FILE --ca FILE [--border ADDRESS:PORT [--call NUMBER]]

A far end that enforces what Microsoft demands of a border: it answers 403 or 488 where Microsoft does, and otherwise
takes the call with SRTP and a tone of 1000 Hz. One line a call on standard output. o365 is Unified Messaging (U01 to
U08), teams is Direct Routing: it takes OPTIONS and calls, and with --border it probes and calls the border itself.

  --listen ADDRESS:PORT  where to accept TLS (default 127.0.0.1:5061)
  --host NAME            its own name: <guid>.um.outlook.com, which To must carry; one of Teams' three hosts
  --gateway NAME         the name of the border, which its certificate must carry (for o365 exactly)
  --border ADDRESS:PORT  teams: where the border accepts TLS; an OPTIONS is sent there every minute
  --call NUMBER          teams: call this number of the border, once
  --key, --cert FILE     its own key and certificate, PEM
  --ca FILE              the authority that signed the border's certificate, PEM
`

const PROBE_MILLIS = 60_000

/** Throws ERR_USAGE. */
function readOptions(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        listen: { type: 'string', default: '127.0.0.1:5061' },
        host: { type: 'string' },
        gateway: { type: 'string' },
        border: { type: 'string' },
        call: { type: 'string' },
        key: { type: 'string' },
        cert: { type: 'string' },
        ca: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new SignalboxError('ERR_USAGE', `far-end: ${(error as Error).message}`, { cause: error })
  }
}

/** Runs until SIGINT or SIGTERM; resolves with the exit status: 0, or 2 for wrong usage. */
export async function farEndCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = readOptions(args)
  if (values.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const { host, gateway, key, cert, ca, call } = values
  const kind = positionals[0]
  const at = place(values.listen)
  const border = values.border === undefined ? undefined : place(values.border)
  const teams = kind === 'teams' && (values.border === undefined || border) && (!call || border)
  if (!(teams || (kind === 'o365' && host)) || !at || !gateway || !key || !cert || !ca) {
    process.stderr.write(USAGE)
    return 2
  }
  const pem = { key: read('key', key), cert: read('cert', cert), ca: read('ca', ca) }
  const farEnd =
    kind === 'teams'
      ? await startTeams(
          { ...at, ...pem, trunk: gateway, ...(host ? { host } : {}), ...(border ? { border } : {}) },
          call,
        )
      : await startOffice365({ ...at, ...pem, host: host!, gateway })
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
  await farEnd.close()
  return 0
}

async function startOffice365(options: Office365Options): Promise<Office365FarEnd> {
  const farEnd = new Office365FarEnd(options)
  farEnd.onCall = tell
  const port = await farEnd.listen()
  process.stdout.write(
    `office 365 far end on tls:${options.address}:${port}, host ${options.host}, gateway ${options.gateway}\n`,
  )
  return farEnd
}

async function startTeams(options: TeamsOptions, number: string | undefined): Promise<{ close(): Promise<void> }> {
  const farEnd = new TeamsFarEnd(options)
  farEnd.onCall = tell
  const port = await farEnd.listen()
  process.stdout.write(`teams far end on tls:${options.address}:${port}, host ${farEnd.host}, trunk ${options.trunk}\n`)
  if (!options.border) return farEnd
  const probe = () =>
    farEnd.probe().then(
      (reply) => process.stdout.write(`OPTIONS: ${reply.status} ${reply.reason}\n`),
      (error: unknown) => process.stdout.write(`OPTIONS: ${String(error)}\n`),
    )
  await probe()
  const timer = setInterval(probe, PROBE_MILLIS)
  if (number !== undefined) {
    const { final } = await farEnd.place(number)
    process.stdout.write(`${number}: ${final.status} ${final.reason}\n`)
  }
  return {
    async close() {
      clearInterval(timer)
      await farEnd.close()
    },
  }
}

function tell(call: {
  readonly status: number
  readonly invite: { readonly callId: string }
  readonly findings: readonly RuleFinding[]
}): void {
  const broken = call.findings.filter((finding) => !finding.kept)
  process.stdout.write(
    `${call.status} ${call.invite.callId} ${broken.map((finding) => `${finding.rule}: ${finding.saw}`).join('; ') || 'every rule kept'}\n`,
  )
}

function place(text: string): { address: string; port: number } | undefined {
  const found = /^\[?(.+?)\]?:(\d+)$/.exec(text)
  return found ? { address: found[1]!, port: Number(found[2]) } : undefined
}

function read(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new SignalboxError('ERR_TLS', `--${option} ${file} cannot be read: give a PEM file that this user may read`, {
      cause,
    })
  }
}
