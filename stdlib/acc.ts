// Owns module acc: which transactions are accounted, what is noted of each, and lines that a script asks for.
import { SipRequest } from '../src/sip/index.ts'
import { onTransaction } from './accounting-hook.ts'
import type { Parameter } from './contract.ts'
import { declarations } from './declaration.ts'
import { defineWaiting } from './define.ts'
import { bindFormat, bindPv, type PvValue } from './pv.ts'
import { PvSyntaxError, parsePv } from './pv-format.ts'
import { after, currentRun, type Pending } from './runtime.ts'
import { ask, askNow } from './service.ts'
import { parameterOf } from './settings.ts'

/** A flag's number as its bit; 0 for none. */
function bitOf(value: string | number): number {
  const flag = Number(value)
  return Number.isInteger(flag) && flag >= 0 && flag <= 31 ? 1 << flag : 0
}
const flagParameter = (name: string) => parameterOf('acc', name, 0, bitOf)

const logFlag = flagParameter('log_flag')
const logMissed = flagParameter('log_missed_flag')
const dbFlag = flagParameter('db_flag')
const dbMissed = flagParameter('db_missed_flag')
const failedFlag = flagParameter('failed_transaction_flag')

type Extra = readonly (readonly [name: string, value: () => string])[]

/** `name=$variable;name=$variable`. */
function extraOf(text: string | number): Extra {
  return `${text}`
    .split(';')
    .filter((part) => part.includes('='))
    .map((part) => {
      const equals = part.indexOf('=')
      return [part.slice(0, equals).trim(), bindFormat(part.slice(equals + 1).trim())] as const
    })
}
/** Values of each leg of a call: AVPs with an index, the newest leg first. */
type LegField = readonly [name: string, value: (leg: number) => PvValue]
const MOST_LEGS = 32

function legFieldsOf(text: string | number): readonly LegField[] {
  return `${text}`
    .split(';')
    .filter((part) => part.includes('='))
    .map((part) => {
      const equals = part.indexOf('=')
      const node = parsePv(part.slice(equals + 1).trim())
      if (node.name !== 'avp' || node.index !== undefined)
        throw new PvSyntaxError(`multi_leg_info of acc takes AVPs, not ${part.slice(equals + 1).trim()}`, 0)
      const legs: (() => PvValue)[] = []
      return [
        part.slice(0, equals).trim(),
        (leg: number) => (legs[leg] ??= bindPv({ ...node, index: `${leg}` }).get)(),
      ] as const
    })
}
const legFields = parameterOf<readonly LegField[]>('acc', 'multi_leg_info', [], legFieldsOf)

/** The legs so far; where none is known, one of empty values. */
function legs(): [string, string][][] {
  const fields = legFields()
  const found: [string, string][][] = []
  for (let leg = 0; fields.length > 0 && leg < MOST_LEGS; leg++) {
    const values = fields.map(([name, value]) => [name, value(leg)] as const)
    if (leg > 0 && values.every(([, value]) => value === null || value === undefined)) break
    found.push(values.map(([name, value]) => [name, `${value ?? ''}`]))
  }
  return found
}

const logExtra = parameterOf<Extra>('acc', 'log_extra', [], extraOf)
const dbExtra = parameterOf<Extra>('acc', 'db_extra', [], extraOf)

const valuesOf = (extra: Extra): [string, string][] =>
  extra.map(([name, value]) => {
    const text = value()
    // What is not there is accounted as nothing.
    return [name, text === '<null>' ? '' : text]
  })

/** Tells the service what a transaction is to be accounted for, as far as its flags say so. */
function engage(): void {
  const { state, message } = currentRun()
  const { flags } = state
  const wanted = flags & (logFlag() | logMissed() | dbFlag() | dbMissed())
  if (wanted === 0 || !(message instanceof SipRequest) || message.method === 'CANCEL' || message.method === 'ACK')
    return
  const log = (flags & (logFlag() | logMissed())) !== 0
  const db = (flags & (dbFlag() | dbMissed())) !== 0
  askNow('acc', 'engage', {
    log: (flags & logFlag()) !== 0,
    logMissed: (flags & logMissed()) !== 0,
    db: (flags & dbFlag()) !== 0,
    dbMissed: (flags & dbMissed()) !== 0,
    failed: (flags & failedFlag()) !== 0,
    logExtra: log ? valuesOf(logExtra()) : [],
    dbExtra: db ? valuesOf(dbExtra()) : [],
    legs: legs(),
  })
}
onTransaction(engage)

const comment: Parameter = { name: 'comment', kind: 'string' }
const table: Parameter = { name: 'table', kind: 'string' }

const acc = declarations('acc', ['request', 'reply', 'failure', 'branch'])

function account(text: string, target: { log: boolean; table?: string }): number | Pending<number> {
  return after(
    ask<number>('acc', 'account', {
      comment: text,
      ...target,
      logExtra: target.log ? valuesOf(logExtra()) : [],
      dbExtra: target.table === undefined ? [] : valuesOf(dbExtra()),
      legs: legs(),
    }),
    (code) => code,
  )
}

export const accLogRequest = defineWaiting(
  acc(
    'acc_log_request',
    [comment],
    'Writes a line of accounting now; the comment begins with a status, such as "404 Not here".',
    'acc_log_request("404 Not here");',
  ),
  (text: string) => account(text, { log: true }),
)

export const accDbRequest = defineWaiting(
  acc(
    'acc_db_request',
    [comment, table],
    'Writes a row of accounting to a table now.',
    'acc_db_request("Forbidden", "acc");',
  ),
  (text: string, name: string) => account(text, { log: false, table: name }),
)

export const accRequest = defineWaiting(
  acc('acc_request', [comment, table], 'Both of the two before.', 'acc_request("404 Not here", "acc");'),
  (text: string, name: string) => account(text, { log: true, table: name }),
)
