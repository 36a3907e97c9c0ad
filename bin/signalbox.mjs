#!/usr/bin/env -S node --no-node-snapshot
// The command: refuses a Node that is too old in words, then hands over to src/cli.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  process.stderr.write(
    `signalbox needs Node 24 or newer and was started by ${process.version}. Run it through npx or npm run, which use the Node in node_modules/.bin.\n`,
  )
  process.exit(2)
}
const { main } = await import('../src/cli/index.ts')
process.exitCode = await main(process.argv.slice(2))
