// Owns what a .cfg file sets outside its routes: core parameters, sockets, modules and their parameters.
import type { Position } from '../diagnostic.ts'
import type { Declaration, Expression } from './ast.ts'
import { constantOf } from './constants.ts'
import type { Report } from './report.ts'
import type { Token } from './tokens.ts'

/** What a `.cfg` file sets outside its routes, in the order of the file. */
export interface CfgSettings {
  /** `name = value` of known core parameters; yes/no are 1 and 0. */
  core: { name: string; value: string | number; at: Position }[]
  /** `listen = ...`, each normalised to one text: `udp:10.0.0.5:5060 advertise h:p name "x"`. */
  listen: { text: string; at: Position }[]
  /** `alias = ...`: `example.com`, `udp:example.com:5060`. */
  alias: { text: string; at: Position }[]
  /** `loadmodule`, names without path and `.so`. */
  modules: { name: string; at: Position }[]
  /** `modparam`, one entry a module also where the file says `"m1|m2"`. */
  modparams: { module: string; name: string; value: string | number; at: Position }[]
  /** `group.name = value`, read by `$sel(cfg_get.group.name)`. */
  custom: { group: string; name: string; value: string | number; at: Position }[]
  /** `flags NAME:3, OTHER`: name to number. */
  flags: { name: string; number: number }[]
  /** The file that `modparam("tls", "config")` names, as it was when this was compiled: what it says is a setting too. */
  tlsConfig?: { file: string; text?: string }
}

/** Settings of an empty file. */
export function emptySettings(): CfgSettings {
  return { core: [], listen: [], alias: [], modules: [], modparams: [], custom: [], flags: [] }
}

/** Where a token stands, as diagnostics name it. */
export function positionOf(token: Token): Position {
  return {
    file: token.file.path,
    line: token.startLine,
    column: token.startColumn,
    endColumn: token.startColumn + (token.endOffset - token.startOffset),
  }
}

/** The value of a setting: a constant, or a word that stands for itself. */
export function settingValue(expression: Expression): string | number | undefined {
  if (expression.kind === 'word' || expression.kind === 'address') return expression.text
  if (expression.kind === 'old-operand') return expression.operand
  return constantOf(expression)
}

/** `loadmodule "/usr/lib/.../tm.so"` loads `tm`. */
export function moduleName(path: string): string {
  return path.replace(/^.*\//s, '').replace(/\.so$/, '')
}

const MOST_FLAG = 31

/** Gathers the settings. What is wrong with a value in itself is reported; whether a name is known is for the checker. */
export function settingsOf(declarations: readonly Declaration[], report: Report): CfgSettings {
  const settings = emptySettings()
  const flags = new Map<string, number>()
  const constant = (expression: Expression, what: string): string | number | undefined => {
    const value = settingValue(expression)
    if (value === undefined) report.error('not-constant', `${what} needs a constant value`, expression.at)
    return value
  }
  for (const declaration of declarations) {
    const at = positionOf(declaration.at)
    switch (declaration.kind) {
      case 'core': {
        const value = constant(declaration.value, declaration.name)
        if (value !== undefined) settings.core.push({ name: declaration.name, value, at })
        break
      }
      case 'custom': {
        const { group, name } = declaration
        const value = constant(declaration.value, `${group}.${name}`)
        if (value !== undefined) settings.custom.push({ group, name, value, at })
        break
      }
      case 'listen':
      case 'alias':
        for (const socket of declaration.sockets) {
          let { text } = socket
          if (declaration.advertise !== undefined) text += ` advertise ${declaration.advertise}`
          if (declaration.socketName !== undefined) text += ` name "${declaration.socketName}"`
          if (declaration.virtual) text += ' virtual'
          settings[declaration.kind].push({ text, at: positionOf(socket.at) })
        }
        break
      case 'loadmodule': {
        const path = constant(declaration.path, 'loadmodule')
        if (path !== undefined) settings.modules.push({ name: moduleName(`${path}`), at })
        break
      }
      case 'modparam': {
        const modules = constant(declaration.modules, 'modparam')
        const name = constant(declaration.name, 'modparam')
        const value = constant(declaration.value, 'modparam')
        if (modules === undefined || name === undefined || value === undefined) break
        for (const module of `${modules}`.split('|')) {
          settings.modparams.push({
            module: module.trim(),
            name: `${name}`,
            value,
            at: positionOf(declaration.name.at),
          })
        }
        break
      }
      case 'flags':
        for (const flag of declaration.flags) {
          let number = flag.number
          if (number === undefined) {
            number = 0
            while ([...flags.values()].includes(number)) number++
          }
          if (number > MOST_FLAG) report.error('bad-flag', `Flags are numbered 0 to ${MOST_FLAG}`, flag.at)
          else if (flags.has(flag.name)) report.error('bad-flag', `Flag ${flag.name} is declared twice`, flag.at)
          else flags.set(flag.name, number)
        }
        break
      case 'route':
        break
    }
  }
  settings.flags = [...flags].map(([name, number]) => ({ name, number }))
  return settings
}
