// Owns serial forking by q value: t_load_contacts sorts the targets, t_next_contacts takes the next group of them.
import type { RouteKind } from './contract.ts'
import { declarations } from './declaration.ts'
import { define } from './define.ts'
import { setDestination, setRequestUri } from './request-uri.ts'
import { currentRun } from './runtime.ts'
import { textParameter } from './settings.ts'
import type { Target } from './transaction-state.ts'

const ROUTES: readonly RouteKind[] = ['request', 'failure']
const tm = declarations('tm', ROUTES)

/** Both work only where the parameter is set, as in Kamailio; what it names is not used here. */
const contactsAvp = textParameter('tm', 'contacts_avp')

const qOf = (target: Target) => target.q ?? 1

export const tLoadContacts = define(
  tm(
    't_load_contacts',
    [],
    'Takes R-URI and branches as the list of contacts, sorted by q; one target is left as it is.',
    't_load_contacts();',
  ),
  () => {
    const { state } = currentRun()
    if (contactsAvp() === '') return -1
    if (state.branches.length === 0) return 1
    const all = [...(state.consumed ? [] : [state.target.copy()]), ...state.branches]
    const sorted = all.toSorted((one, other) => qOf(other) - qOf(one))
    const groups: Target[][] = []
    for (const target of sorted) {
      const last = groups.at(-1)
      if (last !== undefined && qOf(last[0]!) === qOf(target)) last.push(target)
      else groups.push([target])
    }
    state.contacts = groups
    state.branches = []
    return 1
  },
)

/** Makes the next group the R-URI and the branches. */
function take(group: Target[]): void {
  const { state } = currentRun()
  const [first, ...others] = group
  if (first === undefined) return
  setRequestUri(first.uri)
  setDestination(first.nextHop === '' ? null : first.nextHop)
  const { target } = state
  target.branchFlags = first.branchFlags
  target.listener = first.listener
  target.q = first.q
  target.path = first.path
  target.ruid = first.ruid
  target.instance = first.instance
  state.branches.push(...others)
}

export const tNextContacts = define(
  tm(
    't_next_contacts',
    [],
    'Takes the contacts of the next q value as targets. False when none is left, -2 without t_load_contacts.',
    'if (t_next_contacts()) { t_on_failure("NEXT"); t_relay(); }',
  ),
  () => {
    const { state } = currentRun()
    if (contactsAvp() === '') return -1
    if (state.contacts === undefined) return state.branches.length > 0 || !state.consumed ? 1 : -2
    const group = state.contacts.shift()
    if (group === undefined) return -2
    take(group)
    return 1
  },
)

export const tNextContactFlow = define(
  {
    ...tm(
      't_next_contact_flow',
      [],
      'In the failure of a branch: takes another contact of the same instance (RFC 5626). None is kept here: -2.',
      't_next_contact_flow()',
      ['request', 'event'],
    ),
    routes: ['event', 'failure'],
  },
  () => -2,
)
