// Owns the tests of emitted programs: waiting, ends of scripts, loops, values of the file, and the way back to the source.
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { compileText, PROBE_MESSAGE, runCfg } from './run-cfg.ts'

const HEAD = ['tm', 'tmx', 'sl', 'rr', 'pv', 'xlog', 'textops', 'siputils', 'rtpengine']
  .map((name) => `loadmodule "${name}.so"\n`)
  .join('')
const program = (text: string) => `#!KAMAILIO\n${HEAD}${text}`

beforeEach(() => {
  vi.resetModules()
})

describe('the end of a script', () => {
  test.each([
    ['exit;', 1],
    ['drop;', 'drop'],
    ['return;', 1],
    ['return 0;', 0],
    ['return -5;', -5],
    ['break;', 0],
    ['is_method("INVITE");', -1],
    ['if (1 == 2) { exit; }', 1],
    ['route(A);', 7],
    ['route(B); return 5;', 1],
    ['if (route(C)) return 5; return 6;', 0],
  ])('%s', async (body, expected) => {
    const text = program(`request_route { ${body} }
      route[A] { return 7; }
      route[B] { route(D); }
      route[C] { return 0; }
      route[D] { exit; }`)
    expect((await runCfg(text)).ended).toBe(expected)
  })
  test('reply_route gives its own code, drop is told apart', async () => {
    const raw =
      'SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n'
    const text = program(
      'reply_route { if (status == "200") return 0; } onreply_route[R] { drop; } request_route { t_on_reply("R"); }',
    )
    expect((await runCfg(text, { raw, kind: 'reply' })).ended).toBe(0)
    expect((await runCfg(text, { raw, kind: 'reply', name: 'R' })).ended).toBe('drop')
  })
})

describe('waiting', () => {
  test('a route that calls what may wait is a generator, others are not', () => {
    const { code } = compileText(
      program('request_route { route(A); route(B); exit; } route[A] { t_relay(); } route[B] { xlog("x"); }'),
    )
    expect(code).toContain('function* request_route()')
    expect(code).toContain('function* route_A()')
    expect(code).toContain('function route_B()')
  })
  test('goes on after an answer that came late', async () => {
    let answered: () => void = () => {}
    const text = program(
      'request_route { route(SEND); xlog("P| after $rc\\n"); exit; } route[SEND] { if (!rtpengine_offer("RTP")) return 3; return 4; }',
    )
    const run = await runCfg(text, {
      late: (name, settle) => {
        if (name !== 'rtp') return false
        answered = () => settle({ code: 1 })
        return true
      },
    })
    expect(run.log).toEqual([])
    answered()
    expect(run.log).toEqual(['P| after 4'])
  })
})

describe('loops', () => {
  test('stop at max_while_loops, and the script goes on', async () => {
    const text = program(
      'max_while_loops=5\nrequest_route { while (1) { $var(i) = $var(i) + 1; } xlog("P| $var(i)\\n"); }',
    )
    const { log } = await runCfg(text)
    expect(log).toEqual(['test.cfg:12: runaway while: more than 5 loops', 'P| 5'])
  })
  test('without limit are ended by the time of the run', async () => {
    const text = program('max_while_loops=0\nrequest_route { while (1) { ; } }')
    await expect(runCfg(text, { millis: 30 })).rejects.toThrow(/took longer/)
  })
  test('a route that calls itself for ever gives up', async () => {
    const text = program(
      'request_route { route(A); xlog("P| $rc $var(n)\\n"); } route[A] { $var(n) = $var(n) + 1; route(A); }',
    )
    const { log } = await runCfg(text)
    expect(log).toEqual(['too many nested calls of route A', 'P| -1 255'])
  })
})

test('values of the file reach the program', async () => {
  const text = program(`#!define LIMIT 5
#!define NAME "a name"
pstn.ip = "10.1.1.1"
pstn.port = 5070
flags TRUNK:3
request_route {
  setflag(TRUNK);
  xlog("P| $def(LIMIT) $def(NAME) $def(NONE) $sel(cfg_get.pstn.ip) $sel(cfg_get.pstn.port) $mf\\n");
  $var(x) = "x" + @cfg_get.pstn.port;
  xlog("P| $var(x)\\n");
}`)
  expect((await runCfg(text)).log).toEqual(['P| 5 a name <null> 10.1.1.1 5070 8', 'P| x5070'])
})

test('names of custom settings are the file’s own: nothing else gets them', async () => {
  const text = program('__proto__.polluted = "yes"\nrequest_route { xlog("P| $sel(cfg_get.pstn.ip)\\n"); }')
  expect((await runCfg(text)).log).toEqual(['P| <null>'])
  expect(({} as { polluted?: string }).polluted).toBeUndefined()
})

test('conditions on commands of the core', async () => {
  const text = program(`request_route {
  setflag(3);
  if (isflagset(3)) xlog("P| 1\\n");
  if (!isflagset(3)) xlog("P| wrong\\n");
  if (!isflagset(4)) xlog("P| 2\\n");
  if (isflagset(3) && !isflagset(4)) xlog("P| 3\\n");
  is_method("INVITE");
  resetflag(3);
  xlog("P| $rc\\n");
  $var(r) = isflagset(3);
  xlog("P| $var(r)\\n");
}`)
  expect((await runCfg(text)).log).toEqual(['P| 1', 'P| 2', 'P| 3', 'P| -1', 'P| -1'])
})

test('variables begin with what modparam gives them', async () => {
  const text = program(`modparam("pv", "varset", "limit=i:7")
modparam("pv", "varset", "name=s:trunk")
request_route { xlog("P| $var(limit) $var(name) $var(other)\\n"); $var(other) = 1; }`)
  expect((await runCfg(text)).log).toEqual(['P| 7 trunk 0'])
})

test('without #!KAMAILIO an unknown variable is the AVP of that name', async () => {
  const text = `${HEAD}request_route { $foo = "bar"; xlog("P| $foo $avp(foo)\\n"); }`
  expect((await runCfg(text)).log).toEqual(['P| bar bar'])
})

test('several request_route are one, in their order', async () => {
  const text = program('request_route { xlog("P| 1\\n"); } request_route { xlog("P| 2\\n"); }')
  expect((await runCfg(text)).log).toEqual(['P| 1', 'P| 2'])
})

test('odd names of routes become functions of their own', async () => {
  const text = program(`request_route { route("A-B"); route("A.B"); route(1); route("constructor"); }
    route["A-B"] { xlog("P| 1\\n"); } route["A.B"] { xlog("P| 2\\n"); } route[1] { xlog("P| 3\\n"); } route[constructor] { xlog("P| 4\\n"); }`)
  expect((await runCfg(text)).log).toEqual(['P| 1', 'P| 2', 'P| 3', 'P| 4'])
})

test('the source map leads each line back to its statement', () => {
  const text = program('request_route {\n  $var(x) = 1;\n    exit;\n}\n')
  const { code, sourceMap } = compileText(text)
  const lines = code!.split('\n')
  const line = lines.findIndex((one) => one.includes('S.stop = 1'))
  expect(decode(sourceMap!.mappings).find((segment) => segment.line === line)).toMatchObject({
    sourceLine: text.split('\n').findIndex((one) => one.includes('exit;')),
    sourceColumn: 4,
  })
  expect(sourceMap!.sources).toEqual(['test.cfg'])
})

/** Decodes the mappings of a source map, all counts from 0. */
function decode(mappings: string): { line: number; column: number; sourceLine: number; sourceColumn: number }[] {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  const segments: { line: number; column: number; sourceLine: number; sourceColumn: number }[] = []
  let [sourceLine, sourceColumn] = [0, 0]
  for (const [line, text] of mappings.split(';').entries()) {
    let column = 0
    for (const segment of text.split(',').filter((one) => one !== '')) {
      const numbers: number[] = []
      let value = 0
      let shift = 0
      for (const c of segment) {
        const digit = digits.indexOf(c)
        value |= (digit & 31) << shift
        shift += 5
        if ((digit & 32) === 0) {
          numbers.push(value & 1 ? -(value >> 1) : value >> 1)
          value = 0
          shift = 0
        }
      }
      column += numbers[0]!
      sourceLine += numbers[2]!
      sourceColumn += numbers[3]!
      segments.push({ line, column, sourceLine, sourceColumn })
    }
  }
  return segments
}

test('a list that names a parameter twice keeps both; a header that is not there is as good as removed', async () => {
  const text = program(`request_route {
  xavp_params_explode("a=1;a=2;b=3", "p");
  xavp_params_implode("p", "$avp(o)");
  xlog("P| $xavp(p=>a) $xavp(p=>a[1]) $xavp(p=>b) $avp(o)\\n");
  remove_hf_idx("X-None", "0");
  xlog("P| $rc\\n");
}`)
  expect((await runCfg(text)).log).toEqual(['P| 1 2 3 a=1;a=2;b=3;', 'P| 2'])
})

test('a body that is no multipart is its own part', async () => {
  const text = program(`request_route {
  get_body_part("text/plain", "$avp(x)");
  xlog("P| $rc $avp(x)\\n");
  get_body_part("application/sdp", "$avp(y)");
  xlog("P| $rc $avp(y)\\n");
}`)
  const raw = PROBE_MESSAGE.replace('Content-Length: 0\r\n', 'Content-Type: Text/Plain\r\nContent-Length: 5\r\n')
  expect((await runCfg(text, { raw: `${raw}hello` })).log).toEqual(['P| 1 hello', 'P| -1 <null>'])
})
