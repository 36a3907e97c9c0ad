// Owns the complete table of builtins: loads every module's declarations, so that host and guest look in one place.
import './core.ts'
import './ipops.ts'
import './maxfwd.ts'
import './rr.ts'
import './rtpengine.ts'
import './sanity.ts'
import './sdpops.ts'
import './siputils.ts'
import './sl.ts'
import './textops.ts'
import './textopsx.ts'
import './tm.ts'
import './tmx.ts'
import './xlog.ts'
import { type Builtin, declaredBuiltins } from './define.ts'

export type { Builtin } from './define.ts'

/** Every builtin by the name a `.cfg` uses, aliases included. */
export function builtins(): ReadonlyMap<string, Builtin> {
  return declaredBuiltins()
}
export { encodeMeta } from './run-meta.ts'
