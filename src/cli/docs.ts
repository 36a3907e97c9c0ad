// Owns the command `docs`: writes the manual that is made from the declarations.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { manualPages } from '../script/index.ts'
import { writing } from './files.ts'

/** Writes every page below the folder. */
export function docsCommand(folder: string): number {
  const pages = manualPages()
  for (const [name, text] of pages) {
    const file = join(resolve(folder), name)
    writing(file, () => {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    })
  }
  process.stdout.write(`${pages.size} pages in ${folder}\n`)
  return 0
}
