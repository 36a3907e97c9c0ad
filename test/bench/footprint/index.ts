// Owns the measuring of a call's footprint: instructions, and lines and pages of code, for each of its messages, counted one by one by stepping
// through a warm engine, or for what is asked of a relay for its media. The same on any machine however busy, while times of cold caches are
// not: a line costs 15 to 40 ns then.
// usage: node test/bench/footprint/index.ts [FILE | --media] [--top N]
// Needs gcc, nm and the right to trace (ptrace). Half a minute.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { report } from '../figures.ts'

const BEGIN = 1n
const END = 2n
const LINE_BITS = 6n
const PAGE_BITS = 12n

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { top: { type: 'string', default: '25' }, media: { type: 'boolean', default: false } },
})
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const file = positionals[0] ?? here('../../../../shared/bench/proxy.cfg')
if (!values.media && !existsSync(file)) throw new Error(`there is no ${file}`)
const STEPPED = values.media
  ? { program: 'stepped-media.ts', parts: ['offer', 'answer', 'delete'], what: 'the media of a call' }
  : { program: 'stepped-call.ts', parts: ['INVITE', '180', '200', 'ACK', 'BYE', '200 BYE'], what: 'a call in memory' }

const folder = mkdtempSync(join(tmpdir(), 'signalbox-footprint-'))
const [stepper, steps, maps] = ['single-step', 'steps', 'maps'].map((name) => join(folder, name)) as [
  string,
  string,
  string,
]
execFileSync('gcc', ['-O2', '-o', stepper, here('single-step.c')])
const { status, pid } = spawnSync(
  process.execPath,
  [
    '--no-node-snapshot',
    '--expose-gc',
    '--perf-basic-prof',
    '--interpreted-frames-native-stack',
    here(STEPPED.program),
    stepper,
    steps,
    maps,
    file,
  ],
  { stdio: 'inherit' },
)
if (status !== 0) throw new Error(`the stepped process ended with ${status}`)

/** A piece of code by its first address. */
interface Piece {
  readonly start: bigint
  readonly end: bigint
  readonly name: string
}

/** The piece at an address, among pieces in order. */
function pieceAt(pieces: readonly Piece[], address: bigint): Piece | undefined {
  let low = 0
  let high = pieces.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (pieces[middle]!.start <= address) low = middle + 1
    else high = middle
  }
  const piece = pieces[low - 1]
  return piece !== undefined && address < piece.end ? piece : undefined
}

const inOrder = (pieces: Piece[]): Piece[] =>
  pieces.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))

interface Mapping extends Piece {
  readonly offset: bigint
}

const mappings = inOrder(
  readFileSync(maps, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, start, end, offset, name] = /^([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) \S+ \S+\s*(.*)$/.exec(line) ?? []
      if (start === undefined) return []
      return [{ start: BigInt(`0x${start}`), end: BigInt(`0x${end}`), offset: BigInt(`0x${offset}`), name: name! }]
    }),
) as Mapping[]

// What V8 has compiled: the last name of an address holds.
const compiledByStart = new Map<bigint, Piece>()
const perfMap = `/tmp/perf-${pid}.map`
for (const line of readFileSync(perfMap, 'latin1').split('\n')) {
  const [start, size, ...name] = line.split(' ')
  if (size === undefined) continue
  const from = BigInt(`0x${start}`)
  compiledByStart.set(from, { start: from, end: from + BigInt(`0x${size}`), name: name.join(' ') })
}
const compiled = inOrder([...compiledByStart.values()])

/** Node's own functions; V8 keeps a copy of its builtins elsewhere, so they are found by their place in the file. */
const binary = mappings.find(({ name }) => basename(name) === 'node')!.name
const [, textOffset = '0', textAddress = '0'] =
  /LOAD\s+(0x[0-9a-f]+)\s+(0x[0-9a-f]+)\s+\S+\s+\S+\s+\S+\s+R E/.exec(
    execFileSync('readelf', ['-lW', binary], { encoding: 'utf8' }),
  ) ?? []
const symbols = inOrder(
  execFileSync('nm', ['-C', '--defined-only', binary], { encoding: 'utf8', maxBuffer: 2 ** 28 })
    .split('\n')
    .flatMap((line) => {
      const [, start, name] = /^([0-9a-f]+) \S (.*)$/.exec(line) ?? []
      return start === undefined ? [] : [{ start: BigInt(`0x${start}`), end: 0n, name: name! }]
    }),
).map((symbol, i, all) => ({ ...symbol, end: all[i + 1]?.start ?? symbol.start }))

function nameOf(address: bigint): string {
  const mapping = pieceAt(mappings, address) as Mapping | undefined
  if (mapping === undefined) return '?'
  if (mapping.name === binary) {
    const place = address - mapping.start + mapping.offset - BigInt(textOffset) + BigInt(textAddress)
    return pieceAt(symbols, place)?.name ?? 'node'
  }
  if (mapping.name !== '') return basename(mapping.name)
  return (pieceAt(compiled, address)?.name ?? 'compiled code')
    .replace(/^JS:\W?'?/, '')
    .replace(/file:\S*\/(?=src\/|stdlib\/)/, '')
}

/** Names of our own code, and of what Node has in JavaScript. */
const OURS = /(?:^| )(?:src|stdlib)\/|(?:^| )(?:signalbox-|node:\w)/
const names = new Map<bigint, string>()
const named = (address: bigint): string => {
  let name = names.get(address)
  if (name === undefined) names.set(address, (name = nameOf(address)))
  return name
}

const words = readFileSync(steps)
const places = new Map<string, { instructions: number; lines: number }>()
/** Instructions of each function of ours with those that V8 and others run for it until the next one of ours has its turn. */
const withOthers = new Map<string, number>()
/** Of each part of a call the time with the fewest instructions: V8 compiles within another. */
const least: bigint[][] = []
let counted = 0
let within: bigint[] = []
const total = { instructions: 0, lines: 0 }
console.log('           instructions   lines of code (KB)   pages')
for (let at = 0; at + 8 <= words.length; at += 8) {
  const word = words.readBigUInt64LE(at)
  if (word === BEGIN) within = []
  else if (word === END) {
    const part = counted++ % STEPPED.parts.length
    if (within.length < (least[part]?.length ?? Number.POSITIVE_INFINITY)) least[part] = within
  } else within.push(word)
}
for (const [part, addresses] of least.entries()) account(STEPPED.parts[part]!, addresses)

/** Counts what one part took. */
function account(part: string, within: readonly bigint[]): void {
  const lines = new Set(within.map((address) => address >> LINE_BITS))
  const pages = new Set(within.map((address) => address >> PAGE_BITS))
  const own = new Map<string, Set<bigint>>()
  let ours = 'before any of ours'
  for (const address of within) {
    const name = named(address)
    if (OURS.test(name)) ours = name
    withOthers.set(ours, (withOthers.get(ours) ?? 0) + 1)
    const place = places.get(name) ?? { instructions: 0, lines: 0 }
    places.set(name, place)
    place.instructions++
    const touched = own.get(name) ?? new Set()
    own.set(name, touched)
    touched.add(address >> LINE_BITS)
  }
  for (const [name, touched] of own) places.get(name)!.lines += touched.size
  total.instructions += within.length
  total.lines += lines.size
  const kilobytes = `(${Math.round((lines.size * 64) / 1024)})`
  console.log(
    `${part.padEnd(10)} ${String(within.length).padStart(12)} ${String(lines.size).padStart(15)} ${kilobytes.padEnd(7)} ${String(pages.size).padStart(4)}`,
  )
}

const top = (by: 'instructions' | 'lines'): void => {
  console.log(`\nmost ${by}`)
  for (const [name, place] of [...places].sort((a, b) => b[1][by] - a[1][by]).slice(0, Number(values.top)))
    console.log(`  ${String(place.instructions).padStart(7)} ${String(place.lines).padStart(6)}  ${name.slice(0, 110)}`)
}
top('instructions')
top('lines')
console.log('\nmost instructions, with those of V8 and others in between')
for (const [name, instructions] of [...withOthers].sort((a, b) => b[1] - a[1]).slice(0, Number(values.top)))
  console.log(`  ${String(instructions).padStart(7)}  ${name.slice(0, 110)}`)
report({ group: 'call', name: `${STEPPED.what}: instructions`, unit: 'instructions', value: total.instructions })
report({ group: 'call', name: `${STEPPED.what}: lines of code`, unit: 'lines', value: total.lines })
rmSync(folder, { recursive: true, force: true })
rmSync(perfMap, { force: true })
