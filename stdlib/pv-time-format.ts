// Owns strftime on Unix seconds, in UTC.

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

const pad = (value: number, width = 2, fill = '0') => `${value}`.padStart(width, fill)

/** A conversion that is not known stays as it is written. */
export function formatTime(format: string, unixSeconds: number): string {
  const date = new Date(unixSeconds * 1000)
  const expand = (text: string): string =>
    text.replace(/%([A-Za-z%])/g, (all, letter: string) => {
      switch (letter) {
        case 'Y':
          return `${date.getUTCFullYear()}`
        case 'y':
          return pad(date.getUTCFullYear() % 100)
        case 'C':
          return pad(Math.floor(date.getUTCFullYear() / 100))
        case 'm':
          return pad(date.getUTCMonth() + 1)
        case 'd':
          return pad(date.getUTCDate())
        case 'e':
          return pad(date.getUTCDate(), 2, ' ')
        case 'H':
          return pad(date.getUTCHours())
        case 'I':
          return pad(((date.getUTCHours() + 11) % 12) + 1)
        case 'M':
          return pad(date.getUTCMinutes())
        case 'S':
          return pad(date.getUTCSeconds())
        case 'p':
          return date.getUTCHours() < 12 ? 'AM' : 'PM'
        case 'j':
          return pad(Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1, 3)
        case 'u':
          return `${date.getUTCDay() || 7}`
        case 'w':
          return `${date.getUTCDay()}`
        case 'a':
          return DAYS[date.getUTCDay()]!.slice(0, 3)
        case 'A':
          return DAYS[date.getUTCDay()]!
        case 'b':
        case 'h':
          return MONTHS[date.getUTCMonth()]!.slice(0, 3)
        case 'B':
          return MONTHS[date.getUTCMonth()]!
        case 's':
          return `${unixSeconds}`
        case 'z':
          return '+0000'
        case 'Z':
          return 'UTC'
        case 'n':
          return '\n'
        case 't':
          return '\t'
        case 'F':
          return expand('%Y-%m-%d')
        case 'T':
          return expand('%H:%M:%S')
        case 'R':
          return expand('%H:%M')
        case 'D':
          return expand('%m/%d/%y')
        case 'c':
          return expand('%a %b %e %H:%M:%S %Y')
        case 'x':
          return expand('%m/%d/%y')
        case 'X':
          return expand('%H:%M:%S')
        case 'r':
          return expand('%I:%M:%S %p')
        case '%':
          return '%'
        default:
          return all
      }
    })
  return expand(format)
}
