// Owns the keys, types and units of `config` in a .ts file (the only importer of zod), and what a wrong one is told.
import { z } from 'zod'
import { nearestKey } from './nearest-key.ts'

const text = z.string().min(1)
const file = text.max(65_536)

function wholeNumber(unit: string, low: number, high: number) {
  return z
    .int({ error: `must be a whole number (${unit})` })
    .min(low)
    .max(high)
}

const milliseconds = (low: number, high: number) => wholeNumber('milliseconds', low, high)
const seconds = (low: number, high: number) => wholeNumber('seconds', low, high)
const moduleValue = z.union([z.string(), z.int()])
const port = wholeNumber('port', 1, 65_535)

const tlsProfile = z.strictObject({
  key: file.optional(),
  cert: file.optional(),
  ca: z.union([file, z.array(file)]).optional(),
  verifyPeer: z.boolean().optional(),
  verifyName: z.boolean().optional(),
  requireClientCert: z.boolean().optional(),
  minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).optional(),
  ciphers: text.optional(),
  serverNames: z.array(text).optional(),
  peerNames: z.array(text).optional(),
  remotes: z.array(text).optional(),
  sendServerName: text.optional(),
  acceptServerUsage: z.boolean().optional(),
  reuseAccepted: z.boolean().optional(),
})

export const configSchema = z.strictObject({
  listen: z.array(text).optional(),
  alias: z.array(text).optional(),
  hosts: z.record(text, z.array(text).min(1)).optional(),
  tls: z.strictObject({ profiles: z.record(text, tlsProfile).optional() }).optional(),
  media: z
    .strictObject({
      interfaces: z.array(text).optional(),
      portMin: port.optional(),
      portMax: port.optional(),
      timeout: seconds(1, 86_400).optional(),
      silentTimeout: seconds(1, 604_800).optional(),
      folders: z.array(text).optional(),
      recordingDir: text.optional(),
      recordingMethod: text.optional(),
      recordingFormat: z.enum(['raw', 'eth']).optional(),
      dtmfLogDest: text.optional(),
      sets: z.record(z.string().regex(/^\d+$/, 'must be the number of a set'), z.array(text)).optional(),
    })
    .optional(),
  modules: z.record(text, z.record(text, z.union([moduleValue, z.array(moduleValue)]))).optional(),
  timers: z
    .strictObject({
      fr: milliseconds(500, 600_000).optional(),
      frInv: milliseconds(500, 1_800_000).optional(),
      maxCall: seconds(1, 604_800).optional(),
    })
    .optional(),
  limits: z
    .strictObject({
      runMillis: milliseconds(1, 10_000).optional(),
      isolateMegabytes: wholeNumber('megabytes', 8, 4096).optional(),
      messageBytes: wholeNumber('bytes', 1024, 65_535).optional(),
      transactions: wholeNumber('transactions', 1, 10_000_000).optional(),
      transactionsPerSource: wholeNumber('transactions', 1, 10_000_000).optional(),
      connections: wholeNumber('connections', 1, 1_000_000).optional(),
      connectionsPerSource: wholeNumber('connections', 1, 1_000_000).optional(),
      queueMillis: milliseconds(0, 10_000).optional(),
      udpMtu: wholeNumber('bytes', 0, 65_535).optional(),
    })
    .optional(),
})

/** `config` as an operator writes it, checked. */
export type ConfigValue = z.output<typeof configSchema>

/** One thing that is wrong: where (dotted path, '' for the whole), what, and what to write instead. */
export interface ConfigProblem {
  readonly path: string
  readonly message: string
  readonly hint?: string
}

/** Checks keys, types and units; never throws. */
export function checkConfigValue(value: unknown): { value: ConfigValue } | { problems: ConfigProblem[] } {
  const result = configSchema.safeParse(value ?? {})
  if (result.success) return { value: result.data }
  const problems: ConfigProblem[] = []
  for (const issue of result.error.issues) problems.push(...describe(issue))
  return { problems }
}

type Issue = z.core.$ZodIssue

function describe(issue: Issue): ConfigProblem[] {
  const path = issue.path.map(String).join('.')
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = keysAt(issue.path)
      return issue.keys.map((key) => {
        const near = nearestKey(key, known)
        const where = path ? `\`${path}\`` : 'config'
        return {
          path: path ? `${path}.${key}` : key,
          message: `unknown key \`${key}\` in ${where}`,
          hint: near ? `did you mean \`${near}\`?` : `known keys: ${known.join(', ')}`,
        }
      })
    }
    case 'too_small':
    case 'too_big': {
      const unit = unitAt(issue.path)
      const bound = issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`
      if (issue.origin !== 'number' && issue.origin !== 'int')
        return [{ path, message: `\`${path}\` must not be empty` }]
      return [{ path, message: `\`${path}\` must be ${bound}${unit ? ` (it is in ${unit})` : ''}` }]
    }
    case 'invalid_value':
      return [{ path, message: `\`${path}\` must be one of ${issue.values.map((v) => `'${String(v)}'`).join(', ')}` }]
    case 'invalid_type':
      return [
        {
          path,
          message: `\`${path}\` ${issue.message.startsWith('must') ? issue.message : `must be ${article(issue.expected)}`}`,
        },
      ]
    case 'invalid_union':
      return [{ path, message: `\`${path}\` must be a text or a list of texts` }]
    default:
      return [{ path, message: `\`${path}\` ${issue.message}` }]
  }
}

function article(expected: string): string {
  switch (expected) {
    case 'string':
      return 'a text'
    case 'array':
      return 'a list'
    case 'object':
    case 'record':
      return 'an object'
    case 'boolean':
      return 'true or false'
    case 'int':
    case 'number':
      return 'a whole number'
    default:
      return expected
  }
}

interface Definition {
  readonly type: string
  readonly shape?: Record<string, { _zod: { def: Definition } }>
  readonly innerType?: { _zod: { def: Definition } }
  readonly valueType?: { _zod: { def: Definition } }
}

function definitionAt(path: readonly PropertyKey[]): Definition | undefined {
  let definition = configSchema._zod.def as unknown as Definition | undefined
  for (const step of path) {
    definition = unwrapped(definition)
    if (definition?.type === 'object') definition = definition.shape?.[String(step)]?._zod.def
    else if (definition?.type === 'record') definition = definition.valueType?._zod.def
    else return undefined
  }
  return unwrapped(definition)
}

function unwrapped(definition: Definition | undefined): Definition | undefined {
  let inner = definition
  while (inner?.type === 'optional') inner = inner.innerType?._zod.def
  return inner
}

/** Keys that are legal in the object at `path`. */
function keysAt(path: readonly PropertyKey[]): string[] {
  return Object.keys(definitionAt(path)?.shape ?? {})
}

const UNITS: Readonly<Record<string, string>> = {
  'timers.fr': 'milliseconds',
  'timers.frInv': 'milliseconds',
  'timers.maxCall': 'seconds',
  'media.timeout': 'seconds',
  'media.silentTimeout': 'seconds',
  'limits.runMillis': 'milliseconds',
  'limits.isolateMegabytes': 'megabytes',
  'limits.messageBytes': 'bytes',
  'limits.queueMillis': 'milliseconds',
  'limits.udpMtu': 'bytes',
}

function unitAt(path: readonly PropertyKey[]): string | undefined {
  return UNITS[path.map(String).join('.')]
}
