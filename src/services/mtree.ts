// Owns the service of module mtree: values by the longest prefix of a number, from database tables.
import type { Databases } from '../database/index.ts'
import { attributePairs } from './attributes.ts'
import { loadedAtStart } from './loading.ts'
import { fieldsOf, Parameters, textOf, wholeOf } from './parameters.ts'
import { RpcFault, rpcText } from './rpc-fault.ts'
import type { Service, ServiceHost } from './service.ts'

interface Tree {
  readonly name: string
  readonly table: string
  /** 0 texts, 2 numbers. */
  readonly type: number
  values: Map<string, string[]>
  /** Length of the longest prefix. */
  longest: number
}

/** Length of the longest of these texts. */
export function longestOf(texts: Iterable<string>): number {
  let longest = 0
  for (const { length } of texts) if (length > longest) longest = length
  return longest
}

export function createMtree(host: ServiceHost, databases: Databases): Service {
  let parameters = new Parameters([])
  let trees = new Map<string, Tree>()

  async function load(tree: Tree): Promise<void> {
    const column = (name: string, otherwise: string) => parameters.text(name, otherwise)
    const [prefix, value] = [column('tprefix_column', 'tprefix'), column('tvalue_column', 'tvalue')]
    const [table, nameColumn] = [tree.table || parameters.text('db_table'), parameters.text('tname_column')]
    if (![prefix, value, table].every((each) => /^\w+$/.test(each))) return
    const own = tree.table === '' && /^\w+$/.test(nameColumn)
    const sql = `SELECT ${prefix} AS tprefix, ${value} AS tvalue FROM ${table}${own ? ` WHERE ${nameColumn} = ?` : ''}`
    const rows = await databases.open(parameters.text('db_url')).rows(sql, own ? [tree.name] : [])
    const values = new Map<string, string[]>()
    for (const row of rows) {
      const key = `${row.tprefix ?? ''}`
      const others = values.get(key)
      if (others === undefined) values.set(key, [`${row.tvalue ?? ''}`])
      else others.push(`${row.tvalue ?? ''}`)
    }
    tree.values = values
    tree.longest = longestOf(values.keys())
  }

  /** Values of the longest prefix, or of all prefixes, the longest first. */
  function match(tree: Tree, text: string, which: 'longest' | 'all'): string[] {
    const found: string[] = []
    // A number is as long as its sender likes.
    for (let length = Math.min(text.length, tree.longest); length > 0; length--) {
      const values = tree.values.get(text.slice(0, length))
      if (values === undefined) continue
      found.push(...values)
      if (which === 'longest') break
    }
    return found
  }

  const named = (given: readonly unknown[]): Tree => {
    const tree = trees.get(rpcText(given, 0, 'the tree'))
    if (tree === undefined) throw new RpcFault(404, 'Tree not found')
    return tree
  }

  return {
    module: 'mtree',
    operations: {
      match(_run, args) {
        const { tree, text, mode } = fieldsOf(args)
        const found = trees.get(textOf(tree))
        if (found === undefined) return null
        const values = match(found, textOf(text), wholeOf(mode) === 2 ? 'all' : 'longest')
        return { values, type: found.type }
      },
    },
    commands: {
      'mtree.list': (given) => [...named(given).values].map(([prefix, values]) => ({ prefix, tvalue: values })),
      'mtree.summary': () =>
        [...trees.values()].map(({ name, type, values }) => ({ table: name, type, nritems: values.size })),
      'mtree.match': (given) => match(named(given), rpcText(given, 1, 'the prefix'), 'longest'),
      'mtree.reload': (given) =>
        Promise.all(given.length > 0 && given[0] !== '' ? [load(named(given))] : [...trees.values()].map(load)).then(
          () => '',
        ),
    },
    configure(given) {
      parameters = new Parameters(given)
      const before = trees
      trees = new Map()
      for (const value of parameters.all('mtree')) {
        const pairs = new Map(attributePairs(`${value}`) ?? [])
        const name = pairs.get('name') ?? ''
        const { values, longest } = before.get(name) ?? { values: new Map<string, string[]>(), longest: 0 }
        const type = Number(pairs.get('type') ?? 0)
        trees.set(name, { name, table: pairs.get('dbtable') ?? '', type, values, longest })
      }
    },
    async start() {
      for (const tree of trees.values()) await loadedAtStart(host, `the tree ${tree.name}`, () => load(tree))
    },
  }
}
