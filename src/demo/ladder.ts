// Owns the ladder that the demo prints: both legs of a call, message by message.

interface Rung {
  readonly at: number
  readonly leg: 'inside' | 'outside'
  /** Towards Office 365, or back to the call manager. */
  readonly forth: boolean
  readonly text: string
}

const INSIDE_WIDTH = 34
const OUTSIDE_WIDTH = 34

/** The start line, short enough for a rung. */
function shorten(wire: string): string {
  const line = wire.slice(0, Math.max(0, wire.indexOf('\r\n')))
  const media = /RTP\/SAVP/.test(wire) ? ' (SRTP)' : /RTP\/AVP/.test(wire) ? ' (RTP)' : ''
  const reply = /^SIP\/2\.0 (\d{3} .*)/.exec(line)?.[1]
  if (reply) {
    const method = /\r\ncseq:\s*\d+\s+(\w+)/i.exec(wire)?.[1] ?? ''
    return `${reply}${method === 'INVITE' ? media : ` (${method})`}`
  }
  return `${line.split(' ')[0]}${media}`
}

function arrow(text: string, width: number, forth: boolean): string {
  const room = width - 4
  const label = ` ${text.length > room ? `${text.slice(0, room - 1)}~` : text} `
  const dashes = Math.max(0, width - label.length - 1)
  const left = '-'.repeat(Math.floor(dashes / 2))
  const right = '-'.repeat(Math.ceil(dashes / 2))
  return forth ? `${left}${label}${right}>` : `<${left}${label}${right}`
}

export class Ladder {
  readonly #rungs: Rung[] = []
  readonly #began = performance.now()

  add(leg: Rung['leg'], forth: boolean, wire: string): void {
    this.#rungs.push({ at: performance.now() - this.#began, leg, forth, text: shorten(wire) })
  }

  /** The rungs so far; what comes later starts a ladder anew. */
  take(): string {
    const first = this.#rungs[0]?.at ?? 0
    const rungs = this.#rungs.splice(0).sort((a, b) => a.at - b.at)
    const head = `${'ms'.padStart(8)}  call manager${' '.repeat(INSIDE_WIDTH - 12)}signalbox${' '.repeat(OUTSIDE_WIDTH - 9)}Office 365`
    const lines = rungs.map((rung) => {
      const inside = rung.leg === 'inside' ? arrow(rung.text, INSIDE_WIDTH, rung.forth) : ' '.repeat(INSIDE_WIDTH)
      const outside = rung.leg === 'outside' ? arrow(rung.text, OUTSIDE_WIDTH, rung.forth) : ' '.repeat(OUTSIDE_WIDTH)
      return `${(rung.at - first).toFixed(0).padStart(8)}  |${inside}|${outside}|`
    })
    return [head, ...lines].join('\n')
  }
}
