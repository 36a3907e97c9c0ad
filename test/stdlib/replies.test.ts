// Owns the proof of replies, hooks, sanity and log lines: what the host is asked for.
import { describe, expect, onTestFinished, test } from 'vitest'
import { appendBranch, log, setUri } from '../../stdlib/core.ts'
import { appendToReply, setReplyBody } from '../../stdlib/index.ts'
import { builtins } from '../../stdlib/registry.ts'
import { rtpManage, setRtpSet } from '../../stdlib/rtpengine.ts'
import { setLanguage } from '../../stdlib/runtime.ts'
import { sanityCheck } from '../../stdlib/sanity.ts'
import { hasTotag, isMethod, isMyself } from '../../stdlib/siputils.ts'
import { sendReply, slReplyError, slSendReply } from '../../stdlib/sl.ts'
import { changeReplyStatus, msgApplyChanges } from '../../stdlib/textopsx.ts'
import { tCheckStatus, tIsCanceled, tReply } from '../../stdlib/tm.ts'
import { xinfo, xlog } from '../../stdlib/xlog.ts'
import { BASE, MessageRun, message } from './message-run.ts'

const invite = (headers: string[] = BASE, body = '') =>
  new MessageRun(message('INVITE sip:bob@10.0.0.5 SIP/2.0', headers, body))

describe('replies', () => {
  test('carry what append_to_reply and set_reply_body gave', () => {
    const run = invite()
    run.do(() => {
      appendToReply('P-A: 1\r\n')
      setReplyBody('why', 'text/plain')
      expect(sendReply(403, 'Not\r\nhere')).toBe(true)
      slSendReply('404', 'x')
      tReply('405', 'x')
    })
    expect(run.args('reply')).toEqual([
      { status: 403, reason: 'Not here', headers: 'P-A: 1\r\n', body: 'why', contentType: 'text/plain', mode: 'auto' },
      expect.objectContaining({ status: 404, mode: 'stateless' }),
      expect.objectContaining({ status: 405, mode: 'transaction' }),
    ])
  })

  test('a redirection names the targets that were set', () => {
    const run = invite()
    run.do(() => {
      setUri('sip:new@1.1.1.1')
      appendBranch('sip:alt@2.2.2.2', '0.5')
      sendReply('302', 'Moved')
    })
    expect(run.args('reply')).toEqual([
      expect.objectContaining({ headers: 'Contact: <sip:new@1.1.1.1>, <sip:alt@2.2.2.2>;q=0.5\r\n' }),
    ])
    const plain = invite()
    plain.do(() => sendReply(302, 'Moved'))
    expect(plain.args('reply')).toEqual([expect.objectContaining({ headers: '' })])
  })

  test('a status that is none is refused', () => {
    const run = invite()
    run.do(() => {
      expect(sendReply('abc', 'x')).toBe(false)
      expect(sendReply(99, 'x')).toBe(false)
      expect(sendReply(700, 'x')).toBe(false)
    })
    expect(run.calls).toEqual([])
    run.do(() => slReplyError())
    expect(run.calls).toEqual([{ name: 'replyError', args: null }])
  })
})

describe('sanity_check', () => {
  test('lets a good request pass and answers a bad one', () => {
    const good = invite([...BASE, 'Max-Forwards: 70'])
    expect(good.do(() => sanityCheck('17895', '7'))).toBe(true)
    expect(good.calls).toEqual([])
    setLanguage('cfg')
    onTestFinished(() => setLanguage('ts'))
    const bad = invite(BASE.filter((line) => !line.startsWith('CSeq')))
    expect(bad.do(() => sanityCheck('17895', '7'))).toBe(false)
    expect(bad.args('reply')).toEqual([expect.objectContaining({ status: 400, mode: 'stateless' })])
  })
})

describe('tests', () => {
  test('methods, tags, own addresses', () => {
    const run = invite()
    run.do(() => {
      expect(isMethod('INVITE|ACK')).toBe(true)
      expect(isMethod('ACK | INVITE')).toBe(true)
      expect(isMethod('INV')).toBe(false)
      expect(isMethod('invite')).toBe(true)
      expect(hasTotag()).toBe(false)
      expect(isMyself('sip:x@10.0.0.5')).toBe(true)
      expect(isMyself('sip:x@10.0.0.9')).toBe(false)
    })
    const reply = new MessageRun(message('SIP/2.0 200 OK', BASE), 'reply')
    expect(reply.do(() => isMethod('INVITE'))).toBe(true)
  })

  test('the status of a failure is the winning one; the expression is not anchored', () => {
    const run = new MessageRun(message('INVITE sip:a@h SIP/2.0', BASE), 'failure', {
      status: 408,
      canceled: true,
      transactionId: 9,
    })
    run.do(() => {
      expect(tCheckStatus('40')).toBe(true)
      expect(tCheckStatus('486|408')).toBe(true)
      expect(tCheckStatus('^5')).toBe(false)
      expect(tIsCanceled()).toBe(true)
    })
  })
})

describe('rtpengine', () => {
  test('the relay’s SDP takes the place of the body, Content-Length with it', async () => {
    const run = invite([...BASE, 'Content-Type: application/sdp', 'Content-Length: 5'], 'v=0\r\n')
    run.answers.rtp = { code: 1, sdp: 'v=0\r\nc=IN\r\n' }
    await run.do(() => {
      setRtpSet('3')
      return rtpManage('SRTP')
    })
    expect(run.args('rtp')).toEqual([{ operation: 'manage', flags: 'SRTP', set: 3, kind: 'request' }])
    expect(run.edited).toContain('Content-Length: 11\r\n\r\nv=0\r\nc=IN\r\n')
  })

  test('a refusal is false', async () => {
    const run = invite([...BASE, 'Content-Type: application/sdp'], 'v=0\r\n')
    run.answers.rtp = { code: -1 }
    expect(await run.do(() => rtpManage())).toBe(false)
    expect(run.run.edits).toEqual([])
  })
})

describe('replies under way', () => {
  test('change_reply_status stays within its class', () => {
    const reply = (status: number) => new MessageRun(message(`SIP/2.0 ${status} Why not`, BASE), 'reply', {}, 'X')
    const busy = reply(486)
    expect(busy.do(() => changeReplyStatus(503, 'Try later'))).toBe(true)
    expect(busy.edited).toMatch(/^SIP\/2\.0 503 Try later\r\nVia/)
    expect(reply(180).do(() => changeReplyStatus(200, 'OK'))).toBe(false)
    expect(reply(200).do(() => changeReplyStatus(503, 'x'))).toBe(false)
  })

  test('msg_apply_changes is refused in a named reply route', () => {
    const run = new MessageRun(message('SIP/2.0 200 OK', BASE), 'reply', {}, 'X')
    expect(run.do(() => msgApplyChanges())).toBe(false)
  })
})

describe('log lines', () => {
  test('levels go by the third letter; without one it is L_ERR', () => {
    const run = invite()
    run.do(() => {
      xlog('plain')
      xlog('L_INFO', 'info')
      xlog('LOCAL0', 'L_DBG', 'debug')
      xlog('2', 'number')
      xinfo('named')
      log(1, 'core')
      log('core')
    })
    expect(run.args('log')).toEqual([
      { level: -1, text: 'plain' },
      { level: 2, text: 'info' },
      { level: 3, text: 'debug' },
      { level: 2, text: 'number' },
      { level: 2, text: 'named' },
      { level: 1, text: 'core' },
      { level: 3, text: 'core' },
    ])
  })

  test('characters beyond a byte are written in UTF-8, a long line is cut', () => {
    const run = invite()
    run.do(() => {
      xlog('\u20ac')
      xlog('x'.repeat(5000))
    })
    const [euro, long] = run.args('log') as { text: string }[]
    expect(euro!.text).toBe('\u00e2\u0082\u00ac')
    expect(long!.text).toHaveLength(4096)
  })
})

test('every declaration is whole, and TypeScript has a name for each', async () => {
  const api = await import('../../stdlib/index.ts')
  const wrong: string[] = []
  for (const builtin of new Set(builtins().values())) {
    if (!(builtin.name in api)) wrong.push(`${builtin.name} is not exported`)
    if (!/\.$/.test(builtin.doc)) wrong.push(`${builtin.name}: its doc is no sentence`)
    if (!builtin.example.includes(builtin.kamailio)) wrong.push(`${builtin.name}: its example does not use it`)
    if (builtin.routes.length === 0) wrong.push(`${builtin.name}: legal nowhere`)
    for (const list of [builtin.parameters, ...(builtin.overloads ?? [])]) {
      const firstOptional = list.findIndex((parameter) => parameter.optional)
      if (firstOptional >= 0 && list.slice(firstOptional).some((parameter) => !parameter.optional))
        wrong.push(`${builtin.name}: optional before required`)
    }
  }
  expect(wrong).toEqual([])
})
