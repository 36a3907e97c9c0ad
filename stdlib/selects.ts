// Owns selects, SER's older way to read a message: @ruri.user, @contact.uri.host, @hf_value.x.
import { parseNameAddr, type ReadUri, readUri, SipReply, SipRequest, userPart, type Via } from '../src/sip/index.ts'
import type { PvValue } from './pv.ts'
import { currentRun } from './runtime.ts'

type Read = () => PvValue

function uriPart(uri: () => string | undefined, path: readonly string[]): Read | undefined {
  if (path.length === 0) return () => uri() ?? null
  const parsed =
    (read: (uri: ReadUri) => PvValue): Read =>
    () => {
      const found = readUri(uri() ?? '')
      return found === undefined ? null : read(found)
    }
  switch (path[0]) {
    case 'type':
      return parsed((found) => found.scheme)
    case 'user':
      return parsed((found) => userPart(found) ?? null)
    case 'pwd':
      return parsed((found) => found.password ?? null)
    case 'host':
      return parsed((found) => found.host)
    case 'port':
      return parsed((found) => (found.port === undefined ? null : `${found.port}`))
    case 'hostport':
      return parsed((found) => `${found.host}:${found.port ?? 5060}`)
    case 'transport':
      return parsed((found) => found.params.get('transport') ?? null)
    case 'params':
      if (path[1] === undefined) return parsed((found) => found.params.toString().replace(/^;/, '') || null)
      return parsed((found) => found.params.get(path[1]!) ?? null)
    default:
      return undefined
  }
}

/** The value at an index, counted from 1, or from the end below 0. */
function nth<T>(values: readonly T[], index: number): T | undefined {
  return index === 0 ? undefined : values.at(index > 0 ? index - 1 : index)
}

function address(header: string, path: readonly string[], index: number): Read | undefined {
  const value = () => {
    const { message } = currentRun()
    return index === 1 ? message.header(header) : nth(message.headerList(header), index)
  }
  const parsed = () => parseNameAddr(value() ?? '')
  switch (path[0]) {
    case undefined:
      return () => value() ?? null
    case 'uri':
      return uriPart(() => parsed()?.uri, path.slice(1))
    case 'tag':
      return () => parsed()?.params.get('tag') ?? null
    case 'name':
      return () => parsed()?.displayName || null
    case 'params':
      return path[1] === undefined ? undefined : () => parsed()?.params.get(path[1]!) ?? null
    default:
      return undefined
  }
}

const ADDRESSES: Readonly<Record<string, string>> = {
  from: 'From',
  f: 'From',
  to: 'To',
  t: 'To',
  contact: 'Contact',
  m: 'Contact',
  refer_to: 'Refer-To',
  rpid: 'Remote-Party-ID',
  route: 'Route',
  record_route: 'Record-Route',
}

/** The topmost Via unless another is asked for. */
function viaAt(index: number): Via | undefined {
  const { message } = currentRun()
  return index === 1 ? message.topVia : nth(message.vias(), index)
}

function viaPart(path: readonly string[], index: number): Read | undefined {
  const via = () => viaAt(index)
  const [part, name] = path
  switch (part) {
    case undefined:
      return () => nth(currentRun().message.headerList('Via'), index) ?? null
    case 'host':
      return () => via()?.host ?? null
    case 'port':
      return () => (via()?.port === undefined ? null : `${via()?.port}`)
    case 'transport':
    case 'protocol':
      return () => via()?.transport ?? null
    case 'branch':
      return () => via()?.branch || null
    case 'rport':
    case 'received':
      return () => via()?.params.get(part) || null
    case 'params':
      return name === undefined ? undefined : () => via()?.params.get(name) ?? null
    default:
      return undefined
  }
}

/** A header by a name whose hyphens are written as underscores. */
function headerValue(name: string | undefined, index: number): Read | undefined {
  if (name === undefined) return undefined
  const header = name.replace(/_/g, '-')
  return () => nth(currentRun().message.headers(header), index) ?? null
}

/** `via[2].host` as `via`, `host` and 2; undefined when it is written in no such way. */
function partsOfSelect(text: string): { names: string[]; index: number } | undefined {
  const PART = /(?:^|\.)([A-Za-z_][A-Za-z0-9_%]*)|\[(-?\d{1,9})\]|\["([^"]*)"\]/y
  const names: string[] = []
  let index = 1
  while (PART.lastIndex < text.length) {
    const part = PART.exec(text)
    if (part === null) return undefined
    if (part[2] !== undefined) index = Number(part[2])
    else names.push(part[1] ?? part[3]!)
  }
  return { names, index }
}

/** The reader of a select, as it is written; undefined when there is none of that name. `cfg_get` is not among them. */
export function readSelect(text: string): Read | undefined {
  const parts = partsOfSelect(text)
  if (parts === undefined) return undefined
  const { index } = parts
  const [first, ...rest] = parts.names
  if (first === undefined) return undefined
  const header = Object.hasOwn(ADDRESSES, first) ? ADDRESSES[first]! : undefined
  if (header !== undefined) return address(header, rest, index)
  switch (first) {
    case 'ruri':
      return uriPart(() => currentRun().target?.uri, rest)
    case 'dst_uri':
      return uriPart(() => currentRun().target?.nextHop || undefined, rest)
    case 'method':
      return () => {
        const { message } = currentRun()
        return message instanceof SipRequest ? message.method : null
      }
    case 'call_id':
      return () => currentRun().message.callId || null
    case 'cseq':
      if (rest[0] === 'num') return () => `${currentRun().message.cseqNumber}`
      if (rest[0] === 'method') return () => currentRun().message.cseqMethod
      return () => currentRun().message.header('CSeq') ?? null
    case 'msg':
      return rest[0] === 'len' ? () => currentRun().raw.length : headerValue(rest[0], index)
    case 'hf_value':
      return headerValue(rest[0], index)
    case 'via':
      return viaPart(rest, index)
    case 'status':
      return () => {
        const { message } = currentRun()
        return message instanceof SipReply ? `${message.status}` : null
      }
    default:
      return undefined
  }
}
