// Owns what the kernel tells about a process: the processor time it used and the memory it holds.
import { readFileSync } from 'node:fs'

/** Bytes of a page; Linux on every machine that we are built for. */
const PAGE = 4096
/** Kernel ticks are 10 ms wherever Linux shows them in /proc (USER_HZ). */
const TICK_MILLIS = 10

export interface ProcessStat {
  /** User and system time, in milliseconds. */
  readonly cpuMillis: number
  readonly residentBytes: number
}

/** Reads /proc; undefined when the process is gone or the system has no /proc. */
export function processStat(pid: number): ProcessStat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name in parentheses may hold anything, blanks and parentheses too.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return {
      cpuMillis: (Number(fields[11]) + Number(fields[12])) * TICK_MILLIS,
      residentBytes: Number(fields[21]) * PAGE,
    }
  } catch {
    return undefined
  }
}
