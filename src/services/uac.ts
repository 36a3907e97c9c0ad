// Owns the service of module uac: answers to challenges, requests and registrations of our own, From and To of replies put back.
import type { Databases } from '../database/index.ts'
import type { ReplyContext, RequestContext } from '../proxy/index.ts'
import type { MessageEdit, SipMessage } from '../sip/index.ts'
import { answerChallenge, readChallenge } from './digest-client.ts'
import { loadedAtStart } from './loading.ts'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import type { Service, ServiceHost } from './service.ts'
import { Registrations } from './uac-registrations.ts'
import { sendScripted } from './uac-requests.ts'

const MOST_REPLACED = 100_000

/** `transport:address:port` of a listener of ours, or its name. */
export function listenerNamed(host: ServiceHost, text: string): number | undefined {
  if (text === '') return undefined
  const bare = text.replace(/[[\]]/g, '')
  return host
    .listeners()
    .find(
      ({ name, transport, address, port }) =>
        name === text || `${transport}:${address}:${port}` === bare || `${transport}:${address}` === bare,
    )?.id
}

/** An edit that gives a header of the reply the value that the request had; a tag of the reply stays. */
function restored(reply: SipMessage, request: SipMessage, name: 'From' | 'To'): MessageEdit | undefined {
  const [now, before] = [reply.header(name), request.header(name)]
  if (now === undefined || before === undefined) return undefined
  const tag = /;\s*tag=[^;>\s]*\s*$/i
  const wanted = tag.test(before) ? before : `${before}${tag.exec(now)?.[0] ?? ''}`
  if (wanted === now) return undefined
  const at = reply.raw.indexOf(now, reply.raw.search(new RegExp(`^(?:${name}|${name[0]})[ \\t]*:`, 'im')))
  return at < 0 ? undefined : { at, remove: now.length, text: wanted }
}

export function createUac(host: ServiceHost, databases: Databases): Service {
  let parameters = new Parameters([])
  /** Requests whose From or To the far end knows otherwise. */
  const replaced = new Set<RequestContext>()
  const named = (text: string) => listenerNamed(host, text)
  const registrations = new Registrations(host, () => parameters, databases, named)
  return {
    module: 'uac',
    operations: {
      replaced(run) {
        if (run.context !== undefined && replaced.size < MOST_REPLACED) replaced.add(run.context)
        return 1
      },
      digest(_run, args) {
        const { header, value, user, password, method, uri, ha1 } = fieldsOf(args)
        const challenge = readChallenge(textOf(header), textOf(value))
        if (challenge === undefined) return null
        const credentials = {
          user: textOf(user),
          password: textOf(password),
          ...(ha1 === 1 ? { isHa1: true as const } : {}),
        }
        return answerChallenge(challenge, credentials, textOf(method), textOf(uri))
      },
      send: (_run, args) => sendScripted(host, args, named),
      event: (run) => run.event ?? null,
      registration(_run, args) {
        const { by, value } = fieldsOf(args)
        return registrations.find(by === 'uuid' ? 'uuid' : by === 'user' ? 'user' : 'uri', textOf(value)) ?? null
      },
      registrationStatus: (_run, args) => registrations.status(textOf(fieldsOf(args).uuid)),
      registrationSwitch(_run, args) {
        const { by, value, action } = fieldsOf(args)
        const found = registrations.find(by === 'l_uuid' ? 'uuid' : 'user', textOf(value))
        if (found === undefined) return -1
        if (action === 'disable') registrations.disable(found)
        else registrations.enable(found)
        return 1
      },
    },
    commands: registrations.commands(),
    configure(given) {
      parameters = new Parameters(given)
    },
    async start() {
      await loadedAtStart(host, 'the registrations of our own', () => registrations.load())
      registrations.start()
    },
    replyEdits({ context, reply }: ReplyContext) {
      if (replaced.size === 0 || context === undefined || !replaced.has(context)) return undefined
      return (['From', 'To'] as const).flatMap((name) => restored(reply, context.request, name) ?? [])
    },
    requestEnded(context) {
      if (replaced.size > 0) replaced.delete(context)
    },
    close: () => registrations.stop(),
  }
}
