// Owns the attribute lines that a request itself adds, removes or substitutes: NG's `sdp-attr`, on the description as it is sent on.
import { rawLines } from '../sdp/index.ts'
import { dictionary, type NgDictionary, type NgValue } from './ng/bencode.ts'

export interface AttributeChanges {
  /** Attributes without `a=`. */
  readonly add: readonly string[]
  /** Whole attributes, or names that mean any value. */
  readonly remove: ReadonlySet<string>
  readonly substitute: ReadonlyMap<string, string>
}

/** By kind of media; `global` is the session part. */
export type AttributeOptions = ReadonlyMap<string, AttributeChanges>

const MOST = 64
const LONGEST = 1_024

/** Reads `{ audio: { add: [...], remove: [...], substitute: [[from, to], ...] }, global: {...} }`. */
export function readAttributes(value: NgValue | undefined, warnings: string[]): AttributeOptions {
  const options = new Map<string, AttributeChanges>()
  for (const [kind, given] of Object.entries(asDictionary(value))) {
    const part = asDictionary(given)
    const lines = (key: string): string[] => asList(part[key]).filter((item) => isAttribute(item, warnings)) as string[]
    const pairs = asList(part.substitute).filter(
      (pair): pair is [string, string] =>
        Array.isArray(pair) && pair.length === 2 && pair.every((item) => isAttribute(item, warnings)),
    )
    const section = kind === 'none' || kind === 'session' ? 'global' : kind.toLowerCase()
    options.set(section, { add: lines('add'), remove: new Set(lines('remove')), substitute: new Map(pairs) })
  }
  return options
}

function asDictionary(value: NgValue | undefined): NgDictionary {
  return typeof value === 'object' && !Array.isArray(value) ? value : dictionary()
}

function asList(value: NgValue | undefined): NgValue[] {
  return Array.isArray(value) ? value.slice(0, MOST) : value === undefined ? [] : [value]
}

/** A line end within it would begin a line of another type. */
function isAttribute(item: NgValue, warnings: string[]): item is string {
  if (typeof item === 'string' && item.length > 0 && item.length <= LONGEST && !/[\x00-\x1f]/.test(item)) return true
  warnings.push('sdp-attr holds what is no attribute; it was ignored')
  return false
}

/** `strip-extmap`: header extensions (RFC 8285) are not told to the other side. */
export function withoutExtensions(sdp: string, options: { readonly stripExtensions: boolean }): string {
  return options.stripExtensions ? sdp.replace(/^a=extmap:.*\r?\n/gm, '') : sdp
}

/** Changes the lines of a whole description; what is added ends its section. */
export function changeAttributes(sdp: string, options: AttributeOptions): string {
  if (options.size === 0) return sdp
  let section = 'global'
  let text = ''
  const finish = (): void => {
    for (const line of options.get(section)?.add ?? []) text += `a=${line}\r\n`
  }
  for (const line of rawLines(sdp)) {
    const media = /^m=(\S+)/.exec(line.text)
    if (media) {
      finish()
      section = media[1]!.toLowerCase()
    }
    const changes = options.get(section)
    const attribute = line.text.startsWith('a=') ? line.text.slice(2) : undefined
    if (!changes || attribute === undefined) text += sdp.slice(line.start, line.end)
    else if (changes.remove.has(attribute) || changes.remove.has(attribute.split(':', 1)[0]!)) continue
    else if (changes.substitute.has(attribute)) text += `a=${changes.substitute.get(attribute)}\r\n`
    else text += sdp.slice(line.start, line.end)
  }
  finish()
  return text
}
