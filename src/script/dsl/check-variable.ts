// Owns the checks of pseudo-variables as written: in code, inside strings, on the left of an assignment.
import {
  bindPv,
  declarationOf,
  declaredPvs,
  declaredTransformations,
  type PvNode,
  PvSyntaxError,
  parseFormat,
} from '../../../stdlib/registry.ts'
import type { CheckContext } from './check-context.ts'
import { insteadOf } from './instead.ts'
import { KNOWN_VARIABLES } from './known-variables.ts'
import { nearest, type Place, placeInText } from './report.ts'
import type { Token } from './tokens.ts'

/** Why a name is none, and what to do. */
function unknownVariable(name: string): { message: string; hint: string | undefined } {
  const dot = name.indexOf('.')
  if (dot > 0) {
    return {
      message: `Unknown pseudo-variable $${name}`,
      hint: `A dot belongs to the name: write $(${name.slice(0, dot)})${name.slice(dot)}.`,
    }
  }
  const module = KNOWN_VARIABLES.get(name)
  if (module !== undefined) {
    return { message: `$${name} of module ${module} is not provided`, hint: insteadOf(module, name) }
  }
  const near = nearest(name, declaredPvs().keys())
  return {
    message: `Unknown pseudo-variable $${name}`,
    hint: near === undefined || name.length < 3 ? undefined : `Did you mean $${near}?`,
  }
}

function transformationHint(message: string): string | undefined {
  const name = /^Unknown transformation \{([^}]+)\}/.exec(message)?.[1]
  const near = name === undefined ? undefined : nearest(name, declaredTransformations().keys())
  return near === undefined ? undefined : `Did you mean {${near}}?`
}

/** Checks a select: `@ruri.user`, which is the core's own, as `$sel(ruri.user)` is not. */
export function checkSelect(path: string, at: Token, context: CheckContext): void {
  const node = { name: 'sel', inner: path, index: undefined, transformations: [], at: 0, end: at.image.length }
  if (bound(node, () => at, context)) noteUse(node, context)
}

function bound(node: PvNode, place: (at: number, end: number) => Place, context: CheckContext): boolean {
  try {
    bindPv(node)
    return true
  } catch (error) {
    if (!(error instanceof PvSyntaxError)) throw error
    const within = error.at >= node.at && error.end <= node.end && error.at > 0
    const at = within ? place(error.at, error.end) : place(node.at, node.end)
    context.report.error('bad-variable', error.message, at, transformationHint(error.message))
    return false
  }
}

/** Checks one variable. `place` gives the place of offsets in the text that it was parsed from. */
export function checkVariable(node: PvNode, place: (at: number, end: number) => Place, context: CheckContext): boolean {
  // A place in a long string is found by counting lines, so it is made only when there is something to say.
  const whole = () => place(node.at, node.end)
  const declaration = declarationOf(node)
  if (declaration === undefined) {
    const { message, hint } = unknownVariable(node.name)
    context.report.error('unknown-variable', message, whole(), hint)
    return false
  }
  if (!bound(node, place, context)) return false
  noteUse(node, context)
  if (declaration.module !== 'core' && !context.loaded(declaration.module) && !AVAILABLE_EARLY.has(node.name)) {
    context.report.error(
      'module-not-loaded',
      `$${node.name} needs module ${declaration.module}, which is not loaded`,
      whole(),
      `Put loadmodule "${declaration.module}.so" at the head of the file.`,
    )
    return false
  }
  return true
}

/** These are the core's own. */
const AVAILABLE_EARLY = new Set(['null', 'def', 'defn', 'env', '_s', 'version', 'retcode', 'rc', '?', 'avp', 'cnt'])

function noteUse(node: PvNode, context: CheckContext): void {
  if (node.name === 'def' || node.name === 'defn') {
    context.used.defines = true
  } else if (node.name === 'env' && node.inner !== undefined) context.used.environment.add(node.inner.trim())
}

/** `$var(name)` is what can be told to be read and never set. */
export function scriptVariable(node: PvNode): string | undefined {
  // `$vz(a)` is `$var(a)` by another name.
  const name = node.name === 'vz' ? 'var' : node.name
  if (name !== 'var' && name !== 'vn') return undefined
  return node.inner === undefined || node.inner.includes('$') ? undefined : `$${name}(${node.inner.trim()})`
}

/** A string whose variables are replaced when it is used. */
export function checkFormat(text: string, token: Token, context: CheckContext): void {
  if (!text.includes('$')) return
  context.report.last = token
  const place = (at: number, end: number): Place => placeInText(token, at, end)
  let parts: (string | PvNode)[]
  try {
    parts = parseFormat(text)
  } catch (error) {
    if (!(error instanceof PvSyntaxError)) throw error
    context.report.error('bad-variable', error.message, place(error.at, error.end), 'A dollar itself is written $$.')
    return
  }
  for (const part of parts) {
    if (typeof part === 'string') continue
    if (!checkVariable(part, place, context)) continue
    if (text[part.end] === '.' && part.inner === undefined && text[part.at + 1] !== '(') {
      context.report.warning(
        'dot-after-variable',
        `Kamailio takes the dot for a part of the name and refuses $${part.name}.`,
        place(part.at, part.end + 1),
        `Write $(${part.name}) before a dot.`,
      )
    }
    const name = scriptVariable(part)
    if (name !== undefined) context.variables.read(name, () => place(part.at, part.end))
  }
}
