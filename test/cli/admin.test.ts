// Owns the tests of the administrative HTTP server.
import { expect, test } from 'vitest'
import { parseAdminAddress, startAdminServer } from '../../src/admin/index.ts'
import { silentLog } from '../../src/log.ts'

const source = (ok: boolean) => ({ metrics: async () => 'up 1\n', health: () => ({ ok, detail: { program: 3 } }) })

test('metrics, health and nothing else', async () => {
  const server = await startAdminServer('127.0.0.1:0', source(true), silentLog)
  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server.port}${path}`, init)
  try {
    const metrics = await get('/metrics')
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(await metrics.text()).toBe('up 1\n')
    expect(await (await get('/healthz')).json()).toEqual({ ok: true, program: 3 })
    expect((await get('/other')).status).toBe(404)
    expect((await get('/metrics', { method: 'POST' })).status).toBe(405)
    await expect(startAdminServer(String(server.port), source(true), silentLog)).rejects.toThrow(/the port is in use/)
  } finally {
    await server.close()
  }
})

test('not well: 503', async () => {
  const server = await startAdminServer('0', source(false), silentLog)
  expect((await fetch(`http://127.0.0.1:${server.port}/healthz`)).status).toBe(503)
  await server.close()
})

test('addresses: loopback unless one is given', () => {
  expect(parseAdminAddress('9090')).toEqual({ host: '127.0.0.1', port: 9090 })
  expect(parseAdminAddress('[::1]:9090')).toEqual({ host: '::1', port: 9090 })
  expect(parseAdminAddress('10.0.0.5:9090')).toEqual({ host: '10.0.0.5', port: 9090 })
  for (const text of ['', 'x', '1:2:3', '10.0.0.5:99999'])
    expect(() => parseAdminAddress(text)).toThrow(/write ADDRESS:PORT/)
})
