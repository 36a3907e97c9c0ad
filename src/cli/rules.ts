// Owns the rules of `check` on the command line: reading --rule, listing them.
import { RULES, type RuleSetting } from '../script/index.ts'
import type { CheckFormat } from './check.ts'
import { wrong } from './options.ts'

const SETTINGS: readonly string[] = ['error', 'warning', 'note', 'off'] satisfies RuleSetting[]

/** `--rule NAME=error|warning|note|off`. */
export function parseRules(list: readonly string[]): Map<string, RuleSetting> {
  const rules = new Map<string, RuleSetting>()
  for (const text of list) {
    const [name = '', setting = ''] = text.split('=', 2)
    if (!Object.hasOwn(RULES, name))
      throw wrong('--rule', text, `there is no rule ${name}; \`signalbox check --rules\` lists them`)
    if (!SETTINGS.includes(setting)) throw wrong('--rule', text, `write ${name}=error, warning, note or off`)
    if (RULES[name]!.severity === 'error' && setting !== 'error')
      throw wrong('--rule', text, `a file that breaks ${name} does not run, so that it stays an error`)
    rules.set(name, setting as RuleSetting)
  }
  return rules
}

/** The rules, one a line, or as JSON. */
export function listRules(format: CheckFormat): number {
  if (format === 'sarif') throw wrong('--format', format, 'the rules are listed as text or json')
  if (format === 'json') {
    const list = Object.entries(RULES).map(([name, { severity, doc }]) => ({ name, severity, doc }))
    process.stdout.write(`${JSON.stringify(list, undefined, 2)}\n`)
    return 0
  }
  for (const [name, { severity, doc }] of Object.entries(RULES))
    process.stdout.write(`${name.padEnd(24)}${severity.padEnd(9)}${doc}\n`)
  return 0
}
