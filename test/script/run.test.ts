// Owns the proof that a route run does what the script says, without a wait and with one.
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { input, loaded, RecordingHost, reply, request } from './run-script.ts'

describe('a run that waits for nothing', () => {
  test('ends in the entry that began it, and relays what the script changed', async () => {
    const { program, host } = await loaded(`
      import { removeHf, insertHf, rewriteHostPortTrans, tOnReply, tRelay, recordRouteAdvertised } from 'signalbox'
      export function request_route() {
        recordRouteAdvertised('25.25.25.5')
        rewriteHostPortTrans('um.outlook.com:5061;transport=tls')
        removeHf('To')
        insertHf('To: <sip:87000@um.outlook.com>\\r\\n')
        tOnReply('O365')
        tRelay()
      }
      export const onreply_route = { O365() {} }`)
    const raw = request()
    expect(program.run(input('request', '', raw))).toEqual({ exit: 'done', code: 1, edits: [] })
    const [spec] = host.of('relay') as [{ branches: { uri: string; edits: { at: number }[]; onReply: string }[] }]
    expect(spec.branches).toHaveLength(1)
    expect(spec.branches[0]).toMatchObject({
      uri: 'sip:87000@um.outlook.com:5061;transport=tls',
      onReply: 'O365',
      flags: 0,
    })
    const start = raw.indexOf('To: <')
    const top = raw.indexOf('\r\n') + 2
    expect(spec.branches[0]!.edits).toEqual([
      expect.objectContaining({ at: top, text: '', recordRoute: expect.objectContaining({ outbound: '25.25.25.5' }) }),
      { at: start, remove: 'To: <sip:87000@10.0.0.5>\r\n'.length, text: '' },
      { at: top, remove: 0, text: 'To: <sip:87000@um.outlook.com>\r\n' },
    ])
    expect(program.has('reply', 'O365')).toBe(true)
    expect(program.has('reply', 'other')).toBe(false)
    expect(program.has('failure')).toBe(false)
  })

  test('an async route that waits for nothing answers at once too', async () => {
    const { request: run } = await loaded(`
      import { tRelay, isMethod } from 'signalbox'
      export async function request_route() { if (isMethod('INVITE')) return await tRelay() }`)
    expect(run()).toEqual({ exit: 'done', code: 1, edits: [] })
  })

  test('edits of a reply come back with the outcome', async () => {
    const { program } = await loaded(`
      import { removeHf, sdpRemoveLineByPrefix, hasBody } from 'signalbox'
      export function request_route() {}
      export const onreply_route = { X() { removeHf('Contact'); if (hasBody('application/sdp')) sdpRemoveLineByPrefix('c=IN IP4 25') } }`)
    const raw = reply(200, ['Content-Type: application/sdp'], 'v=0\r\nc=IN IP4 25.25.25.5\r\nt=0 0\r\n')
    const at = raw.indexOf('c=IN')
    expect(program.run(input('reply', 'X', raw))).toEqual({
      exit: 'done',
      code: 1,
      edits: [{ at, remove: 'c=IN IP4 25.25.25.5\r\n'.length, text: '' }],
    })
  })

  test('exit and drop end it', async () => {
    const { program } = await loaded(`
      import { exit, drop } from 'signalbox'
      export function request_route() { exit() }
      export function reply_route() { drop() }`)
    expect(program.run(input('request', '', request()))).toMatchObject({ exit: 'exit', code: 1 })
    expect(program.run(input('reply', '', reply()))).toMatchObject({ exit: 'drop', code: 0 })
  })
})

describe('a run that waits', () => {
  test('goes on with its own message while others go on with theirs', async () => {
    const host = new RecordingHost()
    const waiting: ((value: unknown) => void)[] = []
    host.answers.rtp = () => new Promise((resolve) => waiting.push(resolve))
    const { request: run } = await loaded(
      `
      import { rtpManage, tRelay, type SipRequest } from 'signalbox'
      export async function request_route(req: SipRequest) {
        await rtpManage('SRTP')
        if (req.header('X-Mark') !== 'none') await tRelay()
      }`,
      { host },
    )
    const first = run(request('INVITE', ['X-Mark: a', 'Content-Type: application/sdp'], 'v=0\r\n'), {
      transactionId: 11,
    })
    const second = run(request('INVITE', ['X-Mark: none', 'Content-Type: application/sdp'], 'v=0\r\n'), {
      transactionId: 12,
    })
    expect(first).toBeInstanceOf(Promise)
    waiting[1]!({ code: 1, sdp: 'v=1\r\n' })
    expect(await second).toEqual({ exit: 'done', code: 1, edits: [] })
    expect(host.of('relay')).toHaveLength(0)
    waiting[0]!({ code: 1, sdp: 'v=1\r\n' })
    await first
    const [spec] = host.of('relay') as [{ branches: { edits: { text: string }[] }[] }]
    expect(spec.branches[0]!.edits.map((edit) => edit.text)).toContain('v=1\r\n')
  })

  test('a promise that nothing settles costs that run alone', async () => {
    const { request: run, program } = await loaded(
      `export async function request_route() { await new Promise(() => {}) }`,
    )
    await expect(run()).rejects.toMatchObject({
      code: 'ERR_SCRIPT',
      message: expect.stringContaining('nothing settles'),
    })
    expect(program.waiting).toBe(0)
  })

  test('a host that never answers is bounded by the clock', async () => {
    const clock = new ManualClock()
    const host = new RecordingHost()
    host.answers.relay = () => new Promise(() => {})
    const { request: run, program } = await loaded(
      `import { tRelay } from 'signalbox'
       export async function request_route() { await tRelay() }`,
      { clock, host },
    )
    const outcome = run()
    clock.advance(32_000)
    await expect(outcome).rejects.toMatchObject({ code: 'ERR_SCRIPT_TIMEOUT' })
    expect(program.waiting).toBe(0)
    expect(clock.pending).toBe(0)
  })

  test('what the host throws, the script can catch', async () => {
    const host = new RecordingHost()
    host.answers.rtp = () => Promise.reject(new Error('no relay answered'))
    const { request: run } = await loaded(
      `import { rtpManage, sendReply } from 'signalbox'
       export async function request_route() { try { await rtpManage() } catch (error) { sendReply(503, String((error as Error).message)) } }`,
      { host },
    )
    await run()
    expect(host.of('reply')).toEqual([expect.objectContaining({ status: 503, reason: 'no relay answered' })])
  })
})

describe('state between the runs of a transaction', () => {
  test('lasts until the transaction is released', async () => {
    const { program } = await loaded(`
      import { setFlag, isFlagSet, tOnFailure, tRelay } from 'signalbox'
      export async function request_route() { setFlag(3); tOnFailure('F'); await tRelay() }
      export const failure_route = { F() { return isFlagSet(3) ? 7 : 8 } }`)
    const failing = () => program.run(input('failure', 'F', request(), { transactionId: 5, status: 486 }))
    void program.run(input('request', '', request(), { transactionId: 5 }))
    expect(failing()).toMatchObject({ code: 7 })
    program.releaseTransaction(5)
    expect(failing()).toMatchObject({ code: 8 })
  })

  test('a failure route begins with the R-URI used up, and with the edits of the request route', async () => {
    const { program, host } = await loaded(`
      import { appendHf, tRelay, tOnFailure, setUri, type FailedRequest } from 'signalbox'
      export async function request_route() { appendHf('X-A: 1\\r\\n'); tOnFailure('F'); await tRelay() }
      export const failure_route = { async F(req: FailedRequest) {
        if (req.status === 486) return (await tRelay()) ? 1 : -1
        setUri('sip:other@10.0.0.9'); appendHf('X-B: 1\\r\\n'); await tRelay()
      } }`)
    const fail = (transactionId: number, status: number) => {
      void program.run(input('request', '', request(), { transactionId }))
      return program.run(input('failure', 'F', request(), { transactionId, status }))
    }
    expect(fail(21, 486)).toMatchObject({ code: -1 })
    void fail(22, 503)
    const specs = host.of('relay') as { onFailure?: string; branches: { uri: string; edits: { text: string }[] }[] }[]
    expect(specs.map(({ onFailure }) => onFailure)).toEqual(['F', 'F', undefined])
    expect(specs[2]!.branches[0]!.uri).toBe('sip:other@10.0.0.9')
    expect(specs[2]!.branches[0]!.edits.map((edit) => edit.text)).toEqual(['X-A: 1\r\n', 'X-B: 1\r\n'])
  })

  test('a branch route runs once a branch, with edits of its own', async () => {
    const { request: run, host } = await loaded(`
      import { appendBranch, appendHf, drop, tOnBranch, tRelay, type SipRequest } from 'signalbox'
      export async function request_route() {
        appendHf('X-All: 1\\r\\n')
        appendBranch('sip:b@10.0.0.7'); appendBranch('sip:c@10.0.0.8')
        tOnBranch('EACH'); await tRelay()
      }
      export const branch_route = { EACH(req: SipRequest) {
        if (req.requestUri.includes('c@')) drop()
        if (req.requestUri.includes('b@')) appendHf('X-B: 1\\r\\n')
      } }`)
    await run()
    const [spec] = host.of('relay') as [{ dropped: number; branches: { uri: string; edits: { text: string }[] }[] }]
    expect(spec.dropped).toBe(1)
    expect(spec.branches.map((branch) => branch.edits.map((edit) => edit.text.trim()))).toEqual([
      ['X-All: 1'],
      ['X-All: 1', 'X-B: 1'],
    ])
  })
})

test('config is evaluated at load, with env', async () => {
  const host = new RecordingHost()
  host.answers.env = (args) => ((args as { name: string }).name === 'SET' ? 'yes' : null)
  const { program } = await loaded(
    `import { env } from 'signalbox'
     export const config = { alias: [env('SET', 'no'), env('UNSET', 'default')] }
     export function request_route() {}`,
    { host },
  )
  expect(program.config).toEqual({ alias: ['yes', 'default'] })
})
