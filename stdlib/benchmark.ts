// Owns module benchmark: stop-watches that a script starts and reads.
import { declarations, text } from './declaration.ts'
import { define } from './define.ts'
import { definePv } from './pv.ts'
import { askNow } from './service.ts'

const benchmark = declarations('benchmark')

export const bmStartTimer = define(
  benchmark(
    'bm_start_timer',
    [text('name')],
    'Starts the stop-watch of that name, where parameter enable or benchmark.enable_timer lets it run.',
    'bm_start_timer("lookup");',
  ),
  (name: string) => askNow<number>('benchmark', 'start', { name }),
)

export const bmLogTimer = define(
  benchmark(
    'bm_log_timer',
    [text('name')],
    'Reads the stop-watch of that name, and logs its figures at each call that `granularity` counts.',
    'bm_log_timer("lookup");',
  ),
  (name: string) => askNow<number>('benchmark', 'log', { name }),
)

definePv(
  { name: 'BM_time_diff', module: 'benchmark', doc: 'Microseconds between the last bm_start_timer and bm_log_timer.' },
  () => askNow<number>('benchmark', 'difference'),
)
