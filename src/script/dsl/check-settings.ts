// Owns the checks of what stands outside the routes: core parameters, modules and their parameters, names of blocks.
import type { Declaration } from './ast.ts'
import type { CheckContext } from './check-context.ts'
import { checkFormat } from './check-variable.ts'
import { CORE_PARAMETERS } from './core-parameters.ts'
import { insteadOf } from './instead.ts'
import { KNOWN_MODULES } from './known-modules.ts'
import {
  DROPPED_PARAMETERS,
  EVENTS_WITHOUT_MEANING,
  MODULE_PARAMETERS,
  PARAMETERS_WITHOUT_MEANING,
  PROVIDED_MODULES,
} from './module-parameters.ts'
import { nearest, placeAt } from './report.ts'
import { moduleName, settingValue } from './settings.ts'
import type { Token } from './tokens.ts'

/** Words that Kamailio's own reader takes for keywords, so that a bare route name cannot be one. */
const RESERVED = new Set(
  'log tls tcp udp sctp ws wss name user alias listen debug fork dns port group children method uri proto status exec prefix strip forward send error flags'.split(
    ' ',
  ),
)

const EVENT_NAME = /^[A-Za-z][0-9A-Za-z-]*(:[A-Za-z][0-9A-Za-z_-]*)+$/

export function checkSettings(context: CheckContext): void {
  const loaded = new Set<string>()
  for (const declaration of context.input.declarations) {
    context.report.last = declaration.at
    switch (declaration.kind) {
      case 'core':
        checkCore(declaration, context)
        break
      case 'loadmodule':
        checkModule(declaration, loaded, context)
        break
      case 'modparam':
        checkParameter(declaration, loaded, context)
        break
      case 'route':
        checkName(declaration, context)
        break
    }
  }
  for (const { block, first } of context.input.model.duplicates) {
    const what = block.name === '' ? 'This block' : `Route ${block.name}`
    context.report.error(
      'duplicate-route',
      `${what} is there already, at ${first.at.file.path}:${first.at.startLine}`,
      block.nameAt,
    )
  }
  if (context.input.complete && !context.input.model.blocks.some(({ routeKind }) => routeKind === 'request')) {
    const at = context.input.declarations[0]?.at
    if (at !== undefined) context.report.warning('no-request-route', 'The file has no request_route', at)
    // A file that is being saved is empty for a moment: it must not take the place of the one that runs.
    else
      context.report.error(
        'syntax',
        'The file says nothing',
        placeAt(context.input.main, 0),
        'Kamailio refuses it as well: write a request_route',
      )
  }
}

function checkCore(declaration: Declaration & { kind: 'core' }, context: CheckContext): void {
  const { name, value, at } = declaration
  const known = CORE_PARAMETERS.get(name)
  if (known === undefined) {
    const near = nearest(name, CORE_PARAMETERS.keys())
    context.report.error(
      'unknown-parameter',
      `Unknown core parameter ${name}`,
      at,
      near === undefined ? undefined : `Did you mean ${near}?`,
    )
    return
  }
  const given = settingValue(value)
  if (given === undefined) return
  if (known.type === 'n' && typeof given !== 'number') {
    context.report.error('wrong-type', `${name} needs a number`, value.at)
  } else if (known.type === 's' && typeof given === 'number') {
    context.report.error('wrong-type', `${name} needs a string`, value.at)
  }
  if (known.noMeaning !== undefined) {
    context.report.add('note', 'no-meaning', `${name} has no meaning here: ${known.noMeaning}`, at)
  }
}

function checkModule(
  declaration: Declaration & { kind: 'loadmodule' },
  loaded: Set<string>,
  context: CheckContext,
): void {
  const path = settingValue(declaration.path)
  if (path === undefined) return
  const name = moduleName(`${path}`)
  loaded.add(name)
  if (PROVIDED_MODULES.has(name)) return
  if (KNOWN_MODULES.has(name)) {
    const way = insteadOf(name)
    context.report.warning(
      'module-not-provided',
      `Module ${name} is not provided`,
      declaration.path.at,
      `The file runs as long as no active code uses its functions and variables.${way === undefined ? '' : ` ${way}`}`,
    )
    return
  }
  const near = nearest(name, [...PROVIDED_MODULES, ...KNOWN_MODULES])
  context.report.warning(
    'unknown-module',
    `Unknown module ${name}`,
    declaration.path.at,
    near === undefined ? undefined : `Did you mean ${near}?`,
  )
}

function checkParameter(
  declaration: Declaration & { kind: 'modparam' },
  loaded: Set<string>,
  context: CheckContext,
): void {
  const modules = settingValue(declaration.modules)
  const name = settingValue(declaration.name)
  const value = settingValue(declaration.value)
  if (modules === undefined || name === undefined || value === undefined) return
  const wanted = `${modules}`.split('|').map((module) => module.trim())
  if (!wanted.some((module) => loaded.has(module))) {
    context.report.error(
      'module-not-loaded',
      `modparam for ${modules}, which is not loaded`,
      declaration.modules.at,
      `Put loadmodule "${wanted[0]}.so" before it.`,
    )
    return
  }
  if (`${name}` === 'varset' && wanted.includes('pv')) {
    const variable = /^([^=]+)=[si]:/.exec(`${value}`)?.[1]
    if (variable !== undefined) context.variables.set(`$var(${variable.trim()})`)
    else context.report.error('wrong-argument', 'varset needs "name=i:number" or "name=s:text"', declaration.value.at)
  }
  const timed =
    wanted.includes('rtimer') && `${name}` === 'exec' ? /\broute\s*=\s*([^;\s]+)/.exec(`${value}`)?.[1] : undefined
  if (timed !== undefined) context.armed.add(`sub:${timed}`)
  if (wanted.some((module) => FORMATS.has(`${module}:${name}`))) {
    checkFormat(`${value}`, declaration.value.at, context)
    if (name === 'multi_leg_info') checkLegs(`${value}`, declaration.value.at, context)
  }
  for (const module of wanted) {
    const parameters = MODULE_PARAMETERS.get(module)
    if (parameters === undefined || !loaded.has(module)) continue
    const type = parameters.get(`${name}`)
    if (type === undefined) {
      const near = nearest(`${name}`, parameters.keys())
      context.report.warning(
        'unknown-modparam',
        `Module ${module} has no parameter ${name} here`,
        declaration.name.at,
        DROPPED_PARAMETERS.get(`${module}:${name}`) ??
          (near === undefined ? 'It is left out.' : `Did you mean ${near}?`),
      )
    } else if ((type === 'n' && typeof value === 'string') || (type === 's' && typeof value === 'number')) {
      const wantedType = type === 'n' ? 'a number' : 'a string'
      context.report.error('wrong-type', `Parameter ${name} of ${module} needs ${wantedType}`, declaration.value.at)
    } else {
      const without = PARAMETERS_WITHOUT_MEANING.get(`${module}:${name}`)
      if (without !== undefined && value !== 0 && value !== '')
        context.report.add(
          'note',
          'no-meaning',
          `${name} of ${module} has no meaning here: ${without}`,
          declaration.name.at,
        )
    }
  }
}

/** Parameters whose variables are read when a message comes, and which a program with a wrong one cannot be made of. */
const FORMATS = new Set([
  'acc:log_extra',
  'acc:db_extra',
  'acc:multi_leg_info',
  'dispatcher:hash_pvar',
  'msilo:from_address',
  'msilo:contact_hdr',
  'msilo:content_type_hdr',
  'msilo:offline_message',
  'msilo:extra_hdrs',
])

function checkLegs(value: string, at: Token, context: CheckContext): void {
  const other = value.split(';').find((part) => part.includes('=') && !/=\s*\$\(?avp\([^[]*$/.test(part))
  if (other === undefined) return
  const message = `multi_leg_info takes AVPs, as in src=$avp(src), and '${other.trim()}' is none`
  context.report.error('wrong-argument', message, at)
}

function checkName(block: Declaration & { kind: 'route' }, context: CheckContext): void {
  const { routeKind, name, nameAt, at } = block
  const without = routeKind === 'event' ? EVENTS_WITHOUT_MEANING.get(name) : undefined
  if (without !== undefined)
    context.report.add('note', 'no-meaning', `event_route[${name}] is never run here: ${without}`, nameAt)
  if (routeKind === 'event' && !EVENT_NAME.test(name)) {
    context.report.error(
      'bad-route-name',
      name === '' ? 'event_route needs a name' : `'${name}' is not the name of an event`,
      nameAt,
      'Events are named module:event, as in event_route[tm:local-request].',
    )
  } else if (nameAt !== at && nameAt.image === name && RESERVED.has(name)) {
    context.report.warning('reserved-name', `Kamailio takes ${name} for a keyword`, nameAt, `Write ["${name}"].`)
  } else if (nameAt !== at && at.image === 'reply_route') {
    context.report.error('bad-route-name', 'reply_route has no name', nameAt, `Write onreply_route[${nameAt.value}].`)
  } else if (nameAt.image !== name && nameAt !== at && /[^A-Za-z0-9_]/.test(name) && routeKind !== 'event') {
    if (!/^["']/.test(nameAt.image)) {
      context.report.error('bad-route-name', `'${name}' needs quotes`, nameAt, `Write ["${name}"].`)
    }
  }
}
