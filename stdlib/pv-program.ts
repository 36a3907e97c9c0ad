// Owns the pseudo-variables that come from the program: $retcode, $def, $env, $sel(cfg_get.group.name).
import { definePv, definePvClass } from './pv.ts'
import { PvSyntaxError } from './pv-format.ts'
import { script } from './script-state.ts'
import { readSelect } from './selects.ts'

/** Values of the file that its program was made of. */
export interface ProgramValues {
  defines: Readonly<Record<string, string | number>>
  env: Readonly<Record<string, string>>
  custom: Readonly<Record<string, Readonly<Record<string, string | number>>>>
}

let values: ProgramValues = { defines: {}, env: {}, custom: {} }
export function setProgramValues(given: ProgramValues): void {
  values = given
}

const meta = (name: string, doc: string, aliases: string[] = []) => ({ name, aliases, module: 'pv', doc })
const own = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined

definePv(meta('retcode', 'Code of the last call.', ['rc', '?']), () => script.rc)
definePvClass({ ...meta('def', 'Value of a #!define.'), inner: { name: 'name' } }, (inner) => {
  const name = inner.text.trim()
  return { get: () => own(values.defines, name) ?? null }
})
definePvClass({ ...meta('defn', 'Value of a #!define as a number.'), inner: { name: 'name' } }, (inner) => {
  const name = inner.text.trim()
  return { get: () => Number(own(values.defines, name) ?? 0) | 0 }
})
definePvClass(
  { ...meta('env', 'A value of the environment, as it was when the file was read.'), inner: { name: 'name' } },
  (inner) => {
    const name = inner.text.trim()
    return { get: () => own(values.env, name) ?? null }
  },
)
definePvClass(
  { ...meta('sel', 'A select: cfg_get.group.name, contact.uri.host and so on.'), inner: { name: 'select' } },
  (inner) => {
    const text = inner.text.trim().replace(/^@/, '')
    const path = text.split('.')
    if (path[0] === 'cfg_get' && path.length === 3) {
      const [, group, name] = path
      return {
        get: () => {
          const found = own(values.custom, group!)
          return found === undefined ? null : (own(found, name!) ?? null)
        },
      }
    }
    const read = readSelect(text)
    if (read === undefined) throw new PvSyntaxError(`Unknown select ${inner.text}`, 0)
    return { get: read }
  },
)
