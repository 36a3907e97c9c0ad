// Owns the module parameters that builtins read: modparam of a `.cfg`, `config.modules` of a `.ts`.

interface Parameter {
  readonly key: string
  update(value: string | number | undefined): void
}

const read: Parameter[] = []
const given = new Map<string, (string | number)[]>()

/** Takes over the parameters of the program; the last value of a name counts where it is read as one. */
export function setModuleParameters(list: readonly { module: string; name: string; value: string | number }[]): void {
  given.clear()
  for (const { module, name, value } of list) {
    const key = `${module}:${name}`
    const values = given.get(key)
    if (values === undefined) given.set(key, [value])
    else values.push(value)
  }
  for (const parameter of read) parameter.update(given.get(parameter.key)?.at(-1))
}

/** `config.modules` of a `.ts`: parameters by name, by module; a list gives a name several values. */
export function setModuleConfig(modules: unknown): void {
  if (typeof modules !== 'object' || modules === null) return
  const list = Object.entries(modules).flatMap(([module, parameters]) =>
    Object.entries((parameters ?? {}) as Record<string, unknown>).flatMap(([name, values]) =>
      [values].flat().map((value) => ({ module, name, value: value as string | number })),
    ),
  )
  setModuleParameters(list)
}

/** A reader of a number parameter; asked for on the path of every message, so it looks nothing up. */
export function numberParameter(module: string, name: string, otherwise: number): () => number {
  return parameterOf(module, name, otherwise, (value) => {
    const number = Number(value)
    return Number.isFinite(number) ? number : otherwise
  })
}

/** As {@link numberParameter}, of a text. */
export function textParameter(module: string, name: string, otherwise = ''): () => string {
  return parameterOf(module, name, otherwise, String)
}

/** What a parameter means, worked out once a program. */
export function parameterOf<T>(
  module: string,
  name: string,
  otherwise: T,
  decode: (value: string | number) => T,
): () => T {
  const key = `${module}:${name}`
  let current = otherwise
  const update = (value: string | number | undefined) => {
    current = value === undefined ? otherwise : decode(value)
  }
  read.push({ key, update })
  update(given.get(key)?.at(-1))
  return () => current
}

/** All values of a parameter that may be given several times. */
export function parameterValues(module: string, name: string): readonly (string | number)[] {
  return given.get(`${module}:${name}`) ?? []
}
