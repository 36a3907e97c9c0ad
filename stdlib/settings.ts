// Owns the module parameters that builtins read: modparam of a `.cfg`, defaults in a `.ts`.

const parameters = new Map<string, string | number>()

/** Takes over the parameters of the program; the last value of a name counts. */
export function setModuleParameters(list: readonly { module: string; name: string; value: string | number }[]): void {
  parameters.clear()
  for (const { module, name, value } of list) parameters.set(`${module}:${name}`, value)
}

export function moduleNumber(module: string, name: string, otherwise: number): number {
  const value = parameters.get(`${module}:${name}`)
  if (value === undefined) return otherwise
  const number = Number(value)
  return Number.isFinite(number) ? number : otherwise
}

export function moduleText(module: string, name: string, otherwise: string): string {
  const value = parameters.get(`${module}:${name}`)
  return value === undefined ? otherwise : String(value)
}
