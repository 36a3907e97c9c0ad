// Checks the manual: every function, variable and transformation of the declarations has its place in it.
import { expect, test } from 'vitest'
import { manualPages } from '../../src/script/index.ts'
import { builtins, declaredPvs, declaredTransformations } from '../../stdlib/registry.ts'

test('nothing that is declared is missing', () => {
  const pages = manualPages()
  for (const { kamailio, module, doc } of builtins().values()) {
    const page = pages.get(`modules/${module}.md`) ?? ''
    expect(page, kamailio).toContain(`\`${kamailio}(`)
    expect(page, kamailio).toContain(doc)
  }
  for (const { name } of declaredPvs().values()) expect(pages.get('pseudo-variables.md')).toContain(`\`$${name}`)
  for (const name of declaredTransformations().keys()) expect(pages.get('transformations.md')).toContain(`\`{${name}`)
  const data = JSON.parse(pages.get('completion.json') ?? '{}') as { functions: { label: string }[] }
  expect(data.functions.some(({ label }) => label === 't_relay')).toBe(true)
})
