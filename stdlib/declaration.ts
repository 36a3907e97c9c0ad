// Owns the short way to write declarations of builtins that differ in few words: name, parameters, texts.
import type { BuiltinMeta, Parameter, RouteKind } from './contract.ts'
import { ANY_ROUTE } from './define.ts'

/** Text in which variables may stand, computed or not. */
export const text = (name: string): Parameter => ({ name, kind: 'string' })
/** Text that Kamailio takes only as a literal, in which variables may stand. */
export const format = (name: string): Parameter => ({ name, kind: 'string', constant: true })
export const int = (name: string): Parameter => ({ name, kind: 'int' })
export const variable = (name: string): Parameter => ({ name, kind: 'pv' })
export const regex = (name: string): Parameter => ({ name, kind: 'regex' })
export const optional = (parameter: Parameter): Parameter => ({ ...parameter, optional: true })

/** `is_avp_set` as TypeScript writes it. */
export function camelCase(kamailio: string): string {
  return kamailio.replace(/_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

export type Declare = (
  kamailio: string,
  parameters: readonly Parameter[],
  doc: string,
  example: string,
  routes?: readonly RouteKind[],
) => Omit<BuiltinMeta, 'waits'>

/** Declarations of one module, for the route kinds given unless one says otherwise. */
export function declarations(module: string, routes: readonly RouteKind[] = ANY_ROUTE): Declare {
  return (kamailio, parameters, doc, example, kinds = routes) => ({
    name: camelCase(kamailio),
    kamailio,
    module,
    parameters,
    routes: kinds,
    doc,
    example,
  })
}

/** Kamailio's code of a test. */
export const code = (holds: boolean): number => (holds ? 1 : -1)
