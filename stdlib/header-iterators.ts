// Owns walks through the header lines of the message, with changes on the way: hf_iterator_* of module textopsx, $hfitname, $hfitbody.
import { declarations, text } from './declaration.ts'
import { define } from './define.ts'
import { edit, removeHeaderLine } from './message-edits.ts'
import { definePvClass } from './pv.ts'
import { currentRun } from './runtime.ts'

const MODULE = 'textopsx'
const textopsx = declarations(MODULE)

/** Lines are counted from 0; -1 before the first one, their number after the last one. */
interface Walk {
  at: number
}

/** More at once than a route has use for; the oldest goes. */
const MOST_WALKS = 64
const walks = new Map<string, Walk>()

const placeOf = (name: string) => `${currentRun().id}:${name}`

/** The line that the walk stands on; undefined before and after them. */
function standing(name: string): number | undefined {
  const at = walks.get(placeOf(name))?.at ?? -1
  return at >= 0 && at < currentRun().message.headerCount ? at : undefined
}

definePvClass(
  { name: 'hfitname', module: MODULE, inner: { name: 'iterator' }, doc: 'Name of the header that the walk stands on.' },
  (inner) => ({
    get() {
      const at = standing(inner.format())
      return at === undefined ? null : currentRun().message.headerName(at)
    },
  }),
)

definePvClass(
  {
    name: 'hfitbody',
    module: MODULE,
    inner: { name: 'iterator' },
    doc: 'Value of the header that the walk stands on.',
  },
  (inner) => ({
    get() {
      const at = standing(inner.format())
      if (at === undefined) return null
      const { message } = currentRun()
      // As 5.6.3: white space behind the value is part of it.
      return message.raw.slice(message.valueStart(at), message.headerEnd(at)).replace(/\r?\n$/, '')
    },
  }),
)

const ITERATOR = [text('iterator')]

export const hfIteratorStart = define(
  textopsx(
    'hf_iterator_start',
    ITERATOR,
    'Begins to walk through the headers of the message.',
    'hf_iterator_start("i");',
  ),
  (name: string) => {
    const place = placeOf(name)
    if (walks.size >= MOST_WALKS && !walks.has(place)) walks.delete(walks.keys().next().value!)
    walks.set(place, { at: -1 })
    return 1
  },
)

export const hfIteratorNext = define(
  textopsx(
    'hf_iterator_next',
    ITERATOR,
    'Goes on to the next header; false after the last one.',
    'while (hf_iterator_next("i")) { xlog("$hfitname(i): $hfitbody(i)\\n"); }',
  ),
  (name: string) => {
    const walk = walks.get(placeOf(name))
    if (walk === undefined) return -1
    walk.at = Math.min(walk.at + 1, currentRun().message.headerCount)
    return standing(name) === undefined ? -1 : 1
  },
)

export const hfIteratorPrev = define(
  textopsx(
    'hf_iterator_prev',
    ITERATOR,
    'Goes back to the header before; false once the walk has gone past the last one.',
    'hf_iterator_prev("i");',
  ),
  (name: string) => {
    const walk = walks.get(placeOf(name))
    if (walk === undefined || walk.at >= currentRun().message.headerCount) return -1
    // As 5.6.3: before the first header it stays, and is true.
    walk.at = Math.max(-1, walk.at - 1)
    return 1
  },
)

export const hfIteratorEnd = define(
  textopsx('hf_iterator_end', ITERATOR, 'Ends a walk; false where there is none.', 'hf_iterator_end("i");'),
  (name: string) => (walks.delete(placeOf(name)) ? 1 : -1),
)

export const hfIteratorRm = define(
  textopsx(
    'hf_iterator_rm',
    ITERATOR,
    'Takes out the header that the walk stands on.',
    'if ($hfitname(i) =~ "^X-") hf_iterator_rm("i");',
  ),
  (name: string) => {
    const at = standing(name)
    if (at === undefined) return -1
    removeHeaderLine(currentRun().message, at)
    return 1
  },
)

function writeAt(name: string, line: string, place: 'before' | 'after'): number {
  const at = standing(name)
  if (at === undefined || line === '') return -1
  const { message } = currentRun()
  edit(place === 'before' ? message.headerStart(at) : message.headerEnd(at), 0, line)
  return 1
}

const WITH_LINE = [...ITERATOR, text('line')]

export const hfIteratorAppend = define(
  textopsx(
    'hf_iterator_append',
    WITH_LINE,
    'Writes a header line behind the one that the walk stands on; its end of line is part of the text.',
    'hf_iterator_append("i", "X-After: 1\\r\\n");',
  ),
  (name: string, line: string) => writeAt(name, line, 'after'),
)

export const hfIteratorInsert = define(
  textopsx(
    'hf_iterator_insert',
    WITH_LINE,
    'Writes a header line before the one that the walk stands on; its end of line is part of the text.',
    'hf_iterator_insert("i", "X-Before: 1\\r\\n");',
  ),
  (name: string, line: string) => writeAt(name, line, 'before'),
)
