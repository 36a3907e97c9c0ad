// Owns the proof of textops and sdpops: what they change, where, and what they read meanwhile.
import { describe, expect, test } from 'vitest'
import {
  appendHf,
  hasBody,
  insertHf,
  isPresentHf,
  removeBody,
  removeHf,
  removeHfExp,
  removeHfRe,
  replace,
  replaceAll,
  search,
  searchAppend,
  searchHf,
  setBody,
  subst,
  substBody,
  substHf,
  substUri,
  substUser,
} from '../../stdlib/index.ts'
import { sdpRemoveLineByPrefix, sdpRemoveMedia, sdpWithMedia } from '../../stdlib/sdpops.ts'
import { msgApplyChanges } from '../../stdlib/textopsx.ts'
import { BASE, MessageRun, message } from './message-run.ts'

const FIRST = 'INVITE sip:bob@10.0.0.5;transport=tcp SIP/2.0'
const SDP =
  'v=0\r\nc=IN IP4 25.25.25.5\r\nm=audio 4000 RTP/AVP 0\r\na=rtcp:1\r\na=sendrecv\r\nm=video 5000 RTP/AVP 96\r\na=rtcp:2\r\n'

function withHeaders(headers: string[], body = ''): MessageRun {
  return new MessageRun(message(FIRST, [...BASE, ...headers], body))
}

describe('headers', () => {
  test('stand where Kamailio puts them', () => {
    const run = withHeaders(['X-A: 1', 'X-A: 2', 'Content-Length: 0'])
    run.do(() => {
      insertHf('X-First: 1\r\n')
      appendHf('X-Last: 1\r\n')
      insertHf('X-BeforeA: 1\r\n', 'X-A')
      appendHf('X-AfterA: 1\r\n', 'X-A')
    })
    expect(
      run.lines.filter((line) => line.startsWith('X-') || line.startsWith('Via') || line.startsWith('Content')),
    ).toEqual([
      'X-First: 1',
      'Via: SIP/2.0/TCP 10.0.0.6:5060;branch=z9hG4bK1',
      'X-BeforeA: 1',
      'X-A: 1',
      'X-A: 2',
      'X-AfterA: 1',
      'Content-Length: 0',
      'X-Last: 1',
    ])
  })

  test('readers see the message as it came', () => {
    const run = withHeaders(['X-Old: 1'])
    run.do(() => {
      appendHf('X-New: 1\r\n')
      expect(isPresentHf('X-New')).toBe(false)
      expect(removeHf('X-Old')).toBe(true)
      expect(removeHf('X-Old')).toBe(true)
      expect(isPresentHf('X-Old')).toBe(true)
      expect(removeHf('X-None')).toBe(false)
    })
    expect(run.lines).not.toContain('X-Old: 1')
    run.do(() => {
      expect(msgApplyChanges()).toBe(true)
      expect(isPresentHf('X-New')).toBe(true)
      expect(isPresentHf('X-Old')).toBe(false)
    })
    expect(run.run.edits).toEqual([])
  })

  test('compact forms are the same header', () => {
    const run = withHeaders(['m: <sip:a@10.0.0.6>', 'Contact: <sip:b@10.0.0.6>'])
    run.do(() => removeHf('Contact'))
    expect(run.lines).toEqual(BASE)
  })

  test('by expression on the name', () => {
    const run = withHeaders(['X-One: 1', 'x-two: 2', 'X-Keep: 3', 'Y: 4'])
    run.do(() => removeHfExp('^x-', '^x-keep$'))
    expect(run.lines).toEqual([...BASE, 'X-Keep: 3', 'Y: 4'])
    const other = withHeaders(['X-One: 1', 'Y: 4'])
    expect(other.do(() => removeHfRe('^x-'))).toBe(true)
    expect(other.do(() => removeHfRe('^z-'))).toBe(false)
    expect(other.lines).toEqual([...BASE, 'Y: 4'])
  })
})

describe('substitution', () => {
  test('takes the first match, all with g; groups and the R-URI come in; the first line stays', () => {
    const run = withHeaders(['X: 10.1', 'Y: 10.2'])
    expect(run.do(() => subst('/^([XY]): 10[.]/\\1: 99./'))).toBe(true)
    expect(run.lines.slice(-2)).toEqual(['X: 99.1', 'Y: 10.2'])
    const all = withHeaders(['X: 10.1', 'Y: 10.2'])
    all.do(() => subst('/^([XY]): 10[.]/\\1: \\u./g'))
    expect(all.lines.slice(-2)).toEqual(['X: sip:bob@10.0.0.5;transport=tcp.1', 'Y: sip:bob@10.0.0.5;transport=tcp.2'])
    const none = withHeaders([])
    expect(none.do(() => subst('/INVITE sip/x/'))).toBe(false)
  })

  test('the seed: the external address gives way in Record-Route', () => {
    const run = new MessageRun(
      message('SIP/2.0 200 OK', [
        'Record-Route: <sip:25.25.25.5;transport=tls;r2=on;lr>',
        'Record-Route: <sip:25.25.25.5;transport=tcp;r2=on;lr>',
        ...BASE,
      ]),
      'reply',
    )
    run.do(() => subst('/^(Record-Route.*)25[.]25[.]25[.]5(.*)$/\\110.0.0.5\\2/g'))
    expect(run.lines.slice(0, 2)).toEqual([
      'Record-Route: <sip:10.0.0.5;transport=tls;r2=on;lr>',
      'Record-Route: <sip:10.0.0.5;transport=tcp;r2=on;lr>',
    ])
  })

  test('another delimiter, an escaped one, and case', () => {
    const run = withHeaders(['X: a/B'])
    run.do(() => subst('#a/b#c/d#i'))
    expect(run.lines.at(-1)).toBe('X: c/d')
    const slashes = withHeaders(['X: a/B'])
    slashes.do(() => subst('/a\\/B/c\\/d/'))
    expect(slashes.lines.at(-1)).toBe('X: c/d')
  })

  test('a wrong expression is an error that says why', () => {
    const run = withHeaders([])
    expect(() => run.do(() => subst('/a/b'))).toThrow('The expression needs three /')
    expect(() => run.do(() => subst('/a/\\1/'))).toThrow('There is no group 1')
    expect(() => run.do(() => subst('/a/b/x'))).toThrow('Unknown flag x')
  })

  test('in one header, its first or last', () => {
    const lines = (which: string) => {
      const run = withHeaders(['X: a', 'X: a', 'X: a'])
      run.do(() => substHf('X', '/a/b/', which))
      return run.lines.slice(-3).map((line) => line.slice(3))
    }
    expect(lines('a')).toEqual(['b', 'b', 'b'])
    expect(lines('f')).toEqual(['b', 'a', 'a'])
    expect(lines('l')).toEqual(['a', 'a', 'b'])
  })

  test('R-URI and user change at once', () => {
    const run = withHeaders([])
    run.do(() => {
      expect(substUser('/^bob$/alice/')).toBe(true)
      expect(substUri('/tcp/udp/')).toBe(true)
      expect(substUri('/nothing/x/')).toBe(false)
    })
    expect(run.do(() => run.run.target?.uri)).toBe('sip:alice@10.0.0.5;transport=udp')
  })
})

describe('search and replace', () => {
  test('without regard to case', () => {
    const run = withHeaders(['X: Hello', 'X: World'])
    run.do(() => {
      expect(search('hello')).toBe(true)
      expect(search('nobody')).toBe(false)
      expect(searchHf('X', 'world', 'f')).toBe(false)
      expect(searchHf('X', 'world', 'l')).toBe(true)
      expect(searchAppend('^x: hel', 'L')).toBe(true)
    })
    expect(run.lines).toContain('X: HelLlo')
  })

  test('replace takes the first, replace_all every one', () => {
    const one = withHeaders(['X: a a'])
    one.do(() => replace('x: a', 'X: b'))
    expect(one.lines.at(-1)).toBe('X: b a')
    const all = withHeaders(['X: 1.1.1.1 1.1.1.1'])
    all.do(() => replaceAll('1[.]1[.]1[.]1', '2.2.2.2'))
    expect(all.lines.at(-1)).toBe('X: 2.2.2.2 2.2.2.2')
  })
})

describe('body', () => {
  const withSdp = () =>
    withHeaders(['Content-Type: application/sdp; charset=utf-8', `Content-Length: ${SDP.length}`], SDP)
  const bodyOf = (run: MessageRun) => run.edited.slice(run.edited.indexOf('\r\n\r\n') + 4)

  test('has_body by media type', () => {
    const run = withSdp()
    run.do(() => {
      expect(hasBody()).toBe(true)
      expect(hasBody('application/SDP')).toBe(true)
      expect(hasBody('text/plain')).toBe(false)
    })
    expect(withHeaders([]).do(() => hasBody())).toBe(false)
  })

  test('lines by prefix: all, of one media, none', () => {
    const all = withSdp()
    expect(all.do(() => sdpRemoveLineByPrefix('a=rtcp'))).toBe(true)
    expect(bodyOf(all)).toBe(SDP.replace('a=rtcp:1\r\n', '').replace('a=rtcp:2\r\n', ''))
    const one = withSdp()
    one.do(() => sdpRemoveLineByPrefix('a=rtcp', 'video'))
    expect(bodyOf(one)).toBe(SDP.replace('a=rtcp:2\r\n', ''))
    const none = withSdp()
    expect(none.do(() => sdpRemoveLineByPrefix('a=nothing'))).toBe(true)
    expect(none.edited).toBe(none.run.raw)
    expect(withHeaders([]).do(() => sdpRemoveLineByPrefix('a='))).toBe(false)
  })

  test('sections of one media', () => {
    const run = withSdp()
    run.do(() => {
      expect(sdpWithMedia('video')).toBe(true)
      expect(sdpRemoveMedia('video')).toBe(true)
      expect(sdpRemoveMedia('text')).toBe(false)
    })
    expect(bodyOf(run)).toBe(SDP.slice(0, SDP.indexOf('m=video')))
  })

  test('the SDP part of a multipart body', () => {
    const body = `--x\r\nContent-Type: text/plain\r\n\r\nc=IN\r\n--x\r\nContent-Type: application/sdp\r\n\r\n${SDP}--x--\r\n`
    const run = withHeaders(['Content-Type: multipart/mixed;boundary=x'], body)
    run.do(() => sdpRemoveLineByPrefix('c=IN'))
    expect(bodyOf(run)).toBe(body.replace('c=IN IP4 25.25.25.5\r\n', ''))
  })

  test('another body, none, and part of it', () => {
    const run = withSdp()
    run.do(() => setBody('hello', 'text/plain'))
    expect(bodyOf(run)).toBe('hello')
    expect(run.lines).toContain('Content-Type: text/plain')
    const gone = withSdp()
    gone.do(() => removeBody())
    expect(bodyOf(gone)).toBe('')
    const part = withSdp()
    part.do(() => substBody('/a=sendrecv/a=inactive/'))
    expect(bodyOf(part)).toBe(SDP.replace('sendrecv', 'inactive'))
  })
})
