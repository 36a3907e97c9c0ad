// Owns the services of modules jsonrpcs and xmlrpc: commands of all modules over HTTP, a datagram socket, a FIFO, or from a script.
import { execFile } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { createReadStream, existsSync, type ReadStream, unlinkSync, writeFile } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fieldsOf, Parameters, textOf } from './parameters.ts'
import { RpcFault } from './rpc-fault.ts'
import type { Service, ServiceHost } from './service.ts'
import type { HttpReplies } from './xhttp.ts'
import { readXmlCall, writeXmlAnswer, writeXmlFault } from './xml-rpc.ts'

/** JSON-RPC 2.0: of these numbers everything else is the command's own. */
const PARSE_ERROR = -32_700
const INVALID_REQUEST = -32_600

interface Reply {
  readonly code: number
  readonly reason: string
  readonly body: string
}

/** Carries out one JSON-RPC document. Never rejects. */
export async function executeJson(host: Pick<ServiceHost, 'command'>, text: string, pretty = false): Promise<Reply> {
  const written = (value: unknown) => (pretty ? JSON.stringify(value, undefined, '\t') : JSON.stringify(value))
  const failed = (code: number, message: string, id: unknown, status = 500): Reply => ({
    code: status,
    reason: message,
    body: written({ jsonrpc: '2.0', error: { code, message }, id: id ?? null }),
  })
  let call: Record<string, unknown>
  try {
    call = JSON.parse(text) as Record<string, unknown>
  } catch {
    return failed(PARSE_ERROR, 'Parse error', null)
  }
  if (typeof call !== 'object' || call === null || typeof call.method !== 'string')
    return failed(INVALID_REQUEST, 'Invalid Request', null)
  const { method, params, id } = call
  const list = Array.isArray(params)
    ? params
    : params !== null && typeof params === 'object'
      ? Object.values(params)
      : []
  try {
    const result = await host.command(method, list)
    return {
      code: 200,
      reason: 'OK',
      body: written({ jsonrpc: '2.0', result: result ?? {}, ...(id === undefined ? {} : { id }) }),
    }
  } catch (error) {
    const code = error instanceof RpcFault ? error.code : 500
    return failed(
      code,
      error instanceof Error ? error.message : String(error),
      id,
      code >= 400 && code < 600 ? code : 500,
    )
  }
}

const LONGEST = 65_536

/** The FIFO of Kamailio: a request may name another FIFO, in `reply_name`, for its answer. */
function openFifo(host: ServiceHost, path: string, replyFolder: string): { close(): void } {
  let stream: ReadStream | undefined
  let closed = false
  let held = ''
  const read = () => {
    stream = createReadStream(path, { encoding: 'latin1' })
    stream.on('data', (chunk) => {
      held += chunk
      for (let end = held.search(/\}\s*\n/); end >= 0; end = held.search(/\}\s*\n/)) {
        const text = held.slice(0, end + 1)
        held = held.slice(end + 1).trimStart()
        void answer(text)
      }
      if (held.length > LONGEST) held = ''
    })
    stream.on('error', (error) => host.log.error({ err: error, fifo: path }, 'the FIFO of jsonrpcs failed'))
    // All writers have gone: the next one opens it again.
    stream.on('end', () => {
      if (!closed) read()
    })
  }
  const answer = async (text: string) => {
    const { body } = await executeJson(host, text, true)
    const name = /"reply_name"\s*:\s*"([^"]+)"/.exec(text)?.[1]
    if (name === undefined) return
    // Only a file of that folder: a request names nothing else.
    writeFile(join(replyFolder, basename(name)), `${body}\n`, 'latin1', () => {})
  }
  if (existsSync(path)) unlinkSync(path)
  execFile('mkfifo', ['-m', '660', path], (error) => {
    if (error) host.log.error({ err: error, fifo: path }, 'the FIFO of jsonrpcs cannot be made')
    else if (!closed) read()
  })
  return {
    close() {
      closed = true
      stream?.destroy()
      if (existsSync(path)) unlinkSync(path)
    },
  }
}

function openDatagrams(host: ServiceHost, address: string): Socket | undefined {
  const [, , where = '127.0.0.1', port] = /^(udp:)?([^:]*|\[[^\]]*\]):(\d+)$/.exec(address) ?? []
  if (port === undefined) {
    host.log.warn({ socket: address }, 'jsonrpcs answers on UDP sockets only: udp:address:port')
    return undefined
  }
  const numeric = where.replace(/[[\]]/g, '')
  const socket = createSocket(numeric.includes(':') ? 'udp6' : 'udp4')
  socket.on('error', (error) => host.log.error({ err: error, socket: address }, 'the socket of jsonrpcs failed'))
  socket.on('message', (bytes, from) => {
    void executeJson(host, bytes.toString('latin1')).then(({ body }) => {
      socket.send(Buffer.from(body, 'latin1'), from.port, from.address, () => {})
    })
  })
  socket.bind(Number(port), numeric)
  return socket
}

const FIFO = 2
const DATAGRAM = 4

export function createJsonrpcs(host: ServiceHost, http: HttpReplies): Service {
  let parameters = new Parameters([])
  let named = false
  let fifo: { close(): void } | undefined
  let socket: Socket | undefined
  return {
    module: 'jsonrpcs',
    operations: {
      async dispatch(run) {
        const { message } = run
        const text = message.raw.slice(message.bodyStart)
        const { code, reason, body } = await executeJson(host, text, parameters.on('pretty_format', 1))
        return http.reply(run, code, reason, 'application/json', body) ? 1 : -1
      },
      exec: (_run, args) => executeJson(host, textOf(fieldsOf(args).command, LONGEST)),
    },
    configure(given) {
      parameters = new Parameters(given)
      named = given.length > 0
    },
    start() {
      if (!named) return
      const transport = parameters.number('transport', 0)
      const serves = (kind: number) => transport === 0 || (transport & kind) !== 0
      const fifoName = parameters.text('fifo_name')
      const dgram = parameters.text('dgram_socket')
      if (serves(FIFO) && fifoName !== '') {
        const folder = parameters.text('fifo_reply_dir', '/tmp')
        fifo = openFifo(host, fifoName.startsWith('/') ? fifoName : join(dirname('/run/kamailio/x'), fifoName), folder)
      }
      if (serves(DATAGRAM) && dgram !== '') socket = openDatagrams(host, dgram)
    },
    close() {
      fifo?.close()
      socket?.close()
    },
  }
}

export function createXmlrpc(host: ServiceHost, http: HttpReplies): Service {
  return {
    module: 'xmlrpc',
    operations: {
      async dispatch(run) {
        const { message } = run
        const call = readXmlCall(message.raw.slice(message.bodyStart))
        if (call === undefined)
          return http.reply(run, 400, 'Bad Request', 'text/xml', writeXmlFault(400, 'no XML-RPC call')) ? 1 : -1
        let body: string
        try {
          body = writeXmlAnswer(await host.command(call.method, call.parameters))
        } catch (error) {
          body = writeXmlFault(
            error instanceof RpcFault ? error.code : 500,
            error instanceof Error ? error.message : String(error),
          )
        }
        return http.reply(run, 200, 'OK', 'text/xml', body) ? 1 : -1
      },
      fault(run, args) {
        const { code, reason } = fieldsOf(args)
        return http.reply(run, 200, 'OK', 'text/xml', writeXmlFault(Number(code), textOf(reason))) ? 1 : -1
      },
    },
  }
}
