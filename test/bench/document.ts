// Owns the page of figures: docs/performance.md and its chart, made of docs/performance.json by the benchmark, and of docs/performance-notes.md.
// usage: node test/bench/document.ts: makes the page anew of the last results
import { readFileSync, writeFileSync } from 'node:fs'
import type { Figure } from './figures.ts'

export interface Results {
  readonly date: string
  readonly processor: string
  readonly node: string
  readonly figures: readonly Figure[]
}

const DOCS = new URL('../../docs/', import.meta.url)

const TITLES: Readonly<Record<string, string>> = {
  signalling: 'A call through the proxy, beside Kamailio on the same file (`signalling.py`)',
  stateless: 'A stateless answer',
  media: 'A relayed packet, beside rtpengine in userspace (`media.py`)',
  'held calls': 'Calls that are held',
  call: 'A whole call through the engine, in memory',
  'route run': 'One run of a route',
  transaction: 'Transactions alone',
  sip: 'Messages',
  compile: 'Checking and reloading a configuration of 4,700 lines in ten files',
}

/** Writes the page and its chart. */
export function writePage(results: Results): void {
  const groups = Object.keys(TITLES).filter((group) => results.figures.some((figure) => figure.group === group))
  const intro = [
    '# What it costs',
    '',
    '<!-- Made by `npm run bench`; the explanations stand in docs/performance-notes.md. -->',
    '',
    `Processor time, measured ${results.date} on ${results.processor}, Node ${results.node}. The machine matters less than the ratios: each peer ran beside`,
    'ours, in turns, in the same minutes. `npm run bench` measures all of it again, `npm run bench -- --only micro` without the peers.',
    '',
    '![Processor time of signalbox and its peers](performance.svg)',
    '',
  ]
  const tables = groups.flatMap((group) => [`## ${TITLES[group]}`, '', ...table(results, group), ''])
  const notes = readFileSync(new URL('performance-notes.md', DOCS), 'utf8')
  writeFileSync(new URL('performance.md', DOCS), `${[...intro, ...tables].join('\n')}\n${notes}`)
  writeFileSync(new URL('performance.svg', DOCS), chart(results.figures.filter(({ peer }) => peer !== undefined)))
}

function table({ figures }: Results, group: string): string[] {
  const rows = figures.filter((figure) => figure.group === group)
  const number = (value: number) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2))
  if (rows.some(({ peer }) => peer)) {
    return [
      '| | signalbox | peer | ratio |',
      '|---|---|---|---|',
      ...rows.map(
        ({ name, value, unit, peer }) =>
          `| ${name} | ${number(value)} ${unit} | ${peer ? `${peer.name} ${number(peer.value)} ${unit} | ${(value / peer.value).toFixed(2)}` : '|'} |`,
      ),
    ]
  }
  return [
    '| | median | best |',
    '|---|---|---|',
    ...rows.map(
      ({ name, value, unit, best }) =>
        `| ${name} | ${number(value)} ${unit} | ${best === undefined ? '' : `${number(best)} ${unit}`} |`,
    ),
  ]
}

const WIDTH = 720
const LABEL = 250
const ROW = 44

/** A pair of bars a comparison, as long as their share of the longer one: units differ. */
function chart(figures: readonly Figure[]): string {
  const room = WIDTH - LABEL - 90
  const bars = figures.map(({ name, value, unit, peer }, row) => {
    const longest = Math.max(value, peer!.value)
    const bar = (y: number, of: number, fill: string, text: string) =>
      `<rect x="${LABEL}" y="${y}" width="${((of / longest) * room).toFixed(0)}" height="14" fill="${fill}"/>` +
      `<text x="${LABEL + (of / longest) * room + 6}" y="${y + 11}">${text} ${of.toFixed(of < 100 ? 1 : 0)} ${unit}</text>`
    const y = 10 + row * ROW
    return [
      `<text x="${LABEL - 10}" y="${y + 19}" text-anchor="end">${name}</text>`,
      bar(y, value, '#2b6cb0', ''),
      bar(y + 16, peer!.value, '#a0aec0', peer!.name),
    ].join('')
  })
  const height = 20 + figures.length * ROW
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11">\n<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>\n${bars.join('\n')}\n</svg>\n`
}

if (import.meta.main) writePage(JSON.parse(readFileSync(new URL('performance.json', DOCS), 'utf8')) as Results)
