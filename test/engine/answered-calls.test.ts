// Owns the tests of what stays of answered calls: how little it is, and that all which may come late finds it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { queryObjects, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { createEngine, type Engine } from '../../src/engine/index.ts'
import { SipReply, SipRequest } from '../../src/sip/index.ts'
import { createLayer } from '../../src/transport/transport-layer.ts'
import { ANSWER, answer, CALLEE, CALLER, CONTACT, inDialog, invite, OK_LINES } from '../bench/call-messages.ts'
import { DirectSockets } from '../bench/direct-sockets.ts'

/** The routing, with what its reply route adds. */
const routing = (kept: string): string => `#!KAMAILIO
listen=udp:127.0.0.1:5060
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
request_route {
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    if (has_totag()) {
        if (loose_route()) t_relay();
        else if (is_method("ACK") && t_check_trans()) t_relay();
        exit;
    }
    $avp(caller) = $fU;
    record_route();
    $ru = "sip:87000@127.0.0.1:${CALLEE}";
    append_hf("X-Sent: yes\\r\\n");
    t_on_reply("KEPT");
    t_relay();
}
onreply_route[KEPT] {
    append_hf("X-Kept: ${kept}\\r\\n");
}
`

let folder = ''
let clock: ManualClock
let sockets: DirectSockets
let engine: Engine
afterEach(async () => {
  await engine.close()
  rmSync(folder, { recursive: true })
})

async function begin(kept: string): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'answered-'))
  const file = join(folder, 'route.cfg')
  writeFileSync(file, routing(kept))
  clock = new ManualClock()
  sockets = new DirectSockets()
  engine = await createEngine({ file, clock, transport: (options) => createLayer(options, sockets) })
  await engine.start()
}

/** Gives the engine a message; what it sent to that port in return. */
function pass(wire: string, from: number, to: number): string[] {
  sockets.deliver(Buffer.from(wire, 'latin1').toString('latin1'), from)
  return sockets
    .take()
    .filter(({ port }) => port === to)
    .map((sent) => Buffer.from(sent.wire, 'latin1').toString('latin1'))
}

function only(sent: string[], start: string): string {
  const found = sent.filter((wire) => wire.startsWith(start))
  expect(found).toHaveLength(1)
  return found[0]!
}

interface Answered {
  number: number
  /** The INVITE as the callee got it, and his 200. */
  arrived: string
  answered: string
  /** That 200 as the caller got it. */
  ok: string
}

function setUp(number: number): Answered {
  const arrived = only(pass(invite(number), CALLER, CALLEE), 'INVITE')
  pass(answer(arrived, '180 Ringing', [CONTACT], ''), CALLEE, CALLER)
  const answered = answer(arrived, '200 OK', OK_LINES, ANSWER)
  const ok = only(pass(answered, CALLEE, CALLER), 'SIP/2.0 200')
  pass(inDialog(ok, number, 'ACK'), CALLER, CALLEE)
  return { number, arrived, answered, ok }
}

/** The BYE as the callee got it, and its answer as the caller did. */
function hangUp({ number, ok }: Answered): string {
  const bye = only(pass(inDialog(ok, number, 'BYE'), CALLER, CALLEE), 'BYE')
  return only(pass(answer(bye, '200 OK', [], ''), CALLEE, CALLER), 'SIP/2.0 200')
}

describe('held', () => {
  test('a thousand answered calls are little, in bytes and in objects', async () => {
    await begin('$avp(caller) $T_branch_idx')
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const used = (): number => {
      collect()
      return process.memoryUsage().heapUsed
    }
    const hold = (first: number): void => {
      for (let number = first; number < first + 1000; number++) hangUp(setUp(number))
      // The answered BYE's client machine goes with Timer K.
      clock.advance(6000)
    }
    // Tables and code have their size.
    hold(1)
    for (let n = 0; n < 40; n++) clock.advance(1000)
    const before = used()
    hold(2001)
    expect((used() - before) / 1000).toBeLessThan(6000)
    // None of these is kept for an answered call, whatever its size.
    expect(queryObjects(SipRequest) as unknown as number).toBeLessThan(50)
    expect(queryObjects(SipReply) as unknown as number).toBeLessThan(50)
  }, 60_000)
})

describe('what comes late', () => {
  let first: Answered
  beforeEach(async () => {
    await begin('$avp(caller) $T_req($cs) $T_req($ci) $T_branch_idx')
    first = setUp(1)
    // Others are answered after it: it rests.
    setUp(2)
    setUp(3)
  })

  test('the same 2xx passes again by the reply route, which knows the request and its values', () => {
    const kept = `X-Kept: 10048 101 INVITE 1-${process.pid}@127.0.0.1 0\r\n`.replace('101 INVITE', '101')
    expect(first.ok).toContain(kept)
    clock.advance(10_000)
    for (let n = 0; n < 3; n++) expect(pass(first.answered, CALLEE, CALLER)).toEqual([first.ok])
  })

  test('a 2xx of another fork passes too, and its dialog counts', () => {
    const other = first.answered.replace(/;tag=b\d+/, ';tag=other')
    const [passed] = pass(other, CALLEE, CALLER)
    expect(passed).toBe(first.ok.replace(/;tag=b\d+/, ';tag=other'))
    const dialogs = () => engine.view.status().calls
    expect(dialogs()).toBe(3)
    hangUp(first)
    expect(dialogs()).toBe(3)
    hangUp({ ...first, number: 4, ok: passed! })
    expect(dialogs()).toBe(2)
  })

  test('anything but a 2xx is dropped', () => {
    expect(pass(answer(first.arrived, '180 Ringing', [CONTACT], ''), CALLEE, CALLER)).toEqual([])
    expect(pass(answer(first.arrived, '486 Busy Here', [], ''), CALLEE, CALLER)).toEqual([])
  })

  test('the INVITE once more is absorbed, an ACK by its branch goes on, a CANCEL finds it answered', () => {
    expect(pass(invite(1), CALLER, CALLEE)).toEqual([])
    const ack = inDialog(first.ok, 1, 'ACK').replace('z9hG4bK-1-1-ACK', 'z9hG4bK-1-1-0')
    only(pass(ack, CALLER, CALLEE), 'ACK')
    const cancel = invite(1)
      .replace(/^INVITE/, 'CANCEL')
      .replace('CSeq: 101 INVITE', 'CSeq: 101 CANCEL')
    const head = cancel.slice(0, cancel.indexOf('Content-Type'))
    sockets.take()
    only(pass(`${head}Content-Length: 0\r\n\r\n`, CALLER, CALLER), 'SIP/2.0 200')
    expect(sockets.take()).toEqual([])
  })

  test('a BYE once more gets the same bytes until Timer J', () => {
    const bye = inDialog(first.ok, 1, 'BYE')
    const replied = hangUp(first)
    clock.advance(10_000)
    expect(pass(bye, CALLER, CALLER)).toEqual([replied])
    clock.advance(20_000)
    expect(pass(bye, CALLER, CALLER)).toEqual([replied])
  })
})
