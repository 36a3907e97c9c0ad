// Owns module nat_traversal: its tests and repairs, by what nathelper knows, and the keeping open of the way to a client.
import { SipRequest } from '../src/sip/index.ts'
import { declarations } from './declaration.ts'
import { define } from './define.ts'
import { behindNat } from './nat-tests.ts'
import { fixNatedContactCode, sourceUri } from './nathelper.ts'
import { currentRun } from './runtime.ts'
import { askNow } from './service.ts'

const natTraversal = declarations('nat_traversal')

/** The test's bits as nathelper's: 1 private Contact; 2 Via differs from the source, by address or port; 4 private Via. */
const TESTS: readonly (readonly [bit: number, flags: number])[] = [
  [1, 1],
  [2, 2 | 16],
  [4, 4],
]

export const clientNatTest = define(
  natTraversal(
    'client_nat_test',
    [{ name: 'type', kind: 'int' }],
    'True if one of the tests finds a NAT: 1 private Contact, 2 Via differs from the source, 4 private Via.',
    'if (client_nat_test("3")) fix_contact();',
    ['request', 'reply', 'failure', 'branch'],
  ),
  (type: number | string) => {
    const flags = TESTS.reduce((sum, [bit, own]) => ((Number(type) & bit) === 0 ? sum : sum | own), 0)
    return behindNat(flags) ? 1 : -1
  },
)

export const fixContact = define(
  natTraversal('fix_contact', [], 'Puts the source address and port into the Contact.', 'fix_contact();', [
    'request',
    'reply',
    'failure',
    'branch',
  ]),
  fixNatedContactCode,
)

/** Seconds that a REGISTER or SUBSCRIBE lasts; a call as long as nobody says otherwise. */
function lifetime(request: SipRequest): number {
  const contact = request.nameAddrs('Contact')[0]?.params.get('expires')
  const text = contact ?? request.header('Expires') ?? ''
  return /^\d{1,9}$/.test(text) ? Number(text) : 3600
}

export const natKeepalive = define(
  natTraversal(
    'nat_keepalive',
    [],
    'Pings the source of a REGISTER, SUBSCRIBE or INVITE as long as what it asks for lasts.',
    'if (client_nat_test("3")) nat_keepalive();',
    ['request'],
  ),
  () => {
    const { message, meta } = currentRun()
    if (!(message instanceof SipRequest) || !['REGISTER', 'SUBSCRIBE', 'INVITE'].includes(message.method)) return -1
    return askNow<number>('nat_traversal', 'keep', {
      uri: sourceUri(),
      seconds: lifetime(message),
      listener: meta.listener.id,
    })
  },
)
