// Owns the route that warms a program's library: it calls what most programs call, so that V8 has compiled it before traffic comes.
import type { RouteKind } from './contract.ts'
import { builtins } from './registry.ts'
import { EXIT } from './runtime.ts'

const raw: Record<string, (...args: (string | number)[]) => unknown> = {}
for (const [name, builtin] of builtins()) raw[name] = builtin.run as never

function called(name: string, ...args: (string | number)[]): boolean {
  const code = raw[name]!(...args)
  return typeof code === 'number' && code > 0
}

/** Routes as a record-routing proxy does. Its builtins have no state but the run's. */
function* warmRequest(): Generator<unknown, number, unknown> {
  if (!called('mf_process_maxfwd_header', 10) || !called('sanity_check', 17895, 7)) throw EXIT
  if (called('is_method', 'CANCEL')) throw EXIT
  if (called('has_totag')) {
    if (called('loose_route')) called('t_relay')
    throw EXIT
  }
  called('t_check_trans')
  if (called('is_method', 'INVITE')) {
    called('record_route')
    called('rewritehostporttrans', '10.255.0.3:5060;transport=udp')
    called('remove_hf', 'To')
    called('insert_hf', 'To: <sip:warm@10.255.0.3>\r\n')
    called('t_on_reply', 'warm')
  } else called('rewritehostport', '10.255.0.3:5060')
  const code = raw.t_relay!()
  if (typeof code !== 'number') yield code
  throw EXIT
}

function warmReply(): number {
  if (called('has_body', 'application/sdp')) called('sdp_remove_line_by_prefix', 'c=IN IP4 25')
  called('subst', '/^(Record-Route.*)25[.]25[.]25[.]5(.*)$/\\110.0.0.5\\2/g')
  return 1
}

/** The route of a kind that warms. */
export function warmRoute(kind: RouteKind): (message: unknown) => unknown {
  return kind === 'reply' ? warmReply : warmRequest
}
