// Owns the tests of TLS on real sockets, with certificates made here.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Log } from '../../src/log.ts'
import { buildReply, type SipMessage, type SipRequest } from '../../src/sip/index.ts'
import {
  createTransport,
  type Flow,
  type Hop,
  type TlsProfile,
  type TransportLayer,
  type TransportOptions,
} from '../../src/transport/index.ts'
import { Authority, type Identity } from './certificates.ts'
import { noFailure, optionsRequest } from './requests.ts'

let authority: Authority
let stranger: Authority
let ours: Identity
let theirs: Identity

beforeAll(async () => {
  authority = await Authority.create('Test Root')
  stranger = await Authority.create('Other Root')
  ours = await authority.issue({ names: ['sbc.example.com'] })
  theirs = await authority.issue({ names: ['um.example.com', '*.um.example.net'] })
})

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface Side {
  readonly layer: TransportLayer
  readonly received: { message: SipMessage; flow: Flow }[]
  readonly logged: string[]
}

async function side(profile: TlsProfile, more: Partial<TransportOptions> = {}): Promise<Side> {
  const logged: string[] = []
  const keep = (_: unknown, message: string): void => void logged.push(message)
  const log: Log = { debug() {}, info: keep, warn: keep, error: keep }
  const ca = authority.identity.cert
  const layer = createTransport({
    listen: ['tls:127.0.0.1:0'],
    tls: { profiles: { default: { ca, ...profile } } },
    log,
    ...more,
  })
  const received: Side['received'] = []
  await layer.start({ onMessage: (message, flow) => void received.push({ message, flow }) })
  closing.push(() => layer.close())
  return { layer, received, logged }
}

function hopTo({ layer }: Side, serverName?: string): Hop {
  return { transport: 'tls', address: '127.0.0.1', port: layer.listeners[0]!.port, ...(serverName && { serverName }) }
}

/** Sends one request; gives the error, or undefined once it arrived. */
async function attempt(from: Side, to: Side, serverName?: string): Promise<Error | undefined> {
  const before = to.received.length
  let error: Error | undefined
  from.layer.send(hopTo(to, serverName), optionsRequest(), (why) => {
    error = why
  })
  await expect.poll(() => error !== undefined || to.received.length > before, { timeout: 5000 }).toBe(true)
  return error
}

describe('mutual TLS', () => {
  test('both sides know each other by name, and replies come back', async () => {
    const a = await side(ours)
    const b = await side({ ...theirs, requireClientCert: true })
    expect(await attempt(a, b, 'um.example.com')).toBeUndefined()
    const { message, flow } = b.received[0]!
    expect(flow.peer).toEqual({ names: ['sbc.example.com'], verified: true })
    b.layer.reply(
      flow,
      b.layer.replyTarget(flow, message as SipRequest),
      buildReply(message as SipRequest, 200),
      noFailure,
    )
    await expect.poll(() => a.received.length).toBe(1)
    expect(a.received[0]!.flow.peer).toEqual({ names: ['um.example.com', '*.um.example.net'], verified: true })
    expect(await attempt(a, b, 'guid.um.example.net')).toBeUndefined()
    expect(a.layer.stats().connections.dialled).toBe(1)
  })

  test('a client without a certificate is refused where one is required', async () => {
    const a = await side(
      {},
      {
        listen: ['tls:127.0.0.1:0 tls_profile serve'],
        tls: {
          profiles: { serve: ours, default: { ca: authority.identity.cert } },
          dialProfile: 'default',
        },
      },
    )
    const b = await side({ ...theirs, requireClientCert: true })
    // TLS 1.3 tells a client of its refusal only after the handshake: the send seems to have worked until then.
    expect(await attempt(a, b, 'um.example.com')).toMatchObject({ message: expect.stringContaining('um.example.com') })
    await expect.poll(() => b.logged.join()).toContain('showed no certificate')
    expect(b.received).toHaveLength(0)
    expect(b.layer.stats().closed).toEqual({ tls: 1 })
  })

  test('a client of an unknown authority, or of a name that is not listed, is refused', async () => {
    const unknown = await side(await stranger.issue({ names: ['sbc.example.com'] }))
    const b = await side({ ...theirs, peerNames: ['other.example.com'] })
    unknown.layer.send(hopTo(b, 'um.example.com'), optionsRequest(), () => {})
    await expect.poll(() => b.logged.join()).toContain('Other Root) is not trusted')
    const a = await side(ours)
    await new Promise((resolve) => setTimeout(resolve, 1000))
    a.layer.send(hopTo(b, 'um.example.com'), optionsRequest(), () => {})
    await expect.poll(() => b.logged.join()).toContain('admits other.example.com')
    expect(b.received).toHaveLength(0)
  })
})

describe('the certificate of a dialled peer', () => {
  test.each([
    ['another name', { names: ['evil.example.com'] }, /for evil\.example\.com, not for the name that was dialled/],
    ['a wildcard over two labels', { names: ['*.example.com'] }, /not for the name/],
    [
      'the name only in CN beside other names',
      { common: 'a.um.example.com', names: ['x.example.com'] },
      /not for the name/,
    ],
    ['a SIP URI with a user', { names: ['sip:bob@a.um.example.com'] }, /for no name, not for the name/],
    ['no longer valid', { names: ['a.um.example.com'], fromDays: -30, toDays: -1 }, /expired/],
    ['not yet valid', { names: ['a.um.example.com'], fromDays: 5 }, /is valid from/],
  ])('is refused when it has %s', async (_, issue, why) => {
    const a = await side(ours)
    const b = await side(await authority.issue(issue))
    expect(await attempt(a, b, 'a.um.example.com')).toMatchObject({
      code: 'ERR_TLS',
      message: expect.stringMatching(why),
    })
    expect(b.received).toHaveLength(0)
  })

  test.each([
    ['as a SIP URI', { names: ['sip:um.example.com'] }],
    ['in CN where there are no other names', { common: 'um.example.com' }],
    ['in any case', { names: ['UM.Example.COM'] }],
  ])('is accepted with the name %s', async (_, issue) => {
    const a = await side(ours)
    const b = await side(await authority.issue(issue))
    expect(await attempt(a, b, 'um.example.com')).toBeUndefined()
  })

  test('must end in the profile’s own trust store', async () => {
    const a = await side(ours)
    const b = await side(await stranger.issue({ names: ['um.example.com'] }))
    expect(await attempt(a, b, 'um.example.com')).toMatchObject({
      code: 'ERR_TLS',
      message: expect.stringContaining('is not trusted'),
    })
  })

  test('is not asked for its name when dialled by number, or with verifyName off; nor for its chain with verifyPeer off', async () => {
    const b = await side(theirs)
    expect(await attempt(await side(ours), b)).toBeUndefined()
    expect(await attempt(await side({ ...ours, verifyName: false }), b, 'wrong.example.com')).toBeUndefined()
    const strange = await side({ ...(await stranger.issue({ names: ['um.example.com'] })), verifyPeer: false })
    expect(await attempt(await side({ ...ours, verifyPeer: false }), strange, 'um.example.com')).toBeUndefined()
    expect(await attempt(await side({ ...ours, verifyPeer: false }), strange, 'wrong.example.com')).toMatchObject({
      code: 'ERR_TLS',
    })
  })
})

test('SNI picks the profile, each with its own certificate', async () => {
  const one = await authority.issue({ names: ['one.example.com'] })
  const two = await authority.issue({ names: ['*.two.example.com'] })
  const ca = authority.identity.cert
  const b = await side(
    {},
    {
      tls: {
        profiles: {
          default: { ca, ...theirs },
          one: { ca, ...one, serverNames: ['one.example.com'] },
          two: { ca, ...two, serverNames: ['*.two.example.com'] },
        },
      },
    },
  )
  const a = await side(ours)
  for (const name of ['one.example.com', 'x.two.example.com', 'um.example.com'])
    expect(await attempt(a, b, name)).toBeUndefined()
  expect(a.layer.stats().connections.dialled).toBe(3)
})

describe('protocol', () => {
  test('old TLS is refused, and a client that speaks no TLS costs its connection only', async () => {
    const b = await side(theirs)
    const { port } = b.layer.listeners[0]!
    const old = connectTls({
      port,
      host: '127.0.0.1',
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
      rejectUnauthorized: false,
      ciphers: 'DEFAULT@SECLEVEL=0',
    })
    await new Promise((resolve) => old.once('error', resolve))
    const plain = connectTcp(port, '127.0.0.1')
    plain.on('error', () => {})
    plain.write(optionsRequest())
    await new Promise((resolve) => plain.once('close', resolve))
    await expect.poll(() => b.layer.stats().closed).toEqual({ tls: 2 })
    expect(await attempt(await side(ours), b, 'um.example.com')).toBeUndefined()
  })

  test('a handshake that never ends is cut off and counts against the cap', async () => {
    const b = await side(theirs, { limits: { connectMillis: 200, connectionsPerSource: 1 } })
    const { port } = b.layer.listeners[0]!
    const first = connectTcp(port, '127.0.0.1')
    await expect.poll(() => b.layer.stats().connections.open).toBe(1)
    const second = connectTcp(port, '127.0.0.1')
    second.on('error', () => {})
    await new Promise((resolve) => second.once('close', resolve))
    await new Promise((resolve) => first.once('close', resolve))
    expect(b.layer.stats().closed).toEqual({ 'source-cap': 1, connect: 1 })
  })

  test('a far end that speaks no TLS fails the send with a remedy', async () => {
    const a = await side(ours, { listen: ['tls:127.0.0.1:0', 'tcp:127.0.0.1:0'] })
    const plain = a.layer.listeners[1]!.port
    const error = await new Promise<Error>((resolve) =>
      a.layer.send({ transport: 'tls', address: '127.0.0.1', port: plain }, optionsRequest(), resolve),
    )
    expect(error.message).toContain(`tls 127.0.0.1:${plain}`)
  })
})

describe('files', () => {
  function folder(): string {
    const path = mkdtempSync(join(tmpdir(), 'signalbox-tls-'))
    closing.push(() => rmSync(path, { recursive: true }))
    return path
  }

  test('are read again when they change; a wrong one changes nothing and says so', async () => {
    const path = folder()
    const cert = join(path, 'cert.pem')
    const key = join(path, 'key.pem')
    const put = (identity: Identity): void => {
      writeFileSync(cert, identity.cert)
      writeFileSync(key, identity.key)
    }
    put(theirs)
    let changed = (): void => {}
    const watched: string[] = []
    const b = await side(
      { cert, key },
      {
        watch(paths, call) {
          watched.push(...paths)
          changed = call
          return { close() {} }
        },
      },
    )
    expect(watched).toEqual([key, cert])
    const a = await side(ours)
    expect(await attempt(a, b, 'um.example.com')).toBeUndefined()

    writeFileSync(cert, 'rubbish')
    changed()
    await expect.poll(() => b.logged.join()).toContain('keeps its old certificates')
    expect(b.logged.join()).toContain('cert.pem is not a PEM certificate')
    expect(await attempt(await side(ours), b, 'um.example.com')).toBeUndefined()

    put(await authority.issue({ names: ['new.example.com'] }))
    changed()
    await expect.poll(() => b.logged.join()).toContain('took new certificates')
    // The open connection lives on; new ones meet the new certificate.
    expect(await attempt(a, b, 'um.example.com')).toBeUndefined()
    expect(await attempt(await side(ours), b, 'um.example.com')).toMatchObject({ code: 'ERR_TLS' })
    expect(await attempt(await side(ours), b, 'new.example.com')).toBeUndefined()
  })

  test('a new certificate of ours opens new connections', async () => {
    const a = await side(ours)
    const b = await side(theirs)
    expect(await attempt(a, b, 'um.example.com')).toBeUndefined()
    const renewed = await authority.issue({ names: ['renewed.example.com'] })
    a.layer.update({ tls: { profiles: { default: { ca: authority.identity.cert, ...renewed } } } })
    expect(await attempt(a, b, 'um.example.com')).toBeUndefined()
    expect(b.received.map(({ flow }) => flow.peer?.names[0])).toEqual(['sbc.example.com', 'renewed.example.com'])
    expect(() => a.layer.update({ tls: { profiles: { default: { key: 'x', cert: 'y' } } } })).toThrow(
      /cert file y cannot be read/,
    )
    expect(await attempt(a, b, 'um.example.com')).toBeUndefined()
  })

  test.each([
    [
      'a missing file',
      () => ({ cert: '/no/such.pem', key: ours.key }),
      /profile 'default': cert file \/no\/such\.pem cannot be read \(ENOENT\)/,
    ],
    [
      'a key of another certificate',
      () => ({ cert: ours.cert, key: theirs.key }),
      /key \(inline PEM\) does not belong to cert/,
    ],
    ['a cert without a key', () => ({ cert: ours.cert }), /has a cert and no key/],
    ['a ca that is none', () => ({ ca: '-----BEGIN RUBBISH-----' }), /ca \(inline PEM\) is not a PEM certificate/],
    [
      'an encrypted key',
      () => ({
        cert: ours.cert,
        key: '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n',
      }),
      /is encrypted; remove its passphrase/,
    ],
  ])('%s is an error that says what to do', (_, profile, why) => {
    expect(() => createTransport({ listen: ['tls:127.0.0.1:0'], tls: { profiles: { default: profile() } } })).toThrow(
      expect.objectContaining({ code: 'ERR_TLS', message: expect.stringMatching(why) }),
    )
  })

  test('a listener without a certificate does not start, a profile that is not there is named', async () => {
    await expect(side({})).rejects.toMatchObject({
      code: 'ERR_TLS',
      message: expect.stringContaining('has no certificate'),
    })
    await expect(side(ours, { listen: ['tls:127.0.0.1:0 tls_profile outside'] })).rejects.toMatchObject({
      message: expect.stringContaining("profile 'outside' is not configured (there are: default)"),
    })
  })

  test('a certificate near its end is noted', async () => {
    const soon = await authority.issue({ names: ['sbc.example.com'], toDays: 5 })
    expect((await side(soon)).logged.join()).toContain('expires on')
  })
})
