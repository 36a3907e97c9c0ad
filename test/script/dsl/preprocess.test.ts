// Owns the tests of reading: directives, substitutions, includes, and the place of every token.
import { describe, expect, test } from 'vitest'
import { readTokens } from '../../../src/script/dsl/preprocess.ts'
import { Report } from '../../../src/script/dsl/report.ts'
import { compileText } from './run-cfg.ts'

function read(
  text: string,
  options: { defines?: Record<string, string>; env?: Record<string, string>; files?: Record<string, string> } = {},
) {
  const report = new Report()
  const { tokens, files } = readTokens(
    '/etc/main.cfg',
    {
      defines: new Map(Object.entries(options.defines ?? {})),
      env: options.env ?? {},
      readFile: (path) => (path === '/etc/main.cfg' ? text : options.files?.[path]),
    },
    report,
  )
  return { tokens, files, words: tokens.map(({ value }) => value), said: report.diagnostics.map(({ code }) => code) }
}

describe('defines', () => {
  test('are read again where they are used, nested, over several tokens and lines', () => {
    expect(read('#!define A B + C\n#!define B 2\n#!define C 3 \\\n  * 4\nx = A;').words).toEqual([
      'x',
      '=',
      2,
      '+',
      3,
      '*',
      4,
      ';',
    ])
  })
  test('never act inside strings', () => {
    expect(read('#!define A 1\n"A" A').words).toEqual(['A', 1])
  })
  test('without value vanish', () => {
    expect(read('#!define A\nx A y').words).toEqual(['x', 'y'])
  })
  test('come from the command line, and trydef keeps them', () => {
    expect(read('#!trydef A 2\nA', { defines: { A: '1' } }).words).toEqual([1])
  })
  test('may be replaced by redefine only', () => {
    expect(read('#!define A 1\n#!redefine A 2\n#!redef A 3\nA').words).toEqual([3])
    expect(read('#!define A 1\n#!define A 2\nA').said).toEqual(['define-again'])
  })
  test('come from the environment', () => {
    const env = { PORT: '5070', NAME: 'a "b"' }
    expect(read('#!defenv PORT\n#!defenvs N=NAME\nPORT N', { env }).words).toEqual([5070, 'a "b"'])
    expect(read('#!trydefenv NO\nNO', { env }).words).toEqual(['NO'])
    expect(read('#!defenv NO\n', { env }).said).toEqual(['env-not-set'])
  })
  test('that lead back to themselves are an error', () => {
    expect(read('#!define A B\n#!define B A\nA').said).toContain('define-loop')
  })
})

describe('conditions', () => {
  test('nest, stand anywhere, and skip text that could not be read', () => {
    const text = 'a(\n#!ifdef X\n1 "unclosed\n#!ifndef Y\n#!endif\n#!else\n2\n#!endif\n);'
    expect(read(text).words).toEqual(['a', '(', 2, ')', ';'])
  })
  test('know the version and the modules loaded so far', () => {
    const text =
      'loadmodule "/lib/tm.so"\n#!ifdef MOD_tm\n1\n#!endif\n#!ifdef MOD_rr\n2\n#!endif\n#!ifdef KAMAILIO_5_6\n3\n#!endif\n'
    expect(read(text).words.slice(2)).toEqual([1, 3])
  })
  test('take text after their name, but an else with text is a comment', () => {
    expect(read('#!ifdef A // why\n1\n#!endif\n').words).toEqual([])
    expect(read('#!ifdef A\n1\n#!else # b\n2\n#!endif\n').words).toEqual([])
  })
  test('must be closed', () => {
    expect(read('#!ifdef A\n').said).toEqual(['unbalanced-directive'])
    expect(read('#!endif\n').said).toEqual(['unbalanced-directive'])
  })
})

describe('substitutions', () => {
  test('act in strings and variables, in their order', () => {
    const text = '#!subst "/X/Y/"\n#!subst "/Y/Z/g"\n"X X Y" $var(X)'
    const { tokens } = read(text)
    expect(tokens[0]!.value).toBe('Z X Z')
    expect(tokens[1]!.image).toBe('$var(Z)')
  })
  test('substdef also defines; the value may be empty', () => {
    expect(read('#!substdef "!IP!10.0.0.1!g"\n#!substdef "!E!!g"\nIP "x IP E"').words).toEqual([
      '10.0.0.1',
      'x 10.0.0.1 ',
    ])
  })
  test('substdefs defines a string', () => {
    expect(read('#!substdefs "/H/a.b/"\nH').words).toEqual(['a.b'])
  })
})

describe('strings and numbers', () => {
  test('escapes of double quotes, none of apostrophes', () => {
    expect(read(String.raw`"a\tb\.c\d\\e\"f\x41\101\1"`).words).toEqual(['a\tb\\.c\\d\\e"fAA\\1'])
    expect(read(String.raw`'a\tb"'`).words).toEqual([String.raw`a\tb"`])
    expect(read('"a\\\nb"').words).toEqual(['ab'])
  })
  test('neighbours in double quotes are one, in apostrophes two', () => {
    expect(read('"a" "b"\n"c"').words).toEqual(['abc'])
    expect(read(`"a" 'b'`).words).toEqual(['a', 'b'])
  })
  test('numbers of every base, and words for 1 and 0', () => {
    expect(read('10 0x1F 017 101b yes off').words).toEqual([10, 31, 15, 5, 1, 0])
  })
})

describe('includes', () => {
  const files = { '/etc/part.cfg': 'two\n', '/other/x.cfg': 'include_file "y.cfg"\n', '/other/y.cfg': 'three' }
  test('are found beside the file that includes them', () => {
    const { words, files: seen } = read('one include_file "part.cfg" #!include_file "/other/x.cfg"\nfour', { files })
    expect(words).toEqual(['one', 'two', 'three', 'four'])
    expect(seen).toEqual(['/etc/main.cfg', '/etc/part.cfg', '/other/x.cfg', '/other/y.cfg'])
  })
  test('missing: an error, but not for import_file, and the watcher knows the name', () => {
    expect(read('include_file "no.cfg"').said).toEqual(['file-not-found'])
    const { said, files: seen } = read('import_file "no.cfg"')
    expect(said).toEqual([])
    expect(seen).toContain('/etc/no.cfg')
  })
  test('that include themselves are an error', () => {
    expect(read('include_file "a.cfg"', { files: { '/etc/a.cfg': 'include_file "a.cfg"' } }).said).toEqual([
      'include-depth',
    ])
  })
})

test('every token knows its file, line and column; those of a define stand where its name does', () => {
  const { tokens } = read('#!define PAIR a b\nx\n  PAIR include_file "p.cfg"\n', { files: { '/etc/p.cfg': '\n  y' } })
  expect(tokens.map(({ file, startLine, startColumn, value }) => [file.path, startLine, startColumn, value])).toEqual([
    ['/etc/main.cfg', 2, 1, 'x'],
    ['/etc/main.cfg', 3, 3, 'a'],
    ['/etc/main.cfg', 3, 3, 'b'],
    ['/etc/p.cfg', 2, 3, 'y'],
  ])
})

test('settings are gathered with their places', () => {
  const { settings, ok } = compileText(`#!define MY_IP 10.0.0.5
debug=2
log_stderror=yes
listen=tls:MY_IP:5061 advertise 25.25.25.5:5061 name "out"
listen=udp:eth0
alias=sip.example-host.com:5060
server_header="Server: x"
advertised_address=sbc.example.com
voicemail.srv_ip = "10.0.0.7" desc "its address"
pstn.port = 5080
flags ONE, TWO:5
loadmodule "/usr/lib/tm.so"
loadmodule "rr.so"
modparam("tm|rr", "enable_full_lr", 1)
request_route { exit; }
`)
  expect(ok).toBe(true)
  expect(settings.listen.map(({ text }) => text)).toEqual([
    'tls:10.0.0.5:5061 advertise 25.25.25.5:5061 name "out"',
    'udp:eth0',
  ])
  expect(settings.alias.map(({ text }) => text)).toEqual(['sip.example-host.com:5060'])
  expect(settings.core.map(({ name, value }) => [name, value])).toEqual([
    ['debug', 2],
    ['log_stderror', 1],
    ['server_header', 'Server: x'],
    ['advertised_address', 'sbc.example.com'],
  ])
  expect(settings.custom.map(({ group, name, value }) => [group, name, value])).toEqual([
    ['voicemail', 'srv_ip', '10.0.0.7'],
    ['pstn', 'port', 5080],
  ])
  expect(settings.flags).toEqual([
    { name: 'ONE', number: 0 },
    { name: 'TWO', number: 5 },
  ])
  expect(settings.modules.map(({ name }) => name)).toEqual(['tm', 'rr'])
  expect(settings.modparams.map(({ module, name, value }) => [module, name, value])).toEqual([
    ['tm', 'enable_full_lr', 1],
    ['rr', 'enable_full_lr', 1],
  ])
  expect(settings.listen[0]!.at).toMatchObject({ file: 'test.cfg', line: 4, column: 8 })
})

test.each(['1:', 'a:', '1::', ':'])('a file full of %j is read once', (unit) => {
  const before = process.cpuUsage()
  read(`request_route { ${unit.repeat(100_000 / unit.length)} }`)
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1000).toBeLessThan(2000)
})
