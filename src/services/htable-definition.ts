// Owns the definition of a hash table as `modparam("htable", "htable", ...)` writes it.
import { attributePairs } from './attributes.ts'

export type CellValue = string | number

export interface TableDefinition {
  readonly name: string
  /** Slots as Kamailio would have: they decide the order in which a table is walked. */
  readonly slots: number
  /** Seconds; 0: entries stay. */
  readonly expires: number
  /** Writing an entry begins its time anew. */
  readonly renewed: boolean
  /** What a key that is missing reads as. */
  readonly initial: CellValue | undefined
  readonly databaseTable: string
  /** Written back to the database at the end. */
  readonly stored: boolean
  readonly columns: readonly string[]
}

const SMALLEST = 2
const LARGEST = 31

/** Reads `name=>size=8;autoexpire=60;initval=1`. A text says what is wrong with it. */
export function tableDefinition(text: string): TableDefinition | string {
  const [, name = '', rest = ''] = /^\s*([^\s=]+)\s*=>\s*(.*)$/s.exec(text) ?? []
  if (name === '') return 'a table is defined as "name=>size=8;autoexpire=60"'
  const pairs = attributePairs(rest)
  if (pairs === undefined) return `the attributes of table ${name} have a quote that is not closed`
  const values = new Map(pairs)
  const unknown = pairs.find(([key]) => !ATTRIBUTES.has(key))
  if (unknown !== undefined) return `table ${name}: unknown attribute ${unknown[0]}`
  for (const key of ['size', 'autoexpire', 'initval', 'updateexpire', 'dmqreplicate', 'dbmode'])
    if (values.has(key) && !/^-?\d+$/.test(values.get(key)!)) return `table ${name}: ${key} must be a number`
  // Kamailio: a power of two between 2^2 and 2^31, 2^3 where none is given.
  const size = Math.min(Math.max(Number(values.get('size') ?? 3), SMALLEST), LARGEST)
  const initial = values.get('initval')
  return {
    name,
    slots: 2 ** size,
    expires: Math.max(0, Number(values.get('autoexpire') ?? 0)),
    renewed: Number(values.get('updateexpire') ?? 1) !== 0,
    initial: initial === undefined ? undefined : Number(initial),
    databaseTable: values.get('dbtable') ?? '',
    stored: Number(values.get('dbmode') ?? 0) !== 0,
    columns: (values.get('cols') ?? '').split(/[,;]/).flatMap((each) => (each.trim() === '' ? [] : [each.trim()])),
  }
}

const ATTRIBUTES = new Set(
  'size autoexpire dbtable cols dbmode initval updateexpire dmqreplicate coldelim colnull'.split(' '),
)
