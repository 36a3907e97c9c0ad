// Owns a figure of a benchmark: printed for whoever watches, and sent to the process that collects figures, if there is one.

export interface Figure {
  /** What belongs together in a table. */
  readonly group: string
  readonly name: string
  readonly unit: string
  /** The median. */
  readonly value: number
  readonly best?: number
  /** The same of the peer, measured in the same run. */
  readonly peer?: { readonly name: string; readonly value: number }
}

export function report(figure: Figure): void {
  const { name, unit, value, best, peer } = figure
  const more = [
    ...(best === undefined ? [] : [`best ${best.toFixed(2)}`]),
    ...(peer ? [`${peer.name} ${peer.value.toFixed(2)}, ratio ${(value / peer.value).toFixed(2)}`] : []),
  ]
  process.stdout.write(`${name}: ${value.toFixed(2)} ${unit}${more.length > 0 ? ` (${more.join('; ')})` : ''}\n`)
  process.send?.(figure)
}

/** The middle one. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
