// Owns a run of the NG fuzzer in a process of its own.
// usage: node test/fuzz/ng/run.ts ADDON INSTRUMENTED LIBFUZZER-ARGUMENTS...
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const [addon, program, ...args] = process.argv.slice(2)
const require = createRequire(import.meta.url)
const { run } = require(addon!) as { run(args: string[], target: (ways: Uint8Array) => (input: Buffer) => void): void }
const code = readFileSync(program!, 'latin1')

run(['ng', ...args], (ways) => {
  const module = { exports: {} as { take(input: Buffer): void } }
  new Function('module', 'exports', 'require', '__ways', code)(module, module.exports, require, ways)
  return module.exports.take
})
