// Owns the service of module xhttp_rpc: the commands of all modules as pages for a browser.
import { Parameters } from './parameters.ts'
import { RpcFault } from './rpc-fault.ts'
import type { Service, ServiceHost } from './service.ts'
import type { HttpReplies } from './xhttp.ts'

const MOST_ARGUMENTS = 64

const escaped = (text: string): string => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)

/** Words of `arg=`, numbers as such; `s:` before a word makes it a text. */
function argumentsOf(query: string): (string | number)[] {
  const given = new URLSearchParams(query).get('arg') ?? ''
  return given
    .split(/\s+/)
    .filter((word) => word !== '')
    .slice(0, MOST_ARGUMENTS)
    .map((word) => (word.startsWith('s:') ? word.slice(2) : /^-?\d{1,15}$/.test(word) ? Number(word) : word))
}

interface Address {
  readonly group: string
  readonly command: string
  readonly query: string
}

export function createXhttpRpc(host: ServiceHost, http: HttpReplies): Service {
  let root = '/rpc'

  /** Undefined for what lies elsewhere. */
  function addressOf(uri: string): Address | undefined {
    const [path = '', query = ''] = uri.split('?', 2)
    if (path !== root && !path.startsWith(`${root}/`)) return undefined
    const [group = '', command = '', ...more] = path.slice(root.length + 1).split('/')
    return more.length > 0 ? undefined : { group, command, query }
  }

  const link = (path: string, text: string): string => `<a href="${escaped(`${root}/${path}`)}">${escaped(text)}</a>`

  function page(names: readonly string[], current: string, content: string): string {
    const groups = [...new Set(names.filter((name) => name.includes('.')).map((name) => name.split('.')[0]!))]
    const menu = groups.map((group) => (group === current ? `<b>${link(group, group)}</b>` : link(group, group)))
    return `<!DOCTYPE html>
<html><head><title>signalbox: RPC</title><meta charset="utf-8"><meta http-equiv="Cache-Control" content="no-store"></head>
<body><h2>signalbox: RPC</h2><p>${menu.join(' | ')}</p>
${content}</body></html>
`
  }

  async function dispatch(uri: string): Promise<{ status: number; reason: string; body: string }> {
    const names = (await host.command('system.listMethods', [])) as readonly string[]
    const address = addressOf(uri)
    const known =
      address !== undefined && (address.group === '' || names.some((name) => name.startsWith(`${address.group}.`)))
    if (!known || (address.command !== '' && !names.includes(address.command)))
      return { status: 500, reason: 'Bad URL', body: page(names, '', '<pre>500: Bad URL</pre>') }
    const { group, command, query } = address
    if (command === '') {
      const own = names.filter((name) => group !== '' && name.startsWith(`${group}.`))
      const list = own.map((name) => `<li>${link(`${group}/${name}`, name)}</li>`).join('\n')
      return { status: 200, reason: 'OK', body: page(names, group, list === '' ? '' : `<ul>${list}</ul>\n`) }
    }
    const head = link(`${group}/${command}`, command)
    try {
      const result = await host.command(command, argumentsOf(query))
      const text = typeof result === 'string' ? result : JSON.stringify(result ?? '', undefined, 2)
      return {
        status: 200,
        reason: 'OK',
        body: page(names, group, `<p>${head}: 200 OK</p><pre>${escaped(text)}</pre>\n`),
      }
    } catch (error) {
      const code = error instanceof RpcFault ? error.code : 500
      const why = error instanceof Error ? error.message : String(error)
      // As Kamailio's: the page is there, what it tells is the failure.
      return { status: 200, reason: 'OK', body: page(names, group, `<p>${head}: ${code} ${escaped(why)}</p>\n`) }
    }
  }

  return {
    module: 'xhttp_rpc',
    operations: {
      async dispatch(run) {
        const [, uri = ''] = run.message.raw.split(' ', 2)
        const { status, reason, body } = await dispatch(uri)
        const bytes = Buffer.from(body, 'utf8').toString('latin1')
        return http.reply(run, status, reason, 'text/html;charset=utf-8', bytes) ? 1 : -1
      },
    },
    configure(list) {
      root = `/${new Parameters(list)
        .text('xhttp_rpc_root', 'rpc')
        .split('/')
        .filter((part) => part !== '')
        .join('/')}`
    },
  }
}
