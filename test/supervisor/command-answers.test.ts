// Checks RPC commands of several workers: which one of them carries out alone, and how answers become one.
import { expect, test } from 'vitest'
import { carriersOf, oneAnswer, wantsAll } from '../../src/supervisor/command-answers.ts'

test('what acts on the world is done once, what each worker has is asked of all', () => {
  for (const command of ['dlg.bridge_dlg', 'mqueue.fetch', 'htable.store', 'presence.refreshWatchers'])
    expect(carriersOf(command, [1, 2, 3])).toEqual([1])
  for (const command of ['dlg.list', 'dispatcher.set_state', 'permissions.addressReload', 'stats.fetch'])
    expect(carriersOf(command, [1, 2, 3])).toEqual([1, 2, 3])
  expect(carriersOf('mqueue.fetch', [])).toEqual([])
})

test('a reload has failed when it failed in one worker; a dialog is found by the one that has it', () => {
  for (const command of ['dispatcher.reload', 'permissions.addressReload', 'htable.reload', 'uac.reg_reload'])
    expect(wantsAll(command)).toBe(true)
  for (const command of ['dlg.end_dlg', 'htable.get', 'pl.set_pipe']) expect(wantsAll(command)).toBe(false)
})

test.each([
  ['dlg.list', [[{ a: 1 }], [], [{ a: 2 }]], [{ a: 1 }, { a: 2 }]],
  ['dlg.stats_active', [{ all: 1 }, { all: 2 }], { all: 3 }],
  ['dlg.profile_get_size', [4, 4], 4],
  ['htable.get', [{ item: 5 }, { item: 5 }], { item: 5 }],
  ['cnt.get', [1, 2, 3], 6],
  ['cnt.grp_get_all', [{ a: 1 }, { a: 2, b: 3 }], { a: 3, b: 3 }],
  ['stats.fetch', [{ 'core.x': '7' }, { 'core.x': '8', 'sl.y': '1' }], { 'core.x': '15', 'sl.y': '1' }],
  [
    'stats.get_statistics',
    [
      ['core:x = 1', 'sl:200_replies = 5'],
      ['core:x = 2', 'sl:200_replies = 0'],
    ],
    ['core:x = 3', 'sl:200_replies = 5'],
  ],
  ['stats.get_statistics', [['core:x = 1']], ['core:x = 1']],
  [
    'pl.list',
    [
      [
        { name: 'a', counter: 9, limit: 5 },
        { name: 'b', counter: 1 },
      ],
      [{ name: 'a', counter: 10, limit: 5 }],
    ],
    [
      { name: 'a', counter: 10, limit: 5 },
      { name: 'b', counter: 1 },
    ],
  ],
  [
    'pike.top',
    [
      { max_hits: 30, list: [], number_of_rows: 0 },
      { max_hits: 30, list: [{ ip_addr: '10.0.0.1', leaf_hits_curr: 31, status: 'HOT' }], number_of_rows: 1 },
    ],
    { max_hits: 30, list: [{ ip_addr: '10.0.0.1', leaf_hits_curr: 31, status: 'HOT' }], number_of_rows: 1 },
  ],
] as const)('%s: the answer of all workers', (command, answers, wanted) => {
  expect(oneAnswer(command, answers)).toEqual(wanted)
})
