// Owns the complete tables of pseudo-variables and transformations: loads every declaration, so that host and guest look in one place.
import './pv-contacts.ts'
import './pv-message.ts'
import './pv-network.ts'
import './pv-program.ts'
import './pv-request.ts'
import './pv-send.ts'
import './pv-time.ts'
import './pv-transaction.ts'
import './pv-variables.ts'
import './transformations-codecs.ts'
import './transformations-regex.ts'
import './transformations-string.ts'
import './transformations-uri.ts'

export {
  bindFormat,
  bindPv,
  declarationOf,
  declaredPvs,
  type PvAccess,
  type PvDeclaration,
  type PvValue,
  printed,
  reference,
  setUnknownIsAvp,
} from './pv.ts'
export { type PvNode, PvSyntaxError, parseFormat, parsePv, parsePvAt } from './pv-format.ts'
export { type ProgramValues, setProgramValues } from './pv-program.ts'
export { keepVariables, variableSlot } from './pv-variables.ts'
export { script } from './script-state.ts'
export { declaredTransformations } from './transformations.ts'
