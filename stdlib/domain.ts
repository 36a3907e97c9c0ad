// Owns module domain: tests for the domains that are served here.
import { parseUri } from '../src/sip/index.ts'
import type { Parameter, RouteKind } from './contract.ts'
import { declarations } from './declaration.ts'
import { define } from './define.ts'
import { avpAccess } from './named-pv.ts'
import { currentRun } from './runtime.ts'
import { askNow } from './service.ts'

const ROUTES: readonly RouteKind[] = ['request', 'failure', 'branch', 'event']

const domain = declarations('domain', ROUTES)

interface Found {
  readonly did: string
  readonly attributes: readonly { readonly name: string; readonly value: string | number }[]
}

const find = (name: string) => askNow<Found | null>('domain', 'find', { domain: name })

function served(name: string | undefined): number {
  return name !== undefined && name !== '' && find(name) !== null ? 1 : -1
}

export const isFromLocal = define(
  domain('is_from_local', [], 'True if the domain of From is served here.', 'if (is_from_local()) {}'),
  () => served(parseUri(currentRun().message.from?.uri ?? '')?.host),
)

export const isUriHostLocal = define(
  domain(
    'is_uri_host_local',
    [],
    'True if the domain of the R-URI is served here.',
    'if (is_uri_host_local()) lookup("location");',
  ),
  () => served(currentRun().target?.parsed?.host),
)

const name: Parameter = { name: 'domain', kind: 'string' }

export const isDomainLocal = define(
  domain('is_domain_local', [name], 'True if the domain is served here.', 'is_domain_local("$rd")'),
  (text: string) => served(text),
)

export const lookupDomain = define(
  domain(
    'lookup_domain',
    [name, { name: 'prefix', kind: 'string', optional: true }],
    'True if the domain is served here; its id and attributes become AVPs, their names after the prefix.',
    'if (lookup_domain("$fd", "from_")) xlog("$avp(from_did)\\n");',
  ),
  (text: string, prefix?: string) => {
    const found = text === '' ? null : find(text)
    if (found === null) return -1
    const keep = (key: string, value: string | number) => avpAccess(`$avp(${prefix ?? ''}${key})`)?.set(value)
    keep('did', found.did)
    for (const attribute of found.attributes) keep(attribute.name, attribute.value)
    return 1
  },
)
