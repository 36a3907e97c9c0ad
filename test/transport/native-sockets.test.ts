// Owns the tests of the sip_sockets addon.
import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { nativeSockets } from '../../src/transport/index.ts'

const native = nativeSockets()

describe('native sockets', () => {
  test('bind gives a descriptor, a stream listens already', async () => {
    const fd = native.bind('tcp', '127.0.0.1', 0)
    const port = native.localPort(fd)
    const socket = connect(port, '127.0.0.1')
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.destroy()
    native.close(fd)
  })

  test('errors carry the code of the system', () => {
    const fd = native.bind('udp', '127.0.0.1', 0)
    const port = native.localPort(fd)
    expect(() => native.bind('udp', '127.0.0.1', port)).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }))
    expect(() => native.bind('udp', '192.0.2.77', 0)).toThrow(expect.objectContaining({ code: 'EADDRNOTAVAIL' }))
    expect(() => native.bind('udp', 'no-address', 0)).toThrow(expect.objectContaining({ code: 'EINVAL' }))
    expect(() => native.bind('udp', '127.0.0.1', 70_000)).toThrow(expect.objectContaining({ code: 'EINVAL' }))
    native.close(fd)
  })

  test.each(['127.0.0.1', '::1'])('sendTo sends one datagram from a bound socket (%s)', async (address) => {
    const receiver = createSocket(address === '::1' ? 'udp6' : 'udp4')
    await new Promise<void>((resolve) => receiver.bind(0, address, resolve))
    const arrived = new Promise<[string, number]>((resolve) =>
      receiver.once('message', (bytes, remote) => resolve([bytes.toString('latin1'), remote.port])),
    )
    const fd = native.bind('udp', address, 0)
    native.sendTo(fd, Buffer.from('h\xe9llo', 'latin1'), address, receiver.address().port)
    expect(await arrived).toEqual(['h\xe9llo', native.localPort(fd)])
    native.close(fd)
    receiver.close()
  })

  test('routeTo tells our address on the way', () => {
    expect(native.routeTo('127.0.0.77')).toBe('127.0.0.1')
    expect(native.routeTo('sbc.example.com')).toBeUndefined()
  })

  test('two mappings of one descriptor are one memory, also in another process', () => {
    const fd = native.createSharedMemory(4096)
    const one = new Int32Array(native.mapSharedMemory(fd, 4096))
    const two = new Int32Array(native.mapSharedMemory(fd, 4096))
    Atomics.store(one, 3, 42)
    expect(Atomics.load(two, 3)).toBe(42)
    const child = `
      const addon = require(${JSON.stringify(new URL('../../build/Release/sip_sockets.node', import.meta.url).pathname)})
      const memory = new Int32Array(addon.mapSharedMemory(3, 4096))
      process.exitCode = Atomics.exchange(memory, 3, 7)`
    const { status } = spawnSync(process.execPath, ['-e', child], { stdio: ['ignore', 'inherit', 'inherit', fd] })
    expect([status, Atomics.load(one, 3)]).toEqual([42, 7])
    native.close(fd)
    expect(Atomics.load(two, 3)).toBe(7)
  })
})
