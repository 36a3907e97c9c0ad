// Owns Kamailio's core commands: rewriting of the R-URI, branches, rport, log lines.
import type { BuiltinMeta, Parameter, RouteKind } from './contract.ts'
import { ANY_ROUTE, define } from './define.ts'
import './flags.ts'
import {
  changeUser,
  cutUri,
  hostOf,
  portOf,
  rewriteUri,
  runTarget,
  setRequestUri,
  withoutParam,
} from './request-uri.ts'
import { currentRun, DROP, EXIT, opNow } from './runtime.ts'
import { MAXIMUM_BRANCHES } from './transaction-state.ts'

/** Where there is an R-URI to change. */
const WITH_TARGET: readonly RouteKind[] = ['request', 'failure', 'branch', 'event']

function rewriting(
  name: string,
  kamailio: string,
  aliases: string[],
  parameter: Parameter | undefined,
  doc: string,
): Omit<BuiltinMeta, 'waits'> {
  const argument = parameter === undefined ? '' : parameter.kind === 'int' ? '2' : '"..."'
  return {
    name,
    kamailio,
    aliases,
    module: 'core',
    parameters: parameter === undefined ? [] : [parameter],
    routes: WITH_TARGET,
    doc,
    example: `${kamailio}(${argument});`,
  }
}
const text = (name: string): Parameter => ({ name, kind: 'string', constant: true })
const number = (name: string): Parameter => ({ name, kind: 'int', constant: true })

export const setUri = define(
  rewriting('setUri', 'seturi', ['rewriteuri'], text('uri'), 'Replaces the R-URI.'),
  (uri: string) => {
    setRequestUri(uri)
    return 1
  },
)

export const rewriteHost = define(
  rewriting('rewriteHost', 'rewritehost', ['sethost'], text('host'), 'Replaces the host of the R-URI; the port stays.'),
  (host: string) =>
    rewriteUri((seams) => {
      const port = portOf(seams.hostport)
      seams.hostport = port === '' ? host : `${host}:${port}`
    }),
)

export const rewriteHostPort = define(
  rewriting(
    'rewriteHostPort',
    'rewritehostport',
    ['sethostport', 'rewritehp', 'sethp'],
    text('hostport'),
    'Replaces host and port of the R-URI; all parameters stay.',
  ),
  (hostport: string) =>
    rewriteUri((seams) => {
      seams.hostport = hostport
    }),
)

export const rewriteHostPortTrans = define(
  rewriting(
    'rewriteHostPortTrans',
    'rewritehostporttrans',
    ['sethostporttrans', 'rewritehpt', 'sethpt'],
    text('hostport'),
    'Replaces host, port and transport of the R-URI; other parameters stay.',
  ),
  (hostport: string) =>
    rewriteUri((seams) => {
      const semicolon = hostport.indexOf(';')
      seams.hostport = semicolon < 0 ? hostport : hostport.slice(0, semicolon)
      seams.tail = (semicolon < 0 ? '' : hostport.slice(semicolon)) + withoutParam(seams.tail, 'transport')
    }),
)

export const rewritePort = define(
  rewriting('rewritePort', 'rewriteport', ['setport'], text('port'), 'Replaces the port of the R-URI.'),
  (port: string | number) =>
    rewriteUri((seams) => {
      const host = hostOf(seams.hostport)
      seams.hostport = port === '' ? host : `${host}:${port}`
    }),
)

export const rewriteUser = define(
  rewriting('rewriteUser', 'rewriteuser', ['setuser'], text('user'), 'Replaces the user part of the R-URI.'),
  (user: string) => rewriteUri((seams) => changeUser(seams, () => user)),
)

export const rewriteUserPass = define(
  rewriting(
    'rewriteUserPass',
    'rewriteuserpass',
    ['setuserpass'],
    text('userpass'),
    'Replaces user and password of the R-URI.',
  ),
  (userpass: string) =>
    rewriteUri((seams) => {
      seams.userinfo = userpass
    }),
)

export const prefix = define(
  rewriting('prefix', 'prefix', [], text('prefix'), 'Puts text before the user part of the R-URI.'),
  (before: string) =>
    rewriteUri((seams) => {
      seams.userinfo = before + (seams.userinfo ?? '')
    }),
)

export const strip = define(
  rewriting('strip', 'strip', [], number('count'), 'Removes the first characters of the user part of the R-URI.'),
  (count: number | string) => rewriteUri((seams) => changeUser(seams, (user) => user.slice(Number(count)))),
)

export const stripTail = define(
  rewriting(
    'stripTail',
    'strip_tail',
    [],
    number('count'),
    'Removes the last characters of the user part of the R-URI.',
  ),
  (count: number | string) =>
    rewriteUri((seams) => changeUser(seams, (user) => user.slice(0, Math.max(0, user.length - Number(count))))),
)

export const userPhone = define(
  rewriting('userPhone', 'userphone', [], undefined, 'Adds ;user=phone to the R-URI unless it has a user parameter.'),
  () => {
    // Where nothing changes, nothing is new.
    if (/;user=/i.test(cutUri(runTarget().uri)?.tail ?? '')) return 1
    return rewriteUri((seams) => {
      const headers = seams.tail.indexOf('?')
      const params = headers < 0 ? seams.tail : seams.tail.slice(0, headers)
      seams.tail = `${params};user=phone${headers < 0 ? '' : seams.tail.slice(headers)}`
    })
  },
)

export const revertUri = define(
  rewriting('revertUri', 'revert_uri', [], undefined, 'Puts back the R-URI that the request came with.'),
  () => {
    const { request } = currentRun()
    if (request === undefined) return -1
    // An R-URI that nobody has changed is not new with it.
    const target = runTarget()
    if (target.rewritten) setRequestUri(request.requestUri)
    target.rewritten = false
    return 1
  },
)

export const appendBranch = define(
  {
    name: 'appendBranch',
    kamailio: 'append_branch',
    module: 'corex',
    parameters: [
      { name: 'uri', kind: 'string', optional: true },
      { name: 'q', kind: 'string', optional: true },
    ],
    routes: ['request', 'failure'],
    doc: 'Adds a branch: of the URI given, or a copy of the R-URI, whose own destination and branch flags are then cleared.',
    example: 'append_branch("sip:bob@10.0.0.7");',
  },
  (uri?: string, q?: string) => {
    const state = currentRun().state
    if (state.branches.length >= MAXIMUM_BRANCHES) return -1
    const branch = state.target.copy()
    if (uri !== undefined && uri !== '') {
      if (cutUri(uri) === undefined) return -1
      branch.uri = uri
    }
    if (q !== undefined && q !== '') branch.q = Number(q)
    state.branches.push(branch)
    if (uri === undefined || uri === '') {
      // dset.c: a copy takes destination, path, flags and socket with it; the R-URI is still sent, without them.
      state.target.nextHop = ''
      state.target.branchFlags = 0
      state.target.listener = undefined
    }
    return 1
  },
)

export const clearBranches = define(
  {
    name: 'clearBranches',
    kamailio: 'clear_branches',
    module: 'core',
    parameters: [],
    routes: ['request', 'failure'],
    doc: 'Removes the branches added so far.',
    example: 'clear_branches();',
  },
  () => {
    const { state } = currentRun()
    state.branches.length = 0
    state.target.branchFlags = 0
    // The R-URI counts as sent as well, until it is changed again.
    state.consumed = true
    return 1
  },
)

export const removeBranch = define(
  {
    name: 'removeBranch',
    kamailio: 'remove_branch',
    module: 'core',
    parameters: [{ name: 'index', kind: 'int' }],
    routes: ['request', 'failure'],
    doc: 'Removes the added branch of that index; the others move down.',
    example: 'remove_branch(0);',
  },
  (index: number | string) => (currentRun().state.branches.splice(Number(index), 1).length > 0 ? 1 : -1),
)

export const forceRport = define(
  {
    name: 'forceRport',
    kamailio: 'force_rport',
    aliases: ['add_rport'],
    module: 'core',
    parameters: [],
    routes: ['request', 'reply', 'failure', 'branch'],
    doc: 'Answers to the address and port that the request came from, whether its Via asks for it or not (RFC 3581).',
    example: 'force_rport();',
  },
  () => opNow('forceRport', null),
)

export const log = define(
  {
    name: 'log',
    kamailio: 'log',
    module: 'core',
    parameters: [{ name: 'text', kind: 'string', constant: true }],
    overloads: [
      [
        { name: 'level', kind: 'int', constant: true },
        { name: 'text', kind: 'string', constant: true },
      ],
    ],
    routes: ANY_ROUTE,
    doc: 'Writes a line to the log, at level L_DBG unless one is given.',
    example: 'log(1, "here");',
  },
  (...args: (string | number)[]) => {
    const level = args.length > 1 ? Number(args[0]) : 3
    opNow('log', { level: Number.isFinite(level) ? level : 3, text: String(args.at(-1)) })
    return 1
  },
)

/** Ends the script. What was relayed or answered stays so. */
export function exit(): never {
  throw EXIT
}

/** Ends the script and drops the message: a request unless it was relayed or answered, a provisional reply. */
export function drop(): never {
  throw DROP
}
