// Owns the tests of the supervisor with real workers: service, reload, a worker's death, withdrawal, the orderly end.
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { connect } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sendControl } from '../../src/supervisor/index.ts'
import { createAuthority } from '../../src/testkit/index.ts'
import { freePort, Rig } from './rig.ts'

/** V8 stops what it can stop after this; the supervisors here kill long before, as they do for what V8 cannot stop. */
const RUN_MILLIS = 8000
const HANG_MILLIS = 400

const script = (port: number, more = '', target = 9) => `
import { hasTotag, isMethod, looseRoute, recordRoute, rewriteHostPort, rtpManage, sendReply, tOnReply, tRelay, hasBody, type SipRequest } from 'signalbox'
export const config = { listen: ['udp:127.0.0.1:${port}'], limits: { runMillis: ${RUN_MILLIS} } }
${more}
export async function request_route(req: SipRequest) {
  if (req.requestUri.includes('loop')) for (;;) {}
  if (hasTotag()) {
    if (!looseRoute()) return sendReply(404, 'Not Here')
    if (isMethod('BYE')) await rtpManage()
    return tRelay()
  }
  if (isMethod('OPTIONS')) return sendReply(200, 'OK')
  recordRoute()
  if (hasBody('application/sdp')) await rtpManage('replace-session-connection ICE=remove')
  tOnReply('BACK')
  rewriteHostPort('127.0.0.1:${target}')
  return tRelay()
}
export const onreply_route = { async BACK() { if (hasBody('application/sdp')) await rtpManage('replace-session-connection ICE=remove') } }
`

const SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n'
const WITH_SDP = ['Content-Type: application/sdp']

let rig: Rig
let port: number

beforeEach(async () => {
  port = await freePort()
})

afterEach(async () => {
  await rig.close()
})

describe('a worker that serves', () => {
  test('answers, tells its status, and ends with 0 in order', { timeout: 30_000 }, async () => {
    rig = new Rig()
    const supervisor = await rig.start(script(port), { control: `${rig.folder}/ctl` })
    const alice = await rig.party()
    expect((await alice.ask(alice.request('OPTIONS', 'sip:127.0.0.1'), port)).status).toBe(200)
    expect(rig.lines.find((line) => line.event === 'ready')).toMatchObject({
      program: 1,
      listen: [`udp:127.0.0.1:${port}`],
    })
    expect(await supervisor.status()).toMatchObject({
      program: 1,
      restarts: 0,
      engine: { language: 'ts', received: 1 },
    })
    expect(await sendControl(`${rig.folder}/ctl`, { command: 'status' })).toMatchObject({
      ok: true,
      result: { program: 1 },
    })
    const rpc = (method: string, ...params: string[]) =>
      sendControl(`${rig.folder}/ctl`, { command: 'rpc', method, params })
    expect(await rpc('core.version')).toMatchObject({ ok: true, result: expect.stringContaining('signalbox') })
    expect(await rpc('htable.dump', 'none')).toEqual({ ok: false, error: 'No such htable' })
    expect(await rpc('no.such')).toEqual({ ok: false, error: 'command no.such not found' })
    expect(await sendControl(`${rig.folder}/ctl`, { command: 'stop' })).toEqual({ ok: true, result: { draining: 0 } })
    const began = Date.now()
    expect(await supervisor.ended).toBe(0)
    expect(Date.now() - began).toBeLessThan(5000)
    await expect(sendControl(`${rig.folder}/ctl`, { command: 'status' })).rejects.toThrow(/no signalbox listens there/)
  })

  test('a port in use is named', { timeout: 30_000 }, async () => {
    rig = new Rig()
    const other = createSocket('udp4')
    await new Promise<void>((resolve) => other.bind(port, '127.0.0.1', resolve))
    await expect(rig.start(script(port))).rejects.toThrow(`cannot listen on udp:127.0.0.1:${port}: another program`)
    other.close()
    rig.supervisor = undefined
  })
})

describe('reload', () => {
  test('a save takes effect, a broken one changes nothing and is told with a caret', { timeout: 40_000 }, async () => {
    rig = new Rig()
    const supervisor = await rig.start(script(port))
    const alice = await rig.party()
    const ask = async () => (await alice.ask(alice.request('OPTIONS', 'sip:127.0.0.1'), port)).reason
    await rig.until('the stand-by is ready', async () => (await supervisor.status()).standby !== undefined)
    rig.save(script(port).replace("'OK'", "'Second'"))
    await rig.until('the save was seen', () => rig.lines.some((line) => line.event === 'reload'))
    expect(await ask()).toBe('Second')
    rig.save(`${script(port)}\nexport const broken = )\n`)
    await rig.until('the broken save was seen', () => rig.lines.some((line) => line.event === 'reload-failed'))
    expect(rig.lines.at(-1)?.msg).toMatch(/route\.ts:\d+:\d+: error: [\s\S]*\n {2}.*\^/)
    expect(await ask()).toBe('Second')
    expect(await supervisor.status()).toMatchObject({ program: 2, restarts: 0 })
    // A wrong configuration, and a script that throws while it is loaded, are refused too.
    rig.save(script(port).replace('limits', 'limmits'))
    expect(await supervisor.reload()).toMatchObject({ ok: false, version: 2 })
    expect(rig.lines.at(-1)?.msg).toContain('did you mean `limits`?')
    rig.save(script(port, 'throw new Error("at load")'))
    expect(await supervisor.reload()).toMatchObject({ ok: false, version: 2 })
    expect(rig.lines.at(-1)?.msg).toMatch(/route\.ts:4:\d+: error: at load/)
    expect(await ask()).toBe('Second')
    // A listener that changed is named, the rest takes effect.
    rig.save(
      script(port)
        .replace("'OK'", "'Third'")
        .replace(String(port), String(port + 1)),
    )
    await rig.until('the stand-by is ready again', async () => (await supervisor.status()).standby !== undefined)
    expect(await supervisor.reload()).toMatchObject({ ok: true })
    expect(rig.lines.findLast((line) => line.event === 'restart-needed')).toMatchObject({ parts: ['listen'] })
    expect(await ask()).toBe('Third')
  })

  test('a save of the tls.cfg beside a .cfg takes effect, a broken one is refused', { timeout: 40_000 }, async () => {
    rig = new Rig()
    const authority = await createAuthority()
    for (const name of ['first', 'second']) {
      const { key, cert } = await authority.issue({ commonName: name })
      rig.save(key, `${name}.key`)
      rig.save(cert, `${name}.crt`)
    }
    const tls = (name: string) => `[server:default]\nprivate_key = ${name}.key\ncertificate = ${name}.crt\n`
    rig.save(tls('first'), 'tls.cfg')
    const supervisor = await rig.start(
      `loadmodule "sl.so"\nloadmodule "tls.so"\nmodparam("tls", "config", "tls.cfg")
listen=tls:127.0.0.1:${port}\nrequest_route { sl_send_reply("200", "OK"); }\n`,
      {},
      'route.cfg',
    )
    const shown = () =>
      new Promise<unknown>((resolve, reject) => {
        const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
          resolve(socket.getPeerCertificate().subject.CN)
          socket.destroy()
        })
        socket.on('error', reject)
      })
    expect(await shown()).toBe('first')
    rig.save(tls('nobody'), 'tls.cfg')
    await rig.until('the broken save was seen', () => rig.lines.some((line) => line.event === 'reload-failed'))
    expect(rig.lines.at(-1)?.msg).toMatch(/tls\.cfg:1:1: error: .*nobody\.key cannot be read/)
    expect(await supervisor.reload()).toMatchObject({ ok: false, version: 1 })
    rig.save(tls('second'), 'tls.cfg')
    await rig.until('the save was seen', () => rig.lines.some((line) => line.event === 'reload'))
    await rig.until('the other certificate is shown', async () => (await shown()) === 'second')
    const { version } = await supervisor.reload()
    expect(await supervisor.reload()).toEqual({ ok: true, version, unchanged: true })
  })
})

/** Processes of workers that are there now. */
function workers(): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1').trim().split(' ')
  return children.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('worker-main')
    } catch {
      return false
    }
  }).length
}

test('a save while the stand-by starts waits for it: no other process is started', { timeout: 40_000 }, async () => {
  rig = new Rig()
  const supervisor = await rig.start(script(port))
  // A process that was begun a moment ago has not got its name yet.
  let steady = 0
  await rig.until('the trial of the start is over', () => {
    steady = workers() === 2 ? steady + 1 : 0
    return steady === 5
  })
  rig.save(script(port).replace("'OK'", "'Second'"))
  let most = 0
  const count = setInterval(() => {
    most = Math.max(most, workers())
  }, 20)
  const result = await supervisor.reload()
  clearInterval(count)
  expect(result).toEqual({ ok: true, version: 2 })
  expect(most).toBe(2)
  expect((await supervisor.status()).standby).toBeDefined()
  const alice = await rig.party()
  expect((await alice.ask(alice.request('OPTIONS', 'sip:127.0.0.1'), port)).reason).toBe('Second')
})

describe('a script that takes its worker down', () => {
  test('costs its message 500 and a worker for less than a second; twice, and it is withdrawn', {
    timeout: 60_000,
  }, async () => {
    rig = new Rig()
    const supervisor = await rig.start(script(port), { hangMillis: HANG_MILLIS })
    const alice = await rig.party()
    const attack = () => alice.ask(alice.request('OPTIONS', 'sip:loop@127.0.0.1'), port, 10_000)
    const serving = async () => (await alice.ask(alice.request('OPTIONS', 'sip:127.0.0.1'), port)).reason
    const standbyReady = () =>
      rig.until('a stand-by is ready', async () => (await supervisor.status()).standby !== undefined)
    await standbyReady()
    rig.save(script(port).replace("'OK'", "'Second'"))
    expect(await supervisor.reload()).toMatchObject({ ok: true, version: 2 })
    const before = (await supervisor.status()).worker

    // Killed by the watchdog.
    const first = await attack()
    expect(first.status).toBe(500)
    expect(first.millis).toBeLessThan(2000)
    const began = Date.now()
    expect(await serving()).toBe('Second')
    expect(Date.now() - began).toBeLessThan(1000)
    await rig.known()
    const after = await supervisor.status()
    expect(after).toMatchObject({ restarts: 1, withdrawn: 0, program: 2 })
    expect(after.worker).not.toBe(before)

    // Dead by itself, in the middle of a run.
    await standbyReady()
    const second = attack()
    await new Promise((resolve) => setTimeout(resolve, 100))
    process.kill(after.worker!, 'SIGKILL')
    expect((await second).status).toBe(500)
    // The predecessor answers.
    expect(await serving()).toBe('OK')
    await rig.known()
    expect(await supervisor.status()).toMatchObject({ restarts: 2, withdrawn: 1, program: 1, engine: { program: 1 } })
    expect(rig.lines.find((line) => line.event === 'withdrawn')).toMatchObject({
      level: 'error',
      withdrawn: 2,
      program: 1,
    })

    // Without a predecessor it goes on as well as it can.
    for (let n = 0; n < 2; n++) {
      await standbyReady()
      expect((await attack()).status).toBe(500)
    }
    expect(await serving()).toBe('OK')
    expect(await supervisor.status()).toMatchObject({ restarts: 4, withdrawn: 1, program: 1 })
  })

  test('media and established calls outlive the worker', { timeout: 40_000 }, async () => {
    rig = new Rig()
    const bob = await rig.party()
    const supervisor = await rig.start(script(port, '', bob.port), {
      override: { interfaces: ['127.0.0.1'], portMin: 47_700, portMax: 47_800 },
    })
    const alice = await rig.party()
    bob.answer = (request) => {
      if (request.method !== 'INVITE') return { status: 200 }
      const contact = `Contact: <sip:bob@127.0.0.1:${bob.port}>\r\n`
      return { status: 200, headers: contact, body: SDP, contentType: 'application/sdp' }
    }
    const ok = await alice.ask(alice.request('INVITE', 'sip:bob@127.0.0.1', WITH_SDP, SDP, 'media-call'), port)
    expect(ok.status).toBe(200)
    expect(ok.body).toMatch(/m=audio 47[78]\d\d /)
    expect(await supervisor.status()).toMatchObject({ mediaCalls: 1 })
    await rig.until('the stand-by is ready', async () => (await supervisor.status()).standby !== undefined)
    const { worker } = await supervisor.status()
    process.kill(worker!, 'SIGKILL')
    await rig.until('another serves', async () => ![undefined, worker].includes((await supervisor.status()).worker))
    expect(await supervisor.status()).toMatchObject({ mediaCalls: 1, restarts: 1 })
    const route = ok.header('record-route')
    const bye = alice.request(
      'BYE',
      `sip:bob@127.0.0.1:${bob.port}`,
      ['To: <sip:bob@127.0.0.1>;tag=far', 'CSeq: 2 BYE', `Route: ${route}`],
      '',
      'media-call',
    )
    expect((await alice.ask(bye, port)).status).toBe(200)
    await rig.until('the media is gone', async () => (await supervisor.status()).mediaCalls === 0)
  })
})
