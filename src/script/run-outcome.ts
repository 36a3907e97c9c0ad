// Owns the reading of what a run gave back: text from an isolate in which a script could have changed anything.
import type { RunEnd, ThrownInRun } from '../../stdlib/contract.ts'
import { isMessageEdit, type MessageEdit } from '../sip/index.ts'

const EXITS = ['done', 'exit', 'drop'] as const
const NO_EDITS: MessageEdit[] = []

/** More changes than this are no message any more. */
const MOST_EDITS = 10_000
/** Longer than the changes of any message: reading it would take the host's time, which no limit of the script counts. */
const MOST_CHARACTERS = 4 * 1024 * 1024
/** What of a script's stack is read: its end, since a long message stands before the frames. */
const STACK_CHARACTERS = 8192

/** Reads an answer: a number without edits, JSON with them or with an error. Throws a TypeError on anything else. */
export function readOutcome(answer: string | number): RunEnd {
  if (typeof answer === 'number') return { exit: EXITS[answer & 3] ?? 'done', code: answer >> 2, edits: NO_EDITS }
  if (answer.length > MOST_CHARACTERS)
    throw new TypeError(`The run gave back ${answer.length} characters, which are more than any message holds.`)
  const value = JSON.parse(answer) as Record<string, unknown> | null
  if (typeof value !== 'object' || value === null) throw new TypeError('The run gave back no outcome.')
  const { error } = value
  if (error !== undefined) return { thrown: readThrown(error) }
  const exit = EXITS.find((name) => name === value.exit)
  if (exit === undefined || !Number.isInteger(value.code)) throw new TypeError('The run gave back no outcome.')
  return { exit, code: value.code as number, edits: readEdits(value.edits) }
}

function readThrown(error: unknown): ThrownInRun {
  const { name, message, stack } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>
  return {
    name: String(name),
    message: String(message),
    stack: typeof stack === 'string' ? stack.slice(-STACK_CHARACTERS) : '',
  }
}

/** Checks that edits are what the engine can apply. */
export function readEdits(value: unknown): MessageEdit[] {
  if (!Array.isArray(value) || value.length > MOST_EDITS) throw new TypeError('The run gave back no list of changes.')
  if (!value.every(isMessageEdit)) throw new TypeError('The run gave back a change that is none.')
  return value
}
