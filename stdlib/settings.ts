// Owns the module parameters that builtins read: modparam of a `.cfg`, defaults in a `.ts`.

interface Parameter {
  readonly key: string
  readonly otherwise: number
  value: number
}

const read: Parameter[] = []
const given = new Map<string, string | number>()

/** Takes over the parameters of the program; the last value of a name counts. */
export function setModuleParameters(list: readonly { module: string; name: string; value: string | number }[]): void {
  given.clear()
  for (const { module, name, value } of list) given.set(`${module}:${name}`, value)
  for (const parameter of read) parameter.value = numberOf(parameter.key, parameter.otherwise)
}

function numberOf(key: string, otherwise: number): number {
  const value = given.get(key)
  const number = value === undefined ? Number.NaN : Number(value)
  return Number.isFinite(number) ? number : otherwise
}

/** A reader of a number parameter; asked for on the path of every message, so it looks nothing up. */
export function numberParameter(module: string, name: string, otherwise: number): () => number {
  const key = `${module}:${name}`
  const parameter: Parameter = { key, otherwise, value: numberOf(key, otherwise) }
  read.push(parameter)
  return () => parameter.value
}
