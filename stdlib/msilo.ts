// Owns module msilo: messages to who is not there, kept until he registers.
import { parseUri, SipRequest } from '../src/sip/index.ts'
import { declarations, optional, text } from './declaration.ts'
import { defineWaiting } from './define.ts'
import { avpAccess } from './named-pv.ts'
import { bindFormat } from './pv.ts'
import { currentRun } from './runtime.ts'
import { ask } from './service.ts'
import { numberParameter, parameterOf } from './settings.ts'

const MODULE = 'msilo'
const msilo = declarations(MODULE, ['request', 'failure'])

const formatOf = (name: string) =>
  parameterOf(
    MODULE,
    name,
    () => '',
    (value) => bindFormat(`${value}`),
  )
const fromAddress = formatOf('from_address')
const contactHeader = formatOf('contact_hdr')
const contentType = formatOf('content_type_hdr')
const offlineMessage = formatOf('offline_message')
const extraHeaders = formatOf('extra_hdrs')
const variableOf = (name: string) =>
  parameterOf(MODULE, name, undefined as ReturnType<typeof avpAccess>, (value) => avpAccess(`${value}`))
const sendTime = variableOf('snd_time_avp')
const keptHeaders = variableOf('extra_hdrs_avp')
const useContact = numberParameter(MODULE, 'use_contact', 1)
const silentFlag = numberParameter(MODULE, 'skip_notification_flag', -1)

/** Whose message it is: the address given, else the R-URI if it names a user, else To. */
function ownerOf(request: SipRequest, given: string | undefined): string {
  if (given !== undefined) return given
  const uri = currentRun().target?.uri ?? request.requestUri
  return parseUri(uri)?.user ? uri : (request.to?.uri ?? '')
}

/** What the sender is told, and where; undefined: nothing. */
function noticeOf(request: SipRequest): Record<string, string> | undefined {
  const [from, body] = [fromAddress()(), offlineMessage()()]
  const flag = silentFlag()
  const silent = flag >= 0 && flag < 32 && (currentRun().state.flags & (1 << flag)) !== 0
  if (from === '' || body === '' || silent) return undefined
  const contact = useContact() === 0 ? undefined : request.nameAddrs('Contact')[0]?.uri
  const to = contact ?? request.from?.uri ?? ''
  return { from, to, body, headers: `${contactHeader()()}${contentType()()}` }
}

export const mStore = defineWaiting(
  msilo(
    'm_store',
    [optional(text('owner'))],
    'Keeps a MESSAGE for who is not there: the user of the R-URI, or the address given. The sender is told so if from_address and offline_message are set.',
    'if (m_store("$ru")) t_reply("202", "Accepted");',
  ),
  (owner?: string) => {
    const { message } = currentRun()
    if (!(message instanceof SipRequest) || message.bodyStart >= message.raw.length) return -1
    return ask<number>(MODULE, 'store', {
      owner: ownerOf(message, owner),
      sendTime: `${sendTime()?.get() ?? ''}`,
      headers: `${keptHeaders()?.get() ?? ''}`,
      notice: noticeOf(message),
    })
  },
)

/** Whether a REGISTER says that its sender can be reached: a contact that is not taken away. */
function registers(request: SipRequest): boolean {
  const expires = request.header('Expires')
  return request
    .nameAddrs('Contact')
    .some((contact) => contact.uri !== '*' && Number(contact.params.get('expires') ?? expires ?? 3600) > 0)
}

export const mDump = defineWaiting(
  msilo(
    'm_dump',
    [optional(text('owner'))],
    'Sends what is kept for the user of To, or the address given, who has just registered.',
    'if (save("location")) m_dump();',
    ['request'],
  ),
  (owner?: string) => {
    const { message } = currentRun()
    if (!(message instanceof SipRequest) || (message.method === 'REGISTER' && !registers(message))) return -1
    const address = owner ?? message.to?.uri ?? ''
    return ask<number>(MODULE, 'dump', { owner: address, headers: extraHeaders()() })
  },
)
