// Owns the proof that what a .cfg says stays data: no text, name or value of a file becomes code of the program made of it, nor reaches the engine beside it.
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { compileText } from './dsl/run-cfg.ts'
import { input, type Loaded, loaded, request } from './run-script.ts'

const MODULES = ['pv', 'xlog', 'textops', 'tm', 'kex', 'jansson', 'cfgutils']
const HEAD = `#!KAMAILIO\n${MODULES.map((name) => `loadmodule "${name}.so"`).join('\n')}\n`

/** What would leave a mark if it ran. */
const MARK = 'globalThis.__reached=1'

const TEXTS = [
  'plain',
  `"+(${MARK})+"`,
  `'+(${MARK})+'`,
  `\`+(${MARK})+\``,
  `\${${MARK}}`,
  `\\"+(${MARK})+\\"`,
  `\\\\");${MARK};("`,
  `");process.exit(1);("`,
  `*/${MARK}/*`,
  `//${MARK}`,
  `<!--${MARK}-->`,
  `\u00e2\u0080\u00a8${MARK}//`,
  `\u0085${MARK}`,
  `a\r\n${MARK}\r\n`,
  `\n}\n${MARK}\n{`,
  '\u0000\u0001',
  '\\u0022',
  '\\x22',
  'process',
  'require',
  'globalThis',
  '__signalbox',
  'D',
  'S',
  'ROUTES',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'hasOwnProperty',
  '__defineGetter__',
  'request_route',
  'body',
  'undefined',
  'null',
  'await',
  'yield',
  'arguments',
  'eval',
  'r',
  't',
]
/** Names as they stand in brackets, and words. */
const NAMES = TEXTS.filter((text) => !/[\r\n\0]/.test(text))
const WORDS = TEXTS.filter((text) => /^\w+$/.test(text))

/** Headers of the message have these names. */
const COMPACT = ['r', 't']

/** A text between double quotes of a file. */
const quoted = (text: string) =>
  `"${text.replace(/[\\"]/g, '\\$&').replace(/\r/g, '\\r').replace(/\n/g, '\\n').replaceAll('$', '$$$$')}"`
/** The same where no variables are replaced. */
const literal = (text: string) => quoted(text).replaceAll('$$', '$')

const prototype = Object.getOwnPropertyNames(Object.prototype)

function untouched(): void {
  expect((globalThis as { __reached?: number }).__reached).toBeUndefined()
  expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(prototype)
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
}
afterAll(untouched)

/** Compiles and loads; undefined when the compiler refuses the file. */
async function made(text: string): Promise<Loaded | undefined> {
  try {
    return await loaded(`${HEAD}${text}\n`, { name: 'route.cfg' })
  } catch (error) {
    // A refusal tells it as diagnostics; whatever else goes wrong is a fault of ours.
    if (!(error instanceof Error) || !error.message.startsWith('[{"severity"')) throw error
    return undefined
  }
}

const logged = ({ host }: Loaded) => host.of('log').map((line) => (line as { text: string }).text)

/** Runs the request route; what it logged, undefined when the file was refused. */
async function told(text: string): Promise<string[] | undefined> {
  const program = await made(text)
  if (program === undefined) return undefined
  await program.request()
  untouched()
  return logged(program)
}

/** What the log shows of a text that was written whole. */
const shown = (text: string) => [`[${text}]`]

describe('texts', () => {
  test.each(TEXTS)('%j', async (text) => {
    const expected = text.includes('\0') ? undefined : shown(text)
    const assigned = `$var(x) = ${literal(text)}; xlog("[$var(x)]");`
    const bodies = {
      format: `xlog(${quoted(`[${text}]`)});`,
      assigned,
      added: `$var(x) = "" + ${literal(text)} + ""; xlog("[$var(x)]");`,
      compared: `${assigned} if ($var(x) != ${literal(text)}) xlog("differs");`,
      switched: `$var(x) = ${literal(text)}; switch ($var(x)) { case ${literal(text)}: xlog("[$var(x)]"); break; default: xlog("other"); }`,
      custom: `xlog("[$sel(cfg_get.group.value)]");`,
      initial: `xlog("[$var(given)]");`,
      defined: `xlog("[$def(GIVEN)]");`,
      evaluated: `$var(t) = ${literal(text)}; pv_evalx("$var(x)", "$var(t)"); xlog("[$var(x)]");`,
    }
    for (const [name, body] of Object.entries(bodies)) {
      // What is evaluated holds variables of its own.
      if (name === 'evaluated' && text.includes('$')) continue
      const head =
        name === 'custom'
          ? `group.value = ${literal(text)} desc "d"\n`
          : name === 'initial'
            ? `modparam("pv", "varset", ${literal(`given=s:${text}`)})\n`
            : name === 'defined'
              ? `#!define GIVEN ${literal(text)}\n`
              : ''
      const lines = await told(`${head}request_route {\n${body}\n}`)
      if (expected !== undefined && lines !== undefined) expect([name, lines]).toEqual([name, expected])
    }
  })

  test('patterns', async () => {
    for (const text of TEXTS) {
      const pattern = literal(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      await told(
        `request_route { $var(x) = ${literal(text)}; if ($var(x) =~ ${pattern}) xlog("1"); switch ($var(x)) { case /${text.replace(/\//g, '')}/: xlog("2"); } }`,
      )
    }
  })
})

describe('names', () => {
  const variables = ['var', 'shv', 'vn', 'avp', 'xavu']
  test.each(NAMES)('%j of variables', async (name) => {
    let compiled = 0
    for (const kind of variables) {
      const variable = `$${kind}(${name})`
      const lines = await told(`request_route {\n${variable} = "one"; xlog("[${variable}]");\n}`)
      if (lines === undefined) continue
      compiled++
      // In a text, what has quotes or escapes is another name.
      if (!/[\\"]/.test(name)) expect(lines).toEqual(shown('one'))
    }
    if (/^\w+$/.test(name)) expect(compiled).toBe(variables.length)
  })

  test.each(WORDS.filter((name) => !COMPACT.includes(name)))(
    '%s of records, fields, headers and JSON',
    async (name) => {
      const lines = await told(
        `request_route {
         $xavp(r=>${name}) = "one"; xlog("[$xavp(r=>${name})]");
         $xavp(${name}=>f) = "two"; xlog("[$xavp(${name}=>f)]");
         xlog("[$hdr(${name})][$hdr(X-${name})][$avp(${name})][$def(${name})][$env(${name})][$sel(cfg_get.${name}.${name})]");
         $var(j) = ""; jansson_set("string", "${name}", "three", "$var(j)"); jansson_set("string", "${name}.polluted", "four", "$var(j)");
         jansson_get("${name}", "$var(j)", "$var(k)"); xlog("[$var(k)]");
         append_hf("X-${name}: 1\\r\\n"); remove_hf("${name}"); t_on_failure("F");
       }
       failure_route[F] { exit; }`,
      )
      expect(lines).toEqual(['[one]', '[two]', '[<null>][<null>][<null>][<null>][<null>][<null>]', '[three]'])
    },
  )

  test.each(NAMES)('%j of variables made while running', async (name) => {
    const lines = await told(
      `request_route {\n$var(n) = ${literal(name)}; $avp($var(n)) = "one"; $var(x$var(n)) = "two"; xlog("[$avp($var(n))$var(x$var(n))]");\n}`,
    )
    if (lines !== undefined) expect(lines).toEqual(shown('onetwo'))
  })

  test.each(WORDS.filter((name) => name !== 'request_route'))('%s of routes', async (name) => {
    const program = await made(
      `request_route { route(${name}); $var(n) = "${name}"; route($var(n)); t_on_failure("${name}"); t_on_branch("${name}"); t_on_reply("${name}"); }
       route[${name}] { xlog("[sub]"); if ($var(deep) == 0) { $var(deep) = 1; route(${name}); $var(deep) = 0; } }
       failure_route[${name}] { xlog("[failure]"); }
       branch_route[${name}] { xlog("[branch]"); }
       onreply_route[${name}] { xlog("[reply]"); }`,
    )
    expect(program).toBeDefined()
    await program!.request()
    expect(logged(program!)).toEqual(['[sub]', '[sub]', '[sub]', '[sub]'])
    expect(program!.program.has('failure', name)).toBe(true)
    expect(program!.program.has('branch', name)).toBe(true)
    await program!.program.run(input('failure', name, request()))
    expect(logged(program!).at(-1)).toBe('[failure]')
    untouched()
  })

  test.each(NAMES)('%j of routes, quoted', async (name) => {
    const lines = await told(`request_route { route(${literal(name)}); }\nroute[${literal(name)}] { xlog("[sub]"); }`)
    if (lines !== undefined) expect(lines).toEqual(shown('sub'))
  })

  test.each(WORDS)('%s of settings and defines', async (name) => {
    const lines = await told(
      `${name}.${name} = "one" desc "d"\n#!define ${name} "two"\nrequest_route { xlog("[$sel(cfg_get.${name}.${name})]"); }`,
    )
    if (lines !== undefined) expect(lines).toEqual(shown('one'))
    const defined = await told(`#!define X${name} "two"\nrequest_route { xlog("[$def(X${name})]"); }`)
    expect(defined).toEqual(shown('two'))
    const plain = await told(`#!define ${name} "two"\nrequest_route { xlog("[$def(${name})]"); }`)
    if (plain !== undefined && !['xlog', 'def'].includes(name)) expect(plain).toEqual(shown('two'))
  })
})

describe('names that the program has of its own', () => {
  test('a route called as the inner function of a recursive one', async () => {
    const lines = await told(
      'request_route { route(A); route(A_body); }\nroute[A] { xlog("[A]"); if ($var(x) == 0) { $var(x) = 1; route(A); } }\nroute[A_body] { xlog("[B]"); }',
    )
    expect(lines).toEqual(['[A]', '[A]', '[B]'])
  })

  test('numbers of variables and of loops', async () => {
    const loops = Array.from(
      { length: 4 },
      () =>
        '$var(i) = 0; while ($var(i) < 2) { $var(i) = $var(i) + 1; if ($rm & 1) { xlog("[$var(i)]"); } if ($rm & 1024) xlog("more"); }',
    )
    const lines = await told(`request_route { ${loops.join('\n')} }`)
    expect(lines).toEqual(['[1]', '[2]', '[1]', '[2]', '[1]', '[2]', '[1]', '[2]'])
  })
})

/** Words of JavaScript, names of the program itself, and the two that it is given: all that an emitted program may begin a name with. */
const KNOWN =
  /^(?:const|let|function|return|if|else|for|switch|case|default|break|try|catch|error|yield|typeof|undefined|null|true|false|Math|JSON|globalThis|D|S|P|ROUTES|r|t|[vpnfsreockw]\d+|(?:request|reply|failure|branch|event|onsend|route)(?:_\w*)?(?:\$body)?|__proto__|kind|text|value)$/

/** Names in the code that are no texts and no properties. */
function namesIn(code: string): string[] {
  const bare = code.replace(/"(?:[^"\\\n]|\\.)*"|'[a-z ]*'/g, '')
  expect(bare).not.toMatch(/["'\\]|\/\*|\/\//)
  return [...new Set(bare.match(/(?<![\w$.])[A-Za-z_$][\w$]*/g))]
}

describe('names in the code', () => {
  const folder = new URL('./dsl/semantics/', import.meta.url)
  const files = readdirSync(folder).map((name) => readFileSync(new URL(`${name}/input.cfg`, folder), 'latin1'))
  const hostile = TEXTS.map(
    (text) =>
      `${HEAD}group.value = ${literal(text)} desc "d"\n#!define GIVEN ${literal(text)}\nrequest_route { xlog(${quoted(text)}); $var(x) = $var(x) + ${literal(text)} + "$def(GIVEN)"; if ($var(x) =~ ${literal(text.replace(/\W/g, '.'))}) { route(${literal(text)}); } switch ($var(x)) { case ${literal(text)}: exit; } if (src_ip == ${literal(text)}) { append_hf(${quoted(text)}); } }\nroute[${literal(text)}] { route(${literal(text)}); }`,
  )
  const plain = hostile.map((file) => file.replace(/route\[.*\n?.*$/s, '').replace(/route\([^;]*;/s, ';'))

  test.each([...files, ...hostile, ...plain].map((file, number) => ({ number, file })))(
    'of file $number',
    ({ file }) => {
      const { code } = compileText(file)
      if (code === undefined) return
      expect(namesIn(code).filter((name) => !KNOWN.test(name))).toEqual([])
    },
  )

  test('another name would be seen', () => {
    expect(
      namesIn('const p0 = D.pv("require"), x = (process.exit(1), S.rc)').filter((name) => !KNOWN.test(name)),
    ).toEqual(['x', 'process'])
  })

  test('most of these files are compiled', () => {
    const compiled = [...files, ...hostile, ...plain].filter((file) => compileText(file).code !== undefined)
    expect(compiled.length).toBeGreaterThan(TEXTS.length)
  })
})
