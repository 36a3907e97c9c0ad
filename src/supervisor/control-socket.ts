// Owns the control socket: a Unix socket that takes one JSON object a line and answers each with one.
import { chmodSync, statSync, unlinkSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { SignalboxError } from '../errors.ts'
import type { Log } from '../log.ts'

export const CONTROL_COMMANDS = ['status', 'reload', 'stop', 'rpc'] as const
export type ControlCommand = (typeof CONTROL_COMMANDS)[number]

/** One line to the socket. */
export interface ControlQuestion {
  readonly command: ControlCommand
  /** rpc: the command of a module, and what goes with it. */
  readonly method?: string
  readonly params?: readonly unknown[]
}

/** `ok` false comes with `error`; `result` depends on the command. */
export interface ControlAnswer {
  ok: boolean
  result?: unknown
  error?: string
}

const LINE_BYTES = 4096
const CLIENTS = 16
/** unix(7): sun_path with its end. */
const PATH_BYTES = 107

/** Opens the socket at `path`, for its owner only. Rejects with ERR_LISTEN when another signalbox has it open. */
export async function openControlSocket(
  path: string,
  answer: (question: ControlQuestion) => Promise<ControlAnswer>,
  log: Log,
): Promise<{ close(): void }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    readLines(socket, async (line) => {
      const reply = await answerLine(line, answer).catch((error: unknown) => {
        log.error({ err: error }, 'a control command failed')
        return { ok: false, error: error instanceof Error ? error.message : String(error) }
      })
      socket.write(`${JSON.stringify(reply)}\n`)
    })
  })
  server.maxConnections = CLIENTS
  await listen(server, path)
  chmodSync(path, 0o600)
  return {
    close() {
      server.close()
      for (const socket of sockets) socket.end()
      try {
        unlinkSync(path)
      } catch {
        // Node removes it on close where it can.
      }
    },
  }
}

/** A reload of a large script on a busy machine is answered sooner. */
const ANSWER_MILLIS = 60_000

/** Sends one command to a running signalbox. Rejects with ERR_TRANSPORT when none listens, or it does not answer in `millis`. */
export function sendControl(
  path: string,
  question: ControlQuestion,
  millis: number = ANSWER_MILLIS,
): Promise<ControlAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.setTimeout(millis, () => {
      reject(
        new SignalboxError('ERR_TRANSPORT', `${path}: no answer in ${millis / 1000} s; is that signalbox suspended?`),
      )
      socket.destroy()
    })
    let text = ''
    socket.setEncoding('utf8')
    socket.on('connect', () => socket.write(`${JSON.stringify(question)}\n`))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'ENOENT' || error.code === 'ECONNREFUSED' ? 'no signalbox listens there' : error.message
      reject(new SignalboxError('ERR_TRANSPORT', `${path}: ${why}; start it with --control ${path}`, { cause: error }))
    })
    socket.on('data', (chunk: string) => {
      text += chunk
      const end = text.indexOf('\n')
      if (end < 0) return
      socket.end()
      resolve(JSON.parse(text.slice(0, end)) as ControlAnswer)
    })
    socket.on('close', () =>
      reject(new SignalboxError('ERR_TRANSPORT', `${path}: the connection ended without an answer`)),
    )
  })
}

async function answerLine(
  line: string,
  answer: (question: ControlQuestion) => Promise<ControlAnswer>,
): Promise<ControlAnswer> {
  let question: { command?: unknown; method?: unknown; params?: unknown } | null
  try {
    question = JSON.parse(line) as typeof question
  } catch {
    return { ok: false, error: 'a line is one JSON object, as {"command":"status"}' }
  }
  const known = CONTROL_COMMANDS.find((name) => name === question?.command)
  if (!known) return { ok: false, error: `unknown command; known: ${CONTROL_COMMANDS.join(', ')}` }
  const { method, params } = question!
  return answer({
    command: known,
    ...(typeof method === 'string' ? { method } : {}),
    ...(Array.isArray(params) ? { params } : {}),
  })
}

function readLines(socket: Socket, take: (line: string) => void): void {
  let text = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    text += chunk
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const line = text.slice(0, end)
      text = text.slice(end + 1)
      if (line.trim() !== '') take(line)
    }
    if (text.length > LINE_BYTES) socket.destroy()
  })
}

async function listen(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > PATH_BYTES)
    throw wrongSocket(path, new Error(`the path of a socket may not be longer than ${PATH_BYTES} bytes`))
  try {
    await tryListen(server, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw wrongSocket(path, error)
    if (!statSync(path, { throwIfNoEntry: false })?.isSocket())
      throw wrongSocket(path, new Error('something is there already, and is no socket; name another path'))
    if (await answers(path)) throw new SignalboxError('ERR_LISTEN', `--control ${path}: another signalbox has it open`)
    // Left by a process that is gone.
    unlinkSync(path)
    await tryListen(server, path).catch((second: unknown) => {
      throw wrongSocket(path, second)
    })
  }
}

function wrongSocket(path: string, error: unknown): SignalboxError {
  return new SignalboxError(
    'ERR_LISTEN',
    `--control ${path}: ${error instanceof Error ? error.message : String(error)}`,
    { cause: error },
  )
}

function tryListen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
