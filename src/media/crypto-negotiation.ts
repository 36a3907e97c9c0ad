// Owns which SDES suites and keys are offered and answered (RFC 4568 5.1, 7.1), as a function of what both sides said.
import { CRYPTO_SUITES, type CryptoAttribute, type CryptoSuite, formatCrypto, isCryptoSuite } from '../sdp/index.ts'
import type { SdesOptions } from './session-options.ts'

/** A suite that this relay offered or answered, with its own key. */
export interface LocalCrypto {
  readonly tag: number
  readonly suite: CryptoSuite
  readonly key: Uint8Array
}

/** Keys that this relay sends with towards one party; kept over re-offers (the same key goes on, RFC 3711 3.3.1). */
export type LocalKeys = Map<CryptoSuite, Uint8Array>

export type RandomKey = (bytes: number) => Uint8Array

/**
 * What is offered unless SDES flags choose among them, as rtpengine does. Office 365 wants a single line (rule U07), which
 * `SDES-only-...` or enough of `SDES-no-...` give.
 */
const ALL_SUITES = Object.keys(CRYPTO_SUITES) as CryptoSuite[]

function allowed(suite: string, sdes: SdesOptions): boolean {
  return !sdes.no.has(suite) && (sdes.only.size === 0 || sdes.only.has(suite))
}

function keyFor(suite: CryptoSuite, keys: LocalKeys, randomKey: RandomKey): Uint8Array {
  let key = keys.get(suite)
  if (!key) keys.set(suite, (key = randomKey(CRYPTO_SUITES[suite])))
  return key
}

/**
 * The crypto lines of an offer.
 * @param spoken what the other side's own offer contained; its tags and order are kept
 * @param agreed what this receiver took before; it comes first again, with its tag
 */
export function offerCrypto(
  sdes: SdesOptions,
  spoken: readonly CryptoAttribute[],
  agreed: LocalCrypto | undefined,
  keys: LocalKeys,
  randomKey: RandomKey,
): LocalCrypto[] {
  if (sdes.off) return []
  const wanted: { suite: CryptoSuite; tag: number | undefined }[] = []
  const want = (suite: CryptoSuite, tag: number | undefined): void => {
    if (allowed(suite, sdes) && !wanted.some((other) => other.suite === suite)) wanted.push({ suite, tag })
  }
  if (agreed) want(agreed.suite, agreed.tag)
  for (const crypto of spoken) want(crypto.suite, crypto.tag)
  for (const suite of sdes.order) if (isCryptoSuite(suite)) want(suite, undefined)
  if (!(sdes.noNew && wanted.length > 0)) for (const suite of ALL_SUITES) want(suite, undefined)
  if (!agreed && sdes.order.length > 0) {
    const rank = (suite: string): number => sdes.order.indexOf(suite) + 1 || sdes.order.length + 1
    wanted.sort((a, b) => rank(a.suite) - rank(b.suite))
  }
  // RFC 4568 9.1: a tag has nine digits at most. New lines count on from those that are there.
  const highest = Math.max(0, ...spoken.map((crypto) => crypto.tag), ...wanted.map(({ tag }) => tag ?? 0))
  const start = highest + wanted.length > 999_999_999 ? 1 : highest + 1
  const taken = new Set<number>()
  return wanted.map(({ suite, tag }) => {
    let own = tag !== undefined && !taken.has(tag) ? tag : start
    while (taken.has(own) || (own !== tag && wanted.some((other) => other.tag === own))) own++
    taken.add(own)
    return { tag: own, suite, key: keyFor(suite, keys, randomKey) }
  })
}

/** The line of the offer that an answer took: by tag and suite, or by suite where the tag is not one of ours. */
export function acceptAnswer(
  offered: readonly LocalCrypto[],
  answered: readonly CryptoAttribute[],
): { local: LocalCrypto; remote: CryptoAttribute } | undefined {
  for (const remote of answered) {
    const local = offered.find((line) => line.tag === remote.tag && line.suite === remote.suite)
    if (local) return { local, remote }
  }
  for (const remote of answered) {
    const local = offered.find((line) => line.suite === remote.suite)
    if (local) return { local, remote }
  }
  return undefined
}

/**
 * The one line of an answer to `offered`.
 * @param agreed the suite agreed with this side before
 * @param taken the suite that the other side took; the same on both is preferred
 */
export function answerCrypto(
  sdes: SdesOptions,
  offered: readonly CryptoAttribute[],
  { agreed, taken }: { agreed: CryptoSuite | undefined; taken: CryptoSuite | undefined },
  keys: LocalKeys,
  randomKey: RandomKey,
): { local: LocalCrypto; remote: CryptoAttribute } | undefined {
  const usable = offered.filter((crypto) => allowed(crypto.suite, sdes))
  const wishes = [
    ...(sdes.keepAgreed ? [agreed] : []),
    ...sdes.order,
    ...(sdes.offererFirst ? [usable[0]?.suite] : []),
    taken,
  ]
  const wished = wishes.find((suite) => usable.some((crypto) => crypto.suite === suite))
  const remote = usable.find((crypto) => crypto.suite === wished) ?? usable[0] ?? offered[0]
  if (!remote) return undefined
  const key = keyFor(remote.suite, keys, randomKey)
  return { local: { tag: remote.tag, suite: remote.suite, key }, remote }
}

/** The value of the `a=crypto:` line. */
export function cryptoLine(local: LocalCrypto, sdes: SdesOptions): string {
  return formatCrypto(sdes.lifetime ? { ...local, lifetime: '2^31' } : local, sdes.pad ? 'pad' : 'bare')
}

export function sameKey(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}
