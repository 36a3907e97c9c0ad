// Owns the tests of TLS against OpenSSL's own client and server.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SignalboxError } from '../../src/errors.ts'
import { createTransport, type Flow, nativeSockets, type TlsProfile } from '../../src/transport/index.ts'
import { describeWithPeers } from '../interop/peers.ts'
import { Authority, type Identity } from './certificates.ts'
import { optionsRequest } from './requests.ts'

describeWithPeers('OpenSSL', ['openssl'], () => {
  const closing: (() => unknown)[] = []
  let folder: string
  let ca: string
  let ours: Identity
  let file: (name: string) => string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'signalbox-openssl-'))
    file = (name) => join(folder, name)
    const authority = await Authority.create('Test Root')
    ca = authority.identity.cert
    ours = await authority.issue({ names: ['sbc.example.com'] })
    const theirs = await authority.issue({ names: ['um.example.com'] })
    writeFileSync(file('ca.pem'), ca)
    writeFileSync(file('cert.pem'), theirs.cert)
    writeFileSync(file('key.pem'), theirs.key)
  })
  afterAll(async () => {
    for (const close of closing.reverse()) await close()
    rmSync(folder, { recursive: true })
  })

  function openssl(...args: string[]): { child: ChildProcess; output(): string } {
    const files = ['-CAfile', file('ca.pem'), '-cert', file('cert.pem'), '-key', file('key.pem')]
    const child = spawn('openssl', [args[0]!, ...files, '-verify_return_error', ...args.slice(1)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('latin1')))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString('latin1')))
    closing.push(() => child.kill())
    return { child, output: () => output }
  }

  async function layer(profile: TlsProfile, received: (callId: string, flow: Flow) => void = () => {}) {
    const one = createTransport({
      listen: ['tls:127.0.0.1:0 tls_profile serve'],
      tls: {
        profiles: { serve: { ca, ...ours, requireClientCert: true }, dial: { ca, ...profile } },
        dialProfile: 'dial',
      },
    })
    await one.start({ onMessage: ({ callId }, flow) => received(callId, flow) })
    closing.push(() => one.close())
    return one
  }

  function freePort(): number {
    const fd = nativeSockets().bind('tcp', '127.0.0.1', 0)
    const port = nativeSockets().localPort(fd)
    nativeSockets().close(fd)
    return port
  }

  test.each(['-tls1_2', '-tls1_3'])(
    'its server takes our certificate, and refuses us without one (%s)',
    async (version) => {
      const port = freePort()
      const server = openssl('s_server', '-accept', `127.0.0.1:${port}`, '-Verify', '2', version)
      await expect.poll(server.output, { timeout: 5000 }).toContain('ACCEPT')
      const hop = { transport: 'tls', address: '127.0.0.1', port, serverName: 'um.example.com' } as const
      const known = await layer(ours)
      known.send(hop, optionsRequest({ callId: 'with-certificate' }), (error) => expect.fail(error.message))
      await expect.poll(server.output, { timeout: 5000 }).toContain('Call-ID: with-certificate')
      await known.close()
      const unknown = await layer({})
      const error = await new Promise<SignalboxError>((resolve) => unknown.send(hop, optionsRequest(), resolve))
      expect(error).toMatchObject({ code: 'ERR_TLS', message: expect.stringContaining('refused the handshake') })
    },
  )

  test.each(['-tls1_2', '-tls1_3'])(
    'its client is known by its name, and is refused when it is of another authority (%s)',
    async (version) => {
      const seen: [string, string[] | undefined][] = []
      const one = await layer({}, (callId, flow) => seen.push([callId, flow.peer?.names]))
      const { port } = one.listeners[0]!
      const target = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'sbc.example.com', '-quiet', version]
      const client = openssl(...target)
      client.child.stdin!.write(optionsRequest({ callId: 'from-openssl' }))
      await expect.poll(() => seen, { timeout: 5000 }).toEqual([['from-openssl', ['um.example.com']]])
      const strange = await (await Authority.create('Other Root')).issue({ names: ['um.example.com'] })
      writeFileSync(file('strange.pem'), strange.cert + strange.key)
      const refused = openssl(...target, '-cert', file('strange.pem'), '-key', file('strange.pem'))
      refused.child.stdin!.write(optionsRequest({ callId: 'stranger' }))
      await new Promise((resolve) => refused.child.once('exit', resolve))
      expect(seen).toHaveLength(1)
    },
  )
})
