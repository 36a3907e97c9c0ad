// Owns which codecs an offer and an answer name towards the other side, and which of them have to be turned into each other.
import type { Conversion, G711, PayloadRule } from './audio-settings.ts'
import {
  type Codec,
  type CodecOptions,
  isNamed,
  MADE,
  namesAll,
  type Payload,
  TELEPHONE_EVENT,
} from './codec-policy.ts'

/** What a party was offered, and what is to become of its answer. */
export interface CodecOffer {
  readonly payloads: readonly Payload[]
  /** Formats of the offerer, one of which its answer names whatever the other side took. */
  readonly accepted: readonly string[]
  /** Milliseconds that its packets are to hold. */
  readonly packetMillis: number | undefined
}

export interface CodecLists extends CodecOptions {
  /** All codecs of the offer are as if named in `accept`. */
  readonly always: boolean
}

function law({ codec }: Payload): G711 | undefined {
  return codec?.law
}

function isSpeech({ codec }: Payload): boolean {
  return !codec?.accompanies
}

function same(a: Payload, b: Payload): boolean {
  return a.codec === undefined ? a.format === b.format && b.codec === undefined : a.codec.key === b.codec?.key
}

/**
 * The payload types that an offer names towards the other side.
 * @returns `payloads` in order, `offered` itself where nothing changes
 */
export function offerCodecs(
  offered: readonly Payload[],
  lists: CodecLists,
  packetMillis: number | undefined,
): CodecOffer {
  const { strip, except, offer, mask, consume, accept, transcode } = lists
  const convertible = offered.some((payload) => law(payload) !== undefined)
  const listed = (names: readonly string[], payload: Payload): boolean =>
    namesAll(names) ? !isNamed(payload.codec, except) : isNamed(payload.codec, names)
  // What is consumed must be understood; speech that the relay cannot turn into something else goes on.
  const consumed = (payload: Payload): boolean =>
    listed(consume, payload) && (namesAll(consume) ? convertible : law(payload) !== undefined || !isSpeech(payload))
  const kept = offered.filter((payload) => !listed(strip, payload) && !listed(mask, payload) && !consumed(payload))
  const add = (payload: Payload): void => {
    if (kept.some((other) => same(other, payload))) return
    const speech = kept.findLastIndex(isSpeech)
    kept.splice(isSpeech(payload) ? speech + 1 : kept.length, 0, payload)
  }
  for (const name of offer) for (const payload of offered) if (isNamed(payload.codec, [name])) add(payload)
  for (const name of convertible ? transcode : [])
    for (const { format, codec } of MADE) {
      if (!isNamed(codec, [name])) continue
      add(offered.find((payload) => payload.codec?.key === codec.key) ?? make(format, codec, [...offered, ...kept]))
    }
  const accepted = offered.filter(
    (payload) =>
      law(payload) !== undefined &&
      (lists.always || listed(consume, payload) || namesAll(accept) || isNamed(payload.codec, accept)),
  )
  // An m-line without a format is none (RFC 8866 5.14): where nothing would be left, all stays.
  const whole = kept.length === offered.length && kept.every((payload, index) => payload === offered[index])
  return {
    payloads: kept.length === 0 || whole ? offered : kept,
    accepted: accepted.map(({ format }) => format),
    packetMillis,
  }
}

function make(fixed: string | undefined, codec: Codec, others: readonly Payload[]): Payload {
  const taken = new Set(others.map(({ format }) => format))
  let number = 96
  while (taken.has(String(number)) && number < 127) number++
  const format = fixed !== undefined && !taken.has(fixed) ? fixed : String(number)
  // RFC 4733 2.4.1: the keys, and no other events.
  const events = codec.text === TELEPHONE_EVENT ? [`fmtp:${format} 0-15`] : []
  return { format, codec, attributes: [`rtpmap:${format} ${codec.text}`, ...events] }
}

export interface Answered {
  /** What the offerer said. */
  readonly offered: readonly Payload[]
  /** What the answerer was offered, and what it said. */
  readonly towards: CodecOffer | undefined
  readonly answered: readonly Payload[]
  readonly lists: CodecOptions
  readonly count: 'single' | 'all'
  /** Milliseconds that packets to the offerer are to hold. */
  readonly packetMillis: number | undefined
}

export interface AnsweredCodecs {
  /** For the answer, in order; undefined: as it came. */
  readonly payloads: readonly Payload[] | undefined
  /** For packets of the offerer, and of the answerer. */
  readonly fromOfferer: Conversion | undefined
  readonly fromAnswerer: Conversion | undefined
}

/** The payload types that an answer names towards the offerer, and what has to become of packets. */
export function answerCodecs(input: Answered): AnsweredCodecs {
  const { offered, towards, lists, count } = input
  const stripped = offerCodecs(input.answered, { ...lists, transcode: [], always: false }, undefined).payloads
  const common = (answer: Payload): Payload | undefined => offered.find((payload) => same(payload, answer))
  const usable = stripped.some((payload) => common(payload)) ? stripped : input.answered
  const speech = answeredSpeech(usable, input)
  const chosen = count === 'single' ? speech.slice(0, 1) : speech
  const rest = usable
    .filter((payload) => !isSpeech(payload))
    .map(common)
    .filter((payload) => payload !== undefined)
  const payloads = inOrder(usable, [...new Set([...chosen, ...rest])], common)
  if (payloads.length === 0 || offered.length === 0)
    return { payloads: undefined, fromOfferer: undefined, fromAnswerer: undefined }
  const named = payloads.map((payload) =>
    written(
      payload,
      input.answered.find((answer) => same(answer, payload)),
    ),
  )
  return {
    payloads:
      named.every((payload, index) => payload === input.answered[index]) && named.length === input.answered.length
        ? undefined
        : named,
    fromOfferer: conversion(payloads, input.answered, [], towards?.packetMillis),
    fromAnswerer: conversion(input.answered, payloads, towards?.payloads ?? [], input.packetMillis),
  }
}

/** Codecs of the offerer for its answer's speech. */
function answeredSpeech(usable: readonly Payload[], { offered, towards }: Answered): Payload[] {
  const convertible = usable.some((payload) => law(payload) !== undefined)
  const accepted = offered.find(({ format }) => towards?.accepted.includes(format))
  if (accepted && convertible) return [accepted]
  const substitute = offered.find((payload) => law(payload) !== undefined)
  const speech = new Set<Payload>()
  for (const answer of usable) {
    if (!isSpeech(answer)) continue
    const match = offered.find((payload) => same(payload, answer))
    const made = towards?.payloads.some((payload) => same(payload, answer))
    if (match) speech.add(match)
    else if (made && substitute && law(answer) !== undefined) speech.add(substitute)
  }
  // Nothing in common: the two are turned into each other, where the relay can, rather than left deaf.
  if (speech.size === 0 && substitute && convertible) speech.add(substitute)
  return [...speech]
}

/** The order of the answer; what it does not have comes first. */
function inOrder(
  answer: readonly Payload[],
  payloads: readonly Payload[],
  common: (answer: Payload) => Payload | undefined,
): readonly Payload[] {
  const place = (payload: Payload): number => answer.findIndex((each) => common(each) === payload)
  if (payloads.every((payload) => place(payload) >= 0)) return [...payloads].sort((a, b) => place(a) - place(b))
  return [...payloads.filter(isSpeech), ...payloads.filter((payload) => !isSpeech(payload))]
}

/** RFC 3264 6.1: the answer is in the offerer's numbers; what it says of a codec is the answerer's word. */
function written(payload: Payload, answer: Payload | undefined): Payload {
  if (!answer || answer.format === payload.format) return answer ?? payload
  const attributes = answer.attributes.map((line) => line.replace(/^([a-z-]+):\d+/, `$1:${payload.format}`))
  return { format: payload.format, codec: answer.codec, attributes }
}

/**
 * What becomes of packets of one side.
 * @param from what it may send
 * @param to what the other side knows
 * @param told other numbers for the same codecs, by which it was offered them
 */
function conversion(
  from: readonly Payload[],
  to: readonly Payload[],
  told: readonly Payload[],
  packetMillis: number | undefined,
): Conversion | undefined {
  const rules = new Map<number, PayloadRule>()
  const speech = to.find((payload) => law(payload) !== undefined)
  const spokenLaw = speech && law(speech)
  for (const payload of [...told.filter((each) => from.some((other) => same(other, each))), ...from]) {
    const number = Number(payload.format)
    if (rules.has(number) || !Number.isInteger(number)) continue
    const known = to.find((other) => same(other, payload))
    const own = law(payload)
    if (own && (packetMillis !== undefined || !known)) {
      const target = known ?? speech
      if (target) rules.set(number, { from: number, to: Number(target.format), laws: [own, law(target)!] })
    } else if (known) {
      if (known.format !== payload.format) rules.set(number, { from: number, to: Number(known.format) })
    } else if (spokenLaw && isNamed(payload.codec, [TELEPHONE_EVENT])) {
      rules.set(number, { from: number, to: Number(speech.format), sound: spokenLaw })
    }
  }
  return rules.size === 0 ? undefined : { rules: [...rules.values()], packetMillis }
}
