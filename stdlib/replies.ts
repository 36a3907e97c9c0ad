// Owns the making of a reply that a script asks for: what goes with its status and reason.
import type { ReplyArguments } from './contract.ts'
import { currentRun, language, opNow } from './runtime.ts'
import { toBytes } from './text.ts'

/** Sends a reply; Kamailio's return code. */
export function sendReplyAs(mode: ReplyArguments['mode'], code: number | string, reason: string): number {
  const run = currentRun()
  const number = Number(code)
  const valid = Number.isInteger(number) && number >= 100 && number <= 699
  if (!valid && language() === 'ts') return -1
  // A `.cfg` that gives no status means 500, as in Kamailio.
  const status = valid ? number : 500
  const { state } = run
  const spec: ReplyArguments = {
    status,
    // A line break in a reason would end the status line.
    reason: toBytes(reason).replace(/[\r\n]+/g, ' '),
    headers: state.replyHeaders + (status >= 300 && status < 400 ? redirectContacts() : ''),
    body: state.replyBody?.text ?? '',
    mode,
  }
  if (state.replyBody) spec.contentType = state.replyBody.type
  const sent = opNow('reply', spec)
  if (sent > 0) state.repliedWith = status
  return sent
}

/** A redirection names the targets that the script has set: the R-URI if it was changed, and the branches. */
function redirectContacts(): string {
  const { state, request } = currentRun()
  const targets = [...(request && state.target.uri !== request.requestUri ? [state.target] : []), ...state.branches]
  if (targets.length === 0) return ''
  const contacts = targets.map((target) => `<${target.uri}>${target.q === undefined ? '' : `;q=${target.q}`}`)
  return `Contact: ${contacts.join(', ')}\r\n`
}
