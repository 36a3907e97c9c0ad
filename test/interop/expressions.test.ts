// Owns random expressions: Kamailio 5.6.3 and our emitted programs evaluate the same ones and print the same values.
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, expect, test, vi } from 'vitest'
import { OPERATORS, UNARY } from '../parity/generated/expressions.ts'
import { random } from '../parity/generated/random.ts'
import { compileText, PROBE_MESSAGE, runCfg } from '../script/dsl/run-cfg.ts'
import { describeWithPeers } from './peers.ts'

const PORT = 47_011
const CASES = Number(process.env.EXPRESSIONS ?? 300)
const SEED = Number(process.env.EXPRESSION_SEED ?? 8)

const HEAD = `#!KAMAILIO
debug=0
log_stderror=yes
children=1
disable_tcp=yes
fork=no
listen=udp:127.0.0.1:${PORT}
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "sl.so"
modparam("xlog", "prefix", "")
`
const SETUP = `
  $var(zero) = 0; $var(one) = 1; $var(minus) = -1; $var(five) = 5; $var(big) = 2147483647;
  $var(empty) = ""; $var(abc) = "abc"; $var(s5) = "5"; $var(s05) = "05"; $var(neg) = "-3"; $var(mixed) = "12abc";
`
const ATOMS = [
  '0',
  '1',
  '5',
  '-1',
  '7',
  '"abc"',
  '""',
  '"5"',
  '$var(zero)',
  '$var(one)',
  '$var(minus)',
  '$var(five)',
  '$var(big)',
  '$var(empty)',
  '$var(abc)',
  '$var(s5)',
  '$var(s05)',
  '$var(neg)',
  '$var(mixed)',
  '$avp(undef)',
  '$rU',
  '$rd',
  '$rm',
  '$sp',
  '$hdr(X-Nope)',
  '$(rU{s.len})',
  '$(var(abc){s.int})',
  'is_method("OPTIONS")',
  'is_method("INVITE")',
  'has_totag()',
  'route(FIVE)',
  'route(NEG)',
  '$null',
  '$var(nul)',
]
// 5.6.3 lets some divisions by zero pass unseen: that is not worth the likeness.
const BINARY = OPERATORS.filter((operator) => operator !== '/' && operator !== 'mod')

function expression(next: () => number, depth: number): string {
  const one = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!
  const kind = next()
  if (depth === 0 || kind < 0.2) return one(ATOMS)
  if (kind < 0.35) return `${one(UNARY)}${one(ATOMS)}`
  if (kind < 0.5) return `(${expression(next, depth - 1)})`
  if (kind < 0.54) return `strlen(${one(ATOMS.slice(8, 22))})`
  if (kind < 0.58) return `strempty(${one(ATOMS.slice(8, 22))})`
  const operator = one(BINARY)
  const right = operator === '=~' ? one(['"^a"', '"[0-9]+"', '$var(abc)', '"^$"']) : expression(next, depth - 1)
  return `${expression(next, depth - 1)} ${operator} ${right}`
}

/** One file that prints every expression, as a value and as a condition. */
function fileOf(expressions: readonly string[]): string {
  const lines = expressions.map(
    (text, i) =>
      `  $var(r) = "kept"; $var(r) = ${text}; xlog("L_ERR", "P| ${i} [$var(r)] $rc\\n"); if (${text}) xlog("L_ERR", "P| ${i} T\\n"); else xlog("L_ERR", "P| ${i} F\\n");`,
  )
  // Blocks of 40, so that no route is longer than files have them.
  const routes: string[] = []
  for (let i = 0; i < lines.length; i += 40)
    routes.push(`route[B${i}] {\n${lines.slice(i, i + 40).join('\n')}\n return 1; }`)
  const calls = routes.map((_, i) => `route(B${i * 40});`).join(' ')
  return `${HEAD}request_route {${SETUP}\n ${calls} sl_send_reply("200", "OK"); exit; }\nroute[FIVE] { return 5; }\nroute[NEG] { return -4; }\n${routes.join('\n')}\n`
}

const printed = (lines: readonly string[]) => lines.flatMap((line) => /P\| .*$/.exec(line)?.[0].trimEnd() ?? [])

describeWithPeers('random expressions', ['kamailio'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'expressions-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  async function theirs(file: string): Promise<string[]> {
    const child = spawn('/usr/sbin/kamailio', ['-f', file, '-DD', '-E', '-Y', folder, '-P', join(folder, 'pid')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const lines: string[] = []
    child.stderr.setEncoding('latin1').on('data', (text: string) => lines.push(text))
    const socket = createSocket('udp4')
    try {
      socket.bind(PORT + 1, '127.0.0.1')
      await once(socket, 'listening')
      const answer = once(socket, 'message')
      for (let i = 0; i < 50; i++) {
        socket.send(Buffer.from(PROBE_MESSAGE.replaceAll('47001', `${PORT}`), 'latin1'), PORT, '127.0.0.1')
        if (await Promise.race([answer.then(() => true), pause(200, false)])) break
        if (child.exitCode !== null) break
      }
    } finally {
      socket.close()
      if (child.exitCode === null) {
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
    }
    const all = lines.join('').split('\n')
    const said = printed(all)
    if (said.length === 0)
      throw new Error(
        all
          .filter((line) => !line.includes('WARNING'))
          .slice(0, 12)
          .join('\n'),
      )
    // A message that was sent twice is printed twice.
    return said.slice(0, CASES * 2)
  }

  test(`${CASES} of seed ${SEED}`, { timeout: 60_000 }, async () => {
    const next = random(SEED)
    const expressions: string[] = []
    while (expressions.length < CASES) {
      const text = expression(next, 3)
      // What is no well-typed expression is for the test of the checker.
      if (compileText(fileOf([text])).ok) expressions.push(text)
    }
    const text = fileOf(expressions)
    const file = join(folder, 'expressions.cfg')
    writeFileSync(file, text, 'latin1')
    const expected = await theirs(file)
    vi.resetModules()
    const ours = printed((await runCfg(text, { port: PORT, raw: PROBE_MESSAGE.replaceAll('47001', `${PORT}`) })).log)
    const differences = expected.flatMap((line, i) =>
      line === ours[i] ? [] : [`${expressions[Math.floor(i / 2)]}   kamailio: ${line}   signalbox: ${ours[i]}`],
    )
    expect(differences).toEqual([])
  })
})
