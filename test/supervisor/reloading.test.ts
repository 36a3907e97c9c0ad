// A reload of a script that stays as it is.
import { expect, test } from 'vitest'
import { Reloading, type ReloadingOptions } from '../../src/supervisor/reloading.ts'

test('a certificate that does not fit is told, though the script is unchanged', async () => {
  const script = { code: 'x', settings: {}, files: [] }
  const config = { tls: { profiles: { default: { key: '/gone/key.pem', cert: '/gone/cert.pem' } } } }
  const reloading = new Reloading({
    file: 'r.cfg',
    source: { compile: async () => script },
    history: { active: { version: 1, script, config } },
    log: { error() {} },
    watch() {},
  } as unknown as ReloadingOptions)
  const result = await reloading.reload()
  expect(result).toMatchObject({ ok: false, version: 1 })
  expect(result.error).toContain('cert file /gone/cert.pem cannot be read')
})
