// Owns the pseudo-variables of time and of the process: $TS $TV $timef $Ts $pp $version and so on.
import { definePv, definePvClass, type PvValue } from './pv.ts'
import { formatTime } from './pv-time-format.ts'

const meta = (name: string, doc: string, aliases: string[] = []) => ({ name, aliases, module: 'pv', doc })
const seconds = () => Math.floor(Date.now() / 1000)
const started = seconds()

definePv(meta('TS', 'Unix time in seconds.', ['Ts']), seconds)
definePv(meta('Tb', 'Unix time at which the program started.'), () => started)
definePv(meta('TF', 'Time as a text.', ['Tf']), () => formatTime('%c', seconds()))
definePvClass(
  {
    ...meta('TV', 'Time: s seconds, u microseconds within the second, sn and un as of now, Sn as text.'),
    inner: { name: 'part', values: ['s', 'u', 'sn', 'un', 'Sn', 'Sm'] },
  },
  (inner) => ({
    get: () => {
      const now = Date.now()
      const micros = (now % 1000) * 1000
      switch (inner.text) {
        case 's':
        case 'sn':
          return Math.floor(now / 1000)
        case 'u':
        case 'un':
          return micros
        default:
          return `${Math.floor(now / 1000)}.${`${micros}`.padStart(6, '0')}`
      }
    },
  }),
)
function brokenDown(part: string): PvValue {
  const now = new Date()
  switch (part) {
    case 'sec':
      return now.getUTCSeconds()
    case 'min':
      return now.getUTCMinutes()
    case 'hour':
      return now.getUTCHours()
    case 'mday':
      return now.getUTCDate()
    case 'mon':
      return now.getUTCMonth() + 1
    case 'year':
      return now.getUTCFullYear()
    case 'wday':
      return now.getUTCDay() + 1
    case 'yday':
      return Math.floor((now.getTime() - Date.UTC(now.getUTCFullYear(), 0, 1)) / 86_400_000) + 1
    default:
      return 0
  }
}
const PARTS = ['sec', 'min', 'hour', 'mday', 'mon', 'year', 'wday', 'yday', 'isdst']
for (const name of ['time', 'utime']) {
  definePvClass({ ...meta(name, 'A part of the time, in UTC.'), inner: { name: 'part', values: PARTS } }, (inner) => ({
    get: () => brokenDown(inner.text),
  }))
}
for (const name of ['timef', 'utimef']) {
  definePvClass({ ...meta(name, 'The time as strftime writes it, in UTC.'), inner: { name: 'format' } }, (inner) => ({
    get: () => formatTime(inner.text, seconds()),
  }))
}
definePv(meta('pp', 'Number of the process; always 1: a script does not see how many there are.'), () => 1)
definePvClass(
  { ...meta('version', 'Version whose language this is.'), inner: { name: 'part', values: ['num', 'full', 'hash'] } },
  (inner) => ({
    get: () => (inner.text === 'num' ? '5.6.3' : inner.text === 'full' ? 'signalbox (kamailio 5.6.3 language)' : ''),
  }),
)
definePvClass(
  { ...meta('_s', 'The text in parentheses with its variables replaced.'), inner: { name: 'text', optional: true } },
  (inner) => ({
    get: inner.format,
  }),
)
