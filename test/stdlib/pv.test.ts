// Owns the tests of pseudo-variables: every one reads on a request and a reply without throwing, and the ones that matter read right.
import { beforeEach, describe, expect, test } from 'vitest'
import type { RunMeta } from '../../stdlib/contract.ts'
import { bindFormat, bindPv, declaredPvs, PvSyntaxError, parsePv } from '../../stdlib/pseudo-variables.ts'
import { attachHost, Run, resumeRun } from '../../stdlib/runtime.ts'

const INVITE = [
  'INVITE sip:bob:pw@example.org:5070;transport=tcp;x=1?a=b SIP/2.0',
  'Via: SIP/2.0/TCP 10.0.0.9:5060;branch=z9hG4bKone;rport',
  'v: SIP/2.0/UDP 10.0.0.8;branch=z9hG4bKtwo',
  'From: "Alice" <sip:alice@example.com;p=1>;tag=from1',
  't: <sip:bob@example.org>',
  'i: call@id',
  'CSeq: 3 INVITE',
  'm: <sip:alice@10.0.0.9>;expires=60',
  'Diversion: <sip:d@v>;reason=busy',
  'P-Asserted-Identity: "A" <sip:asserted@x>',
  'Authorization: Digest username="al", realm="r.example", nonce="n1", uri="sip:r", response="x"',
  'Content-Type: application/sdp',
  'Content-Length: 3',
  '',
  'abc',
].join('\r\n')
const REPLY = INVITE.replace(/^.*\r\n/, 'SIP/2.0 183 Session Progress\r\n')

const META: RunMeta = {
  srcIp: '10.0.0.9',
  srcPort: 40_000,
  dstIp: '10.0.0.5',
  dstPort: 5060,
  proto: 'tcp',
  listener: { id: 0, address: '10.0.0.5', port: 5060, advertisedHost: '25.25.25.5', advertisedPort: 5061, name: 'in' },
  transactionId: 0,
  transactionMatch: 0,
  branch: 2,
  messageNumber: 7,
}

function begin(kind: 'request' | 'reply', meta: Partial<RunMeta> = {}): Run {
  const run = new Run(1, kind, '', kind === 'request' ? INVITE : REPLY, 0, { ...META, ...meta })
  resumeRun(run)
  return run
}

const read = (text: string) => bindFormat(text)()
const value = (text: string) => bindPv(parsePv(text)).get()
function assign(text: string, to: string | number | null): void {
  const { set } = bindPv(parsePv(text))
  if (set === undefined) throw new Error(`${text} has no writer`)
  set(to)
}

beforeEach(() => {
  attachHost(() => 1)
})

describe('on a request', () => {
  beforeEach(() => {
    begin('request')
  })
  test.each([
    ['$rm $rv $mt $mi', 'INVITE SIP/2.0 1 7'],
    ['$ru', 'sip:bob:pw@example.org:5070;transport=tcp;x=1?a=b'],
    ['$rU $rd $rp $rP $rz', 'bob example.org 5070 tcp sip'],
    ['$oU $od $op $oP', 'bob example.org 5070 tcp'],
    ['$du|$dd|$dp', '<null>|<null>|<null>'],
    ['$fu|$fU|$fd|$ft|$fn', 'sip:alice@example.com;p=1|alice|example.com|from1|"Alice"'],
    ['$tu|$tU|$td|$tt|$tn', 'sip:bob@example.org|bob|example.org|<null>|<null>'],
    ['$ci $cs', 'call@id 3'],
    ['$ct', '<sip:alice@10.0.0.9>;expires=60'],
    ['$cT $cl $bs $rb', 'application/sdp 3 3 abc'],
    ['$si $sp $Ri $Rp $pr $proto $prid', '10.0.0.9 40000 10.0.0.5 5060 tcp tcp 2'],
    ['$RAi $RAp $Rn', '25.25.25.5 5061 in'],
    ['$su $sut $sas', 'sip:10.0.0.9:40000;transport=tcp sip:10.0.0.9:40000;transport=tcp tcp:10.0.0.9:40000'],
    ['$rs $rr', '<null> <null>'],
    ['$di $dir', 'sip:d@v busy'],
    ['$ai', 'sip:asserted@x'],
    ['$au $ar $adn $adu', 'al r.example n1 sip:r'],
    ['$via0(host) $via0(branch) $via1(host) $viaZ(port)', '10.0.0.9 z9hG4bKone 10.0.0.8 5060'],
    ['$hdr(Via)|$(hdr(Via)[1])|$(hdr(via)[-1])|$hdrc(Via)', expect.stringContaining('z9hG4bKtwo|')],
    ['$hdr(To)|$hdr(Call-ID)|$hdr(Nope)', '<sip:bob@example.org>|call@id|<null>'],
    ['$expires(min) $expires(max)', '60 60'],
    ['$msg(len) $ml', `${INVITE.length} ${INVITE.length}`],
    ['$nh(d) $nh(U)', 'example.org bob'],
    ['$sel(ruri.user) $sel(contact.uri.host) $sel(from.tag)', 'bob 10.0.0.9 from1'],
    ['$_s(to $rU)', 'to bob'],
    ['100$$ of $rU', '100$ of bob'],
  ])('%s', (format, expected) => {
    expect(read(format)).toEqual(expected)
  })

  test('assigning to the R-URI takes effect at once', () => {
    assign('$rU', 'carol')
    assign('$rd', 'new.example')
    assign('$rp', null)
    expect(read('$ru')).toBe('sip:carol:pw@new.example;transport=tcp;x=1?a=b')
    assign('$du', 'sip:10.1.1.1:5080;transport=tls')
    expect(read('$dd $dp $dP $nh(d)')).toBe('10.1.1.1 5080 tls 10.1.1.1')
    assign('$du', null)
    expect(read('$du')).toBe('<null>')
    assign('$ru', 'not a uri')
    expect(value('$ru')).toBeNull()
  })

  test('assigning to From is an edit, not seen before it is applied', () => {
    const run = begin('request')
    assign('$fU', 'zoe')
    expect(read('$fU')).toBe('alice')
    expect(run.edits).toEqual([{ at: INVITE.indexOf('sip:alice@'), remove: 25, text: 'sip:zoe@example.com;p=1' }])
  })

  test('a name that is none says so', () => {
    for (const text of ['$nosuch', '$ru(x)', '$hdr()', '$(ru[1])', '$(ru{s.nosuch})', '$nh(zz)']) {
      expect(() => bindPv(parsePv(text)), text).toThrow(PvSyntaxError)
    }
  })
})

describe('on a reply', () => {
  beforeEach(() => {
    begin('reply')
  })
  test.each([
    ['$rs $rr $rm $mt', '183 Session Progress INVITE 2'],
    ['$ru|$rU|$du', '<null>|<null>|<null>'],
    ['$T_reply_code $T_reply_reason $T_branch_idx', '183 Session Progress 2'],
    ['$fU $tU', 'alice bob'],
  ])('%s', (format, expected) => {
    expect(read(format)).toBe(expected)
  })
})

describe('every variable', () => {
  /** Something to stand in the parentheses of each class that needs it. */
  const INNER: Readonly<Record<string, string>> = {
    ulc: 'profile=>addr',
    T_req: '$rU',
    T_rpl: '$rs',
    T_inv: '$rU',
    cnt: '$avp(a)',
    sel: 'ruri.user',
    xavp: 'a=>b',
    xavi: 'a=>b',
    xavu: 'a=>b',
  }
  const names = [...declaredPvs().keys()].filter((name) => name !== '?')
  test.each(names)('$%s is declared with its words and reads without throwing', (name) => {
    const declaration = declaredPvs().get(name)!
    expect(declaration.doc).toMatch(/[.)]$/)
    const inner = declaration.inner?.values?.[0] ?? (declaration.inner ? (INNER[name] ?? 'x') : undefined)
    const access = bindPv(parsePv(inner === undefined ? `$${name}` : `$${name}(${inner})`))
    for (const kind of ['request', 'reply'] as const) {
      begin(kind)
      const got = access.get()
      expect(['string', 'number', 'undefined'].includes(typeof got) || got === null).toBe(true)
    }
    expect(access.set !== undefined).toBe(declaration.writable === true || ['branch'].includes(name))
  })
})
