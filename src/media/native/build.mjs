// Owns the build of the native addons: finds Node 24's headers, says what is missing, runs node-gyp. It is the package's install script.
// usage: node src/media/native/build.mjs [--force]
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const WANTED_MAJOR = 24
const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..')
const force = process.argv.includes('--force')

/** Ends the build with one or two lines that name what is missing and the way to get it. */
function refuse(missing, remedy) {
  process.stderr.write(`signalbox: cannot build its native parts: ${missing}\n  ${remedy}\n`)
  process.exit(1)
}

function sourceFiles() {
  const files = [join(root, 'binding.gyp')]
  for (const folder of ['src/media/native', 'src/transport/native']) {
    const path = join(root, folder)
    if (!existsSync(path)) continue
    for (const name of readdirSync(path)) if (/\.(cc|h)$/.test(name)) files.push(join(path, name))
  }
  return files
}

/** Touched by every build that succeeded: make leaves alone what did not change, so the addons' own dates do not tell. */
const stamp = join(root, 'build/Release/built')

function isFresh() {
  if (!existsSync(stamp)) return false
  const addons = ['media_relay', 'sip_sockets'].map((target) => join(root, 'build/Release', `${target}.node`))
  if (!addons.every((addon) => existsSync(addon))) return false
  const built = statSync(stamp).mtimeMs
  return sourceFiles().every((file) => statSync(file).mtimeMs <= built)
}

function works(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

/** A folder with include/node/node.h of the wanted major version (OpenSSL's headers among them), or undefined. */
function headersIn(folder) {
  const header = join(folder, 'include/node/node_version.h')
  if (!existsSync(header) || !existsSync(join(folder, 'include/node/openssl/evp.h'))) return undefined
  return readFileSync(header, 'utf8').includes(`#define NODE_MAJOR_VERSION ${WANTED_MAJOR}\n`) ? folder : undefined
}

/** Where the npm package `node` keeps the platform's tree, from this package or from the one that depends on it. */
function packagedHeaders() {
  for (let folder = root; ; folder = dirname(folder)) {
    for (const nest of ['node_modules/node/node_modules', 'node_modules']) {
      const path = join(folder, nest)
      if (!existsSync(path)) continue
      for (const name of readdirSync(path)) {
        const found = name.startsWith(`node-${process.platform}-`) && headersIn(join(path, name))
        if (found) return found
      }
    }
    if (folder === dirname(folder)) return undefined
  }
}

/** npm prunes the platform's tree when packages are added later; then it is fetched once more, beside the build. */
function fetchedHeaders(version) {
  const folder = join(root, 'build/node-headers')
  const name = `node-${process.platform}-${process.arch}`
  const tree = join(folder, 'node_modules', name)
  if (headersIn(tree)) return tree
  mkdirSync(folder, { recursive: true })
  const npm = process.env.npm_execpath
  const args = [
    'install',
    '--prefix',
    folder,
    '--no-save',
    '--no-package-lock',
    '--ignore-scripts',
    `${name}@${version}`,
  ]
  if (npm?.endsWith('.js')) spawnSync(process.execPath, [npm, ...args], { cwd: folder, stdio: 'ignore' })
  else spawnSync('npm', args, { cwd: folder, stdio: 'ignore' })
  return headersIn(tree)
}

/** The Node that will load the addons: the one in node_modules, else the one that runs this file. */
function targetNode() {
  const packaged = join(root, 'node_modules/node/bin/node')
  return existsSync(packaged) ? packaged : process.execPath
}

/** Two builds at a time would write the same files; the later one waits, then finds the work done. */
function lock() {
  const path = join(root, 'build/.building')
  mkdirSync(join(root, 'build'), { recursive: true })
  for (;;) {
    try {
      mkdirSync(path)
      break
    } catch {
      const age = existsSync(path) ? Date.now() - statSync(path).mtimeMs : 0
      if (age > 300_000) rmSync(path, { recursive: true, force: true })
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
    }
  }
  process.on('exit', () => rmSync(path, { recursive: true, force: true }))
}

if (process.platform !== 'linux')
  refuse(`the media relay runs on Linux, and this is ${process.platform}.`, 'Use a Linux machine or container.')
lock()
if (!force && isFresh()) process.exit(0)
const began = new Date()

const compiler = process.env.CXX ?? 'g++'
const missing = [
  [compiler, ['--version'], `a C++20 compiler (${compiler})`],
  ['make', ['--version'], 'make'],
  ['python3', ['--version'], 'python3'],
]
  .filter(([command, args]) => !works(command, args))
  .map((entry) => entry[2])
if (missing.length > 0)
  refuse(`missing ${missing.join(', ')}.`, 'On Debian and Ubuntu: apt-get install g++ make python3')

const gyp = [join(root, 'node_modules/node-gyp/bin/node-gyp.js'), join(root, '../node-gyp/bin/node-gyp.js')].find(
  existsSync,
)
if (!gyp) refuse('the npm package node-gyp is missing.', 'Run npm ci first.')

const node = targetNode()
const version = spawnSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout?.trim() ?? ''
if (!version.startsWith(`${WANTED_MAJOR}.`))
  refuse(
    `they are built for Node ${WANTED_MAJOR}, and only ${version || 'none'} was found.`,
    `Run npm ci, or install Node ${WANTED_MAJOR}.`,
  )
const nodedir = packagedHeaders() ?? headersIn(dirname(dirname(node))) ?? fetchedHeaders(version)
if (!nodedir)
  refuse(
    `the headers of Node ${version} were not found.`,
    'Run npm ci again (they come with the npm package "node"), with the network up.',
  )

// node-gyp lets npm's configuration override its command line; another Node's headers must not come in by that door.
const overriding = /^npm_(config|package_config_node_gyp)_(nodedir|target|runtime|arch|debug|jobs|loglevel)$/i
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !overriding.test(name)))
env.PATH = `${dirname(node)}:${process.env.PATH ?? ''}`

const result = spawnSync(node, [gyp, 'configure', 'build', `--nodedir=${nodedir}`, '--jobs=2', '--loglevel=error'], {
  cwd: root,
  encoding: 'utf8',
  env,
})
if (result.status !== 0) {
  process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}\n`)
  refuse('the compiler failed (its words are above).', 'g++ 11 or newer is needed.')
}
// A source saved while the compiler ran is newer than the build, and is compiled by the next one.
writeFileSync(stamp, '')
utimesSync(stamp, began, began)
