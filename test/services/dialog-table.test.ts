// Checks which dialog a message belongs to, and that many of one Call-ID cost a message no more than others do.
import { expect, test } from 'vitest'
import { Dialog } from '../../src/services/dialog-state.ts'
import { DialogTable } from '../../src/services/dialog-table.ts'
import { parseMessage, type SipRequest } from '../../src/sip/index.ts'
import { request } from '../../src/testkit/index.ts'

let serial = 0
function dialog(callId: string, fromTag: string, calleeTag = ''): Dialog {
  const parsed = parseMessage(request('INVITE', { callId, fromTag }))
  if (!parsed.ok) throw new Error('it is a message')
  const options = { lifetime: 60, timeoutBye: false }
  const made = new Dialog(parsed.message as SipRequest, { id: 0, text: '' }, ++serial, 0, options)
  made.callee.tag = calleeTag
  return made
}

test('a message finds its dialog by the tags of either side, until that is removed', () => {
  const table = new DialogTable()
  const [first, again, other] = [dialog('c', 'a', 'b'), dialog('c', 'a', 'd'), dialog('c', 'x')]
  for (const each of [first, again, other]) table.add(each)
  expect(table.find('c', 'a', 'b')).toBe(first)
  expect(table.find('c', 'b', 'a')).toBe(first)
  expect(table.find('c', 'a', 'd')).toBe(again)
  expect(table.find('c', 'd', 'a')).toBe(again)
  // Before it is answered, whoever answers is the callee.
  expect(table.find('c', 'anyone', 'x')).toBe(other)
  expect(table.find('c', 'x', '')).toBe(other)
  for (const [from = '', to = ''] of ['bd', '', 'ae', 'ea']) expect(table.find('c', from, to)).toBeUndefined()
  expect(table.find('d', 'a', 'b')).toBeUndefined()
  expect(table.ofCall('c')).toEqual([first, again, other])
  expect(table.get(again.key)).toBe(again)
  table.remove(first)
  expect([table.find('c', 'a', 'b'), table.find('c', 'a', 'd')]).toEqual([undefined, again])
  table.remove(again)
  table.remove(other)
  expect([table.size, table.ofCall('c'), table.get(again.key)]).toEqual([0, [], undefined])
})

test('thousands of one Call-ID are told apart at once', () => {
  const found = (callIdOf: (i: number) => string) => {
    const table = new DialogTable()
    for (let i = 0; i < 10_000; i++) table.add(dialog(callIdOf(i), `tag-${i}`))
    const began = process.cpuUsage().user
    for (let i = 0; i < 10_000; i++) if (table.find(callIdOf(i), `tag-${i}`, '') === undefined) throw new Error('lost')
    return process.cpuUsage().user - began
  }
  const apart = found((i) => `call-${i}`)
  expect(found(() => 'one') / apart).toBeLessThan(20)
})
