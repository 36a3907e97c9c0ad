// Owns module tsilo: calls that wait until their callee registers, as a phone does that was woken by a push.
import { declarations, int, optional, text } from './declaration.ts'
import { define, defineWaiting } from './define.ts'
import { currentRun } from './runtime.ts'
import { ask, askNow } from './service.ts'

const MODULE = 'tsilo'
const tsilo = declarations(MODULE, ['request', 'failure'])

export const tsStore = define(
  tsilo(
    'ts_store',
    [optional(text('uri'))],
    'Keeps the transaction open under the R-URI, or another address, until it is answered: ts_append adds branches to it.',
    't_newtran(); ts_store(); exit;',
  ),
  (uri?: string) => {
    const run = currentRun()
    const { state } = run
    return askNow<number>(MODULE, 'store', {
      uri: uri ?? state.target.uri,
      edits: run.edits,
      onReply: state.onReply,
      onFailure: state.onFailure,
    })
  },
)

export const tsAppend = defineWaiting(
  tsilo(
    'ts_append',
    [text('domain'), text('ruri')],
    'Sends every transaction that waits for this address to the contacts that it was not sent to.',
    'if (save("location")) ts_append("location", "$tu");',
  ),
  (domain: string, uri: string) => ask<number>(MODULE, 'append', { domain, uri }),
)

export const tsAppendByContact = defineWaiting(
  tsilo(
    'ts_append_by_contact',
    [text('domain'), text('ruri'), optional(text('contact'))],
    'As ts_append, to one contact only: that of the REGISTER, or the one given.',
    'ts_append_by_contact("location", "$tu");',
  ),
  (domain: string, uri: string, contact?: string) =>
    ask<number>(MODULE, 'append', {
      domain,
      uri,
      contact: contact ?? currentRun().message.nameAddrs('Contact')[0]?.uri ?? '',
    }),
)

export const tsAppendTo = defineWaiting(
  tsilo(
    'ts_append_to',
    [int('index'), int('label'), text('domain'), optional(text('uri'))],
    'As ts_append, for the one transaction of that number ($T(id_index), $T(id_label)).',
    'ts_append_to("$var(index)", "$var(label)", "location", "$tu");',
  ),
  (index: number | string, label: number | string, domain: string, uri?: string) =>
    ask<number>(MODULE, 'appendTo', { index: Number(index), label: Number(label), domain, uri: uri ?? '' }),
)
