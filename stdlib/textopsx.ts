// Owns module textopsx: the message rebuilt from its changes, and the status line of replies.
import { applyEdits, correctContentLength, type MessageEdit, SipReply, SipRequest } from '../src/sip/index.ts'
import { define } from './define.ts'
import { edit } from './message-edits.ts'
import { currentRun, opNow } from './runtime.ts'
import { toBytes } from './text.ts'
import { made } from './text-bounds.ts'

/** RFC 3261 17.2.3: by these lines a request is matched with its transaction. */
const MANDATORY = ['Via', 'From', 'To', 'Call-ID', 'CSeq']

export const msgApplyChanges = define(
  {
    name: 'msgApplyChanges',
    kamailio: 'msg_apply_changes',
    module: 'textopsx',
    parameters: [],
    routes: ['request', 'reply'],
    doc: 'Makes the changes so far part of the message, so that readers see them. Before the transaction exists, or in reply_route.',
    example: 'msg_apply_changes();',
  },
  () => {
    const run = currentRun()
    // The transaction keeps the request as it was when it was made; a named reply route has one.
    if (run.kind === 'request' ? run.state.created : run.name !== '') return -1
    const done = run.edits.filter((change) => change.recordRoute === undefined)
    const { message } = run
    // The new R-URI becomes part of the message as well; what was to go into replies is lost, as in Kamailio.
    if (message instanceof SipRequest && run.state.target.uri !== message.requestUri)
      done.push({ at: message.requestUriStart, remove: message.requestUri.length, text: run.state.target.uri })
    run.state.replyHeaders = ''
    // What the request has now is what revert_uri goes back to.
    if (run.kind === 'request') run.state.target.rewritten = false
    if (done.length === 0) return 1
    // A Record-Route is written for the outgoing side, unknown yet: it stays a change at its place, which has moved.
    const kept = run.edits
      .filter((change) => change.recordRoute !== undefined)
      .map((change) => ({ ...change, at: movedBy(done, change.at) }))
    const raw = made(correctContentLength(applyEdits(run.raw, done)))
    if (opNow('apply', { edits: done }) <= 0) return -1
    run.replaceMessage(raw, kept)
    if (run.kind === 'request') run.state.untraceable = MANDATORY.some((name) => run.message.header(name) === undefined)
    return 1
  },
)

/** Where an offset is after edits: those before it move it, those at it stand behind it. */
function movedBy(edits: readonly MessageEdit[], at: number): number {
  let moved = at
  for (const edit of edits) if (edit.at < at) moved += edit.text.length - edit.remove
  return moved
}

/** Whether the reply may have that status: of its own class only, for both sides' state machines. */
function fits(message: unknown, status: number): message is SipReply {
  if (!(message instanceof SipReply) || !Number.isInteger(status) || status < 100 || status > 699) return false
  const kind = (value: number) => (value < 200 ? 1 : value < 300 ? 2 : 3)
  return kind(status) === kind(message.status)
}

export const changeReplyStatus = define(
  {
    name: 'changeReplyStatus',
    kamailio: 'change_reply_status',
    module: 'textopsx',
    parameters: [
      { name: 'code', kind: 'int' },
      { name: 'reason', kind: 'string' },
    ],
    routes: ['reply'],
    doc: 'Gives a reply another status and reason. A final reply cannot become provisional, nor a 2xx anything else.',
    example: 'change_reply_status("503", "Try later");',
  },
  (code: number | string, reason: string) => {
    const { message } = currentRun()
    const status = Number(code)
    if (!fits(message, status)) return -1
    const lineEnd = message.firstLineEnd - (message.raw.charCodeAt(message.firstLineEnd - 2) === 13 ? 2 : 1)
    const start = message.raw.indexOf(' ') + 1
    edit(start, lineEnd - start, `${status} ${toBytes(reason).replace(/[\r\n]+/g, ' ')}`)
    return 1
  },
)

export const changeReplyStatusCode = define(
  {
    name: 'changeReplyStatusCode',
    kamailio: 'change_reply_status_code',
    module: 'textopsx',
    parameters: [{ name: 'code', kind: 'int' }],
    routes: ['reply'],
    doc: 'As change_reply_status; the reason stays.',
    example: 'change_reply_status_code("404");',
  },
  (code: number | string) => {
    const { message } = currentRun()
    const status = Number(code)
    if (!fits(message, status)) return -1
    edit(message.raw.indexOf(' ') + 1, 3, `${status}`)
    return 1
  },
)
