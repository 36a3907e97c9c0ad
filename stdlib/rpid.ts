// Owns siputils' Remote-Party-ID: the header that tells who the caller is, by a column of the subscriber.
import { bracketed, parseUri } from '../src/sip/index.ts'
import { declarations } from './declaration.ts'
import { ANY_ROUTE, define } from './define.ts'
import { edit, endOfHeaders } from './message-edits.ts'
import { avpAccess } from './named-pv.ts'
import { currentRun } from './runtime.ts'
import { parameterOf, textParameter } from './settings.ts'
import { toBytes } from './text.ts'

const rpid = parameterOf('siputils', 'rpid_avp', avpAccess('$avp(rpid)'), (value) => avpAccess(`${value}`))
const rpidPrefix = textParameter('siputils', 'rpid_prefix')
const rpidSuffix = textParameter('siputils', 'rpid_suffix', ';party=calling;id-type=subscriber;screen=yes')

const siputils = declarations('siputils', ['request', 'failure', 'branch'])

export const appendRpidHf = define(
  siputils(
    'append_rpid_hf',
    [
      { name: 'prefix', kind: 'string', optional: true },
      { name: 'suffix', kind: 'string', optional: true },
    ],
    'Adds Remote-Party-ID with the value of rpid_avp between prefix and suffix.',
    'append_rpid_hf();',
  ),
  (before?: string, after?: string) => {
    const value = rpid()?.get() ?? null
    const text = `${before ?? rpidPrefix()}${value ?? ''}${after ?? rpidSuffix()}`
    if (value === null || /[\r\n]/.test(text)) return -1
    edit(endOfHeaders(currentRun().message), 0, toBytes(`Remote-Party-ID: ${text}\r\n`))
    return 1
  },
)

export const isRpidUserE164 = define(
  siputils(
    'is_rpid_user_e164',
    [],
    'True if the user in rpid_avp is a number with its +.',
    'if (is_rpid_user_e164()) append_rpid_hf();',
  ),
  () => {
    const value = `${rpid()?.get() ?? ''}`
    const user = parseUri(bracketed(value) ?? value)?.user ?? value
    return /^\+\d{2,15}$/.test(user) ? 1 : -1
  },
)

export const isUri = define(
  {
    ...siputils('is_uri', [{ name: 'text', kind: 'string' }], 'True if the text is a URI.', 'is_uri("$ru")'),
    routes: ANY_ROUTE,
  },
  (text: string) => (parseUri(text) === undefined ? -1 : 1),
)
