// Owns the manual of the vocabulary, made from the declarations: a page a module, pages of variables, transformations, parameters, rules.
import type { Parameter } from '../../stdlib/contract.ts'
import { type Builtin, builtins, declaredPvs, declaredTransformations } from '../../stdlib/registry.ts'
import { CORE_PARAMETERS } from './dsl/core-parameters.ts'
import { MODULE_PARAMETERS } from './dsl/module-parameters.ts'
import { RULES } from './rules.ts'

/** Pages by file name, Markdown; and `completion.json` for editors. */
export function manualPages(): Map<string, string> {
  const pages = new Map<string, string>()
  const functions = [...new Set(builtins().values())]
  const variables = [...new Map([...declaredPvs().values()].map((one) => [one.name, one])).values()]
  const modules = [...new Set([...functions.map(({ module }) => module), ...MODULE_PARAMETERS.keys()])].sort()
  for (const module of modules) pages.set(`modules/${module}.md`, modulePage(module, functions, variables))
  pages.set('pseudo-variables.md', variablesPage(variables))
  pages.set('transformations.md', transformationsPage())
  pages.set('core.md', corePage())
  pages.set('check.md', rulesPage())
  const links = modules.map((module) => `- [${module}](modules/${module}.md)`)
  const others = ['core', 'pseudo-variables', 'transformations', 'check'].map((name) => `- [${name}](${name}.md)`)
  pages.set('README.md', `# Manual\n\n## Modules\n\n${links.join('\n')}\n\n## More\n\n${others.join('\n')}\n`)
  pages.set('completion.json', completion(functions, variables))
  return pages
}

type Variable = ReturnType<typeof declaredPvs> extends ReadonlyMap<string, infer One> ? One : never

function signature(name: string, parameters: readonly Parameter[]): string {
  let open = 0
  const parts = parameters.map((parameter, i) => {
    const text = `${i === 0 ? '' : ', '}${parameter.name}`
    if (!parameter.optional) return text
    open++
    return `[${text}`
  })
  return `${name}(${parts.join('')}${']'.repeat(open)})`
}

const TYPES: Readonly<Record<string, string>> = { n: 'int', s: 'str', '-': 'int or str' }

function modulePage(module: string, functions: readonly Builtin[], variables: readonly Variable[]): string {
  const lines = [`# ${module} Module`, '']
  const parameters = [...(MODULE_PARAMETERS.get(module) ?? [])]
  if (parameters.length > 0) {
    lines.push('## Parameters', '')
    for (const [name, type] of parameters) lines.push(`- \`${name}\` (${TYPES[type] ?? type})`)
    lines.push('')
  }
  const own = functions.filter((one) => one.module === module).sort((a, b) => (a.kamailio < b.kamailio ? -1 : 1))
  if (own.length > 0) lines.push('## Functions', '')
  for (const one of own) lines.push(...functionText(one))
  const pvs = variables.filter((one) => one.module === module)
  if (pvs.length > 0) lines.push('## Exported pseudo-variables', '')
  for (const pv of pvs) lines.push(`- ${variableText(pv)}`)
  return `${lines.join('\n').trimEnd()}\n`
}

function functionText(one: Builtin): string[] {
  const lists = [one.parameters, ...(one.overloads ?? [])]
  const lines = [`### ${lists.map((list) => `\`${signature(one.kamailio, list)}\``).join(', ')}`, '', one.doc, '']
  for (const parameter of one.parameters.filter(({ values, constant }) => values !== undefined || constant)) {
    const about = [
      ...(parameter.constant ? ['a literal, in which pseudo-variables may stand'] : []),
      ...(parameter.values ? [`one of ${parameter.values.map((value) => `\`${value}\``).join(', ')}`] : []),
    ]
    lines.push(`- \`${parameter.name}\`: ${about.join('; ')}`)
  }
  if (one.parameters.some(({ values, constant }) => values !== undefined || constant)) lines.push('')
  if (one.aliases !== undefined && one.aliases.length > 0)
    lines.push(`Also written ${one.aliases.map((alias) => `\`${alias}\``).join(', ')}.`, '')
  lines.push(
    `This function can be used from ${one.routes.map((route) => `${route.toUpperCase()}_ROUTE`).join(', ')}.`,
    '',
  )
  lines.push(`In TypeScript: \`${one.waits ? 'await ' : ''}${signature(one.name, one.parameters)}\`.`, '')
  return [...lines, '```', one.example, '```', '']
}

function variableText(pv: Variable): string {
  const inner = pv.inner === undefined ? '' : `(${pv.inner.name})`
  const names = [pv.name, ...(pv.aliases ?? [])].map((name) => `\`$${name}${inner}\``).join(', ')
  const values = pv.inner?.values === undefined ? '' : ` ${pv.inner.values.map((value) => `\`${value}\``).join(', ')}.`
  return `${names}: ${pv.doc}${values}${pv.writable ? ' Can be assigned.' : ''}`
}

function variablesPage(variables: readonly Variable[]): string {
  const lines = [...variables].sort((a, b) => (a.name < b.name ? -1 : 1)).map((pv) => `- ${variableText(pv)}`)
  return `# Pseudo-variables\n\n${lines.join('\n')}\n`
}

function transformationsPage(): string {
  const lines = [...declaredTransformations().values()].map(({ meta }) => {
    const args = meta.parameters.map(({ name, optional }) => (optional ? `[,${name}]` : `,${name}`)).join('')
    return `- \`{${meta.name}${args}}\`: ${meta.doc}`
  })
  return `# Transformations\n\n${lines.sort().join('\n')}\n`
}

function corePage(): string {
  const lines = [...CORE_PARAMETERS]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([name, { type, noMeaning }]) =>
        `- \`${name}\` (${TYPES[type]})${noMeaning === undefined ? '' : `: no meaning here, ${noMeaning}`}`,
    )
  return `# Core parameters\n\n${lines.join('\n')}\n`
}

function rulesPage(): string {
  const rows = Object.entries(RULES).map(([name, { severity, doc }]) => `| \`${name}\` | ${severity} | ${doc} |`)
  return `# Rules of check\n\n| rule | severity | about |\n|---|---|---|\n${rows.join('\n')}\n`
}

/** What an editor offers in a .cfg. */
function completion(functions: readonly Builtin[], variables: readonly Variable[]): string {
  return `${JSON.stringify(
    {
      functions: functions.map(({ kamailio, module, parameters, doc, routes }) => ({
        label: kamailio,
        detail: `${module}: ${signature(kamailio, parameters)}`,
        documentation: doc,
        routes,
      })),
      variables: variables.map((pv) => ({ label: `$${pv.name}`, documentation: pv.doc })),
      transformations: [...declaredTransformations().values()].map(({ meta }) => ({
        label: meta.name,
        documentation: meta.doc,
      })),
      parameters: [...CORE_PARAMETERS.keys()],
    },
    undefined,
    1,
  )}\n`
}
