// Owns the command `ctl`: one question to a running signalbox, and its answer shown.
import { type ControlQuestion, sendControl } from '../supervisor/index.ts'

export interface CtlFlags {
  control: string
  json?: boolean
}

/** 0 when the running signalbox did what was asked. */
export async function ctlCommand(question: ControlQuestion, flags: CtlFlags): Promise<number> {
  const { command } = question
  const answer = await sendControl(flags.control, question)
  if (flags.json) process.stdout.write(`${JSON.stringify(answer)}\n`)
  else if (!answer.ok) process.stderr.write(`${answer.error}\n`)
  else if (command === 'status') process.stdout.write(`${table(answer.result as Record<string, unknown>)}\n`)
  else if (command === 'rpc') process.stdout.write(`${shown(answer.result)}\n`)
  else process.stdout.write(`${command === 'stop' ? 'draining' : 'reloaded'}\n`)
  return answer.ok ? 0 : 1
}

/** A text as it is, anything else as JSON that people can read. */
function shown(result: unknown): string {
  return typeof result === 'string' ? result : JSON.stringify(result, undefined, 2)
}

/** Names and values, one a line; what is nested is indented. */
function table(value: Record<string, unknown>, indent = ''): string {
  const width = Math.max(...Object.keys(value).map((name) => name.length))
  return Object.entries(value)
    .filter(([, inner]) => inner !== undefined && inner !== null)
    .map(([name, inner]) => {
      if (Array.isArray(inner)) return `${indent}${name.padEnd(width)}  ${inner.join(', ')}`
      if (typeof inner === 'object')
        return `${indent}${name}\n${table(inner as Record<string, unknown>, `${indent}  `)}`
      return `${indent}${name.padEnd(width)}  ${inner}`
    })
    .join('\n')
}
