// Owns the estimate of how speech is heard: the E-model of ITU-T G.107, reduced to loss and delay, for G.711 with concealment.

export interface Heard {
  /** Share of the packets that are missing, 0 to 1. */
  readonly loss: number
  readonly jitterMillis: number
  /** Between the relay and the far end; undefined where it was never measured. */
  readonly roundTripMillis: number | undefined
}

/** R without any impairment by the network (G.107 table 3). */
const UNIMPAIRED = 93.2
/** Robustness against random loss in percent, G.711 with packet loss concealment (G.113 table I.4). */
const ROBUSTNESS = 25.1
/** What a codec and a playout buffer of twice the jitter add to the delay. */
const CODEC_MILLIS = 20

/** Mean opinion score, 1 to 4.4 or so. */
export function estimateMos({ loss, jitterMillis, roundTripMillis = 0 }: Heard): number {
  const delay = roundTripMillis / 2 + 2 * jitterMillis + CODEC_MILLIS
  const late = delay > 177.3 ? 0.11 * (delay - 177.3) : 0
  const percent = 100 * Math.min(1, Math.max(0, loss))
  const rating = UNIMPAIRED - 0.024 * delay - late - (95 * percent) / (percent + ROBUSTNESS)
  if (rating <= 0) return 1
  // G.107 annex B
  const score = 1 + 0.035 * rating + 7e-6 * rating * (rating - 60) * (100 - rating)
  return Math.round(Math.min(4.5, Math.max(1, score)) * 100) / 100
}
