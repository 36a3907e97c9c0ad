// Owns shared tables by chance: values put, counted up and taken away, with names, patterns and what is there from the beginning.
import type { ParityCase } from '../case.ts'
import { type Next, pick, several } from './random.ts'

/** `e` gives what it has not got as 7. Keys begin with the case's name: all cases share the tables. */
const place = (next: Next) => `${pick(next, ['a', 'e'])}=>%%${pick(next, ['x', 'y', 'xy'])}`
const VALUES = ['1', '0', '-5', '"text"', '""', '"12"', '$rU', '$var(v)', '$null']

function operation(next: Next): string {
  const kind = next()
  if (kind < 0.3) return `$sht(${place(next)}) = ${pick(next, VALUES)};`
  if (kind < 0.4) return `$sht(${place(next)}) = $sht(${place(next)});`
  const [table, key] = place(next).split('=>')
  return pick(next, [
    `say("[$shtinc(${place(next)})]");`,
    `say("[$shtdec(${place(next)})]");`,
    `$var(v) = $sht(${place(next)}) + 1; say("$var(v)");`,
    `if ($sht(${place(next)}) == $null) say("null"); else say("value");`,
    `if ($sht(${place(next)}) == $sht(${place(next)})) say("same"); else say("differ");`,
    `sht_rm("${table}", "${key}"); say("$rc");`,
    `sht_rm_name_re("${table}=>^${key}"); say("$rc");`,
    `sht_rm_name_re("${table}=>^%%[xy]"); say("$rc");`,
    `sht_rm_name("${table}", "${pick(next, ['re', 'sw'])}", "${key}"); say("$rc");`,
    `sht_match_name("${table}", "${pick(next, ['eq', 're', 'sw', 'ne'])}", "${key}"); say("$rc");`,
    `sht_has_name("${table}", "${pick(next, ['eq', 're', 'sw'])}", "${key}"); say("$rc");`,
    `say("[$shtcn(${table}=>^%%)] [$shtcn(${table}=>==${key})] [$shtcn(${table}=>%~${key})]");`,
    `$shtex(${table}=>${key}) = ${pick(next, ['50', '500'])};`,
    `say("[$shtex(${table}=>${key}none)]");`,
  ])
}

const ALL =
  'say("[$sht(a=>%%x)] [$sht(a=>%%y)] [$sht(a=>%%xy)] [$sht(e=>%%x)] [$sht(e=>%%y)] [$sht(e=>%%xy)] [$(sht(a=>%%x){s.len})]");'

export function tableCase(next: Next): ParityCase {
  const operations = several(next, 8, () => operation(next))
  return {
    title: `tables ${operations.join(' ')}`,
    route: `$var(v) = 0; ${operations.map((text) => `${text} ${ALL}`).join(' ')}`,
  }
}
