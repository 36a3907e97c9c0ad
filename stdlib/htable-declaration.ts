// Owns the form of declarations of module htable.
import type { BuiltinMeta, Parameter } from './contract.ts'
import { ANY_ROUTE } from './define.ts'

export function htable(
  name: string,
  kamailio: string,
  parameters: readonly Parameter[],
  doc: string,
  example: string,
): Omit<BuiltinMeta, 'waits'> {
  return { name, kamailio, module: 'htable', parameters, routes: ANY_ROUTE, doc, example }
}
