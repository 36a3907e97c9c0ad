#!/usr/bin/env -S node --no-node-snapshot
// The command: refuses a Node that is too old in words, keeps compiled code between starts, then hands over to src/cli.
import { mkdirSync, statSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'

const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  process.stderr.write(
    `signalbox needs Node 24 or newer and was started by ${process.version}. Run it through npx or npm run, which use the Node in node_modules/.bin.\n`,
  )
  process.exit(2)
}

/** A folder that nobody else can write to, since code is read from it; undefined where there is none. */
function cacheFolder() {
  try {
    const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'signalbox')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const { uid, mode } = statSync(folder)
    return uid === process.getuid?.() && (mode & 0o022) === 0 ? folder : undefined
  } catch {
    return undefined
  }
}

// What runs once a call would wait for 3,000 of them to be compiled well; workers have the same (supervisor/worker-process.ts).
setFlagsFromString('--invocation-count-for-turbofan=400')

// Workers take it from the environment: it halves the time in which one starts.
const folder = process.env.NODE_COMPILE_CACHE ?? cacheFolder()
if (folder) {
  nodeModule.enableCompileCache(folder)
  process.env.NODE_COMPILE_CACHE = folder
}

const { main } = await import('../src/cli/index.ts')

let unwritten = 0
// A reader that has seen enough (`| head`) may be gone: the rest has no reader, and the status stands.
process.stdout.on('error', (error) => {
  if (error.code === 'EPIPE' || unwritten > 0) return
  process.exitCode = unwritten = 1
  process.stderr.write(`signalbox: the output could not be written: ${error.message}\n`)
})
process.stderr.on('error', () => {})

process.exitCode = (await main(process.argv.slice(2))) || unwritten
