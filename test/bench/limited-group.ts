// Owns a cgroup that gives its processes so much of a processor and no more.
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'

const PERIOD_MICROS = 100_000

/** A group of processes that share so much of one processor. */
export function limitedGroup(): { limit(share: number): void; join(pids: readonly number[]): void; remove(): void } {
  const name = `signalbox-${process.pid}`
  const old = existsSync('/sys/fs/cgroup/cpu')
  const path = old ? `/sys/fs/cgroup/cpu/${name}` : `/sys/fs/cgroup/${name}`
  mkdirSync(path)
  return {
    limit(share) {
      const micros = Math.round(share * PERIOD_MICROS)
      if (old) writeFileSync(`${path}/cpu.cfs_quota_us`, String(micros))
      else writeFileSync(`${path}/cpu.max`, `${micros} ${PERIOD_MICROS}`)
    },
    join(pids) {
      for (const pid of pids) writeFileSync(`${path}/cgroup.procs`, String(pid))
    },
    remove: () => rmdirSync(path),
  }
}
