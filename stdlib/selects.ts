// Owns selects, SER's older way to read a message: @ruri.user, @contact.uri.host, @hf_value.x.
import { parseNameAddr, parseUri, SipReply, SipRequest, type SipUri } from '../src/sip/index.ts'
import type { PvValue } from './pv.ts'
import { currentRun } from './runtime.ts'

type Read = () => PvValue

function uriPart(uri: () => string | undefined, path: readonly string[]): Read | undefined {
  if (path.length === 0) return () => uri() ?? null
  const parsed =
    (read: (uri: SipUri) => PvValue): Read =>
    () => {
      const found = parseUri(uri() ?? '')
      return found === undefined ? null : read(found)
    }
  switch (path[0]) {
    case 'type':
      return parsed((found) => found.scheme)
    case 'user':
      return parsed((found) => found.user ?? null)
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

function address(header: string, path: readonly string[]): Read | undefined {
  const value = () => currentRun().message.header(header)
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

function viaPart(part: string | undefined): Read | undefined {
  const via = () => currentRun().message.topVia
  switch (part) {
    case undefined:
      return () => currentRun().message.header('Via') ?? null
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
    default:
      return undefined
  }
}

/** A header by a name whose hyphens are written as underscores. */
function headerValue(name: string | undefined): Read | undefined {
  return name === undefined ? undefined : () => currentRun().message.header(name.replace(/_/g, '-')) ?? null
}

/** The reader of a select; undefined when there is none of that name. `cfg_get` is not among them. */
export function readSelect(path: readonly string[]): Read | undefined {
  const [first, ...rest] = path
  if (first === undefined) return undefined
  const header = Object.hasOwn(ADDRESSES, first) ? ADDRESSES[first]! : undefined
  if (header !== undefined) return address(header, rest)
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
      return rest[0] === 'len' ? () => currentRun().raw.length : headerValue(rest[0])
    case 'hf_value':
      return headerValue(rest[0])
    case 'via':
      return viaPart(rest[0])
    case 'status':
      return () => {
        const { message } = currentRun()
        return message instanceof SipReply ? `${message.status}` : null
      }
    default:
      return undefined
  }
}
