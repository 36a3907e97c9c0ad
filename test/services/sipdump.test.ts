// Checks module sipdump: what is written, what its event route sees, and folders that cannot be written.
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { DumpFiles } from '../../src/services/dump-files.ts'
import type { ServiceHost } from '../../src/services/index.ts'
import { request } from '../../src/testkit/index.ts'
import { type CfgRoute, cfgRoute } from './cfg-route.ts'

const MODULES = 'tm sl pv xlog sipdump'
let folder: string
let cfg: CfgRoute | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sipdump-'))
})
afterEach(async () => {
  await cfg?.close()
  cfg = undefined
  rmSync(folder, { recursive: true, force: true })
})

const routes = (mode: number, more = '') => `
modparam("sipdump", "enable", 1)
modparam("sipdump", "mode", ${mode})
modparam("sipdump", "folder", "${folder}")
${more}
event_route[sipdump:msg] { xlog("$sipdump(tag) $sipdump(src_ip):$sipdump(src_port) $sipdump(dst_ip) $(sipdump(buf){s.substr,0,7})\\n"); }
request_route { sipdump_send("mine"); sl_send_reply("200", "OK"); }`

async function ask(callId = 'c1', port = 5060): Promise<void> {
  const alice = cfg!.route.party(`udp:127.0.0.6:${port}`)
  await alice.send(request('OPTIONS', { from: `udp:127.0.0.6:${port}`, callId }))
  await alice.reply(200)
  await cfg!.route.settle()
}

const dumped = () => readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1'))

test('messages are written as they come and leave, with those that the script names', async () => {
  cfg = await cfgRoute(MODULES, routes(1))
  await ask()
  expect(cfg.said()).toEqual([])
  await cfg.close()
  cfg = undefined
  const [text, ...others] = dumped()
  expect(others).toEqual([])
  expect(text!.match(/^tag: .*$/gm)).toEqual(['tag: rcv', 'tag: mine', 'tag: snd'])
  expect(text).toMatch(
    /^={20}\ntag: rcv\npid: \d+\nprocess: 1\ntime: \d+\.\d{6}\ndate: .+\nproto: udp ipv4\nsrcip: 127\.0\.0\.6\nsrcport: 5060\ndstip: 127\.0\.0\.1\ndstport: 5060\n~{20}\nOPTIONS [^|]*\r\n\r\n\|{20}\n/,
  )
})

test('mode 2 shows them to the event route alone; sipdump.enable turns it off', async () => {
  cfg = await cfgRoute(MODULES, routes(2))
  await ask()
  expect(cfg.said()).toEqual([
    'rcv 127.0.0.6:5060 127.0.0.1 OPTIONS',
    'mine 127.0.0.6:5060 127.0.0.1 OPTIONS',
    'snd 127.0.0.1:5060 127.0.0.6 SIP/2.0',
  ])
  expect(await cfg.route.engine.command('sipdump.enable', [0])).toEqual({ oldval: 1, newval: 0 })
  await ask('c2', 5070)
  expect(cfg.said()).toHaveLength(3)
  expect(dumped()).toEqual([])
})

test('a folder that cannot be written is told at the start', async () => {
  folder = join(folder, 'nothing')
  await expect(cfgRoute(MODULES, routes(1))).rejects.toThrow(/sipdump cannot write to .*nothing \(ENOENT\)/)
})

test('files that are too old go; one that has gone already takes no messages with it', async () => {
  const old = (name: string): string => join(folder, `signalbox-sipdump-${name}.data`)
  writeFileSync(old('old'), '')
  utimesSync(old('old'), 0, 0)
  writeFileSync(join(folder, 'another.data'), '')
  utimesSync(join(folder, 'another.data'), 0, 0)
  symlinkSync(join(folder, 'nowhere'), old('gone'))
  cfg = await cfgRoute(MODULES, routes(1, 'modparam("sipdump", "fage", 60)'))
  await ask()
  await cfg.close()
  cfg = undefined
  const names = readdirSync(folder)
  expect(names).not.toContain('signalbox-sipdump-old.data')
  expect(names).toContain('another.data')
  const own = names.find((name) => /^signalbox-sipdump-\d/.test(name))!
  expect(readFileSync(join(folder, own), 'latin1')).toContain('tag: rcv')
  // Credentials and media keys stand in it.
  expect(statSync(join(folder, own)).mode & 0o007).toBe(0)
})

test('what a slow disk has not taken yet counts as waiting', async () => {
  const lost: unknown[] = []
  const log = { warn: (fields: { messages: unknown }) => lost.push(fields.messages), error: () => {} }
  const host = { clock: new ManualClock(), log } as unknown as ServiceHost
  const files = new DumpFiles(host, { folder, prefix: 'x-', rotateSeconds: 60, ageSeconds: 0, waitMillis: 1000 })
  files.add('a'.repeat(8_000_000))
  const writing = files.flush()
  files.add('b'.repeat(1_000_000))
  await writing
  files.add('c'.repeat(1_000_000))
  await files.close()
  const [name] = readdirSync(folder)
  expect(statSync(join(folder, name!)).size).toBe(9_000_000)
  expect(lost).toEqual([1])
})
