// Owns module topos's function: a name for the instance, which our tables need not.
import { declarations, text } from './declaration.ts'
import { define } from './define.ts'

export const tpsSetContext = define(
  declarations('topos')(
    'tps_set_context',
    [text('context')],
    'Tells instances that share a database apart. Ours share nothing by name, so that this changes nothing.',
    'tps_set_context("one");',
  ),
  () => 1,
)
