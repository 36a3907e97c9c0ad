// Owns what the declarations of module textops have in common.
import type { BuiltinMeta, Parameter, RouteKind } from './contract.ts'

/** Where a message can be changed. */
export const EDITING: readonly RouteKind[] = ['request', 'reply', 'failure', 'branch', 'event']

/** The declaration of a function that changes or reads the message. */
export function textops(
  name: string,
  kamailio: string,
  parameters: Parameter[],
  doc: string,
  example: string,
  routes: readonly RouteKind[] = EDITING,
): Omit<BuiltinMeta, 'waits'> {
  return { name, kamailio, module: 'textops', parameters, routes, doc, example }
}
export const header: Parameter = { name: 'header', kind: 'string' }
export const regex: Parameter = { name: 'regex', kind: 'regex' }
export const expression: Parameter = { name: 'expression', kind: 'subst', constant: true }
