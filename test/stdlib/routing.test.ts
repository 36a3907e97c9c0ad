// Owns the proof of Record-Route, Route, R-URI and the hop limit.
import { afterEach, describe, expect, test } from 'vitest'
import {
  appendBranch,
  prefix,
  rewriteHost,
  rewriteHostPort,
  rewriteHostPortTrans,
  rewritePort,
  rewriteUser,
  setUri,
  strip,
  stripTail,
  userPhone,
} from '../../stdlib/core.ts'
import { checkRouteParam, isDirection, looseRoute } from '../../stdlib/loose-route.ts'
import { mfProcessMaxfwdHeader } from '../../stdlib/maxfwd.ts'
import { builtins } from '../../stdlib/registry.ts'
import { addRrParam, recordRoute, recordRouteAdvertised, recordRoutePreset } from '../../stdlib/rr.ts'
import { setModuleParameters } from '../../stdlib/settings.ts'
import { BASE, MessageRun, message } from './message-run.ts'

const raw = (name: string) => builtins().get(name)!.run as (...args: unknown[]) => number

function dialogRequest(routes: string[], uri = 'sip:bob@10.9.9.9', tag = ';tag=22'): MessageRun {
  const headers = BASE.map((line) => (line.startsWith('To:') ? line + tag : line))
  return new MessageRun(message(`BYE ${uri} SIP/2.0`, [...headers, ...routes]))
}

const routesLeft = (run: MessageRun) => run.lines.filter((line) => line.startsWith('Route:'))
const destination = (run: MessageRun) => run.do(() => run.run.target?.nextHop)
const ruri = (run: MessageRun) => run.do(() => run.run.target?.uri)

describe('loose_route', () => {
  test('takes our Route off; none left: the R-URI decides', () => {
    const run = dialogRequest(['Route: <sip:10.0.0.5;ftag=22;lr>'])
    expect(run.do(() => raw('loose_route')())).toBe(1)
    expect(routesLeft(run)).toEqual([])
    expect(destination(run)).toBe('')
    run.do(() => {
      expect(isDirection('upstream')).toBe(true)
      expect(isDirection('downstream')).toBe(false)
      expect(checkRouteParam('ftag=2')).toBe(true)
    })
  })

  test('takes both of a pair, and makes the next the destination', () => {
    const run = dialogRequest([
      'Route: <sip:10.0.0.5;transport=tls;r2=on;lr>, <sip:10.0.0.5;transport=tcp;r2=on;lr>, <sip:10.1.1.1;lr;x=y>',
    ])
    expect(run.do(() => looseRoute())).toBe(true)
    expect(routesLeft(run)).toEqual(['Route: <sip:10.1.1.1;lr;x=y>'])
    expect(destination(run)).toBe('sip:10.1.1.1;lr;x=y')
  })

  test('a pair over two lines', () => {
    const run = dialogRequest([
      'Route: <sip:10.0.0.5;r2=on;lr>',
      'Route: <sip:10.0.0.5;transport=tcp;r2=on;lr>,<sip:10.1.1.1;lr>',
      'Route: <sip:10.2.2.2;lr>',
    ])
    run.do(() => looseRoute())
    expect(routesLeft(run)).toEqual(['Route: <sip:10.1.1.1;lr>', 'Route: <sip:10.2.2.2;lr>'])
    expect(destination(run)).toBe('sip:10.1.1.1;lr')
  })

  test('a Route that is not ours is followed', () => {
    const run = dialogRequest(['Route: <sip:10.1.1.1;lr>'])
    expect(run.do(() => raw('loose_route')())).toBe(1)
    expect(routesLeft(run)).toEqual(['Route: <sip:10.1.1.1;lr>'])
    expect(destination(run)).toBe('sip:10.1.1.1;lr')
  })

  test('without Route -1; only ours, before a dialog, -3', () => {
    expect(dialogRequest([]).do(() => raw('loose_route')())).toBe(-1)
    const preloaded = dialogRequest(['Route: <sip:10.0.0.5;lr>'], 'sip:bob@10.9.9.9', '')
    expect(preloaded.do(() => raw('loose_route')())).toBe(-3)
    expect(routesLeft(preloaded)).toEqual([])
  })

  test('a strict router after us goes into the R-URI, the target behind the Routes (16.6 step 6)', () => {
    const run = dialogRequest(['Route: <sip:10.0.0.5;lr>', 'Route: <sip:10.1.1.1>'])
    expect(run.do(() => looseRoute())).toBe(true)
    expect(ruri(run)).toBe('sip:10.1.1.1')
    expect(routesLeft(run)).toEqual(['Route: <sip:bob@10.9.9.9>'])
  })

  test('a strict router before us: the target comes back from the last Route (16.4)', () => {
    const run = dialogRequest(['Route: <sip:10.1.1.1;lr>', 'Route: <sip:bob@10.9.9.9>'], 'sip:10.0.0.5;lr;ftag=11')
    expect(run.do(() => looseRoute())).toBe(true)
    expect(ruri(run)).toBe('sip:bob@10.9.9.9')
    expect(destination(run)).toBe('sip:10.1.1.1;lr')
    expect(routesLeft(run)).toEqual(['Route: <sip:10.1.1.1;lr>'])
  })
})

describe('record_route', () => {
  const invite = () => new MessageRun(message('INVITE sip:bob@10.0.0.5 SIP/2.0', BASE))
  afterEach(() => setModuleParameters([]))

  test('names the side it came in on; a second time is refused', () => {
    const run = invite()
    run.do(() => {
      expect(recordRoute()).toBe(true)
      expect(recordRoute()).toBe(false)
    })
    expect(run.run.edits).toEqual([
      {
        at: run.run.raw.indexOf('\r\n') + 2,
        remove: 0,
        text: '',
        recordRoute: {
          inbound: '10.0.0.5;transport=tcp',
          inboundTransport: 'tcp',
          params: ';lr;ftag=11',
          double: 'interface',
        },
      },
    ])
  })

  test('rr parameters of the file are heard', () => {
    setModuleParameters([
      { module: 'rr', name: 'enable_full_lr', value: 1 },
      { module: 'rr', name: 'append_fromtag', value: 0 },
      { module: 'rr', name: 'enable_double_rr', value: 0 },
    ])
    const run = invite()
    run.do(() => recordRoute(';x=1'))
    expect(run.run.edits[0]?.recordRoute).toMatchObject({ params: ';lr=on;x=1', double: 'never' })
  })

  test('an advertised address, with parameters added before and after', () => {
    const run = invite()
    run.do(() => {
      addRrParam(';a=1')
      recordRouteAdvertised('25.25.25.5')
      addRrParam(';b=2')
    })
    expect(run.run.edits[0]?.recordRoute).toEqual({
      inbound: '25.25.25.5;transport=tcp',
      inboundTransport: 'tcp',
      outbound: '25.25.25.5',
      params: ';ftag=11;a=1;lr;b=2',
      double: 'protocol',
    })
  })

  test('preset addresses are literal; two make a pair, the outgoing side first', () => {
    const one = invite()
    one.do(() => recordRoutePreset('25.25.25.5:5061;transport=tls'))
    expect(one.lines[0]).toBe('Record-Route: <sip:25.25.25.5:5061;transport=tls;ftag=11;lr>')
    const two = invite()
    two.do(() => recordRoutePreset('25.25.25.5', '10.0.0.5'))
    expect(two.lines.slice(0, 2)).toEqual([
      'Record-Route: <sip:25.25.25.5;ftag=11;lr>',
      'Record-Route: <sip:10.0.0.5;ftag=11;lr>',
    ])
  })
})

describe('R-URI', () => {
  test.each<[string, () => boolean, string]>([
    [
      'sip:bob@1.1.1.1:5062;transport=tcp;x=y?H=v',
      () => rewriteHost('h.com'),
      'sip:bob@h.com:5062;transport=tcp;x=y?H=v',
    ],
    [
      'sip:bob@1.1.1.1:5062;transport=tcp;x=y?H=v',
      () => rewriteHostPort('h.com:5070'),
      'sip:bob@h.com:5070;transport=tcp;x=y?H=v',
    ],
    [
      'sip:bob@1.1.1.1:5062;transport=tcp;x=y?H=v',
      () => rewriteHostPortTrans('1.2.3.4:5070'),
      'sip:bob@1.2.3.4:5070;x=y?H=v',
    ],
    [
      'sip:bob@1.1.1.1;Transport=tcp',
      () => rewriteHostPortTrans('h:5061;transport=tls'),
      'sip:bob@h:5061;transport=tls',
    ],
    ['sip:[::1]:5060', () => rewriteHost('[2001:db8::1]'), 'sip:[2001:db8::1]:5060'],
    ['sip:[::1]', () => rewritePort('5070'), 'sip:[::1]:5070'],
    ['sip:bob@h:1', () => rewritePort('2'), 'sip:bob@h:2'],
    ['sip:bob:pw@h', () => rewriteUser('al'), 'sip:al:pw@h'],
    ['sip:h', () => rewriteUser('al'), 'sip:al@h'],
    ['sip:123@h', () => prefix('+49'), 'sip:+49123@h'],
    ['sip:12345@h', () => strip(2), 'sip:345@h'],
    ['sip:12345@h', () => stripTail(2), 'sip:123@h'],
    ['sip:1@h;x=y?A=b', () => userPhone(), 'sip:1@h;x=y;user=phone?A=b'],
    ['sip:bob@h', () => rewriteUser(''), 'sip:h'],
    ['sip:bob@h', () => strip(9), 'sip:h'],
    ['tel:+123', () => rewriteHost('h'), 'sip:+123@h;user=phone'],
    ['tel:123;phone-context=+49', () => rewriteHost('h'), 'sip:123;phone-context=+49@h;user=phone'],
    ['tel:123;phone-context=+49', () => strip(1), 'tel:23;phone-context=+49'],
    ['tel:123', () => stripTail(1), 'tel:12'],
    ['tel:123', () => prefix('+49'), 'tel:+49123'],
    ['tel:123', () => rewriteUser('9'), 'tel:9'],
    ['tel:123;x=y', () => rewritePort('5070'), 'tel:123;x=y'],
    ['tel:123;x=y', () => userPhone(), 'tel:123;x=y'],
    ['sip:123;npdi;rn=4@h;user=phone', () => stripTail(1), 'sip:12;npdi;rn=4@h;user=phone'],
    ['sip:123;npdi;rn=4@h;user=phone', () => rewriteUser('9'), 'sip:9;npdi;rn=4@h;user=phone'],
    ['sip:123;npdi;rn=4@h;user=phone', () => strip(9), 'sip:h;user=phone'],
    ['sip:123;npdi;rn=4@h', () => rewriteUser('9'), 'sip:9@h'],
    ['sip:123;npdi@h;user=PHONE', () => rewriteUser('9'), 'sip:9@h;user=PHONE'],
    ['sip:1@h', () => setUri('sip:2@i'), 'sip:2@i'],
  ])('%s', (uri, change, expected) => {
    const run = new MessageRun(message(`INVITE ${uri} SIP/2.0`, BASE))
    expect(run.do(change)).toBe(true)
    expect(ruri(run)).toBe(expected)
  })

  test('append_branch copies R-URI and destination, and clears the destination of the R-URI', () => {
    const run = new MessageRun(message('INVITE sip:a@h SIP/2.0', BASE))
    run.do(() => {
      run.run.target!.nextHop = 'sip:1.1.1.1'
      appendBranch()
      appendBranch('sip:b@h')
    })
    expect(run.run.state.branches.map(({ uri, nextHop }) => [uri, nextHop])).toEqual([
      ['sip:a@h', 'sip:1.1.1.1'],
      ['sip:b@h', ''],
    ])
    expect(destination(run)).toBe('')
  })
})

describe('mf_process_maxfwd_header', () => {
  const limited = (value: string | undefined) => {
    const run = new MessageRun(
      message('INVITE sip:a@h SIP/2.0', value === undefined ? BASE : [...BASE, `Max-Forwards: ${value}`]),
    )
    const code = run.do(() => raw('mf_process_maxfwd_header')('10'))
    return [code, run.lines.find((line) => line.startsWith('Max-Forwards'))]
  }
  test('counts down, adds where there is none, refuses at 0', () => {
    expect(limited('70')).toEqual([1, 'Max-Forwards: 69'])
    expect(limited(undefined)).toEqual([2, 'Max-Forwards: 10'])
    expect(limited('0')).toEqual([-1, 'Max-Forwards: 0'])
    expect(limited('999')).toEqual([1, 'Max-Forwards: 70'])
    expect(mfProcessMaxfwdHeader).toBeTypeOf('function')
  })
})
